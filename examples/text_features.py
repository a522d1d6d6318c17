"""Text on its way into a model: bytes, split words, a vocabulary, counts.

    python examples/text_features.py

Strings stay on the host, and work inside a tf.function all the same.
"""

import penstock as tf

REVIEWS = ["Warm, clear and kind.", "Cold and long.", "Clear, warm, long."]
VOCABULARY = ["and", "clear", "cold", "kind", "long", "warm"]


@tf.function
def count_words(texts):
    words = tf.strings.split(
        tf.strings.regex_replace(tf.strings.lower(texts), "[[:punct:]]", "")
    )
    table = tf.constant(VOCABULARY)
    matches = tf.equal(words.to_tensor("")[:, :, tf.newaxis], table)
    return tf.reduce_sum(tf.cast(matches, tf.int32), axis=1)


def main():
    counts = count_words(tf.constant(REVIEWS))
    print(" ".join(VOCABULARY))
    for review, row in zip(REVIEWS, counts.numpy(), strict=True):
        print(row, review)


if __name__ == "__main__":
    main()
