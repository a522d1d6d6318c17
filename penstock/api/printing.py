"""`tf.print`."""

from __future__ import annotations

import pprint
import sys
from typing import Any

from penstock.core import dtypes, nest
from penstock.runtime.context import state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tensor import Tensor, TensorLike

__all__ = ["print"]

_STREAMS = ("stdout", "stderr", "log(info)", "log(warning)", "log(error)")


def print(*inputs: Any, **kwargs: Any) -> Any:
    """Write tensors and Python values when the function runs, not when it is traced.

    Args:
        *inputs: tensors, Python values, and nests of them.
        **kwargs: `output_stream`: `sys.stderr` (the default), `sys.stdout`, "log(info)",
            "log(warning)", "log(error)" or "file://<path>"; `summarize`: number of elements to
            write from each end of an axis, -1 for all, 3 by default; `sep` and `end` as for
            Python's print; `name`.

    Returns:
        The op in a graph, else None.

    Raises:
        ValueError: an unknown keyword or stream.
    """
    stream = _stream(kwargs.pop("output_stream", sys.stderr))
    summarize = kwargs.pop("summarize", 3)
    sep = kwargs.pop("sep", " ")
    end = kwargs.pop("end", "\n")
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError(f"unknown keyword arguments for tf.print: {', '.join(kwargs)}")
    text = _text(inputs, sep, 3 if summarize is None else summarize)
    call("PrintV2", text, output_stream=stream, end="\n" if end is None else end, name=name)
    return None if state.graph is None else state.graph.last_node()


def _stream(output_stream: Any) -> str:
    if output_stream is sys.stdout:
        return "stdout"
    if output_stream is sys.stderr:
        return "stderr"
    if isinstance(output_stream, str) and (
        output_stream in _STREAMS or output_stream.startswith("file://")
    ):
        return output_stream
    raise ValueError(
        "output_stream must be sys.stdout, sys.stderr, 'log(info)', 'log(warning)', "
        f"'log(error)' or 'file://<path>', got {output_stream!r}"
    )


def _text(inputs: tuple[Any, ...], sep: str, summarize: int) -> Any:
    if len(inputs) == 1 and isinstance(inputs[0], TensorLike):
        alone = convert_to_tensor(inputs[0])
        if alone.dtype is dtypes.string and alone.shape.rank == 0:
            return alone
    # A short placeholder lets long nests break their lines where TensorFlow's do.
    mark = "{}"
    template, tensors = _joined(inputs, sep, mark)
    while template.count(mark) != len(tensors):
        mark = f"{mark[:-1]}-}}"
        template, tensors = _joined(inputs, sep, mark)
    return call(
        "StringFormat", tensors, template=template, placeholder=mark, summarize=summarize
    )


def _joined(inputs: tuple[Any, ...], sep: str, mark: str) -> tuple[str, list[Any]]:
    """The inputs as one text with a mark for each tensor, and the tensors."""
    tensors: list[Any] = []
    template = sep.join([_template(each, mark, tensors) for each in inputs])
    return template.replace(f"'{mark}'", mark), tensors


def _template(value: Any, mark: str, tensors: list[Any]) -> str:
    if isinstance(value, str):
        return value
    leaves = [_leaf(leaf, mark, tensors) for leaf in nest.flatten(value)]
    return pprint.pformat(nest.pack_sequence_as(value, leaves))


def _leaf(value: Any, mark: str, tensors: list[Any]) -> Any:
    if isinstance(value, (Tensor, TensorLike)):
        tensors.append(convert_to_tensor(value))
        return mark
    if hasattr(value, "dense_shape") and hasattr(value, "indices"):
        tensors.extend([value.indices, value.values, value.dense_shape])
        return f"{type(value).__name__}(indices={mark}, values={mark}, shape={mark})"
    return value
