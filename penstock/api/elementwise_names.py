"""Which public functions work element by element, by their places in `penstock.api`.

Source: `tf.experimental.dispatch_for_unary_elementwise_apis` and its kin, which list them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, Final

UNARY: Final[dict[str, tuple[str, ...]]] = {
    "bitwise": ("invert",),
    "casting": ("cast", "saturate_cast"),
    "clipping": ("clip_by_value",),
    "debugging": ("check_numerics",),
    "filling": ("ones_like", "zeros_like"),
    "image": (
        "adjust_brightness", "adjust_gamma", "convert_image_dtype", "random_brightness",
        "stateless_random_brightness",
    ),
    "io": ("decode_base64", "decode_compressed", "encode_base64"),
    "math": (
        "abs", "acos", "acosh", "angle", "asin", "asinh", "atan", "atanh", "bessel_i0",
        "bessel_i0e", "bessel_i1", "bessel_i1e", "ceil", "conj", "cos", "cosh", "digamma",
        "erf", "erfc", "erfcinv", "erfinv", "exp", "expm1", "floor", "imag", "is_finite",
        "is_inf", "is_nan", "lgamma", "log", "log1p", "log_sigmoid", "logical_not", "ndtri",
        "negative", "nextafter", "real", "reciprocal", "reciprocal_no_nan", "rint", "round",
        "rsqrt", "sigmoid", "sign", "sin", "sinh", "softplus", "sqrt", "square", "tan", "tanh",
    ),
    "math.special": (
        "bessel_j0", "bessel_j1", "bessel_k0", "bessel_k0e", "bessel_k1", "bessel_k1e",
        "bessel_y0", "bessel_y1", "dawsn", "expint", "fresnel_cos", "fresnel_sin", "spence",
    ),
    "nn": ("elu", "gelu", "leaky_relu", "relu", "relu6", "selu", "silu", "softsign"),
    "strings": (
        "as_string", "length", "lower", "regex_full_match", "regex_replace", "strip", "substr",
        "to_hash_bucket", "to_hash_bucket_fast", "to_hash_bucket_strong", "to_number",
        "unicode_script", "unicode_transcode", "upper",
    ),
}  # fmt: skip
BINARY: Final[dict[str, tuple[str, ...]]] = {
    "arithmetic": ("realdiv", "truncatediv", "truncatemod"),
    "bitwise": ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"),
    "elementwise": ("complex",),
    "math": (
        "add", "atan2", "divide", "divide_no_nan", "equal", "floordiv", "floormod", "greater",
        "greater_equal", "less", "less_equal", "logical_and", "logical_or", "logical_xor",
        "maximum", "minimum", "multiply", "multiply_no_nan", "not_equal", "pow", "scalar_mul",
        "squared_difference", "subtract", "truediv", "xdivy", "xlog1py", "xlogy", "zeta",
    ),
    "nn": ("sigmoid_cross_entropy_with_logits",),
}  # fmt: skip
ASSERTIONS: Final[dict[str, tuple[str, ...]]] = {
    "debugging": (
        "assert_equal", "assert_greater", "assert_greater_equal", "assert_less",
        "assert_less_equal", "assert_near", "assert_none_equal",
    ),
}  # fmt: skip


def functions(table: dict[str, tuple[str, ...]]) -> Iterator[Any]:
    """Yield the functions of a table; their modules are imported."""
    for place, names in table.items():
        module, _, inner = place.partition(".")
        space = importlib.import_module(f"penstock.api.{module}")
        if inner:
            space = getattr(space, inner)
        for name in names:
            # What a namespace does not have yet cannot be called, either.
            function = getattr(space, name, None)
            if function is not None:
                yield function
