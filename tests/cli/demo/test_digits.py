import numpy as np

from penstock.cli.demo import digits


def test_every_scan_is_in_one_half():
    split = digits.load(seed=0)

    assert len(split.train) + len(split.held_out) == 1797
    assert split.train.images.shape[1:] == split.held_out.images.shape[1:] == (8, 8, 1)


def test_the_same_share_of_each_digit_is_held_out():
    split = digits.load(seed=3)
    held_out = np.bincount(split.held_out.labels, minlength=10)
    total = held_out + np.bincount(split.train.labels, minlength=10)

    np.testing.assert_allclose(held_out / total, 0.25, atol=0.5 / total.min())


def test_a_seed_gives_the_same_split_again_and_another_seed_another():
    first, again, other = (digits.load(seed).held_out.images for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_pixels_are_whole_numbers_to_16():
    images = digits.load(seed=0).train.images

    assert images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, digits.LARGEST_PIXEL)


def test_a_choice_rounds_to_whole_members_of_each_class():
    labels = np.array([0] * 10 + [1] * 4)

    chosen = digits.stratified_choice(labels, 0.3, np.random.default_rng(0))

    assert np.bincount(labels[chosen]).tolist() == [3, 1]
