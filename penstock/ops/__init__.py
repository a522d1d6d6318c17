"""The op table: one row per TensorFlow op, with its kernels and gradient rules."""
