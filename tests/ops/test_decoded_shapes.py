"""What a graph knows of images before they are decoded."""

import pytest

import penstock as tf


@pytest.mark.parametrize(
    ("decode", "shape"),
    [
        (tf.image.decode_png, [None, None, None]),
        (lambda s: tf.image.decode_jpeg(s, channels=1), [None, None, 1]),
        (tf.image.decode_bmp, [None, None, None]),
        (tf.image.decode_gif, [None, None, None, 3]),
        (
            lambda s: tf.image.decode_image(s, channels=3, expand_animations=False),
            [None, None, 3],
        ),
        (tf.image.decode_image, None),
    ],
)
def test_the_rank_of_a_decoded_image_is_known(decode, shape):
    seen = []

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def f(contents):
        seen.append(decode(contents).shape)
        return contents

    f.get_concrete_function()

    assert seen[0].rank is None if shape is None else seen[0].as_list() == shape
