"""Python functions as nodes: they run on the host, each time that their node runs.

The attr `token` is a text that carries the function, so that it lives as long as its node. A
token that comes from a file is text alone: what it named belonged to another process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from penstock.core.errors import FailedPreconditionError
from penstock.core.tensor_shape import TensorShape
from penstock.ops.table import REQUIRED, TYPE_LIST, gradient, op

Array = Any


class Script(Protocol):
    """What a token carries."""

    def run(
        self, values: Sequence[Array], kinds: Sequence[Any], wanted: Sequence[Any]
    ) -> tuple[Array, ...]:
        """Give the results, of the dtypes `wanted`, for values of the dtypes `kinds`."""

    def gradient_token(self, count: int, present: Sequence[int]) -> Token:
        """Token of the function that takes `count` inputs and then gradients, to gradients.

        Args:
            count: number of inputs.
            present: numbers of the results whose gradients are given.
        """


class Token(str):
    """Name of a Python function, and the function."""

    __slots__ = ("script",)

    script: Script

    def __new__(cls, text: str, script: Script) -> Token:
        """Make the token of `script`."""
        token = super().__new__(cls, text)
        token.script = script
        return token


def _unknown(_: Any, *, Tout: Any, **__: Any) -> tuple[TensorShape, ...]:  # noqa: N803
    return tuple(TensorShape(None) for _ in Tout)


def _run(token: str, values: Sequence[Array], kinds: Any, wanted: Any) -> tuple[Array, ...]:
    if not isinstance(token, Token):
        raise FailedPreconditionError(
            f"the Python function {token!r} must be one of this process; make the graph again "
            "where the function is defined"
        )
    return token.script.run(values, kinds, wanted)


@op(
    "EagerPyFunc",
    inputs=("input: Tin",),
    outputs=("output: Tout",),
    attrs={"token": REQUIRED, "is_async": False, "Tin": TYPE_LIST, "Tout": TYPE_LIST},
    kernel="host",
    stateful=True,
    shape=_unknown,
)
def eager_py_func(
    input: Sequence[Array],
    *,
    token: str,
    is_async: bool,  # noqa: ARG001
    Tin: Any,  # noqa: N803
    Tout: Any,  # noqa: N803
) -> Any:
    """Run a Python function of tensors.

    Shape: input [...] each -> output [...] each.
    Errors: as the function raises.
    """
    return _run(token, input, Tin, Tout)


@gradient("EagerPyFunc")
def eager_py_func_gradient(g: Any, *grads: Any) -> Any:
    """Gradients that a tape around the function gives."""
    kinds = [each.dtype for each in g.inputs]
    wanted = [i for i, kind in enumerate(kinds) if kind.is_floating or kind.is_complex]
    present = tuple(i for i, grad in enumerate(grads) if grad is not None)
    token = g.attrs["token"].script.gradient_token(len(kinds), present)
    given = [*g.inputs, *(grads[i] for i in present)]
    found = g.call("EagerPyFunc", given, token=token, Tout=tuple(kinds[i] for i in wanted))
    results: list[Any] = [None] * len(kinds)
    for i, result in zip(wanted, found, strict=True):
        results[i] = result
    return results


def _py_func_row(name: str, *, stateful: bool) -> None:
    @op(
        name,
        inputs=("input: Tin",),
        outputs=("output: Tout",),
        attrs={"token": REQUIRED, "Tin": TYPE_LIST, "Tout": TYPE_LIST},
        kernel="host",
        stateful=stateful,
        differentiable=False,
        shape=_unknown,
    )
    def py_func(input: Sequence[Array], *, token: str, Tin: Any, Tout: Any) -> Any:  # noqa: N803
        """Run a Python function of numpy arrays.

        Shape: input [...] each -> output [...] each.
        Errors: as the function raises.
        """
        return _run(token, input, Tin, Tout)


_py_func_row("PyFunc", stateful=True)
_py_func_row("PyFuncStateless", stateful=False)
