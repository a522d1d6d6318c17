"""Gradient tapes: recorders of op calls that can be walked back."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from penstock.core import dtypes, nest
from penstock.core.errors import InvalidArgumentError
from penstock.core.user_code import user_facing, user_line
from penstock.ops.table import OpDef
from penstock.runtime.backprop import Record, backprop, dense, is_differentiable
from penstock.runtime.context import not_recording, push_recorder, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.gradient_path import Step, explain, stop_of
from penstock.runtime.indexed_slices import IndexedSlices
from penstock.runtime.tensor import Tensor, TensorLike


class UnconnectedGradients(enum.Enum):
    """What `gradient` gives for a source that no path joins to the target."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """Records operations for automatic differentiation.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched when they are read.

    Source: TensorFlow's `tf.GradientTape`.
    """

    def __init__(
        self,
        persistent: bool = False,
        watch_accessed_variables: bool = True,
    ) -> None:
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._recording = False
        self._created_in = state.graph
        self._reset()

    def _reset(self) -> None:
        self._records: list[Record] = []
        self._tracked: set[int] = set()
        self._kept: list[Any] = []
        self._variables: dict[int, Any] = {}
        self._spent = False
        # Calls behind which gradients end, with the number of records before each, and the ids
        # of all that was made of their outputs.
        self._passed: list[tuple[int, Step]] = []
        self._beyond: set[int] = set()
        self._steps_when_spent: list[Step] | None = None

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError("a tape that is recording already cannot be entered again")
        self._push()
        return self

    def __exit__(self, *error: object) -> None:
        if self._recording:
            self._pop()

    def _push(self) -> None:
        self._recording = True
        push_recorder(self)

    def _pop(self) -> None:
        self._recording = False
        state.recorders = [recorder for recorder in state.recorders if recorder is not self]

    def record(
        self,
        row: OpDef,
        attrs: dict[str, Any],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        lengths: Sequence[int | None] | None,
    ) -> None:
        """Keep an op call if it depends on something watched."""
        tracked = self._tracked
        if self._watch_accessed and row.reads:
            self._watch_read(row, inputs)
        for tensor in inputs:
            if id(tensor) in tracked:
                break
        else:
            if self._passed and any(id(tensor) in self._beyond for tensor in inputs):
                self._pass(row, inputs, outputs, "")
            return
        if not row.differentiable:
            self._pass(row, inputs, outputs, _stop(row, inputs, outputs))
            return
        kept = False
        for output in outputs:
            if is_differentiable(output.dtype):
                tracked.add(id(output))
                kept = True
        if kept:
            node = None if state.graph is None else outputs[0].op
            # Told to use another rule than the op's own.
            rule = None if node is None or node.custom_record is None else node.custom_record[2]
            self._records.append(Record(row, attrs, inputs, outputs, lengths, rule, node))
        else:
            self._pass(row, inputs, outputs, _stop(row, inputs, outputs))

    def _pass(
        self, row: OpDef, inputs: Sequence[Any], outputs: Sequence[Any], stops: str
    ) -> None:
        """Note a call that carries no gradient, so that `why` can tell of it."""
        where = ""
        if stops:
            where = user_line(3) if state.graph is None or not outputs else outputs[0].op.where
        step = Step(row.name, _ids(inputs), _ids(outputs), stops, where)
        self._passed.append((len(self._records), step))
        self._beyond.update(step.outputs)
        self._kept.extend(outputs)

    def record_custom(
        self, inputs: Sequence[Any], outputs: Sequence[Any], rule: Callable[..., Any]
    ) -> None:
        """Keep a computation that brings its own gradient rule."""
        if any(id(tensor) in self._tracked for tensor in inputs):
            self._tracked.update(id(output) for output in outputs)
            self._records.append(Record(None, {}, tuple(inputs), tuple(outputs), None, rule))

    def wants(self, tensors: Sequence[Any]) -> bool:
        """Whether one of the tensors is watched, or would be when it is read."""
        return any(
            id(tensor) in self._tracked
            or (self._watch_accessed and getattr(tensor, "_trainable", False))
            for tensor in tensors
        )

    def watch_handle(self, handle: Any) -> None:
        """Watch the variable behind `handle` if it is trainable and reads are watched."""
        if self._watch_accessed and getattr(handle, "_trainable", False):
            self._tracked.add(id(handle))
            self._kept.append(handle)
            self._variables[id(handle)] = handle

    def _watch_read(self, row: OpDef, inputs: Sequence[Any]) -> None:
        for position in row.variable_positions:
            self.watch_handle(inputs[position])

    def watch(self, tensor: Any) -> None:
        """Have operations on `tensor`, a tensor, variable or nest of those, recorded.

        Raises:
            ValueError: something watched is no tensor.
        """
        for item in nest.flatten(tensor, expand_composites=True):
            source = source_of(item)
            if not isinstance(source, Tensor):
                raise ValueError(  # noqa: TRY004  (TensorFlow's class)
                    f"only tensors and variables can be watched, got {type(item)}"
                )
            if not is_differentiable(source.dtype):
                warn_not_differentiable(source)
                continue
            self._tracked.add(id(source))
            self._kept.append(source)
            if source is not item:
                self._variables[id(source)] = source

    def watched_variables(self) -> tuple[Any, ...]:
        """Variables watched, in the order of their first use."""
        owners = (handle._owner() for handle in self._variables.values())
        return tuple(owner for owner in owners if owner is not None)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Record nothing inside.

        Raises:
            ValueError: the tape is not recording.
        """
        if not self._recording:
            raise ValueError("a tape must be recording to be stopped")
        self._pop()
        try:
            yield
        finally:
            self._push()

    def reset(self) -> None:
        """Forget everything recorded."""
        recording = self._recording
        if recording:
            self._pop()
        self._reset()
        if recording:
            self._push()

    @user_facing
    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
    ) -> Any:
        """Gradient of the sum of `target` with respect to `sources`.

        Args:
            target: tensor or nest of tensors.
            sources: tensor, variable or nest of those.
            output_gradients: gradient that flows into each target; ones where None.
            unconnected_gradients: "none" or "zero", for sources that no path joins to a target.

        Returns:
            A nest like `sources` of tensors, `IndexedSlices` or None.

        Raises:
            RuntimeError: a tape that is not persistent was asked twice.
        """
        if self._spent:
            raise RuntimeError(
                "A non-persistent GradientTape can only be used to compute one set of "
                "gradients "
                "(or jacobians)"
            )
        if target is None:
            raise TypeError("target must be a tensor or a nest of tensors, got None")
        recording = self._recording
        if recording and not self._persistent:
            self._pop()
        flat_targets, seeds = _flat_targets(target, output_gradients)
        flat_sources = [
            source_of(item) for item in nest.flatten(sources, expand_composites=True)
        ]
        results: list[Any] = []
        try:
            results = backprop(self._records, flat_targets, seeds, flat_sources)
        finally:
            if not self._persistent:
                if any(result is None for result in results):
                    self._steps_when_spent = self._steps()
                self._spent = True
                self._records = []
                self._passed = []
        if _wants_zeros(unconnected_gradients):
            results = [
                _zeros_like_source(source, item) if result is None else result
                for result, source, item in zip(
                    results,
                    flat_sources,
                    nest.flatten(sources, expand_composites=True),
                    strict=True,
                )
            ]
        return _pack(sources, results)

    def why(self, target: Any, sources: Any) -> Any:
        """Tell why the gradient of `target` with respect to a source is None.

        May be asked before or after `gradient`.

        Args:
            target: tensor.
            sources: tensor, variable or nest of those.

        Returns:
            A nest like `sources` of short texts.

        Example:
            >>> x = tf.Variable([1.0, 2.0])
            >>> with tf.GradientTape() as tape:
            ...     y = tf.cast(tf.argmax(x), tf.float32)
            >>> tape.gradient(y, x) is None
            True
            >>> "gives int64, which has no gradient" in tape.why(y, x)
            True
        """
        if nest.is_nested(sources):
            return nest.map_structure(lambda source: self.why(target, source), sources)
        if not isinstance(target, (Tensor, TensorLike)):
            return (
                f"the target is no tensor but {type(target).__name__}: what numpy and Python "
                "compute is not recorded"
            )
        end, start = source_of(target), source_of(sources)
        for what, tensor in (("target", target), ("source", sources)):
            dtype = getattr(tensor, "dtype", None)
            if dtype is not None and not is_differentiable(dtypes.as_dtype(dtype)):
                return (
                    f"the {what} is {dtypes.as_dtype(dtype).name}; only floating and complex "
                    "tensors have gradients"
                )
        if id(start) not in self._tracked:
            return _why_unwatched(sources, start, self._watch_accessed)
        steps = self._steps_when_spent if self._spent else self._steps()
        if steps is None:
            return (
                "the tape was used up by a call of gradient() that gave no None; ask why() "
                "before it, or make the tape persistent"
            )
        return _verdict(steps, end, start)

    def _steps(self) -> list[Step]:
        """All that is known of what was recorded, in order."""
        passed = iter([*self._passed, (len(self._records) + 1, None)])
        steps: list[Step] = []
        place, step = next(passed)
        for number, record in enumerate(self._records):
            while step is not None and place <= number:
                steps.append(step)
                place, step = next(passed)
            name = record.row.name if record.row is not None else "custom_gradient"
            inside = getattr(record.rule, "inside", None)
            name = getattr(record.rule, "name", name)
            steps.append(Step(name, _ids(record.inputs), _ids(record.outputs), inside=inside))
        while step is not None:
            steps.append(step)
            place, step = next(passed)
        return steps

    @user_facing
    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Derivative of each element of `target` with respect to each element of `sources`.

        Returns:
            A nest like `sources`; each part has the shape of the target followed by the
            source's.
        """
        flat_sources = nest.flatten(sources)
        if target.shape.num_elements() is None:
            results = self._jacobian_by_loop(target, flat_sources, unconnected_gradients)
            return nest.pack_sequence_as(sources, results)
        count = _static_size(target)
        if experimental_use_pfor and _pays_at_once(count):
            results = self._jacobian_at_once(target, flat_sources, unconnected_gradients, count)
            return nest.pack_sequence_as(sources, results)
        with _kept_persistent(self):
            rows = [
                self.gradient(target, flat_sources, _one_hot_like(target, i, count))
                for i in range(count)
            ]
        self._spent = not self._persistent
        results = []
        for j, source in enumerate(flat_sources):
            parts = [dense(row[j]) for row in rows]
            if not parts or any(part is None for part in parts):
                zero = _wants_zeros(unconnected_gradients)
                shape = [*target.shape.as_list(), *source.shape.as_list()]
                results.append(
                    call("Fill", shape, convert_to_tensor(0, source.dtype)) if zero else None
                )
                continue
            stacked = call("Pack", parts, axis=0)
            results.append(
                call(
                    "Reshape",
                    stacked,
                    call("ConcatV2", [call("Shape", target), call("Shape", parts[0])], 0),
                )
            )
        return nest.pack_sequence_as(sources, results)

    def _jacobian_at_once(
        self, target: Any, sources: Sequence[Any], unconnected_gradients: Any, count: int
    ) -> list[Any]:
        """Jacobians of a target of known size, all elements in one vectorised way back."""
        seeds = call(
            "Reshape", _identity(count, target.dtype), [count, *target.shape.as_list()]
        )
        with _kept_persistent(self):
            connected = [part is not None for part in self.gradient(target, list(sources))]
            joined = [s for s, is_joined in zip(sources, connected, strict=True) if is_joined]

            def row(seed: Any) -> list[Any]:
                return [dense(part) for part in self.gradient(target, joined, seed)]

            parts = iter(MAPS[1](row, seeds) if joined else ())
        self._spent = not self._persistent
        zero = _wants_zeros(unconnected_gradients)
        results: list[Any] = []
        for source, is_joined in zip(sources, connected, strict=True):
            tensor = convert_to_tensor(source)
            shape = call("ConcatV2", [call("Shape", target), call("Shape", tensor)], 0)
            if is_joined:
                results.append(call("Reshape", next(parts), shape))
            else:
                blank = convert_to_tensor(0, source.dtype)
                results.append(call("Fill", shape, blank) if zero else None)
        return results

    def _jacobian_by_loop(
        self, target: Any, sources: Sequence[Any], unconnected_gradients: Any
    ) -> list[Any]:
        """Jacobians of a target whose size is known only when the graph runs."""
        size = call("Size", target)

        def row(i: Any) -> list[Any]:
            place = call("OneHot", i, size, call("OnesLike", one), call("ZerosLike", one))
            seed = call("Reshape", place, call("Shape", target))
            found = self.gradient(target, joined, seed)
            return [dense(part) for part in found]

        one = convert_to_tensor(1, target.dtype)
        zero, step = convert_to_tensor(0), convert_to_tensor(1)
        with _kept_persistent(self):
            connected = [part is not None for part in self.gradient(target, list(sources))]
            joined = [s for s, is_joined in zip(sources, connected, strict=True) if is_joined]
            parts = iter(
                MAPS[0](
                    row,
                    call("Range", zero, size, step),
                    fn_output_signature=[source.dtype for source in joined],
                )
                if joined
                else ()
            )
        self._spent = not self._persistent
        results: list[Any] = []
        for source, is_joined in zip(sources, connected, strict=True):
            tensor = convert_to_tensor(source)
            shape = call("ConcatV2", [call("Shape", target), call("Shape", tensor)], 0)
            if is_joined:
                results.append(call("Reshape", next(parts), shape))
            else:
                blank = convert_to_tensor(0, source.dtype)
                zeros = _wants_zeros(unconnected_gradients)
                results.append(call("Fill", shape, blank) if zeros else None)
        return results

    @user_facing
    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """Derivative of each row of `target` with respect to the same row of `source`.

        Returns:
            [n, ...target's inner shape, ...source's inner shape].
        """
        batch, *inner = target.shape.as_list()
        if batch != source.shape.as_list()[0]:
            raise ValueError(
                f"target and source must have the same first dimension, got {target.shape} and "
                f"{source.shape}"
            )
        count = int(np.prod(inner, dtype=np.int64))
        if experimental_use_pfor and _pays_at_once(count):
            return self._batch_jacobian_at_once(target, source, unconnected_gradients, count)
        with _kept_persistent(self):
            rows = [
                self.gradient(target, source, _one_hot_inner(target, i, count))
                for i in range(count)
            ]
        self._spent = not self._persistent
        if any(row is None for row in rows):
            if not _wants_zeros(unconnected_gradients):
                return None
            rows = [call("ZerosLike", source) for _ in rows]
        stacked = call("Pack", [dense(row) for row in rows], axis=1)
        return call("Reshape", stacked, [-1, *inner, *source.shape.as_list()[1:]])

    def _batch_jacobian_at_once(
        self, target: Any, source: Any, unconnected_gradients: Any, count: int
    ) -> Any:
        inner = target.shape.as_list()[1:]
        seeds = call("Reshape", _identity(count, target.dtype), [count, 1, *inner])
        with _kept_persistent(self):
            is_joined = self.gradient(target, source) is not None

            def row(seed: Any) -> Any:
                whole = call("BroadcastTo", seed, call("Shape", target))
                return dense(self.gradient(target, source, whole))

            parts = MAPS[1](row, seeds) if is_joined else None
        self._spent = not self._persistent
        if parts is None:
            if not _wants_zeros(unconnected_gradients):
                return None
            blank = call("ZerosLike", source)
            parts = call("Pack", [blank] * count, axis=0)
        rank = source.shape.rank
        swapped = call("Transpose", parts, np.array([1, 0, *range(2, rank + 1)], np.int32))
        return call("Reshape", swapped, [-1, *inner, *source.shape.as_list()[1:]])


# `tf.map_fn` and `tf.vectorized_map`, put here by the room that has loops.
MAPS: list[Callable[..., Any]] = []


# Elements of a target from which on compiling the way back pays outside of functions.
_MANY_ELEMENTS = 256


def _pays_at_once(count: int) -> bool:
    """Whether the gradients of so many elements are found by one vectorised way back."""
    return count >= (2 if state.graph is not None else _MANY_ELEMENTS)


def _identity(count: int, dtype: Any) -> Any:
    return convert_to_tensor(np.eye(count, dtype=dtype.np))


class VariableWatcher:
    """Notes which trainable variables are read, and records nothing."""

    def __init__(self) -> None:
        self._handles: dict[int, Any] = {}

    def __enter__(self) -> VariableWatcher:
        push_recorder(self)
        return self

    def __exit__(self, *error: object) -> None:
        state.recorders = [recorder for recorder in state.recorders if recorder is not self]

    def record(
        self,
        row: OpDef,
        attrs: dict[str, Any],
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        lengths: Sequence[int | None] | None,
    ) -> None:
        """Note the variables that an op call reads."""
        for position in row.variable_positions:
            self.watch_handle(inputs[position])

    def record_custom(
        self, inputs: Sequence[Any], outputs: Sequence[Any], rule: Callable[..., Any]
    ) -> None:
        """Note the variables among the inputs."""
        for tensor in inputs:
            self.watch_handle(tensor)

    def watch_handle(self, handle: Any) -> None:
        """Note a variable if it is trainable."""
        if getattr(handle, "_trainable", False):
            self._handles[id(handle)] = handle

    def wants(self, tensors: Sequence[Any]) -> bool:
        """False: no gradient is asked for here. Notes the variables on the way."""
        for tensor in tensors:
            self.watch_handle(tensor)
        return False

    def variables(self) -> list[Any]:
        """The variables read."""
        owners = (handle._owner() for handle in self._handles.values())
        return [owner for owner in owners if owner is not None]


def _ids(tensors: Sequence[Any]) -> tuple[int, ...]:
    return tuple([id(tensor) for tensor in tensors])


def _stop(row: OpDef, inputs: Sequence[Any], outputs: Sequence[Any]) -> str:
    return stop_of(row.name, [t.dtype for t in inputs], [t.dtype for t in outputs])


def _why_unwatched(source: Any, tensor: Any, watches_variables: bool) -> str:
    if tensor is source or not hasattr(tensor, "_trainable"):
        return (
            "the source was not watched: call tape.watch on it inside the tape, before it is "
            "used, or make it a trainable tf.Variable"
        )
    name = getattr(source, "name", "")
    if not getattr(tensor, "_trainable", False):
        return f"variable {name!r} is not trainable: it is watched by tape.watch alone"
    if not watches_variables:
        return (
            f"variable {name!r} was not watched: the tape was made with "
            "watch_accessed_variables=False, so call tape.watch on it"
        )
    return f"variable {name!r} was not read while the tape recorded"


def _verdict(steps: Sequence[Step], end: Any, start: Any) -> str:
    if end is start:
        return "the target is the source: the gradient is one"
    verdict, text = explain(steps, id(end), id(start))
    if verdict == "joined":
        return "recorded ops lead from the source to the target, and all of them have gradients"
    if verdict == "blocked":
        return text
    if not any(id(end) in step.outputs for step in steps):
        return (
            "nothing that the tape recorded makes the target: it was computed outside of the "
            "tape, of constants, or through numpy (.numpy(), float(), np functions)"
        )
    if verdict == "unused":
        return (
            "nothing that the tape recorded uses the source: it was used before it was "
            "watched, outside of the tape, or through numpy (.numpy(), float(), np functions)"
        )
    return "the target was not made of the source: no recorded op leads from one to the other"


def _wants_zeros(unconnected_gradients: Any) -> bool:
    return UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO


@contextmanager
def _kept_persistent(tape: GradientTape) -> Iterator[None]:
    if tape._spent:
        raise RuntimeError(
            "A non-persistent GradientTape can only be used to compute one set of gradients "
            "(or jacobians)"
        )
    saved = tape._persistent
    recording = tape._recording
    tape._persistent = True
    if recording and not saved:
        tape._pop()
    try:
        yield
    finally:
        tape._persistent = saved


def _static_size(target: Any) -> int:
    size = target.shape.num_elements()
    if size is None:
        raise InvalidArgumentError(
            f"jacobian needs a target of known shape, got {target.shape}; set its shape first"
        )
    return int(size)


def _one_hot_like(target: Any, index: int, count: int) -> Any:
    flat = np.zeros((count,), target.dtype.np)
    flat[index] = 1
    return convert_to_tensor(flat.reshape(target.shape.as_list()))


def _one_hot_inner(target: Any, index: int, count: int) -> Any:
    flat = np.zeros((1, count), target.dtype.np)
    flat[0, index] = 1
    inner = flat.reshape([1, *target.shape.as_list()[1:]])
    return call("Mul", call("OnesLike", target), convert_to_tensor(inner))


def source_of(item: Any) -> Any:
    """The tensor that stands for `item` on tapes: a variable's handle, else itself."""
    handle = getattr(item, "handle", None)
    if handle is not None and not isinstance(item, Tensor):
        return handle
    if isinstance(item, Tensor):
        return item
    inner = getattr(item, "_value", None) or getattr(item, "value", None)
    if inner is not None and getattr(inner, "handle", None) is not None:
        return inner.handle
    if isinstance(item, (int, float, np.ndarray, np.generic, list)):
        return convert_to_tensor(item)
    raise TypeError(f"a source must be a tensor or a variable, got {type(item).__name__}")


