"""Convolutions of images of a few pixels as one product by a prepared matrix.

Where a filter meets mostly margins, most of its products are by zero: a 3x3 filter on 2x2
pixels meets 16 pairs of pixels, of the 36 that patches have. A matrix from all pixels to all
places holds these alone. It is made of the filter once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock.core.errors import OpError
from penstock.graph.symbol import Node
from penstock.ops.conv import Geometry, geometry_of
from penstock.ops.lowering import DENSE_CONVOLUTION, applies
from penstock.ops.table import REQUIRED, OpDef

# Rows from which a matrix larger than the filter is worth reading.
_ROWS = 8


def _product(pixels: Any, matrix: Any, *, places: tuple[int, ...]) -> Any:
    """All places of images at once: pixels [n, h, w, c] -> [n, *places, filters]."""
    applies(DENSE_CONVOLUTION, True, f"{pixels.shape[1:3]} pixels to {places} places")
    n = pixels.shape[0]
    result = pixels.reshape(n, matrix.shape[0]) @ matrix
    return result.reshape(n, *places, matrix.shape[1] // math.prod(places))


# No op of the table: it stands for a convolution in what is compiled, and nowhere else.
DENSE_ROW = OpDef(
    name="_DenseConv2D",
    inputs=("pixels: T", "matrix: T"),
    outputs=("output: T",),
    device=_product,
    host=None,
    attrs={"places": REQUIRED},
)


class DenseForm:
    """How the filter of a convolution becomes a matrix.

    Args:
        geometry: of the convolution.
        filter_shape: [h, w, depth, filters].
    """

    def __init__(self, geometry: Geometry, filter_shape: tuple[int, ...]) -> None:
        self._window = geometry.window
        self._depth, self._filters = filter_shape[2:]
        self.attrs: Mapping[str, Any] = {"places": self._window.outputs}

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of the matrix."""
        return (
            math.prod(self._window.lengths) * self._depth,
            math.prod(self._window.outputs) * self._filters,
        )

    def matrix(self, kernel: Any) -> Any:
        """The matrix of a filter."""
        window = self._window
        made: Any = np.zeros(
            (*window.lengths, self._depth, *window.outputs, self._filters), kernel.dtype
        )
        whole = (slice(None),)
        for place in itertools.product(*map(range, window.outputs)):
            for cell in itertools.product(*map(range, window.size)):
                pixel = tuple(
                    at * step + which * gap - low
                    for at, step, which, gap, (low, _) in zip(
                        place,
                        window.strides,
                        cell,
                        window.dilations,
                        window.padding,
                        strict=True,
                    )
                )
                if all(0 <= i < n for i, n in zip(pixel, window.lengths, strict=True)):
                    made[pixel + whole + place + whole] = kernel[cell]
        return made.reshape(self.shape)


def dense_form(node: Node) -> DenseForm | None:
    """The dense form of a `Conv2D`, where that is less work or memory than patches are."""
    pixels, kernel = node.inputs
    shape, filter_shape = pixels.shape, kernel.shape
    if shape.rank != 4 or not shape[1:].is_fully_defined():
        return None
    if node.attrs["data_format"] != "NHWC" or not filter_shape.is_fully_defined():
        return None
    sizes = tuple(filter_shape.as_list())
    rows = shape.as_list()[0] or 1
    try:
        geometry = geometry_of([rows, *shape.as_list()[1:]], sizes, **node.attrs)
    except OpError:
        return None  # whoever runs it tells
    window = geometry.window
    pairs = math.prod(window.lengths) * math.prod(window.outputs)
    limit = window.cells * (2 if rows >= _ROWS else 1)
    if geometry.groups != 1 or window.cells == 1 or not 0 < pairs <= limit:
        return None
    return DenseForm(geometry, sizes)
