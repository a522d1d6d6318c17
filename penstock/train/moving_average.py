"""`tf.train.ExponentialMovingAverage`: smoothed copies of variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.runtime.context import init_scope
from penstock.runtime.variable import Variable


class ExponentialMovingAverage:
    """Keeps an average of variables in which older values count less and less.

    After each `apply` an average is `decay * average + (1 - decay) * value`.

    Args:
        decay: weight of the past, a little below 1.
        num_updates: number or variable; the decay is at most `(1 + n) / (10 + n)`, so that
            averages move faster at first.
        zero_debias: accepted for compatibility; averages start at the variables' values.
        name: part of the names of the averages.
    """

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:
        self._decay = decay
        self._num_updates = num_updates
        self._name = name
        # Variables are kept alive with their averages, so that no id is used again.
        self._averages: dict[int, tuple[Variable, Variable]] = {}

    @property
    def name(self) -> str:
        """Part of the names of the averages."""
        return self._name

    def apply(self, var_list: Sequence[Any]) -> None:
        """Take the present values of variables into their averages, made when first asked for.

        Raises:
            TypeError: something is no floating variable.
        """
        for variable in var_list:
            if not isinstance(variable, Variable):
                raise TypeError(
                    "tf.train.ExponentialMovingAverage does not support non-Variable tensors "
                    f"when eager execution is enabled, got {variable!r}"
                )
            if not variable.dtype.is_floating:
                raise TypeError(
                    f"The variables must be half, float, or double: {variable.name}"
                )
        decay = self._present_decay()
        for variable in var_list:
            average = self._average_of(variable)
            # In this form nothing is lost when both are equal.
            change = (average.read_value() - variable.read_value()) * (1.0 - decay)
            average.assign_sub(change)

    def _present_decay(self) -> Any:
        if self._num_updates is None:
            return self._decay
        count = float(getattr(self._num_updates, "numpy", lambda: self._num_updates)())
        return min(self._decay, (1.0 + count) / (10.0 + count))

    def _average_of(self, variable: Variable) -> Variable:
        found = self._averages.get(id(variable))
        if found is None:
            with init_scope():
                average = Variable(
                    variable.read_value(), trainable=False, name=self._plain_name(variable)
                )
            found = self._averages[id(variable)] = (variable, average)
        return found[1]

    def average(self, var: Any) -> Variable | None:
        """The variable that holds the average of `var`, or None when there is none."""
        found = self._averages.get(id(var))
        return None if found is None else found[1]

    def average_name(self, var: Any) -> str:
        """Name of the variable that holds the average of `var`."""
        average = self.average(var)
        return self._plain_name(var) if average is None else average.name.removesuffix(":0")

    def _plain_name(self, variable: Any) -> str:
        return f"{variable.name.removesuffix(':0')}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Variable]:
        """Variables by the names under which a checkpoint has what they should become.

        Args:
            moving_avg_variables: those that have averages; None takes all that have one.
        """
        if moving_avg_variables is None:
            moving_avg_variables = [variable for variable, _ in self._averages.values()]
        return {self.average_name(variable): variable for variable in moving_avg_variables}
