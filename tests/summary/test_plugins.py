import struct

import numpy as np
import pytest

import penstock as tf
from tests.summary.reading import events, values

ROWS = np.random.RandomState(0).rand(5, 2, 3, 3).astype(np.float32)


@pytest.fixture
def written(tmp_path):
    """Writes what a function summarises, and gives the step, tag, plugin and value of each."""

    def write(summarise):
        writer = tf.summary.create_file_writer(str(tmp_path))
        with writer.as_default(step=7):
            summarise()
        writer.close()
        return values(tmp_path)

    return write


def test_a_number_is_a_float32_scalar_of_the_scalars_plugin(written):
    ((step, tag, plugin, value),) = written(lambda: tf.summary.scalar("loss", np.int64(3)))

    assert (step, tag, plugin) == (7, "loss", "scalars")
    assert value.dtype == np.float32
    assert value.shape == ()
    assert value == 3


def test_a_description_stands_in_the_metadata(written, tmp_path):
    written(lambda: tf.summary.scalar("loss", 1.0, description="**less** is better"))

    (event,) = events(tmp_path)

    assert event.summary.value[0].metadata.summary_description == "**less** is better"


def test_histograms_count_as_numpy_does(written):
    data = np.random.RandomState(1).randn(1000)

    ((_, _, plugin, value),) = written(lambda: tf.summary.histogram("h", data, buckets=7))

    counts, edges = np.histogram(data, 7)
    assert plugin == "histograms"
    assert value.dtype == np.float64
    np.testing.assert_allclose(value[:, 0], edges[:-1])
    np.testing.assert_allclose(value[:, 1], edges[1:])
    np.testing.assert_array_equal(value[:, 2], counts)


def test_equal_values_lie_in_the_last_bucket(written):
    ((*_, value),) = written(lambda: tf.summary.histogram("h", [2.0, 2.0, 2.0], buckets=3))

    np.testing.assert_array_equal(value, [[2, 2, 0], [2, 2, 0], [2, 2, 3]])


@pytest.mark.parametrize("buckets", [0, -1])
def test_no_buckets_give_an_empty_histogram(written, buckets):
    ((*_, value),) = written(lambda: tf.summary.histogram("h", [1.0], buckets=buckets))

    assert value.shape == (0, 3)


def test_nothing_to_count_gives_thirty_empty_buckets(written):
    ((*_, value),) = written(lambda: tf.summary.histogram("h", np.zeros([0], np.float32)))

    np.testing.assert_array_equal(value, np.zeros((30, 3)))


def test_what_is_no_number_is_not_counted(written):
    ((*_, value),) = written(lambda: tf.summary.histogram("h", [np.nan, 1.0], buckets=2))

    np.testing.assert_array_equal(value[:, 2], [0, 0])


def test_images_are_width_height_and_pngs_of_the_first_ones(written):
    ((_, _, plugin, value),) = written(lambda: tf.summary.image("i", ROWS, max_outputs=2))

    assert plugin == "images"
    assert value[:2].tolist() == [b"3", b"2"]
    assert len(value) == 4
    decoded = tf.io.decode_png(value[3]).numpy()
    # Source: tf.image.convert_image_dtype, which scales by 255.5 and truncates.
    np.testing.assert_array_equal(decoded, (ROWS[1] * np.float32(255.5)).astype(np.uint8))


def test_sounds_are_wavs_of_the_wav_encoding(written, tmp_path):
    sound = np.array([[[0.5], [-1.0]]], np.float32)

    ((_, _, plugin, value),) = written(lambda: tf.summary.audio("a", sound, 8000))

    assert plugin == "audio"
    assert value.shape == (1, 2)
    assert value[0, 0][-4:] == struct.pack("<2h", 16384, -32768)
    assert value[0, 1] == b""
    assert events(tmp_path)[0].summary.value[0].metadata.plugin_data.content == b"\x10\x0b"


def test_texts_keep_their_shape(written):
    ((_, _, plugin, value),) = written(lambda: tf.summary.text("t", [["a", "b"]]))

    assert plugin == "text"
    assert value.tolist() == [[b"a", b"b"]]


def test_functions_of_unknown_sizes_write_what_eager_code_writes(written):
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None, None, 3]),
            tf.TensorSpec([None, None]),
            tf.TensorSpec([None, None, 1]),
        ]
    )
    def traced(image, numbers, sound):
        summarise(image, numbers, sound)

    def summarise(image, numbers, sound):
        tf.summary.image("i", image)
        tf.summary.histogram("h", numbers, buckets=4)
        tf.summary.audio("a", sound, 8000)

    arguments = (
        ROWS[:2],
        np.array([[1.0, 2.0, 5.0]], np.float32),
        np.linspace(-1, 1, 8).astype(np.float32).reshape(2, 4, 1),
    )
    both = written(lambda: (summarise(*arguments), traced(*arguments)))

    for eager, graph in zip(both[:3], both[3:], strict=True):
        assert eager[:3] == graph[:3]
        np.testing.assert_array_equal(eager[3], graph[3])


@pytest.mark.parametrize(
    ("summarise", "error", "text"),
    [
        (lambda: tf.summary.scalar("a", [1.0]), ValueError, "Expected scalar shape"),
        (lambda: tf.summary.image("a", np.zeros([2, 3])), ValueError, "rank 4"),
        (lambda: tf.summary.audio("a", np.zeros([2, 3]), 1), ValueError, "rank 3"),
        (lambda: tf.summary.text("a", 1.0), TypeError, "tf.string"),
        (
            lambda: tf.summary.audio("a", np.zeros([1, 2, 1], "f4"), 1, encoding="mp3"),
            ValueError,
            "Unknown encoding",
        ),
        (
            lambda: tf.summary.audio("a", np.zeros([1, 2, 1], "i4"), 8000),
            tf.errors.InvalidArgumentError,
            "float32",
        ),
        (
            lambda: tf.summary.image("a", np.zeros([1, 2, 2, 1]), max_outputs=-1),
            tf.errors.InvalidArgumentError,
            "max_outputs must be at least 0",
        ),
    ],
)
def test_what_a_plugin_cannot_show_is_refused(written, summarise, error, text):
    with pytest.raises(error, match=text):
        written(summarise)
