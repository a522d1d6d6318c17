"""Fingerprints, against the buckets that TensorFlow puts strings into."""

import numpy as np

from penstock.ops.farmhash import concatenated, fingerprints

# tf.strings.to_hash_bucket_fast(text, 2**62 - 1), made with TensorFlow 2.21.
BUCKETS = {
    b"": 1936946117179621457,
    b"a": 3694432073954588133,
    b"abc": 2640714258260161385,
    b"abcd": 1897425971756105985,
    b"abcdefg": 4341691227789030229,
    b"abcdefgh": 4533385575889643788,
    b"sixteen bytes ok": 2713574589224108847,
    b"seventeen bytes !": 2818291816395205064,
    b"x" * 32: 3678204687145032711,
    b"y" * 33: 3999049019338133247,
    b"0123456789" * 6: 2656567690144000804,
    b"z" * 64: 294799756062990872,
    b"w" * 65: 3272011567211491970,
    b"0123456789" * 20: 439712990348739479,
}


def test_every_way_of_hashing_gives_tensorflows_buckets():
    hashes = fingerprints(BUCKETS)

    np.testing.assert_array_equal(hashes % np.uint64(2**62 - 1), list(BUCKETS.values()))


def test_strings_of_mixed_lengths_keep_their_places():
    texts = [b"ab", b"", b"abcdefghijkl", b"ab"]
    hashes = fingerprints(texts)

    np.testing.assert_array_equal(hashes, [fingerprints([text])[0] for text in texts])


def test_the_order_of_concatenated_fingerprints_matters():
    first, second = fingerprints([b"first", b"second"])

    assert concatenated(first, second) != concatenated(second, first)
