"""The optimizers of `tf.compat.v1.train`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from penstock.api.framework import gradients as graph_gradients
from penstock.core.errors import UnimplementedError
from penstock.graph.session.graph import GraphKeys, after
from penstock.graph.session.variable import GraphVariable
from penstock.runtime.context import name_scope, state
from penstock.runtime.convert import convert_to_tensor
from penstock.runtime.dispatch import call
from penstock.runtime.indexed_slices import IndexedSlices
from penstock.runtime.tape import GradientTape
from penstock.runtime.trackable import Trackable
from penstock.runtime.variable import Variable

Pair = tuple[Any, Any]


class Optimizer(Trackable):
    """Changes variables by their gradients.

    Args:
        use_locking: accepted for compatibility.
        name: prefix of the names of what it makes.
    """

    GATE_NONE: ClassVar[int] = 0
    GATE_OP: ClassVar[int] = 1
    GATE_GRAPH: ClassVar[int] = 2

    _slot_names: tuple[str, ...] = ()

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[int, Any]] = {}
        self._others: dict[tuple[str, int], Any] = {}

    # -- what users call --------------------------------------------

    def get_name(self) -> str:
        """The name."""
        return self._name

    def minimize(
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Any:
        """An op that takes one step towards a smaller loss; in eager execution, take it.

        Args:
            loss: the loss, in eager execution a callable that gives it.
            global_step: variable that is counted up.
            var_list: the variables; default: all trainable ones of the graph, or that the
                callable reads.
            name: name of the op.
            grad_loss: gradient of the loss; default: one.
            gate_gradients, aggregation_method, colocate_gradients_with_ops: accepted for
                compatibility.

        Raises:
            ValueError: the loss depends on no variable.
        """
        pairs = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        if all(gradient is None for gradient, _ in pairs):
            names = [str(variable.name) for _, variable in pairs]
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not "
                f"support gradients, between variables {names} and loss {loss}."
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = 1,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[Pair]:
        """Gradients of a loss, each with its variable. See `minimize`.

        Raises:
            RuntimeError: the loss is no callable, in eager execution.
            ValueError: there are no variables.
        """
        if callable(loss):
            with GradientTape() as tape:
                value = loss()
            variables = list(var_list) if var_list is not None else tape.watched_variables()
            found = tape.gradient(value, variables, output_gradients=grad_loss)
            return list(zip(found, variables, strict=True))
        if state.graph is None:
            raise RuntimeError(
                "`loss` passed to Optimizer.compute_gradients should be a function when eager "
                "execution is enabled."
            )
        variables = (
            list(var_list)
            if var_list is not None
            else state.graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)
        )
        if not variables:
            raise ValueError("No variables to optimize.")
        seeds = None if grad_loss is None else [grad_loss]
        found = graph_gradients([loss], variables, grad_ys=seeds)
        return list(zip(found, variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[Pair], global_step: Any = None, name: str | None = None
    ) -> Any:
        """An op that changes variables by gradients; in eager execution, change them.

        Args:
            grads_and_vars: gradients with their variables; None gradients are left out.
            global_step: variable that is counted up.
            name: name of the op.

        Raises:
            ValueError: there are no gradients.
        """
        given = list(grads_and_vars)
        pairs = [(gradient, variable) for gradient, variable in given if gradient is not None]
        if not pairs:
            raise ValueError(
                f"No gradients provided for any variable: {[v for _, v in given]}."
            )
        with name_scope(name or self._name) as scope:
            self._make_slots([variable for _, variable in pairs])
            self._prepare()
            updates: list[Any] = []
            for gradient, variable in pairs:
                updates += self._update(gradient, variable)
            with _in_order(updates):
                updates += self._finish()
            with _in_order(updates):
                if global_step is not None:
                    global_step.assign_add(1, read_value=False)
                    updates = [_last()]
            return _done(updates, scope)

    def get_slot(self, var: Any, name: str) -> Any:
        """A variable that is kept beside another, or None."""
        return self._slots.get(name, {}).get(id(var))

    def get_slot_names(self) -> list[str]:
        """Names of what is kept beside each variable."""
        return sorted(self._slot_names)

    def variables(self) -> list[Any]:
        """All variables that the optimizer made."""
        slots = [slot for by_variable in self._slots.values() for slot in by_variable.values()]
        return [*self._others.values(), *slots]

    # -- what checkpoints ask ----------------------------------------

    def _slots_by_variable(self) -> dict[str, dict[int, Any]]:
        return self._slots

    def _slot_to_restore(self, variable: Any, name: str) -> Any:
        """The variable that takes a value of a checkpoint; None where there is none."""
        if name not in self._slot_names or not isinstance(variable, Variable):
            return None
        return self._slot(variable, name, 0.0)

    def _trackable_children(
        self, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        return {**super()._trackable_children(save_type, **kwargs), **self._shared()}

    def _lookup_dependency(self, name: str, cached_dependencies: Any = None) -> Any:
        return self._shared().get(name) or super()._lookup_dependency(name, cached_dependencies)

    def _shared(self) -> dict[str, Any]:
        """What all variables share in this graph, by name."""
        own = id(_graph())
        return {name: item for (name, graph), item in self._others.items() if graph == own}

    # -- what kinds of optimizers say -------------------------------

    def _make_slots(self, variables: Sequence[Any]) -> None:
        for variable in variables:
            for name in self._slot_names:
                first = self._first_value(name, variable)
                self._slot(variable, name, first)

    def _first_value(self, name: str, variable: Any) -> float:
        return 0.0

    def _prepare(self) -> None:
        """Make what all updates share."""

    def _dense(self, gradient: Any, variable: Any) -> None:
        raise UnimplementedError(f"{type(self).__name__} must say how variables change")

    def _sparse(self, values: Any, indices: Any, variable: Any) -> None:
        raise UnimplementedError(f"{type(self).__name__} changes whole variables only")

    def _finish(self) -> list[Any]:
        return []

    # -- parts ------------------------------------------------------

    def _slot(self, variable: Any, name: str, value: Any) -> Any:
        found = self._slots.setdefault(name, {})
        if id(variable) not in found:
            first = call(
                "Fill", variable.shape.as_list(), convert_to_tensor(value, variable.dtype)
            )
            own = (
                variable.op.name
                if isinstance(variable, GraphVariable)
                else variable._handle_name
            )
            with name_scope(None):
                found[id(variable)] = _new_variable(first, f"{own}/{self._name}")
        return found[id(variable)]

    def _other(self, name: str, value: float, like: Any) -> Any:
        """A variable that all others share, one for each graph."""
        key = (name, id(_graph()))
        if key not in self._others:
            with name_scope(None):
                first = convert_to_tensor(value, like.dtype)
                self._others[key] = _new_variable(first, name)
            self._handle_deferred_dependencies(name, self._others[key])
        return self._others[key]

    def _update(self, gradient: Any, variable: Any) -> list[Any]:
        before = _count()
        if isinstance(gradient, IndexedSlices):
            unique, places = call("Unique", gradient.indices)
            summed = call("UnsortedSegmentSum", gradient.values, places, call("Size", unique))
            self._sparse(summed, unique, variable)
        else:
            self._dense(gradient, variable)
        constraint = getattr(variable, "constraint", None)
        if constraint is not None:
            with _in_order(_made_since(before)):
                variable.assign(constraint(variable.read_value()), read_value=False)
        return _made_since(before)

    def _number(self, value: Any, like: Any) -> Any:
        value = value() if callable(value) else value
        if isinstance(value, Variable):
            value = value.read_value()
        tensor = convert_to_tensor(value)
        return call("Cast", tensor, DstT=like.dtype)


def _new_variable(first: Any, name: str) -> Any:
    if state.graph is None:
        return Variable(first, trainable=False, name=name)
    return GraphVariable(first, trainable=False, name=name)


def _graph() -> Any:
    return state.graph


def _count() -> int:
    return 0 if state.graph is None else len(state.graph.nodes)


def _made_since(before: int) -> list[Any]:
    """Nodes that change variables, made since."""
    if state.graph is None:
        return []
    return [node for node in state.graph.nodes[before:] if node.row.writes]


def _in_order(nodes: Sequence[Any]) -> Any:
    return after(nodes if state.graph is not None else ())


def _done(nodes: Sequence[Any], scope: str) -> Any:
    """An op that is done once nodes have run, which has the name of the scope itself."""
    if state.graph is None:
        return None
    with after(nodes):
        call("NoOp", name="update")
    node = state.graph.last_node()
    node.name = scope.rstrip("/")
    state.graph.add_to_collection(GraphKeys.TRAIN_OP, node)
    return node


def _last() -> Any:
    return None if state.graph is None else state.graph.last_node()


class GradientDescentOptimizer(Optimizer):
    """Goes against the gradient.

    Args:
        learning_rate: length of the steps; a number, tensor, or callable.
        use_locking: accepted for compatibility.
        name: prefix of names.
    """

    def __init__(
        self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent"
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _dense(self, gradient: Any, variable: Any) -> None:
        rate = self._number(self._learning_rate, variable)
        call("ResourceApplyGradientDescent", variable.handle, rate, gradient)

    def _sparse(self, values: Any, indices: Any, variable: Any) -> None:
        rate = self._number(self._learning_rate, variable)
        call("ResourceScatterSub", variable.handle, indices, call("Mul", values, rate))


class MomentumOptimizer(Optimizer):
    """Goes against a running sum of gradients.

    Args:
        learning_rate: length of the steps.
        momentum: what is kept of the sum at each step.
        use_locking: accepted for compatibility.
        name: prefix of names.
        use_nesterov: whether the gradient is taken where the sum leads.
    """

    _slot_names = ("momentum",)

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate, self._momentum = learning_rate, momentum
        self._use_nesterov = use_nesterov

    def _arguments(self, variable: Any) -> list[Any]:
        slot = self.get_slot(variable, "momentum")
        return [variable.handle, slot.handle, self._number(self._learning_rate, variable)]

    def _dense(self, gradient: Any, variable: Any) -> None:
        call(
            "ResourceApplyMomentum",
            *self._arguments(variable),
            gradient,
            self._number(self._momentum, variable),
            use_nesterov=self._use_nesterov,
        )

    def _sparse(self, values: Any, indices: Any, variable: Any) -> None:
        call(
            "ResourceSparseApplyMomentum",
            *self._arguments(variable),
            values,
            indices,
            self._number(self._momentum, variable),
            use_nesterov=self._use_nesterov,
        )


class AdamOptimizer(Optimizer):
    """Adam: steps by running averages of the gradient and its square.

    Args:
        learning_rate: length of the steps.
        beta1: what is kept of the average at each step.
        beta2: what is kept of the average of squares.
        epsilon: added to the root of that average.
        use_locking: accepted for compatibility.
        name: prefix of names.
    """

    _slot_names = ("m", "v")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate, self._epsilon = learning_rate, epsilon
        self._beta1, self._beta2 = beta1, beta2
        self._powers: tuple[Any, Any] | None = None
        self._like: Any = None

    def _make_slots(self, variables: Sequence[Any]) -> None:
        self._like = min(variables, key=lambda variable: variable.name)
        betas = (("beta1_power", self._beta1), ("beta2_power", self._beta2))
        first, second = (
            self._other(name, beta() if callable(beta) else beta, self._like)
            for name, beta in betas
        )
        self._powers = first, second
        super()._make_slots(variables)

    def _numbers(self, variable: Any) -> list[Any]:
        assert self._powers is not None
        given = (self._learning_rate, self._beta1, self._beta2, self._epsilon)
        powers = [self._number(power, variable) for power in self._powers]
        return [*powers, *(self._number(value, variable) for value in given)]

    def _dense(self, gradient: Any, variable: Any) -> None:
        m, v = self.get_slot(variable, "m"), self.get_slot(variable, "v")
        numbers = self._numbers(variable)
        call("ResourceApplyAdam", variable.handle, m.handle, v.handle, *numbers, gradient)

    def _sparse(self, values: Any, indices: Any, variable: Any) -> None:
        m, v = self.get_slot(variable, "m"), self.get_slot(variable, "v")
        power1, power2, rate, beta1, beta2, epsilon = self._numbers(variable)
        one = convert_to_tensor(1, variable.dtype)
        length = rate * call("Sqrt", one - power2) / (one - power1)
        # Averages fade everywhere, also where there is no gradient.
        with _in_order([_after_assign(m, m.read_value() * beta1)]):
            scaled = values * (one - beta1)
            with _in_order([_after_scatter(m, indices, scaled)]):
                m_now = m.read_value()
        with _in_order([_after_assign(v, v.read_value() * beta2)]):
            squared = values * values * (one - beta2)
            with _in_order([_after_scatter(v, indices, squared)]):
                v_now = v.read_value()
        variable.assign_sub(length * m_now / (call("Sqrt", v_now) + epsilon), read_value=False)

    def _finish(self) -> list[Any]:
        before = _count()
        assert self._powers is not None
        for power, beta in zip(self._powers, (self._beta1, self._beta2), strict=True):
            power.assign(power.read_value() * self._number(beta, power), read_value=False)
        return _made_since(before)


def _after_assign(variable: Any, value: Any) -> Any:
    variable.assign(value, read_value=False)
    return _last()


def _after_scatter(variable: Any, indices: Any, values: Any) -> Any:
    call("ResourceScatterAdd", variable.handle, indices, values)
    return _last()


class AdagradOptimizer(Optimizer):
    """Adagrad: steps that shrink with the sum of squared gradients.

    Args:
        learning_rate: length of the steps.
        initial_accumulator_value: first value of the sums.
        use_locking: accepted for compatibility.
        name: prefix of names.
    """

    _slot_names = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(
                f"initial_accumulator_value must be positive: {initial_accumulator_value}"
            )
        super().__init__(use_locking, name)
        self._learning_rate, self._initial = learning_rate, initial_accumulator_value

    def _first_value(self, name: str, variable: Any) -> float:
        return self._initial

    def _arguments(self, variable: Any) -> list[Any]:
        slot = self.get_slot(variable, "accumulator")
        return [variable.handle, slot.handle, self._number(self._learning_rate, variable)]

    def _dense(self, gradient: Any, variable: Any) -> None:
        call("ResourceApplyAdagrad", *self._arguments(variable), gradient)

    def _sparse(self, values: Any, indices: Any, variable: Any) -> None:
        call("ResourceSparseApplyAdagrad", *self._arguments(variable), values, indices)


class RMSPropOptimizer(Optimizer):
    """RMSProp: steps by a running average of squared gradients.

    Args:
        learning_rate: length of the steps.
        decay: what is kept of the average at each step.
        momentum: what is kept of the last step.
        epsilon: added to the average.
        use_locking: accepted for compatibility.
        centered: whether the average gradient is taken off.
        name: prefix of names.
    """

    _slot_names: tuple[str, ...] = ("rms", "momentum")

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._given = (learning_rate, decay, momentum, epsilon)
        self._centered = centered
        if centered:
            self._slot_names = ("rms", "mg", "momentum")

    def _first_value(self, name: str, variable: Any) -> float:
        return 1.0 if name == "rms" else 0.0

    def _apply(self, sparse: str, variable: Any, rest: Sequence[Any]) -> None:
        names = ("mg", "rms", "momentum") if self._centered else ("rms", "momentum")
        slots = [self.get_slot(variable, name).handle for name in names]
        numbers = [self._number(value, variable) for value in self._given]
        kind = "CenteredRMSProp" if self._centered else "RMSProp"
        call(f"Resource{sparse}Apply{kind}", variable.handle, *slots, *numbers, *rest)

    def _dense(self, gradient: Any, variable: Any) -> None:
        self._apply("", variable, [gradient])

    def _sparse(self, values: Any, indices: Any, variable: Any) -> None:
        self._apply("Sparse", variable, [values, indices])


class AdadeltaOptimizer(Optimizer):
    """Adadelta: steps by running averages of squared gradients and squared steps.

    Args:
        learning_rate: length of the steps.
        rho: what is kept of the averages at each step.
        epsilon: added to the averages.
        use_locking: accepted for compatibility.
        name: prefix of names.
    """

    _slot_names = ("accum", "accum_update")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._given = (learning_rate, rho, epsilon)

    def _apply(self, sparse: str, variable: Any, rest: Sequence[Any]) -> None:
        slots = [self.get_slot(variable, name).handle for name in self._slot_names]
        numbers = [self._number(value, variable) for value in self._given]
        call(f"Resource{sparse}ApplyAdadelta", variable.handle, *slots, *numbers, *rest)

    def _dense(self, gradient: Any, variable: Any) -> None:
        self._apply("", variable, [gradient])

    def _sparse(self, values: Any, indices: Any, variable: Any) -> None:
        self._apply("Sparse", variable, [values, indices])


class FtrlOptimizer(Optimizer):
    """FTRL: steps that keep most weights at zero.

    Args:
        learning_rate: length of the steps.
        learning_rate_power: power of the sums, not above zero.
        initial_accumulator_value: first value of the sums.
        l1_regularization_strength: weight of the sum of absolute values.
        l2_regularization_strength: weight of the sum of squares.
        use_locking: accepted for compatibility.
        name: prefix of names.
        accum_name, linear_name: accepted for compatibility.
        l2_shrinkage_regularization_strength: weight of a penalty on the size alone.
    """

    _slot_names = ("accum", "linear")

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
    ) -> None:
        super().__init__(use_locking, name)
        self._initial = initial_accumulator_value
        self._given = (
            learning_rate,
            l1_regularization_strength,
            l2_regularization_strength,
            l2_shrinkage_regularization_strength,
            learning_rate_power,
        )

    def _first_value(self, name: str, variable: Any) -> float:
        return self._initial if name == "accum" else 0.0

    def _apply(self, sparse: str, variable: Any, rest: Sequence[Any]) -> None:
        slots = [self.get_slot(variable, name).handle for name in self._slot_names]
        numbers = [self._number(value, variable) for value in self._given]
        call(f"Resource{sparse}ApplyFtrlV2", variable.handle, *slots, *rest, *numbers)

    def _dense(self, gradient: Any, variable: Any) -> None:
        self._apply("", variable, [gradient])

    def _sparse(self, values: Any, indices: Any, variable: Any) -> None:
        self._apply("Sparse", variable, [values, indices])
