"""Checks and messages: assertions, checks of numbers, printing."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.checks import UNSEEN, require
from penstock.ops.namespace import is_concrete, namespace
from penstock.ops.summarize import summarize as _written_out
from penstock.ops.table import REQUIRED, TYPE_LIST, gradient, op

_LEVELS = {
    "log(info)": logging.INFO,
    "log(warning)": logging.WARNING,
    "log(error)": logging.ERROR,
}
_logger = logging.getLogger("penstock")


def _nothing(*_: Any, **__: Any) -> tuple[TensorShape, ...]:
    return ()


@op(
    "Assert",
    inputs=("condition: bool", "data: T"),
    attrs={"T": TYPE_LIST, "summarize": 3},
    stateful=True,
    differentiable=False,
    shape=_nothing,
)
def assert_(condition: Any, data: Any, *, summarize: int, **_: Any) -> Any:
    """Fail unless the condition is true.

    Shape: condition [], data [...] each; nothing comes out.
    Errors: InvalidArgumentError with the data when the condition is false.
    """
    if is_concrete(condition) and bool(np.all(condition)):
        return ()
    # What is traced has no value that the text could show.
    parts = [_brackets(x, summarize) if is_concrete(x) else UNSEEN for x in data]
    require(condition, InvalidArgumentError, " ".join(["assertion failed:", *parts]))
    return ()


def _brackets(value: Any, limit: int) -> str:
    array = np.asarray(value)
    text = _written_out(array, limit, escape=False)
    return text if array.ndim else f"[{text}]"


_CHECK: dict[str, Any] = {
    "inputs": ("tensor: T",),
    "outputs": ("output: T",),
    "attrs": {"message": REQUIRED},
    "stateful": True,
    "shape": "same",
}


@op("CheckNumerics", **_CHECK)
def check_numerics(tensor: Any, *, message: str) -> Any:
    """Return the input, if all its elements are finite.

    Shape: tensor [...] -> output [...].
    Errors: InvalidArgumentError when an element is NaN or infinite.
    """
    xp = namespace(tensor)
    nan, inf = xp.isnan(tensor).any(), xp.isinf(tensor).any()
    _refuse(message, {"Inf": inf, "NaN": nan})
    return tensor


@op("CheckNumericsV2", **_CHECK)
def check_numerics_v2(tensor: Any, *, message: str) -> Any:
    """As CheckNumerics; the error tells the sign of infinity.

    Shape: tensor [...] -> output [...].
    Errors: InvalidArgumentError when an element is NaN or infinite.
    """
    xp = namespace(tensor)
    inf = xp.isinf(tensor)
    found = {
        "-Inf": (inf & (tensor < 0)).any(),
        "+Inf": (inf & (tensor > 0)).any(),
        "NaN": xp.isnan(tensor).any(),
    }
    _refuse(message, found)
    return tensor


def _refuse(message: str, found: dict[str, Any]) -> None:
    """Raise when one of the flags is set, naming all that are set where that is known."""
    if all(is_concrete(flag) for flag in found.values()):
        names = [name for name, flag in found.items() if flag]
        if names:
            raise InvalidArgumentError(f"{message} : Tensor had {_joined(names)} values")
        return
    flags = [jnp.asarray(flag) for flag in found.values()]
    # Every combination is a message of its own, since the text is fixed while compiling.
    for number in range(1, 1 << len(flags)):
        held = [bool(number >> i & 1) for i in range(len(flags))]
        exact = jnp.stack(
            [flag if want else ~flag for flag, want in zip(flags, held, strict=True)]
        ).all()
        names = [name for name, want in zip(found, held, strict=True) if want]
        require(~exact, InvalidArgumentError, f"{message} : Tensor had {_joined(names)} values")


def _joined(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


@gradient("CheckNumerics", "CheckNumericsV2")
def check_numerics_gradient(g: Any, grad: Any) -> Any:
    """Check the gradient as well."""
    message = (
        "Not a number (NaN) or infinity (Inf) values detected in gradient. "
        f"{g.attrs['message']}"
    )
    return g.call("CheckNumericsV2", grad, message=message)


@op(
    "StringFormat",
    inputs=("inputs: T",),
    outputs=("output: string",),
    attrs={"T": TYPE_LIST, "template": "%s", "placeholder": "%s", "summarize": 3},
    kernel="host",
    differentiable=False,
    shape=lambda *_, **__: TensorShape.of(()),
)
def string_format(
    inputs: Any, *, template: str, placeholder: str, summarize: int, **_: Any
) -> Any:
    """Put the inputs, written out, in place of the placeholders of a template.

    Shape: inputs [...] each -> output [].
    Errors: InvalidArgumentError when there are not as many placeholders as inputs.
    """
    pieces = template.split(placeholder)
    if len(pieces) != len(inputs) + 1:
        raise InvalidArgumentError(
            f"template must have {len(inputs)} placeholders, one for each input, got "
            f"{len(pieces) - 1}"
        )
    text = pieces[0]
    for value, piece in zip(inputs, pieces[1:], strict=True):
        text += _written_out(value, summarize) + piece
    return np.array(text.encode(), object)


@op(
    "PrintV2",
    inputs=("input: string",),
    attrs={"output_stream": "stderr", "end": "\n"},
    kernel="host",
    stateful=True,
    differentiable=False,
    shape=_nothing,
)
def print_v2(text: Any, *, output_stream: str, end: str) -> Any:
    """Write a text to a stream, a log or a file.

    Shape: input []; nothing comes out.
    Errors: InvalidArgumentError for an unknown stream.
    """
    line = np.asarray(text, object).item().decode("utf-8", "replace")
    if output_stream in ("stderr", "stdout"):
        stream = sys.stderr if output_stream == "stderr" else sys.stdout
        stream.write(line + end)
        stream.flush()
    elif output_stream in _LEVELS:
        _logger.log(_LEVELS[output_stream], "%s", line)
    elif output_stream.startswith("file://"):
        with Path(output_stream.removeprefix("file://")).open("a", encoding="utf-8") as file:
            file.write(line + end)
    else:
        raise InvalidArgumentError(
            "output_stream must be stderr, stdout, log(info), log(warning), log(error) or "
            f"file://<path>, got {output_stream!r}"
        )
    return ()


@op(
    "Print",
    inputs=("input: T", "data: U"),
    outputs=("output: T",),
    attrs={"U": TYPE_LIST, "message": "", "first_n": -1, "summarize": 3},
    kernel="host",
    stateful=True,
    shape=lambda x, *_, **__: x.shape,
)
def print_(x: Any, data: Any, *, message: str, first_n: int, summarize: int, **_: Any) -> Any:
    """Return the input, and write the data to the standard error stream.

    Shape: input [...], data [...] each -> output [...].
    """
    if first_n >= 0:
        raise UnimplementedError("first_n of op 'Print' is not implemented; use tf.print")
    sys.stderr.write(message + "".join(_brackets(value, summarize) for value in data) + "\n")
    sys.stderr.flush()
    return x


@gradient("Print")
def print_gradient(g: Any, grad: Any) -> Any:
    """Pass the gradient on."""
    return [grad] + [None] * (len(g.inputs) - 1)
