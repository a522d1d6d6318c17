"""Names of `tf.compat.v1` that are in other places of `tf`.

Both names are of one function in TensorFlow 2.21.
"""

from __future__ import annotations

from typing import Final

# Namespace of compat.v1, namespace of tf, names; `old=new` where the last part differs too.
_MOVED: Final = (
    (
        "",
        "",
        (
            "NoGradient=no_gradient NotDifferentiable=no_gradient lin_space=linspace "
            "reverse_v2=reverse tensor_scatter_add=tensor_scatter_nd_add "
            "tensor_scatter_sub=tensor_scatter_nd_sub "
            "tensor_scatter_update=tensor_scatter_nd_update where_v2=where"
        ),
    ),
    (
        "",
        "debugging",
        "assert_proper_iterable assert_same_float_dtype check_numerics is_numeric_tensor",
    ),
    (
        "",
        "errors",
        "OpError",
    ),
    (
        "",
        "image",
        "random_crop",
    ),
    (
        "",
        "io",
        (
            "FixedLenFeature FixedLenSequenceFeature SparseFeature VarLenFeature "
            "decode_base64 decode_compressed decode_json_example deserialize_many_sparse "
            "encode_base64 matching_files parse_single_sequence_example parse_tensor "
            "read_file serialize_tensor write_file"
        ),
    ),
    (
        "",
        "linalg",
        (
            "cholesky cholesky_solve cross diag=tensor_diag diag_part=tensor_diag_part "
            "global_norm matrix_band_part=band_part matrix_determinant=det matrix_diag=diag "
            "matrix_diag_part=diag_part matrix_inverse=inv matrix_set_diag=set_diag "
            "matrix_solve=solve matrix_solve_ls=lstsq matrix_transpose "
            "matrix_triangular_solve=triangular_solve qr self_adjoint_eig=eigh "
            "self_adjoint_eigvals=eigvalsh svd trace"
        ),
    ),
    (
        "",
        "math",
        (
            "accumulate_n angle betainc ceil conj cumprod digamma div_no_nan=divide_no_nan "
            "erf erfc expm1 floordiv floormod=mod igamma igammac imag invert_permutation "
            "is_finite is_inf is_nan is_non_decreasing is_strictly_increasing lbeta lgamma "
            "log log1p log_sigmoid logical_xor mod polygamma real reciprocal rint rsqrt "
            "segment_max segment_mean segment_min segment_prod segment_sum squared_difference "
            "unsorted_segment_max unsorted_segment_mean unsorted_segment_min "
            "unsorted_segment_prod unsorted_segment_sqrt_n unsorted_segment_sum zeta"
        ),
    ),
    (
        "",
        "quantization",
        (
            "dequantize fake_quant_with_min_max_args fake_quant_with_min_max_args_gradient "
            "fake_quant_with_min_max_vars fake_quant_with_min_max_vars_gradient "
            "fake_quant_with_min_max_vars_per_channel "
            "fake_quant_with_min_max_vars_per_channel_gradient quantize quantized_concat"
        ),
    ),
    (
        "",
        "queue",
        "FIFOQueue PaddingFIFOQueue PriorityQueue QueueBase RandomShuffleQueue",
    ),
    (
        "",
        "random",
        (
            "random_gamma=gamma random_normal=normal random_shuffle=shuffle "
            "random_uniform=uniform truncated_normal"
        ),
    ),
    (
        "",
        "signal",
        "fft fft2d fft3d ifft ifft2d ifft3d",
    ),
    (
        "",
        "sparse",
        (
            "sparse_fill_empty_rows=fill_empty_rows sparse_mask=mask sparse_maximum=maximum "
            "sparse_minimum=minimum sparse_reorder=reorder sparse_reset_shape=reset_shape "
            "sparse_reshape=reshape sparse_retain=retain sparse_slice=slice "
            "sparse_softmax=softmax sparse_tensor_dense_matmul=sparse_dense_matmul "
            "sparse_tensor_to_dense=to_dense sparse_to_indicator=to_indicator "
            "sparse_transpose=transpose"
        ),
    ),
    (
        "",
        "strings",
        (
            "regex_replace string_join=join string_strip=strip "
            "string_to_hash_bucket_fast=to_hash_bucket_fast "
            "string_to_hash_bucket_strong=to_hash_bucket_strong"
        ),
    ),
    (
        "debugging",
        "math",
        "is_finite is_inf is_nan is_non_decreasing is_strictly_increasing",
    ),
    (
        "image",
        "image",
        "resize_image_with_crop_or_pad=resize_with_crop_or_pad transpose_image=transpose",
    ),
    (
        "io",
        "queue",
        "PaddingFIFOQueue PriorityQueue QueueBase RandomShuffleQueue",
    ),
    (
        "manip",
        "",
        "reverse roll scatter_nd space_to_batch_nd tile",
    ),
    (
        "sets",
        "sets",
        "set_difference=difference set_intersection=intersection set_size=size set_union=union",
    ),
    (
        "sparse",
        "sparse",
        "matmul=sparse_dense_matmul",
    ),
    (
        "spectral",
        "signal",
        "dct fft fft2d fft3d idct ifft ifft2d ifft3d irfft irfft2d irfft3d rfft rfft2d rfft3d",
    ),
)

# The same, but for keywords that TensorFlow 2 dropped.
_CLOSE: Final = (
    (
        "",
        "debugging",
        (
            "assert_greater_equal assert_integer assert_less_equal assert_near assert_negative "
            "assert_non_negative assert_non_positive assert_none_equal assert_positive "
            "assert_rank_at_least assert_rank_in assert_scalar assert_type "
            "verify_tensor_all_finite=assert_all_finite"
        ),
    ),
    ("", "io", "decode_csv decode_raw parse_example parse_single_example serialize_sparse"),
    ("", "math", "bincount confusion_matrix"),
    ("", "nn", "depth_to_space space_to_depth"),
    ("", "compat", "dimension_at_index dimension_value"),
    ("", "", "py_func=numpy_function"),
    ("", "sparse", "sparse_add=add sparse_split=split sparse_reduce_max=reduce_max"),
    ("", "sparse", "sparse_reduce_sum=reduce_sum sparse_segment_sum=segment_sum"),
    ("", "sparse", "sparse_segment_mean=segment_mean sparse_segment_sqrt_n=segment_sqrt_n"),
    ("", "strings", "reduce_join string_to_hash_bucket=to_hash_bucket substr"),
    ("", "strings", "string_to_number=to_number"),
    ("", "version", "COMPILER_VERSION GIT_VERSION GRAPH_DEF_VERSION VERSION"),
    ("", "version", "GRAPH_DEF_VERSION_MIN_CONSUMER GRAPH_DEF_VERSION_MIN_PRODUCER"),
    ("", "sysconfig", "CXX11_ABI_FLAG CXX_VERSION MONOLITHIC_BUILD"),
    ("image", "image", "resize_image_with_pad=resize_with_pad"),
    ("manip", "", "gather_nd reshape"),
)


def _table() -> dict[str, str]:
    found = {}
    for old_space, new_space, words in (*_MOVED, *_CLOSE):
        for word in words.split():
            old, _, new = word.partition("=")
            key = f"{old_space}.{old}" if old_space else old
            found[key] = f"{new_space}.{new or old}" if new_space else new or old
    return found


# Name below `tf.compat.v1` -> name below `tf`.
ELSEWHERE: Final = _table()
