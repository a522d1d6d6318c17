"""Diagonals and bands of matrices.

Diagonal d of a matrix holds the elements (i, i + d). Several diagonals lie in a compact array,
the highest first; the shorter ones are aligned to the side that `align` names: its first word
is for those above the main diagonal, its second for those below.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.core.tensor_shape import TensorShape, unknown_shape
from penstock.ops.checks import require
from penstock.ops.namespace import is_concrete, namespace
from penstock.ops.shapes import same_rank, scalar_of, values_of
from penstock.ops.table import gradient, op

_ALIGNS = ("LEFT_RIGHT", "RIGHT_LEFT", "LEFT_LEFT", "RIGHT_RIGHT")
_OLD_ALIGN = "LEFT_LEFT"


@dataclass(frozen=True, slots=True)
class _Band:
    """Diagonals `lower` .. `upper` of a matrix, and the length of the longest."""

    rows: int
    columns: int
    lower: int
    upper: int
    align: str

    @property
    def length(self) -> int:
        return min(self.rows + min(self.upper, 0), self.columns - max(self.lower, 0))

    @property
    def count(self) -> int:
        return self.upper - self.lower + 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """Shape of the compact array, without the batch."""
        return (self.length,) if self.count == 1 else (self.count, self.length)

    def check(self) -> None:
        """Refuse diagonals that lie outside of the matrix."""
        for d in (self.lower, self.upper):
            if not (-self.rows < d < self.columns or d == 0):
                raise InvalidArgumentError(
                    f"k must be in ({-self.rows}, {self.columns}) for matrices of "
                    f"{self.rows} x {self.columns}, got {d}"
                )

    def shift(self, d: int) -> int:
        """Number of padded places in front of diagonal d."""
        above, below = self.align.split("_")
        if (d >= 0 and above == "LEFT") or (d <= 0 and below == "LEFT"):
            return 0
        return self.length - self.length_of(d)

    def length_of(self, d: int) -> int:
        """Number of elements of diagonal d."""
        return min(self.rows + min(d, 0), self.columns - max(d, 0))

    def places_of(self, d: int) -> tuple[Any, Any]:
        """Rows and columns of the elements of diagonal d."""
        steps = np.arange(max(self.length_of(d), 0))
        return steps - min(d, 0), steps + max(d, 0)

    def to_compact(self) -> tuple[Any, Any]:
        """For each place of the compact array: is it used, and its flat place in the matrix."""
        used = np.zeros((self.count, self.length), bool)
        place = np.zeros((self.count, self.length), np.int64)
        for d in range(self.lower, self.upper + 1):
            row, start = self.upper - d, self.shift(d)
            i, j = self.places_of(d)
            used[row, start : start + len(i)] = True
            place[row, start : start + len(i)] = i * self.columns + j
        return used.reshape(self.sizes), place.reshape(self.sizes)


def _bounds(k: Any) -> tuple[int, int]:
    values = np.ravel(k).tolist()
    if len(values) not in (1, 2) or values[0] > values[-1]:
        raise InvalidArgumentError(
            f"k must be one diagonal, or a lower and an upper, got {values}"
        )
    return values[0], values[-1]


def _check_align(align: str) -> None:
    if align not in _ALIGNS:
        raise InvalidArgumentError(f"align must be one of {', '.join(_ALIGNS)}, got {align!r}")


def _pick(x: Any, inside: Any, places: Any, fill: Any) -> Any:
    """Gather from the last axis of x by constant places; `fill` where not inside."""
    xp = namespace(x, fill)
    if x.shape[-1] == 0:
        return xp.broadcast_to(fill, (*x.shape[:-1], *inside.shape))
    picked = x[..., places] if xp is np else xp.take(x, places, axis=-1)
    if inside.all():
        return picked
    shape = (1,) * (picked.ndim - inside.ndim) + inside.shape
    return xp.where(*same_rank(xp, inside.reshape(shape), picked, fill))


def _flat(x: Any, axes: int) -> Any:
    return x.reshape((*x.shape[: x.ndim - axes], math.prod(x.shape[x.ndim - axes :])))


def _zero(x: Any) -> Any:
    return np.zeros((), x.dtype)


def _one_value(padding_value: Any) -> Any:
    if math.prod(padding_value.shape) != 1:
        raise InvalidArgumentError(
            f"padding_value must be a scalar, got shape {list(padding_value.shape)}"
        )
    return padding_value.reshape(())


def _band_of_diagonal(
    sizes: tuple[int, ...], k: Any, num_rows: Any, num_cols: Any, align: str
) -> _Band:
    """Band and matrix size that a compact array of `sizes` stands for."""
    _check_align(align)
    lower, upper = _bounds(k)
    axes = 1 if lower == upper else 2
    if len(sizes) < axes:
        raise InvalidArgumentError(
            f"diagonal must have {axes} axes or more for k {lower}..{upper}, got {list(sizes)}"
        )
    if axes == 2 and sizes[-2] != upper - lower + 1:
        raise InvalidArgumentError(
            f"diagonal must hold {upper - lower + 1} diagonals for k {lower} .. {upper}, got "
            f"{sizes[-2]}"
        )
    least_rows, least_columns = sizes[-1] - min(upper, 0), sizes[-1] + max(lower, 0)
    rows, columns = scalar_of(num_rows, "num_rows"), scalar_of(num_cols, "num_cols")
    if rows == -1 and columns == -1:
        rows = columns = max(least_rows, least_columns)
    rows = least_rows if rows == -1 else rows
    columns = least_columns if columns == -1 else columns
    if (
        rows < least_rows
        or columns < least_columns
        or (rows != least_rows and columns != least_columns)
    ):
        raise InvalidArgumentError(
            f"num_rows {rows} and num_cols {columns} must fit diagonals {lower} .. {upper} of "
            f"length {sizes[-1]}: {least_rows} and {least_columns} or more, one of them exactly"
        )
    return _Band(rows, columns, lower, upper, align)


def _diag(diagonal: Any, band: _Band, fill: Any) -> Any:
    batch = diagonal.shape[: diagonal.ndim - len(band.sizes)]
    xp = namespace(diagonal, fill)
    base = xp.broadcast_to(fill, (*batch, band.rows, band.columns))
    return _written(base, diagonal, band)


def _written(base: Any, diagonal: Any, band: _Band) -> Any:
    """Replace the diagonals of a band of `base`."""
    xp = namespace(base, diagonal)
    if xp is np:
        base = base.copy()
    for d in range(band.lower, band.upper + 1):
        i, j = band.places_of(d)
        if not len(i):
            continue
        line = diagonal if band.count == 1 else diagonal[..., band.upper - d, :]
        line = line[..., band.shift(d) : band.shift(d) + len(i)]
        if xp is np:
            base[..., i, j] = line
        else:
            base = _selected(base, line, d, int(j[0]))
    return base


def _selected(base: Any, line: Any, d: int, start: int) -> Any:
    """Replace one diagonal by a comparison of places: XLA's scatter would be slow."""
    rows, columns = base.shape[-2:]
    row, column = jax.lax.iota(np.int32, rows), jax.lax.iota(np.int32, columns)
    inside = column.reshape(1, -1) - row.reshape(-1, 1) == d
    margins = [(0, 0, 0)] * (line.ndim - 1) + [(start, columns - start - line.shape[-1], 0)]
    wide = jax.lax.pad(line, jnp.zeros((), line.dtype), margins)
    wide = jnp.expand_dims(wide, -2)
    return jnp.where(inside.reshape((1,) * (base.ndim - 2) + inside.shape), wide, base)


