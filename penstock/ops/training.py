"""Optimizer updates: one step of gradient descent and of its many relatives.

Each rule is a function of the values of its variables and of its other inputs, and returns the
new values. A dense row applies it to whole variables; a sparse row applies it to the rows that
`indices` name, one occurrence after the other where an index comes more than once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from penstock.core.errors import InvalidArgumentError
from penstock.ops.checks import require
from penstock.ops.namespace import namespace
from penstock.ops.table import op

Array = Any
Rule = Callable[..., tuple[Array, ...]]


def _descend(_: Any, var: Array, *, alpha: Array, delta: Array) -> tuple[Array, ...]:
    return (var - alpha * delta,)


def _momentum(
    _: Any,
    var: Array,
    accum: Array,
    *,
    lr: Array,
    grad: Array,
    momentum: Array,
    use_nesterov: bool,
) -> tuple[Array, ...]:
    accum = accum * momentum + grad
    step = grad * lr + accum * momentum * lr if use_nesterov else accum * lr
    return var - step, accum


def _keras_momentum(
    _: Any,
    var: Array,
    accum: Array,
    *,
    lr: Array,
    grad: Array,
    momentum: Array,
    use_nesterov: bool,
) -> tuple[Array, ...]:
    accum = accum * momentum - grad * lr
    return var + (accum * momentum - grad * lr if use_nesterov else accum), accum


def _adam(
    xp: Any,
    var: Array,
    m: Array,
    v: Array,
    *,
    beta1_power: Array,
    beta2_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
    use_nesterov: bool,
) -> tuple[Array, ...]:
    rate = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    mean = m * beta1 + (1 - beta1) * grad if use_nesterov else m
    return var - mean * rate / (xp.sqrt(v) + epsilon), m, v


def _adam_with_amsgrad(
    xp: Any,
    var: Array,
    m: Array,
    v: Array,
    vhat: Array,
    *,
    beta1_power: Array,
    beta2_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    rate = lr * xp.sqrt(1 - beta2_power) / (1 - beta1_power)
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    vhat = xp.maximum(vhat, v)
    return var - m * rate / (xp.sqrt(vhat) + epsilon), m, v, vhat


def _ada_max(
    xp: Any,
    var: Array,
    m: Array,
    v: Array,
    *,
    beta1_power: Array,
    lr: Array,
    beta1: Array,
    beta2: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    m = m + (grad - m) * (1 - beta1)
    v = xp.maximum(beta2 * v, xp.abs(grad))
    return var - lr / (1 - beta1_power) * (m / (v + epsilon)), m, v


def _adagrad(
    xp: Any, var: Array, accum: Array, *, lr: Array, grad: Array, update_slots: bool
) -> tuple[Array, ...]:
    accum = _squares(accum, grad, update_slots)
    return var - grad * lr / xp.sqrt(accum), accum


def _adagrad_v2(
    xp: Any,
    var: Array,
    accum: Array,
    *,
    lr: Array,
    epsilon: Array,
    grad: Array,
    update_slots: bool,
) -> tuple[Array, ...]:
    accum = _squares(accum, grad, update_slots)
    return var - grad * lr / (xp.sqrt(accum) + epsilon), accum


def _squares(accum: Array, grad: Array, update_slots: bool) -> Array:
    # The product makes another array: a value that was read must not become the variable's own.
    return accum + grad * grad if update_slots else accum * np.ones((), accum.dtype)


def _adagrad_da(
    xp: Any,
    var: Array,
    gradient_accumulator: Array,
    gradient_squared_accumulator: Array,
    *,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    global_step: Array,
) -> tuple[Array, ...]:
    total = gradient_accumulator + grad
    squares = gradient_squared_accumulator + grad * grad
    steps = xp.asarray(global_step).astype(var.dtype)
    pull = xp.sign(total) * xp.maximum(xp.abs(total) - l1 * steps, 0)
    pull = xp.where(l1 > 0, pull, total)
    return -lr * pull / (l2 * steps * lr + xp.sqrt(squares)), total, squares


def _adadelta(
    xp: Any,
    var: Array,
    accum: Array,
    accum_update: Array,
    *,
    lr: Array,
    rho: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    accum = accum * rho + grad * grad * (1 - rho)
    update = xp.sqrt(accum_update + epsilon) / xp.sqrt(accum + epsilon) * grad
    return var - update * lr, accum, accum_update * rho + update * update * (1 - rho)


def _rms_prop(
    xp: Any,
    var: Array,
    ms: Array,
    mom: Array,
    *,
    lr: Array,
    rho: Array,
    momentum: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    ms = ms + (grad * grad - ms) * (1 - rho)
    mom = mom * momentum + lr * grad / xp.sqrt(ms + epsilon)
    return var - mom, ms, mom


def _centered_rms_prop(
    xp: Any,
    var: Array,
    mg: Array,
    ms: Array,
    mom: Array,
    *,
    lr: Array,
    rho: Array,
    momentum: Array,
    epsilon: Array,
    grad: Array,
) -> tuple[Array, ...]:
    ms = ms + (grad * grad - ms) * (1 - rho)
    mg = mg + (grad - mg) * (1 - rho)
    mom = mom * momentum + lr * grad / xp.sqrt(ms - mg * mg + epsilon)
    return var - mom, mg, ms, mom


def _ftrl(
    xp: Any,
    var: Array,
    accum: Array,
    linear: Array,
    *,
    grad: Array,
    lr: Array,
    l1: Array,
    l2: Array,
    lr_power: Array,
    multiply_linear_by_lr: bool,
    l2_shrinkage: Array | None = None,
) -> tuple[Array, ...]:
    pull = grad if l2_shrinkage is None else grad + 2 * l2_shrinkage * var
    grown = accum + grad * grad
    before, after = _root(xp, accum, lr_power), _root(xp, grown, lr_power)
    if multiply_linear_by_lr:
        linear = linear + pull * lr - (after - before) * var
        l1, quadratic = l1 * lr, after + 2 * l2 * lr
    else:
        linear = linear + pull - (after - before) / lr * var
        quadratic = after / lr + 2 * l2
    shrunk = (xp.sign(linear) * l1 - linear) / quadratic
    return xp.where(xp.abs(linear) > l1, shrunk, xp.zeros_like(var)), grown, linear


def _root(xp: Any, accum: Array, lr_power: Array) -> Array:
    # A square root is exact where a power of one half is not.
    return xp.where(lr_power == -0.5, xp.sqrt(accum), xp.power(accum, -lr_power))


def _proximal_descend(
    xp: Any, var: Array, *, alpha: Array, l1: Array, l2: Array, delta: Array
) -> tuple[Array, ...]:
    return (_shrink(xp, var - alpha * delta, alpha, l1, l2),)


def _proximal_adagrad(
    xp: Any, var: Array, accum: Array, *, lr: Array, l1: Array, l2: Array, grad: Array
) -> tuple[Array, ...]:
    accum = accum + grad * grad
    rate = lr / xp.sqrt(accum)
    return _shrink(xp, var - grad * rate, rate, l1, l2), accum


def _shrink(xp: Any, var: Array, rate: Array, l1: Array, l2: Array) -> Array:
    shrunk = xp.sign(var) * xp.maximum(xp.abs(var) - rate * l1, 0)
    return xp.where(l1 > 0, shrunk, var) / (1 + l2 * rate)


def _add_sign(
    xp: Any,
    var: Array,
    m: Array,
    *,
    lr: Array,
    alpha: Array,
    sign_decay: Array,
    beta: Array,
    grad: Array,
) -> tuple[Array, ...]:
    m = m * beta + grad * (1 - beta)
    return var - lr * (alpha + sign_decay * xp.sign(grad) * xp.sign(m)) * grad, m


def _power_sign(
    xp: Any,
    var: Array,
    m: Array,
    *,
    lr: Array,
    logbase: Array,
    sign_decay: Array,
    beta: Array,
    grad: Array,
) -> tuple[Array, ...]:
    m = m * beta + grad * (1 - beta)
    return var - lr * xp.exp(logbase * sign_decay * xp.sign(grad) * xp.sign(m)) * grad, m


def _renamed_delta(rule: Rule) -> Rule:
    """The rule with its gradient under the name that sparse rows give it."""

    def renamed(xp: Any, *variables: Array, grad: Array, **others: Any) -> tuple[Array, ...]:
        return rule(xp, *variables, delta=grad, **others)

    return renamed


# -- from rules to rows --------------------------------------------------------------------


def _dense(rule: Rule, names: list[str], count: int, gradient: str) -> Rule:
    """The kernel of a dense row: inputs in the order of `names`, `count` of them variables."""

    def kernel(*values: Array, use_locking: bool, **attrs: Any) -> tuple[Array, ...]:  # noqa: ARG001
        variables, others = (
            values[:count],
            dict(zip(names[count:], values[count:], strict=True)),
        )
        grad = others.pop(gradient)
        for name, value in zip(names[1:count], variables[1:], strict=True):
            _same_shape("var", variables[0], name, value)
        _same_shape("var", variables[0], gradient, grad)
        _all_scalars(others)
        xp = namespace(*values)
        return rule(xp, *variables, **{gradient: grad}, **others, **attrs)

    return kernel


def _sparse(rule: Rule, names: list[str], count: int) -> Rule:
    """The kernel of a sparse row."""

    def kernel(*values: Array, use_locking: bool, **attrs: Any) -> tuple[Array, ...]:  # noqa: ARG001
        variables, others = (
            values[:count],
            dict(zip(names[count:], values[count:], strict=True)),
        )
        grad, indices = others.pop("grad"), others.pop("indices")
        for name, value in zip(names[1:count], variables[1:], strict=True):
            _same_shape("var", variables[0], name, value)
        _all_scalars(others)
        if variables[0].ndim < 1:
            raise InvalidArgumentError("var must be at least one-dimensional, got a scalar")
        wanted = tuple(indices.shape) + tuple(variables[0].shape[1:])
        if indices.ndim != 1 or tuple(grad.shape) != wanted:
            raise InvalidArgumentError(
                "indices must be a vector and grad have one row of var for each, got shapes "
                f"{tuple(indices.shape)} and {tuple(grad.shape)} for {variables[0].shape}"
            )
        xp = namespace(*values)

        def step(rows: list[Array], part: Array) -> tuple[Array, ...]:
            return rule(xp, *rows, grad=part, **others, **attrs)

        size = variables[0].shape[0]
        good = (indices >= 0) & (indices < size)
        require(good, InvalidArgumentError, f"indices must be in [0, {size})", got=indices)
        if xp is np:
            return _rows_by_numpy(step, variables, grad, indices)
        return _rows_by_jax(step, variables, grad, indices)

    return kernel


def _rows_by_numpy(
    step: Rule, variables: tuple[Array, ...], grad: Array, indices: Array
) -> tuple[Array, ...]:
    new = [np.array(value) for value in variables]
    left = np.arange(len(indices))
    while len(left):
        # One round takes the first of each index that is left.
        first = left[np.unique(indices[left], return_index=True)[1]]
        chosen = indices[first]
        rows = step([value[chosen] for value in new], grad[first])
        for value, row in zip(new, rows, strict=True):
            value[chosen] = row
        left = np.setdiff1d(left, first, assume_unique=True)
    return tuple(new)


def _rows_by_jax(
    step: Rule, variables: tuple[Array, ...], grad: Array, indices: Array
) -> tuple[Array, ...]:
    variables = tuple(jnp.asarray(value) for value in variables)
    grad, indices = jnp.asarray(grad), jnp.asarray(indices)
    count = indices.shape[0]
    if count == 0:
        return tuple(value * np.ones((), value.dtype) for value in variables)

    def put(state: tuple[Array, ...], where: Array, part: Array) -> tuple[Array, ...]:
        rows = step([value[where] for value in state], part)
        return tuple(
            value.at[where].set(row.astype(value.dtype))
            for value, row in zip(state, rows, strict=True)
        )

    def at_once(state: tuple[Array, ...]) -> tuple[Array, ...]:
        return put(state, indices, grad)

    def one_by_one(state: tuple[Array, ...]) -> tuple[Array, ...]:
        result: tuple[Array, ...] = jax.lax.fori_loop(
            0, count, lambda i, s: put(s, indices[i], grad[i]), state
        )
        return result

    if count == 1:
        return at_once(variables)
    ordered = jnp.sort(indices)
    repeated = jnp.any(ordered[1:] == ordered[:-1])
    result: tuple[Array, ...] = jax.lax.cond(repeated, one_by_one, at_once, variables)
    return result


def _same_shape(first: str, one: Array, second: str, other: Array) -> None:
    if tuple(one.shape) != tuple(other.shape):
        raise InvalidArgumentError(
            f"{first} and {second} must have the same shape, got {tuple(one.shape)} and "
            f"{tuple(other.shape)}"
        )


def _all_scalars(values: dict[str, Array]) -> None:
    for name, value in values.items():
        if np.ndim(value):
            raise InvalidArgumentError(f"{name} must be a scalar, got shape {np.shape(value)}")


# Rule, variables, what follows them in a dense row, then in a sparse row (None: there is none),
# attrs beside `use_locking`, and the sentence that describes it.
_NESTEROV = {"use_nesterov": False}
_SLOTS = {"update_slots": True}
_BY_RATE = {"multiply_linear_by_lr": False}
_RULES: dict[str, tuple[Rule, str, str, str | None, dict[str, Any], str]] = {
    "GradientDescent": (
        _descend,
        "var",
        "alpha delta",
        None,
        {},
        "a step against the gradient",
    ),
    "Momentum": (
        _momentum,
        "var accum",
        "lr grad momentum",
        "lr grad indices momentum",
        _NESTEROV,
        "a step with momentum",
    ),
    "KerasMomentum": (
        _keras_momentum,
        "var accum",
        "lr grad momentum",
        "lr grad indices momentum",
        _NESTEROV,
        "a step with momentum, whose velocity holds the learning rate",
    ),
    "Adam": (
        _adam,
        "var m v",
        "beta1_power beta2_power lr beta1 beta2 epsilon grad",
        None,
        _NESTEROV,
        "a step of Adam",
    ),
    "AdamWithAmsgrad": (
        _adam_with_amsgrad,
        "var m v vhat",
        "beta1_power beta2_power lr beta1 beta2 epsilon grad",
        None,
        {},
        "a step of Adam that divides by the largest second moment so far",
    ),
    "AdaMax": (
        _ada_max,
        "var m v",
        "beta1_power lr beta1 beta2 epsilon grad",
        None,
        {},
        "a step of AdaMax",
    ),
    "Adagrad": (
        _adagrad,
        "var accum",
        "lr grad",
        "lr grad indices",
        _SLOTS,
        "a step of Adagrad",
    ),
    "AdagradV2": (
        _adagrad_v2,
        "var accum",
        "lr epsilon grad",
        "lr epsilon grad indices",
        _SLOTS,
        "a step of Adagrad with an epsilon",
    ),
    "AdagradDA": (
        _adagrad_da,
        "var gradient_accumulator gradient_squared_accumulator",
        "grad lr l1 l2 global_step",
        "grad indices lr l1 l2 global_step",
        {},
        "a step of Adagrad by dual averaging",
    ),
    "Adadelta": (
        _adadelta,
        "var accum accum_update",
        "lr rho epsilon grad",
        "lr rho epsilon grad indices",
        {},
        "a step of Adadelta",
    ),
    "RMSProp": (
        _rms_prop,
        "var ms mom",
        "lr rho momentum epsilon grad",
        "lr rho momentum epsilon grad indices",
        {},
        "a step of RMSProp",
    ),
    "CenteredRMSProp": (
        _centered_rms_prop,
        "var mg ms mom",
        "lr rho momentum epsilon grad",
        "lr rho momentum epsilon grad indices",
        {},
        "a step of RMSProp scaled by the variance",
    ),
    "Ftrl": (
        _ftrl,
        "var accum linear",
        "grad lr l1 l2 lr_power",
        "grad indices lr l1 l2 lr_power",
        _BY_RATE,
        "a step of FTRL-proximal",
    ),
    "FtrlV2": (
        _ftrl,
        "var accum linear",
        "grad lr l1 l2 l2_shrinkage lr_power",
        "grad indices lr l1 l2 l2_shrinkage lr_power",
        _BY_RATE,
        "a step of FTRL-proximal with shrinkage",
    ),
    "ProximalGradientDescent": (
        _proximal_descend,
        "var",
        "alpha l1 l2 delta",
        "alpha l1 l2 grad indices",
        {},
        "a step of FOBOS",
    ),
    "ProximalAdagrad": (
        _proximal_adagrad,
        "var accum",
        "lr l1 l2 grad",
        "lr l1 l2 grad indices",
        {},
        "a step of FOBOS with the rate of Adagrad",
    ),
    "AddSign": (
        _add_sign,
        "var m",
        "lr alpha sign_decay beta grad",
        None,
        {},
        "a step of AddSign",
    ),
    "PowerSign": (
        _power_sign,
        "var m",
        "lr logbase sign_decay beta grad",
        None,
        {},
        "a step of PowerSign",
    ),
}
_DTYPES = {"global_step": "int64", "indices": "Tindices"}


def _add_row(name: str, kernel: Rule, variables: list[str], rest: list[str], note: str) -> None:
    prefix, _, kind = name.partition("Apply")
    rank = {"indices": "[k]", "grad": "[...]", "delta": "[...]"}
    if prefix == "ResourceSparse":
        rank["grad"] = "[k, ...]"
    shapes = [f"{each} [] of a variable [...]" for each in variables]
    shapes += [f"{each} {rank.get(each, '[]')}" for each in rest]
    where = " for the rows of `indices`" if prefix == "ResourceSparse" else ""
    kernel.__doc__ = (
        f"Take {note}{where}.\n\n    Shape: {', '.join(shapes)}.\n"
        "    Errors: InvalidArgumentError when shapes differ or an index is out of range.\n    "
    )
    op(
        name,
        inputs=[
            *(f"{each}: resource" for each in variables),
            *(f"{each}: {_DTYPES.get(each, 'T')}" for each in rest),
        ],
        attrs={"use_locking": False, **_RULES[kind][4]},
        reads=variables,
        writes=variables,
        stateful=True,
        differentiable=False,
    )(kernel)


def _add_rows(kind: str) -> None:
    rule, names, dense, sparse, _, note = _RULES[kind]
    variables = names.split()
    rest = dense.split()
    gradient = "delta" if "delta" in rest else "grad"
    kernel = _dense(rule, [*variables, *rest], len(variables), gradient)
    _add_row(f"ResourceApply{kind}", kernel, variables, rest, note)
    if sparse is not None:
        rest = sparse.split()
        by_rows = _renamed_delta(rule) if gradient == "delta" else rule
        kernel = _sparse(by_rows, [*variables, *rest], len(variables))
        _add_row(f"ResourceSparseApply{kind}", kernel, variables, rest, note)


for _kind in _RULES:
    _add_rows(_kind)
