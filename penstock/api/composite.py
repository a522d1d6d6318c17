"""Functions that also take composite tensors: what is done when the plain way refuses them.

A public function is written for tensors. Modules whose functions also take ragged or sparse
tensors end with `open_to_composites(globals())`, which wraps the functions that are named here.
A call with tensors runs as before. Only when it fails, and a composite is among its arguments,
the handlers for that kind of composite are looked up and asked in turn.

Source: the dispatch decorators of TensorFlow (`tf.experimental.dispatch_for_api`).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable
from typing import Any, Final

from penstock.core.composite_tensor import CompositeTensor
from penstock.core.user_code import shorten

Arguments = dict[str, Any]
Handler = Callable[[Callable[..., Any], Arguments], Any]

# Elementwise functions: of their first argument, and of their first two.
UNARY: Final[dict[str, tuple[str, ...]]] = {
    "elementwise": (
        "abs", "sign", "round", "reciprocal_no_nan", "erfcinv", "log_sigmoid", "real", "imag",
        "angle", "conj", "negative", "square", "sqrt", "rsqrt", "reciprocal", "exp", "expm1",
        "log", "log1p", "sigmoid", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
        "tanh", "asinh", "acosh", "atanh", "floor", "ceil", "rint", "erf", "erfc", "erfinv",
        "ndtri", "lgamma", "digamma", "is_nan", "is_inf", "is_finite", "logical_not",
    ),
    "casting": ("cast", "saturate_cast"),
    "clipping": ("clip_by_value",),
    "filling": ("zeros_like", "ones_like"),
    "array": ("bitcast",),
    "framework": ("stop_gradient",),
    "bitwise": ("invert",),
    "numerics": ("check_numerics",),
    "special": (
        "bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e", "bessel_j0", "bessel_j1",
        "bessel_k0", "bessel_k0e", "bessel_k1", "bessel_k1e", "bessel_y0", "bessel_y1", "dawsn",
        "expint", "fresnel_cos", "fresnel_sin", "spence",
    ),
    "activations": (
        "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "sigmoid", "tanh",
        "softplus", "softsign",
    ),
    "basics": (
        "lower", "upper", "strip", "length", "substr", "regex_replace", "regex_full_match",
        "as_string", "to_number", "to_hash_bucket", "to_hash_bucket_fast",
        "to_hash_bucket_strong",
    ),
    "pieces": ("unicode_transcode", "unicode_script"),
    "codecs": ("encode_base64", "decode_base64"),
    "decoding": ("decode_compressed",),
    "adjusting": ("adjust_brightness", "adjust_gamma"),
    "converting": ("convert_image_dtype",),
}  # fmt: skip
BINARY: Final[dict[str, tuple[str, ...]]] = {
    "arithmetic": (
        "add", "truediv", "divide", "divide_no_nan", "multiply_no_nan", "scalar_mul",
        "logical_xor", "subtract", "multiply", "floordiv", "floormod", "mod", "realdiv",
        "truncatediv", "truncatemod", "xdivy", "xlogy", "xlog1py", "pow", "squared_difference",
        "maximum", "minimum", "nextafter", "equal", "not_equal", "less", "less_equal",
        "greater", "greater_equal", "logical_and", "logical_or", "zeta", "atan2",
    ),
    "elementwise": ("complex",),
    "bitwise": ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"),
    "losses": ("sigmoid_cross_entropy_with_logits",),
}  # fmt: skip
# Functions with a handler of their own.
OTHERS: Final[dict[str, tuple[str, ...]]] = {
    "arithmetic": ("add_n",),
    "array": (
        "shape", "size", "rank", "reshape", "expand_dims", "squeeze", "broadcast_to",
        "broadcast_dynamic_shape", "reverse",
    ),
    "assertions": (
        "assert_equal", "assert_none_equal", "assert_less", "assert_less_equal",
        "assert_greater", "assert_greater_equal", "assert_near",
    ),
    "debugging": ("assert_type",),
    "counting": ("bincount",),
    "filling": ("one_hot", "zeros", "ones", "fill"),
    "indexing": ("where", "gather", "gather_nd", "dynamic_partition"),
    "joining": ("concat", "stack", "split", "tile"),
    "reductions": (
        "reduce_sum", "reduce_mean", "reduce_prod", "reduce_max", "reduce_min", "reduce_all",
        "reduce_any", "reduce_variance", "reduce_std", "reduce_logsumexp", "cumsum",
    ),
    "segments": (
        "unsorted_segment_sum", "unsorted_segment_prod", "unsorted_segment_max",
        "unsorted_segment_min", "unsorted_segment_mean", "unsorted_segment_sqrt_n",
    ),
    "activations": ("softmax",),
    "dropout": ("dropout", "stateless_dropout"),
    "embedding": (
        "embedding_lookup", "embedding_lookup_sparse", "safe_embedding_lookup_sparse",
    ),
    "products": ("matmul",),
    "basics": ("join", "reduce_join", "format"),
    "resizing": ("resize",),
}  # fmt: skip

# Modules that register handlers, imported when a call meets a composite for the first time.
_PROVIDERS: Final = (
    "penstock.api.ragged.dispatch",
    "penstock.api.sparse.dispatch",
)

# "module.function" -> handlers with the class of composites that they take.
_handlers: dict[str, list[tuple[type, Handler]]] = {}
_state = {"loaded": False}


def name_of(function: Callable[..., Any]) -> str:
    """The name under which handlers are registered: module and function."""
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


def register(name: str, kind: type, handler: Handler) -> None:
    """Say what the function `name` does when a composite of class `kind` is an argument.

    Args:
        name: "module.function".
        kind: class of composites.
        handler: takes the plain function and its arguments by name; gives the result, or
            NotImplemented when it does not know these arguments.
    """
    _handlers.setdefault(name, []).append((kind, handler))


def handles(kind: type, *names: str) -> Callable[[Handler], Handler]:
    """Decorate the handler of the functions `names` for composites of class `kind`."""

    def add(handler: Handler) -> Handler:
        for name in names:
            register(name, kind, handler)
        return handler

    return add


def open_to_composites(module: dict[str, Any]) -> None:
    """Wrap the functions of a module that are named in this module's tables.

    Args:
        module: the `globals()` of the module.
    """
    short = module["__name__"].rpartition(".")[2]
    for table in (UNARY, BINARY, OTHERS):
        for name in table.get(short, ()):
            function = module.get(name)
            if function is not None and not hasattr(function, "__composites__"):
                module[name] = _wrapped(function)


def composites_in(values: Iterable[Any]) -> list[CompositeTensor]:
    """Composites among arguments, and within lists of arguments."""
    found: list[CompositeTensor] = []
    for value in values:
        if isinstance(value, CompositeTensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found.extend(composites_in(value))
    return found


def dispatch(function: Callable[..., Any], arguments: Arguments, error: Exception) -> Any:
    """Give a call that failed to the handlers for the composites among its arguments.

    Raises:
        Exception: `error`, when there is no composite, or no handler knows what to do.
    """
    composites = composites_in(arguments.values())
    if not composites:
        raise error
    if not _state["loaded"]:
        _state["loaded"] = True
        for provider in _PROVIDERS:
            importlib.import_module(provider)
    for kind, handler in _handlers.get(name_of(function), ()):
        if any(isinstance(value, kind) for value in composites):
            result = handler(function, arguments)
            if result is not NotImplemented:
                return result
    raise error


def _wrapped(function: Any) -> Callable[..., Any]:
    wrapper = _maker(*_parameters(function))(function, dispatch, shorten)
    functools.update_wrapper(wrapper, function)
    wrapper.__defaults__ = function.__defaults__
    wrapper.__kwdefaults__ = function.__kwdefaults__
    wrapper.__composites__ = True
    return wrapper  # type: ignore[no-any-return]


def _parameters(function: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return names[: code.co_argcount], names[code.co_argcount :]


@functools.lru_cache(maxsize=256)
def _maker(positional: tuple[str, ...], by_name: tuple[str, ...]) -> Callable[..., Any]:
    """A function that wraps functions of these parameters.

    The wrapper has the parameters of what it wraps, so that a call costs one more frame and
    nothing else; `*args` and `**kwargs` would cost three times as much.
    """
    parameters = [*positional, *(["*"] if by_name else []), *by_name]
    given = [*positional, *(f"{name}={name}" for name in by_name)]
    held = ", ".join(f"{name!r}: {name}" for name in (*positional, *by_name))
    text = (
        "def make(__function, __dispatch, __shorten):\n"
        f"    def wrapper({', '.join(parameters)}):\n"
        "        try:\n"
        f"            return __function({', '.join(given)})\n"
        "        except (TypeError, ValueError, AttributeError) as error:\n"
        "            __error = error\n"
        "        except Exception as error:\n"
        "            __shorten(error)\n"
        "            raise\n"
        "        try:\n"
        f"            return __dispatch(__function, {{{held}}}, __error)\n"
        "        except Exception as error:\n"
        "            __shorten(error)\n"
        "            raise\n"
        "        finally:\n"
        "            del __error\n"
        "    return wrapper\n"
    )
    scope: dict[str, Any] = {}
    exec(compile(text, f"{__file__} (made)", "exec"), scope)  # noqa: S102  (text made of parameter names of our own functions)
    return scope["make"]  # type: ignore[no-any-return]