_MATRIX_DIAG_INPUTS = (
    "diagonal: T",
    "k: int32",
    "num_rows: int32",
    "num_cols: int32",
    "padding_value: T",
)


def _matrix_diag_shape(
    diagonal: Any, k: Any, num_rows: Any, num_cols: Any, padding_value: Any, **_: Any
) -> TensorShape:
    del padding_value
    bounds, rank = values_of(k), diagonal.shape.rank
    if bounds is None or rank is None:
        return unknown_shape()
    axes = 1 if bounds[0] == bounds[-1] else 2
    sizes = diagonal.shape.as_tuple()
    batch = sizes[: rank - axes]
    if None in sizes[rank - axes :] or num_rows.value is None or num_cols.value is None:
        return TensorShape.of((*batch, None, None))
    inner: Any = sizes[rank - axes :]
    band = _band_of_diagonal(inner, k.value, num_rows.value, num_cols.value, _OLD_ALIGN)
    return TensorShape.of((*batch, band.rows, band.columns))


@op(
    "MatrixDiagV3",
    inputs=_MATRIX_DIAG_INPUTS,
    outputs=("output: T",),
    attrs={"align": "RIGHT_LEFT"},
    constant_inputs=("k", "num_rows", "num_cols"),
    shape=_matrix_diag_shape,
)
def matrix_diag_v3(
    diagonal: Any, k: Any, num_rows: Any, num_cols: Any, padding_value: Any, *, align: str
) -> Any:
    """Matrices with the given diagonals; `padding_value` elsewhere.

    Shape: diagonal [..., m, n] or [..., n], k [1] or [2], num_rows [], num_cols [],
        padding_value [] -> output [..., rows, columns].
    Errors: InvalidArgumentError when the diagonals do not fit the size.
    """
    band = _band_of_diagonal(diagonal.shape, k, num_rows, num_cols, align)
    return _diag(diagonal, band, _one_value(padding_value))


