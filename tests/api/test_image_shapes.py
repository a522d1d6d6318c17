"""Images whose sizes are not known while a function is traced."""

import numpy as np

import penstock as tf

IMAGES = np.random.default_rng(2).uniform(size=(1, 4, 6, 3)).astype(np.float32)


def of_unknown_shape(function):
    spec = tf.TensorSpec([None, None, None, None], tf.float32)
    return tf.function(function, input_signature=[spec], autograph=False)


def test_what_is_resized_and_padded_has_the_size_that_was_asked_for():
    fit = of_unknown_shape(lambda images: tf.image.resize_with_pad(images, 5, 5))

    result = fit(IMAGES).numpy()

    # 4 x 6 shrinks to 3 x 5, which leaves two rows of zeros below.
    assert result.shape == (1, 5, 5, 3)
    np.testing.assert_allclose(result[:, :3], tf.image.resize(IMAGES, [3, 5]), atol=1e-6)
    assert not result[:, 3:].any()


def test_edges_of_any_number_of_channels():
    edges = of_unknown_shape(tf.image.sobel_edges)

    np.testing.assert_allclose(edges(IMAGES), tf.image.sobel_edges(IMAGES), atol=1e-6)


def test_sparse_values_are_added_to_constants_in_compiled_code():
    @tf.function(autograph=False)
    def add(values):
        return tf.sparse.add(tf.SparseTensor([[0, 1]], values, [2, 2]), tf.ones([2, 2])) * 2.0

    assert add(tf.constant([5.0])).numpy().tolist() == [[2.0, 12.0], [2.0, 2.0]]
