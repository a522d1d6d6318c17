"""`tf.nn.RNNCellDropoutWrapper` and its kin: recurrent cells that do something more."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from penstock.api.framework import device as device_scope
from penstock.api.nn.dropout import dropout
from penstock.core import nest
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.module import Module
from penstock.runtime.random_state import op_seeds

__all__ = ["RNNCellDeviceWrapper", "RNNCellDropoutWrapper", "RNNCellResidualWrapper"]


class _CellWrapper(Module):
    """A cell that another one is within.

    Args:
        cell: called with inputs and a state; gives outputs and the next state.

    Raises:
        TypeError: it cannot be called.
    """

    def __init__(self, cell: Any, **kwargs: Any) -> None:
        if not callable(cell):
            raise TypeError(f"The argument 'cell' ({cell}) is not callable.")
        super().__init__(**kwargs)
        self.cell = cell

    @property
    def wrapped_cell(self) -> Any:
        """The cell within."""
        return self.cell

    @property
    def state_size(self) -> Any:
        """Sizes of the state."""
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        """Size of the outputs."""
        return self.cell.output_size

    def build(self, inputs_shape: Any) -> None:
        """Make the variables of the cell within."""
        if hasattr(self.cell, "build") and not getattr(self.cell, "built", False):
            self.cell.build(inputs_shape)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Return a state of zeros.

        Args:
            batch_size: number of rows.
            dtype: type of the elements.
        """
        if hasattr(self.cell, "zero_state"):
            return self.cell.zero_state(batch_size, dtype)
        zero = convert_to_tensor(0, dtype)
        return nest.map_structure(
            lambda size: call("Fill", [batch_size, int(size)], zero), self.state_size
        )

    def get_initial_state(
        self, inputs: Any = None, batch_size: Any = None, dtype: Any = None
    ) -> Any:
        """Return the first state for a batch.

        Args:
            inputs: [n, ...] inputs, which tell the size of the batch and the dtype.
            batch_size: the size, where there are none.
            dtype: the dtype, where there are none.
        """
        if inputs is not None:
            tensor = convert_to_tensor(inputs)
            batch_size, dtype = call("Shape", tensor)[0], tensor.dtype
        return self.zero_state(batch_size, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal wrapper; the cell within is an object."""
        return {"cell": self.cell}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a wrapper of what `get_config` gave."""
        return cls(**config)

    def __call__(self, inputs: Any, state: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Return outputs and the next state."""
        outputs, following = self.cell(inputs, state, **kwargs)
        return outputs, following


def _all_but_cells(state: Any) -> Any:
    """Drop out everything, but of an LSTM's pair the part that is its output alone."""
    if type(state).__name__ == "LSTMStateTuple":
        return type(state)(False, True)
    return True


class RNNCellDropoutWrapper(_CellWrapper):
    """A cell with dropout of its inputs, outputs and state.

    Args:
        cell: the cell.
        input_keep_prob: share of the inputs that is kept.
        output_keep_prob: share of the outputs that is kept.
        state_keep_prob: share of the next state that is kept.
        variational_recurrent: whether the same entries are dropped at every step.
        input_size: sizes of the inputs without the batch, for `variational_recurrent`.
        dtype: type of the inputs, for `variational_recurrent`.
        seed: seed of the decisions.
        dropout_state_filter_visitor: tells for a state, or for each part of it, whether it is
            dropped out; None drops out all, but not the inner cells of an LSTM.
        kwargs: `name`.

    Raises:
        ValueError: a share is not in (0, 1], or `variational_recurrent` lacks what it needs.

    Source: `tf.nn.RNNCellDropoutWrapper`.
    """

    def __init__(
        self,
        cell: Any,
        input_keep_prob: float = 1.0,
        output_keep_prob: float = 1.0,
        state_keep_prob: float = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(cell, **kwargs)
        visitor = dropout_state_filter_visitor
        if visitor is not None and not callable(visitor):
            raise TypeError(
                f"dropout_state_filter_visitor must be callable. Received: {visitor}"
            )
        self._keep = {
            "input": input_keep_prob,
            "state": state_keep_prob,
            "output": output_keep_prob,
        }
        for name, share in self._keep.items():
            if isinstance(share, (int, float)) and not 0.0 < share <= 1.0:
                raise ValueError(f"{name}_keep_prob must be in (0, 1], got {share}")
        self._seed = seed
        self._visitor = visitor or _all_but_cells
        self._variational = variational_recurrent
        self._input_size = input_size
        self._dtype = dtype
        self._noise: dict[str, Any] = {}
        if variational_recurrent:
            self._draw_noise()

    def _draw_noise(self) -> None:
        if self._dtype is None:
            raise ValueError("When variational_recurrent=True, dtype must be provided")
        sizes = {"state": self.state_size, "output": self.output_size}
        if self._drops("input"):
            if self._input_size is None:
                raise ValueError(
                    "When variational_recurrent=True and input_keep_prob < 1.0 or is unknown, "
                    "input_size must be provided"
                )
            sizes["input"] = self._input_size
        for name, size in sizes.items():
            places = iter(range(len(nest.flatten(size))))
            self._noise[name] = [
                call(
                    "RandomUniform",
                    [1, *(each if isinstance(each, (list, tuple)) else [int(each)])],
                    dtype=convert_to_tensor(0, self._dtype).dtype,
                    **op_seeds(self._salted(f"{name} noise", next(places))),
                )
                for each in nest.flatten(size)
            ]

    def _drops(self, name: str) -> bool:
        share = self._keep[name]
        return not (isinstance(share, (int, float)) and float(share) == 1.0)

    def _salted(self, prefix: str, place: int) -> int | None:
        """A seed of its own for each tensor, which follows from the one that was given."""
        if self._seed is None:
            return None
        text = f"{prefix}_{place}_{self._seed}".encode()
        digest = hashlib.md5(text, usedforsecurity=False).hexdigest()
        return int(digest[:8], 16) & 0x7FFFFFFF

    def _dropped(self, name: str, values: Any, wanted: Any = True) -> Any:
        """Drop entries of a nest of tensors; `wanted` says of which, a bool or a nest."""
        if not self._drops(name):
            return values
        flat = nest.flatten(values)
        choices = [wanted] * len(flat) if isinstance(wanted, bool) else nest.flatten(wanted)
        done = [
            self._drop(name, i, value) if chosen else value
            for i, (value, chosen) in enumerate(zip(flat, choices, strict=True))
        ]
        return nest.pack_sequence_as(values, done)

    def _drop(self, name: str, place: int, value: Any) -> Any:
        share = self._keep[name]
        if not self._variational:
            return dropout(value, rate=1.0 - share, seed=self._salted(name, place))
        tensor = convert_to_tensor(value)
        kept = convert_to_tensor(share, tensor.dtype)
        mask = call("Floor", call("AddV2", kept, self._noise[name][place]))
        return call("Mul", call("RealDiv", tensor, kept), mask)

    def __call__(self, inputs: Any, state: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Return outputs and the next state, with entries dropped."""
        outputs, following = super().__call__(self._dropped("input", inputs), state, **kwargs)
        following = self._dropped("state", following, self._visitor(following))
        return self._dropped("output", outputs), following

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal wrapper."""
        own = {f"{name}_keep_prob": share for name, share in self._keep.items()}
        return {
            **super().get_config(),
            **own,
            "variational_recurrent": self._variational,
            "input_size": self._input_size,
            "dtype": self._dtype,
            "seed": self._seed,
        }


class RNNCellResidualWrapper(_CellWrapper):
    """A cell whose inputs are added to its outputs.

    Args:
        cell: the cell.
        residual_fn: function of inputs and outputs, in place of their sum.
        kwargs: `name`.

    Raises:
        ValueError: inputs and outputs have different shapes, and there is no `residual_fn`.

    Source: `tf.nn.RNNCellResidualWrapper`.
    """

    def __init__(
        self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cell, **kwargs)
        self._residual_fn = residual_fn

    def __call__(self, inputs: Any, state: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Return outputs with the inputs in them, and the next state."""
        outputs, following = super().__call__(inputs, state, **kwargs)
        if self._residual_fn is not None:
            return self._residual_fn(inputs, outputs), following
        nest.assert_same_structure(inputs, outputs)
        return nest.map_structure(_sum_of_alike, inputs, outputs), following

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal wrapper."""
        return {**super().get_config(), "residual_fn": self._residual_fn}


def _sum_of_alike(first: Any, second: Any) -> Any:
    one, other = convert_to_tensor(first), convert_to_tensor(second)
    one.shape.assert_is_compatible_with(other.shape)
    return call("AddV2", one, other)


class RNNCellDeviceWrapper(_CellWrapper):
    """A cell on a device.

    Args:
        cell: the cell.
        device: name of the device.
        kwargs: `name`.

    Source: `tf.nn.RNNCellDeviceWrapper`.
    """

    def __init__(self, cell: Any, device: str, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self._device = device

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Return a state of zeros on the device."""
        with device_scope(self._device):
            return super().zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Return outputs and the next state, computed on the device."""
        with device_scope(self._device):
            return super().__call__(inputs, state, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal wrapper."""
        return {**super().get_config(), "device": self._device}