@op(
    "MatrixDiagV2",
    inputs=_MATRIX_DIAG_INPUTS,
    outputs=("output: T",),
    constant_inputs=("k", "num_rows", "num_cols"),
    shape=_matrix_diag_shape,
)
def matrix_diag_v2(
    diagonal: Any, k: Any, num_rows: Any, num_cols: Any, padding_value: Any
) -> Any:
    """As MatrixDiagV3, with diagonals aligned to the left.

    Shape: diagonal [..., m, n] or [..., n], k [1] or [2], num_rows [], num_cols [],
        padding_value [] -> output [..., rows, columns].
    """
    band = _band_of_diagonal(diagonal.shape, k, num_rows, num_cols, _OLD_ALIGN)
    return _diag(diagonal, band, _one_value(padding_value))


@op("MatrixDiag", inputs=("diagonal: T",), outputs=("output: T",))
def matrix_diag(diagonal: Any) -> Any:
    """Square matrices with a given main diagonal and zeros elsewhere.

    Shape: diagonal [..., n] -> output [..., n, n].
    """
    if not diagonal.shape:
        raise InvalidArgumentError("diagonal must have at least one axis, got a scalar")
    n = diagonal.shape[-1]
    return _diag(diagonal, _Band(n, n, 0, 0, _OLD_ALIGN), _zero(diagonal))


def _band_of_matrix(x: Any, k: Any, align: str) -> _Band:
    _check_align(align)
    if len(x.shape) < 2:
        raise InvalidArgumentError(f"input must be a batch of matrices, got {list(x.shape)}")
    rows, columns = x.shape[-2:]
    lower, upper = _bounds(k)
    band = _Band(rows, columns, lower, upper, align)
    band.check()
    return band


def _part(x: Any, band: _Band, fill: Any) -> Any:
    used, places = band.to_compact()
    return _pick(_flat(x, 2), used, places, fill)


def _diag_part_shape(x: Any, k: Any, padding_value: Any, **_: Any) -> TensorShape:
    del padding_value
    bounds, rank = values_of(k), x.shape.rank
    if bounds is None or rank is None:
        return unknown_shape()
    *batch, rows, columns = x.shape.as_tuple()
    if rows is None or columns is None:
        count = bounds[-1] - bounds[0] + 1
        return TensorShape.of((*batch, *([] if count == 1 else [count]), None))
    return TensorShape.of((*batch, *_Band(rows, columns, *_bounds(k.value), _OLD_ALIGN).sizes))


@op(
    "MatrixDiagPartV3",
    inputs=("input: T", "k: int32", "padding_value: T"),
    outputs=("diagonal: T",),
    attrs={"align": "RIGHT_LEFT"},
    constant_inputs=("k",),
    shape=_diag_part_shape,
)
def matrix_diag_part_v3(x: Any, k: Any, padding_value: Any, *, align: str) -> Any:
    """Diagonals of matrices; `padding_value` where one is shorter than the longest.

    Shape: input [..., rows, columns], k [1] or [2], padding_value [] ->
        diagonal [..., m, n] or [..., n].
    Errors: InvalidArgumentError when a diagonal lies outside of the matrices.
    """
    return _part(x, _band_of_matrix(x, k, align), _one_value(padding_value))


@op(
    "MatrixDiagPartV2",
    inputs=("input: T", "k: int32", "padding_value: T"),
    outputs=("diagonal: T",),
    constant_inputs=("k",),
    shape=_diag_part_shape,
)
def matrix_diag_part_v2(x: Any, k: Any, padding_value: Any) -> Any:
    """As MatrixDiagPartV3, with diagonals aligned to the left.

    Shape: input [..., rows, columns], k [1] or [2], padding_value [] ->
        diagonal [..., m, n] or [..., n].
    """
    return _part(x, _band_of_matrix(x, k, _OLD_ALIGN), _one_value(padding_value))


