import numpy as np
import pytest

import penstock as tf
from tests.summary.reading import events

COLOURED = np.array(
    [[[[np.nan, 1, 1], [0.5, 2, 3], [1, 0, 0]]], [[[1, 1, 1], [0.5, 2, 3], [1, 0, 0]]]],
    np.float32,
)


@pytest.fixture
def writer(tmp_path):
    handle = tf.raw_ops.SummaryWriter()
    tf.raw_ops.CreateSummaryFileWriter(
        writer=handle,
        logdir=str(tmp_path),
        max_queue=10,
        flush_millis=1000,
        filename_suffix="",
    )
    return handle


# Source: TensorFlow 2.21.
@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.float32([[0], [0.5], [1], [2]])[None, None], [[[0], [63], [127], [255]]]),
        (np.float32([[0], [-0.5], [1], [2]])[None, None], [[[128], [96], [191], [255]]]),
        (np.float32([[np.nan], [0.5], [1]])[None, None], [[[255], [127], [255]]]),
        (COLOURED[:1], [[[255, 0, 0], [42, 170, 255], [85, 0, 0]]]),
        (COLOURED[1:], [[[85, 85, 85], [42, 170, 255], [85, 0, 0]]]),
        (np.zeros([1, 1, 2, 1], np.float32), [[[0], [0]]]),
        (np.uint8([[0], [200]])[None, None], [[[0], [200]]]),
        (np.float32([[-3], [-1]])[None, None], [[[1], [85]]]),
    ],
)
def test_images_are_spread_over_the_bytes(writer, tmp_path, pixels, expected):
    tf.raw_ops.WriteImageSummary(
        writer=writer,
        step=1,
        tag="i",
        tensor=pixels,
        bad_color=np.uint8([255, 0, 0, 255]),
    )
    tf.raw_ops.FlushSummaryWriter(writer=writer)

    value = events(tmp_path)[0].summary.value[0]
    assert value.tag == "i/image/0"
    decoded = tf.io.decode_png(value.image.encoded_image_string).numpy()
    np.testing.assert_array_equal(decoded, expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"tensor": np.zeros([1, 3, 2], np.float32)},
        {"bad_color": np.uint8([])},
        {"max_images": 0},
    ],
)
def test_images_of_another_form_are_refused(writer, wrong):
    right = {"tensor": COLOURED, "bad_color": np.uint8([1, 2, 3]), "max_images": 1}

    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.raw_ops.WriteImageSummary(writer=writer, step=1, tag="i", **{**right, **wrong})


def test_values_that_are_not_finite_have_no_histogram(writer):
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be finite, got nan"):
        tf.raw_ops.WriteHistogramSummary(writer=writer, step=1, tag="h", values=[np.nan])


def test_a_number_of_several_is_refused(writer):
    with pytest.raises(tf.errors.InvalidArgumentError, match="value must be a scalar"):
        tf.raw_ops.WriteScalarSummary(writer=writer, step=1, tag="s", value=[1.0, 2.0])


def test_tags_of_merged_summaries_differ():
    one = tf.raw_ops.ScalarSummary(tags="a", values=1.0)

    with pytest.raises(tf.errors.InvalidArgumentError, match="'a' twice"):
        tf.raw_ops.MergeSummary(inputs=[one, one])


@pytest.mark.parametrize(
    "write",
    [
        lambda writer: tf.raw_ops.ImportEvent(writer=writer, event=b"\xff"),
        lambda writer: tf.raw_ops.WriteGraphSummary(writer=writer, step=1, tensor=b"\xff"),
        lambda writer: tf.raw_ops.WriteRawProtoSummary(writer=writer, step=1, tensor=b"\xff"),
    ],
)
def test_bytes_that_are_no_message_are_refused(writer, write):
    with pytest.raises(tf.errors.DataLossError):
        write(writer)


def test_writers_of_one_name_share_a_file(tmp_path):
    one = tf.raw_ops.SummaryWriter(shared_name="shared")
    two = tf.raw_ops.SummaryWriter(shared_name="shared")
    for writer in (one, two):
        tf.raw_ops.CreateSummaryFileWriter(
            writer=writer,
            logdir=str(tmp_path),
            max_queue=1,
            flush_millis=1000,
            filename_suffix="",
        )
    tf.raw_ops.CloseSummaryWriter(writer=one)

    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(tf.errors.NotFoundError, match="it is closed"):
        tf.raw_ops.FlushSummaryWriter(writer=two)
