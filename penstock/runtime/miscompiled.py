"""What XLA compiles wrongly, found before it is compiled, and the options that prevent it.

XLA's CPU compiler hands sums to a library. In jaxlib 0.10 that gives wrong sums for some sizes,
300 rows for one, where a product is summed whose first factor is the same for all rows, and
the sums are used in the same loop: `s + sum(x * s, axis=1)` with `x` as long as a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_FUSION: Final = "xla_cpu_experimental_ynn_fusion_type"
_WITHOUT_SUMS: Final = "LIBRARY_FUSION_TYPE_DOT"

# Steps that may lie between a broadcast factor, its product and the sum.
_PASSING: Final = frozenset({"convert_element_type", "copy", "reshape", "squeeze", "neg"})
_SUMS: Final = frozenset({"reduce_sum", "reduce_max", "reduce_min", "reduce_prod"})


def safe_options(jaxpr: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The compiler options for a computation, without those that make its results wrong.

    Args:
        jaxpr: the computation, closed or open.
        options: what is asked for otherwise.
    """
    if not sums_of_spread_factors(getattr(jaxpr, "jaxpr", jaxpr)):
        return dict(options)
    with_products = _WITHOUT_SUMS in options.get(_FUSION, "")
    return {**options, _FUSION: _WITHOUT_SUMS if with_products else ""}


def sums_of_spread_factors(jaxpr: Any) -> bool:
    """Whether a sum is taken of products whose first factor was broadcast."""
    spread: set[Any] = set()
    products: set[Any] = set()
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        first = equation.invars[0] if equation.invars else None
        # Literals are values: they cannot be looked up.
        known = None if hasattr(first, "val") else first
        if name == "broadcast_in_dim":
            spread.update(equation.outvars)
        elif name == "mul":
            if known in spread:
                products.update(equation.outvars)
        elif name in _PASSING or len(equation.outvars) == len(equation.invars) == 1:
            if known in spread:
                spread.update(equation.outvars)
            if known in products and name in _PASSING:
                products.update(equation.outvars)
        if name in _SUMS and known in products:
            return True
        if any(sums_of_spread_factors(inner) for inner in _inside(equation)):
            return True
    return False


def _inside(equation: Any) -> Iterator[Any]:
    """The computations that an equation calls, repeats or chooses from."""
    for value in equation.params.values():
        for part in value if isinstance(value, (tuple, list)) else (value,):
            inner = getattr(part, "jaxpr", part)
            if hasattr(inner, "eqns"):
                yield inner