@op("MatrixDiagPart", inputs=("input: T",), outputs=("diagonal: T",))
def matrix_diag_part(x: Any) -> Any:
    """Main diagonals of matrices.

    Shape: input [..., rows, columns] -> diagonal [..., min(rows, columns)].
    """
    return _part(x, _band_of_matrix(x, np.zeros(1, np.int32), _OLD_ALIGN), _zero(x))


def _set(x: Any, diagonal: Any, band: _Band) -> Any:
    wanted = (*x.shape[:-2], *band.sizes)
    if tuple(diagonal.shape) != wanted:
        raise InvalidArgumentError(
            f"diagonal must have shape {list(wanted)}, got {list(diagonal.shape)}"
        )
    return _written(x, diagonal, band)


@op(
    "MatrixSetDiagV3",
    inputs=("input: T", "diagonal: T", "k: int32"),
    outputs=("output: T",),
    attrs={"align": "RIGHT_LEFT"},
    constant_inputs=("k",),
    shape="same",
)
def matrix_set_diag_v3(x: Any, diagonal: Any, k: Any, *, align: str) -> Any:
    """Matrices with some diagonals replaced.

    Shape: input [..., rows, columns], diagonal [..., m, n] or [..., n], k [1] or [2] ->
        output [..., rows, columns].
    Errors: InvalidArgumentError when the diagonals do not have the shape of the place.
    """
    return _set(x, diagonal, _band_of_matrix(x, k, align))


@op(
    "MatrixSetDiagV2",
    inputs=("input: T", "diagonal: T", "k: int32"),
    outputs=("output: T",),
    constant_inputs=("k",),
    shape="same",
)
def matrix_set_diag_v2(x: Any, diagonal: Any, k: Any) -> Any:
    """As MatrixSetDiagV3, with diagonals aligned to the left.

    Shape: input [..., rows, columns], diagonal [..., m, n] or [..., n], k [1] or [2] ->
        output [..., rows, columns].
    """
    return _set(x, diagonal, _band_of_matrix(x, k, _OLD_ALIGN))


@op(
    "MatrixSetDiag",
    inputs=("input: T", "diagonal: T"),
    outputs=("output: T",),
    shape="same",
)
def matrix_set_diag(x: Any, diagonal: Any) -> Any:
    """Matrices with the main diagonal replaced.

    Shape: input [..., rows, columns], diagonal [..., min(rows, columns)] ->
        output [..., rows, columns].
    """
    return _set(x, diagonal, _band_of_matrix(x, np.zeros(1, np.int32), _OLD_ALIGN))


def _align_of(g: Any) -> str:
    return str(g.attrs.get("align", _OLD_ALIGN))


def _main() -> Any:
    return np.zeros((), np.int32)


def _zero_of(x: Any) -> Any:
    return np.zeros((), x.dtype.np)


@gradient("MatrixDiag")
def matrix_diag_gradient(g: Any, grad: Any) -> Any:
    """Read the diagonal of the gradient."""
    return g.call("MatrixDiagPart", grad)


@gradient("MatrixDiagV2", "MatrixDiagV3")
def matrix_diag_v3_gradient(g: Any, grad: Any) -> Any:
    """Read the diagonals of the gradient; the padding has none, as in TensorFlow."""
    part = g.call("MatrixDiagPartV3", grad, g.inputs[1], _zero_of(grad), align=_align_of(g))
    return part, None, None, None, None


@gradient("MatrixDiagPart")
def matrix_diag_part_gradient(g: Any, grad: Any) -> Any:
    """Write the gradient into the diagonal of zeros."""
    return g.call("MatrixSetDiag", g.call("ZerosLike", g.inputs[0]), grad)


@gradient("MatrixDiagPartV2", "MatrixDiagPartV3")
def matrix_diag_part_v3_gradient(g: Any, grad: Any) -> Any:
    """Write the gradient into the diagonals of zeros."""
    x, k, _ = g.inputs
    zeros = g.call("ZerosLike", x)
    return g.call("MatrixSetDiagV3", zeros, grad, k, align=_align_of(g)), None, None


def _set_diag_gradients(g: Any, grad: Any, k: Any, align: str) -> tuple[Any, Any]:
    diagonal = g.inputs[1]
    zeros = g.call("ZerosLike", diagonal)
    dx = g.call("MatrixSetDiagV3", grad, zeros, k, align=align)
    return dx, g.call("MatrixDiagPartV3", grad, k, _zero_of(grad), align=align)