def _flat_targets(target: Any, output_gradients: Any) -> tuple[list[Any], list[Any]]:
    targets = nest.flatten(target, expand_composites=True)
    if output_gradients is None:
        seeds: list[Any] = [None] * len(targets)
    else:
        seeds = nest.flatten(output_gradients, expand_composites=True)
        if len(seeds) != len(targets):
            raise ValueError(
                f"output_gradients must match target's {len(targets)} tensors, got {len(seeds)}"
            )
    kept_targets, kept_seeds = [], []
    for item, seed in zip(targets, seeds, strict=True):
        source = source_of(item)
        kept_targets.append(source)
        if seed is None or isinstance(seed, IndexedSlices):
            kept_seeds.append(seed)
        else:
            dtype = None if source.dtype.name == "resource" else source.dtype
            kept_seeds.append(convert_to_tensor(seed, dtype))
    return kept_targets, kept_seeds


def _zeros_like_source(source: Any, item: Any) -> Any:
    if source is item:
        return call("ZerosLike", source)
    return call("ZerosLike", convert_to_tensor(item))


def _pack(sources: Any, results: list[Any]) -> Any:
    # Gradients of composites are composites of the gradients of their values.
    if not nest.is_nested_or_composite(sources):
        return results[0]
    if all(not nest.is_nested_or_composite(item) for item in nest.flatten(sources)):
        return nest.pack_sequence_as(sources, results)
    packed = []
    start = 0
    for item in nest.flatten(sources):
        width = len(nest.flatten(item, expand_composites=True))
        parts = results[start : start + width]
        start += width
        packed.append(_pack_composite(item, parts))
    return nest.pack_sequence_as(sources, packed)


def _pack_composite(item: Any, parts: list[Any]) -> Any:
    if not nest.is_nested_or_composite(item):
        return parts[0]
    if all(part is None for part in parts):
        return None
    filled = [
        original if part is None else part
        for part, original in zip(
            parts, nest.flatten(item, expand_composites=True), strict=True
        )
    ]
    return nest.pack_sequence_as(item, filled, expand_composites=True)


def warn_not_differentiable(source: Any) -> None:
    """Warn that a tensor that was watched has a dtype without gradients."""
    import warnings  # noqa: PLC0415  (only a mistake pays for it)

    warnings.warn(
        f"a watched tensor must be floating (e.g. tf.float32), got {source.dtype.name}; its "
        "gradient will be None",
        stacklevel=3,
    )


def record_custom(
    inputs: Sequence[Any], outputs: Sequence[Any], rule: Callable[..., Any]
) -> None:
    """Tell the tapes in force of a computation that brings its own gradient rule."""
    for recorder in state.recorders:
        recorder.record_custom(inputs, outputs, rule)


__all__ = [
    "GradientTape",
    "UnconnectedGradients",
    "not_recording",
    "record_custom",
]
