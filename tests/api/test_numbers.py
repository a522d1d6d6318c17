"""Casts, limits, sequences and counts."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError


def test_a_cast_to_the_same_dtype_is_no_copy():
    x = tf.constant([1.0])

    assert tf.cast(x, tf.float32) is x


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (300, tf.uint8, 255),
        (-300.0, tf.int8, -128),
        (-1, tf.uint32, 0),
        (1e10, tf.int32, 2**31 - 128),
        (np.inf, tf.int32, 2**31 - 128),
        (70000.0, tf.float16, 65504.0),
        (True, tf.int8, 1),
    ],
)
def test_a_saturating_cast_gives_the_nearest_value(value, dtype, expected):
    result = tf.saturate_cast(tf.constant(value), dtype)

    assert result.dtype == dtype
    assert result.numpy() == expected


def test_slices_keep_their_places_when_cast():
    slices = tf.IndexedSlices(tf.constant([[1.5]]), tf.constant([3]), tf.constant([9, 1]))

    result = tf.cast(slices, tf.int32)

    assert (result.values.numpy().tolist(), result.indices.numpy().tolist()) == ([[1]], [3])


@pytest.mark.parametrize("compiled", [False, True])
def test_floats_beyond_the_integers_become_the_lowest(compiled):
    def cast(x):
        return tf.cast(x, tf.int32), tf.cast(x, tf.int64)

    narrow, wide = (tf.function(cast, jit_compile=True) if compiled else cast)(
        tf.constant([np.nan, np.inf, 3e9])
    )

    assert narrow.numpy().tolist() == [-(2**31)] * 3
    assert wide.numpy().tolist() == [-(2**63), -(2**63), 3_000_000_000]


def test_values_are_clipped_without_growing_the_tensor():
    assert tf.clip_by_value([1, 5], 2, 3).numpy().tolist() == [2, 3]
    with pytest.raises(ValueError, match="incompatible"):
        tf.clip_by_value(1.0, [2.0, 3.0], 4.0)


@pytest.mark.parametrize(
    ("limit", "expected"), [(1.0, [0.6, 0.8]), (10, [3.0, 4.0]), (-1.0, [0.0, 0.0])]
)
def test_a_vector_is_shortened_to_a_length(limit, expected):
    np.testing.assert_allclose(tf.clip_by_norm([3.0, 4.0], limit), expected, rtol=1e-6)


def test_the_gradient_of_a_vector_of_length_zero_is_finite():
    x = tf.constant([0.0, 0.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        clipped = tf.clip_by_norm(x, 1.0)

    assert np.isfinite(tape.gradient(clipped, x).numpy()).all()


def test_tensors_are_shortened_together():
    tensors = [tf.constant([3.0]), None, tf.constant([4.0])]

    clipped, length = tf.clip_by_global_norm(tensors, 1.0)

    assert length.numpy() == 5.0
    assert clipped[1] is None
    np.testing.assert_allclose([clipped[0][0], clipped[2][0]], [0.6, 0.8], rtol=1e-6)


def test_an_infinite_length_makes_all_nan():
    clipped, _ = tf.clip_by_global_norm([tf.constant([np.inf, 1.0])], 1.0)

    assert np.isnan(clipped[0].numpy()).all()


def test_one_tensor_is_no_list_of_tensors():
    with pytest.raises(TypeError):
        tf.clip_by_global_norm(tf.constant([1.0]), 1.0)


@pytest.mark.parametrize(
    ("arguments", "dtype", "expected"),
    [
        ((3,), tf.int32, [0, 1, 2]),
        ((1, 4.0), tf.float32, [1, 2, 3]),
        ((10, 0, -3), tf.int32, [10, 7, 4, 1]),
        ((0, 1, 0.25), tf.float32, [0, 0.25, 0.5, 0.75]),
        ((5, 5), tf.int32, []),
    ],
)
def test_a_range_has_the_widest_dtype_of_its_arguments(arguments, dtype, expected):
    result = tf.range(*arguments)

    assert result.dtype == dtype
    assert result.numpy().tolist() == expected


@pytest.mark.parametrize("arguments", [(5, 1), (0, 5, 0), (0, 5, -1)])
def test_a_range_leads_to_its_limit(arguments):
    with pytest.raises(InvalidArgumentError):
        tf.range(*arguments)


def test_the_length_of_a_range_may_depend_on_values():
    @tf.function
    def up_to(x):
        return tf.range(tf.reduce_max(x))

    assert up_to(tf.constant([1, 4, 2])).numpy().tolist() == [0, 1, 2, 3]


def test_linspace_reaches_its_end_exactly():
    result = tf.linspace(0.1, 0.7, 7).numpy()

    assert result[-1] == np.float32(0.7)
    np.testing.assert_allclose(result, np.linspace(0.1, 0.7, 7), rtol=1e-6)


def test_linspace_of_integers_and_arrays():
    assert tf.linspace(0, 10, 5).numpy().tolist() == [0, 2.5, 5, 7.5, 10]
    assert tf.linspace([0.0, 1.0], [10.0, 20.0], 3, axis=1).numpy().tolist() == [
        [0, 5, 10],
        [1, 10.5, 20],
    ]
    assert tf.linspace(2.0, 3.0, 1).numpy().tolist() == [2.0]
    with pytest.raises(InvalidArgumentError):
        tf.linspace(0.0, 1.0, -1)


def test_sobols_points_skip_the_origin():
    points = tf.math.sobol_sample(2, 3, skip=1)

    assert points.numpy().tolist() == [[0.75, 0.25], [0.25, 0.75], [0.375, 0.375]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [0, 2, 0, 1]),
        ({"minlength": 6}, [0, 2, 0, 1, 0, 0]),
        ({"maxlength": 2}, [0, 2]),
        ({"weights": [0.5, 1.0, 2.0]}, [0, 1.5, 0, 2]),
        ({"binary_output": True}, [0, 1, 0, 1]),
    ],
)
def test_numbers_are_counted(arguments, expected):
    assert tf.math.bincount([1, 1, 3], **arguments).numpy().tolist() == expected


def test_numbers_are_counted_by_row():
    result = tf.math.bincount([[1, 1], [3, 0]], axis=-1)

    assert result.numpy().tolist() == [[0, 2, 0, 0], [1, 0, 0, 1]]


def test_counting_refuses_what_it_cannot_count():
    with pytest.raises(InvalidArgumentError):
        tf.math.bincount([-1])
    with pytest.raises(ValueError, match="axis"):
        tf.math.bincount([1], axis=1)
    with pytest.raises(ValueError, match="exclude"):
        tf.math.bincount([1], weights=[1], binary_output=True)


def test_a_confusion_matrix_has_a_row_for_each_label():
    matrix = tf.math.confusion_matrix(
        [1, 2, 2], [1, 0, 2], weights=[1.0, 0.5, 2.0], dtype=tf.float32
    )

    assert matrix.numpy().tolist() == [[0, 0, 0], [0, 1, 0], [0.5, 0, 2]]


@pytest.mark.parametrize("labels", [[3], [-1]])
def test_a_label_beyond_the_classes_is_refused(labels):
    with pytest.raises(InvalidArgumentError):
        tf.math.confusion_matrix(labels, [0], num_classes=3)


def test_values_fall_into_parts_of_a_range():
    values = [-1.0, 0.0, 1.5, 2.0, 5.0, 15.0]

    assert tf.histogram_fixed_width(values, [0.0, 5.0], 5).numpy().tolist() == [2, 1, 1, 0, 2]
    assert tf.histogram_fixed_width_bins(values, [0.0, 5.0], 5).numpy().tolist() == [
        0,
        0,
        1,
        2,
        4,
        4,
    ]


def test_hits_among_the_best():
    hits = tf.math.in_top_k([1, 2], [[0.1, 0.8, 0.1], [0.5, 0.3, 0.2]], k=1)

    assert hits.numpy().tolist() == [True, False]


def test_bits_are_of_integers():
    assert tf.bitwise.bitwise_xor([1, 2], [3, 3]).numpy().tolist() == [2, 1]
    with pytest.raises(InvalidArgumentError):
        tf.bitwise.bitwise_and([1.0], [1.0])


def test_raw_ops_take_tensorflows_argument_names():
    assert tf.raw_ops.Sum(input=[1, 2], axis=[0]).numpy() == 3
    assert tf.raw_ops.Bucketize(input=[1.0, 5.0], boundaries=[2.0, 4.0]).numpy().tolist() == [
        0,
        2,
    ]
