"""`tf.function`: tracing, the cache of traces, and calling what was traced."""
