"""Parsing of serialized examples: part of `tf.io`."""
