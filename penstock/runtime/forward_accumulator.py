"""Forward-mode differentiation: directional derivatives, computed beside the values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from penstock.core import dtypes, nest
from penstock.core.errors import UnimplementedError
from penstock.ops.table import OpDef
from penstock.runtime.backprop import Record, dense, gradients_of_inputs, is_differentiable
from penstock.runtime.context import push_recorder, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.tape import (
    GradientTape,
    UnconnectedGradients,
    source_of,
    warn_not_differentiable,
)


class ForwardAccumulator:
    """Computes directional derivatives of what is computed inside, as it is computed.

    Args:
        primals: tensor or variable, or nest of those, with respect to which is differentiated.
        tangents: nest like `primals` of the direction.

    Raises:
        ValueError: nests or shapes differ.

    Example:
        >>> x = convert_to_tensor(3.0)
        >>> with ForwardAccumulator(x, convert_to_tensor(1.0)) as acc:
        ...     y = x * x
        >>> acc.jvp(y).numpy()
        6.0

    Source: `tf.autodiff.ForwardAccumulator`.
    """

    is_accumulator = True

    def __init__(self, primals: Any, tangents: Any) -> None:
        nest.assert_same_structure(primals, tangents)
        self._tangents: dict[int, Any] = {}
        # Identities are keys: what has one must stay.
        self._kept: list[Any] = []
        self._recording = False
        pairs = zip(nest.flatten(primals), nest.flatten(tangents), strict=True)
        for primal, tangent in pairs:
            self._watch(primal, tangent)

    def _watch(self, primal: Any, tangent: Any) -> None:
        if not (primal.dtype.is_floating or primal.dtype.is_complex):
            warn_not_differentiable(primal)
            return
        direction = convert_to_tensor(tangent, primal.dtype)
        if not direction.shape.is_compatible_with(primal.shape):
            raise ValueError(
                f"a tangent must have the shape of its primal {primal.shape}, got "
                f"{direction.shape}"
            )
        self._keep(source_of(primal), direction)

    def _keep(self, tensor: Any, tangent: Any) -> None:
        self._tangents[id(tensor)] = tangent
        self._kept.append(tensor)

    def __enter__(self) -> ForwardAccumulator:
        if self._recording:
            raise ValueError("Accumulator is already recording.")
        self._recording = True
        push_recorder(self)
        return self

    def __exit__(self, *error: object) -> None:
        self._recording = False
        state.recorders = [recorder for recorder in state.recorders if recorder is not self]

    def jvp(self, primals: Any, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """Return the derivative of tensors in the direction that was given.

        Args:
            primals: tensor or variable, or nest of those.
            unconnected_gradients: "none" or "zero", for what does not depend on the primals.

        Returns:
            A nest like `primals`.
        """
        zero = UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO

        def fetch(tensor: Any) -> Any:
            found = self._tangents.get(id(source_of(tensor)))
            if found is None and zero:
                return call("ZerosLike", convert_to_tensor(tensor))
            return found

        return nest.map_structure(fetch, primals)

    # -- as a recorder ----------------------------------------------------------------------

    def record(
        self,
        row: OpDef,
        attrs: dict[str, Any],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        lengths: Sequence[int | None] | None,
    ) -> None:
        """Compute the derivatives of the outputs of an op call."""
        if row.differentiable and self.wants(inputs):
            node = None if state.graph is None else outputs[0].op
            self._follow(Record(row, attrs, inputs, outputs, lengths, None, node))

    def record_custom(
        self, inputs: Sequence[Any], outputs: Sequence[Any], rule: Callable[..., Any]
    ) -> None:
        """Compute the derivatives of what brings its own gradient rule."""
        if self.wants(inputs):
            self._follow(Record(None, {}, tuple(inputs), tuple(outputs), None, rule))

    def wants(self, tensors: Sequence[Any]) -> bool:
        """Whether one of the tensors depends on the primals."""
        return any(id(tensor) in self._tangents for tensor in tensors)

    def watch_handle(self, handle: Any) -> None:
        """Do nothing: the primals were named from the start."""

    def _follow(self, record: Record) -> None:
        """Derive the outputs of a call.

        The gradient of its inputs, as a function of the gradient of its outputs, is linear: the
        transpose of the wanted derivative. So the gradient of that function, in turn, applies
        the derivative to the tangents of the inputs.
        """
        followed = [output for output in record.outputs if _has_numbers(output)]
        for output in record.outputs:
            if output.dtype is dtypes.variant:
                raise UnimplementedError(
                    "tf.autodiff.ForwardAccumulator does not follow lists of tensors; put the "
                    "loop into a tf.function that is called inside"
                )
        if not followed:
            return
        with self._hidden():
            with GradientTape(persistent=True, watch_accessed_variables=False) as tape:
                seeds = {id(output): call("OnesLike", output) for output in followed}
                tape.watch(list(seeds.values()))
                reachable = {id(tensor) for tensor in record.inputs if self.wants([tensor])}
                gradients = gradients_of_inputs(
                    record, [seeds.get(id(output)) for output in record.outputs], reachable
                )
                pairs = [
                    (dense(gradient), self._tangents[id(tensor)])
                    for tensor, gradient in zip(record.inputs, gradients, strict=True)
                    if gradient is not None and id(tensor) in reachable
                ]
            if not pairs:
                return
            found = tape.gradient(
                [gradient for gradient, _ in pairs],
                list(seeds.values()),
                output_gradients=[tangent for _, tangent in pairs],
            )
        for output, tangent in zip(followed, found, strict=True):
            if tangent is not None:
                self._keep(output, dense(tangent))

    @contextmanager
    def _hidden(self) -> Iterator[None]:
        """Keep what is computed from this accumulator and those inside it; others see it."""
        saved = state.recorders
        place = saved.index(self)
        state.recorders = saved[:place]
        try:
            yield
        finally:
            state.recorders = saved


def _has_numbers(output: Any) -> bool:
    dtype = output.dtype
    handle = dtype is dtypes.resource or dtype is dtypes.variant
    return is_differentiable(dtype) and not handle