@gradient("MatrixSetDiag")
def matrix_set_diag_gradient(g: Any, grad: Any) -> Any:
    """The diagonal of the gradient is the new diagonal's, the rest the input's."""
    return _set_diag_gradients(g, grad, _main(), _OLD_ALIGN)


@gradient("MatrixSetDiagV2", "MatrixSetDiagV3")
def matrix_set_diag_v3_gradient(g: Any, grad: Any) -> Any:
    """The diagonals of the gradient are the new diagonals', the rest the input's."""
    return *_set_diag_gradients(g, grad, g.inputs[2], _align_of(g)), None


def _doubled(x: Any) -> Any:
    return x.shape.concatenate(x.shape)


@op("Diag", inputs=("diagonal: T",), outputs=("output: T",), shape=_doubled)
def diag(diagonal: Any) -> Any:
    """Array with the input on its generalised diagonal: output[i..., i...] = diagonal[i...].

    Shape: diagonal [n, ...] -> output [n, ..., n, ...].
    """
    if not diagonal.shape:
        raise InvalidArgumentError("diagonal must have at least one axis, got a scalar")
    n = math.prod(diagonal.shape)
    square = _diag(diagonal.reshape(n), _Band(n, n, 0, 0, _OLD_ALIGN), _zero(diagonal))
    return square.reshape((*diagonal.shape, *diagonal.shape))


def _halved(x: Any) -> Any:
    if x.shape.rank is None:
        return unknown_shape()
    half = x.shape.rank // 2
    return x.shape[:half].merge_with(x.shape[half:])


@op("DiagPart", inputs=("input: T",), outputs=("diagonal: T",), shape=_halved)
def diag_part(x: Any) -> Any:
    """Generalised diagonal: diagonal[i...] = input[i..., i...].

    Shape: input [n, ..., n, ...] -> diagonal [n, ...].
    Errors: InvalidArgumentError when the two halves of the shape differ.
    """
    half = len(x.shape) // 2
    sizes = x.shape[:half]
    if not half or len(x.shape) % 2 or x.shape[half:] != sizes:
        raise InvalidArgumentError(f"both halves of the shape must agree, got {list(x.shape)}")
    n = math.prod(sizes)
    return x.reshape(n, n).diagonal().reshape(sizes)


@gradient("Diag")
def diag_gradient(g: Any, grad: Any) -> Any:
    """Read the diagonal of the gradient."""
    return g.call("DiagPart", grad)


@gradient("DiagPart")
def diag_part_gradient(g: Any, grad: Any) -> Any:
    """Write the gradient onto a diagonal."""
    return g.call("Diag", grad)


_BAND_INPUTS = ("input: T", "num_lower: Tindex", "num_upper: Tindex")


@op("MatrixBandPart", inputs=_BAND_INPUTS, outputs=("band: T",), shape="same")
def matrix_band_part(x: Any, num_lower: Any, num_upper: Any) -> Any:
    """Matrices with zeros outside of a band; a negative number keeps all of that side.

    Shape: input [..., rows, columns], num_lower [], num_upper [] -> band [..., rows, columns].
    Errors: InvalidArgumentError when a number is larger than the matrices.
    """
    if len(x.shape) < 2:
        raise InvalidArgumentError(f"input must be a batch of matrices, got {list(x.shape)}")
    rows, columns = x.shape[-2:]
    require(num_lower <= rows, InvalidArgumentError, f"num_lower must be at most {rows} rows")
    require(
        num_upper <= columns,
        InvalidArgumentError,
        f"num_upper must be at most {columns} columns",
    )
    xp = namespace(x, num_lower, num_upper)
    kind = num_lower.dtype
    below = np.subtract.outer(np.arange(rows, dtype=kind), np.arange(columns, dtype=kind))
    if is_concrete(num_lower) and is_concrete(num_upper):
        low, high = scalar_of(num_lower, "num_lower"), scalar_of(num_upper, "num_upper")
        inside = ((low < 0) | (below <= low)) & ((high < 0) | (-below <= high))
    else:
        low, high = num_lower.reshape(1, 1), num_upper.reshape(1, 1)
        inside = ((low < 0) | (below <= low)) & ((high < 0) | (-below <= high))
    inside = inside.reshape((1,) * (len(x.shape) - 2) + inside.shape)
    return xp.where(*same_rank(xp, inside, x, _zero(x)))


@gradient("MatrixBandPart")
def matrix_band_part_gradient(g: Any, grad: Any) -> Any:
    """Keep the same band of the gradient."""
    return g.call("MatrixBandPart", grad, *g.inputs[1:]), None, None
