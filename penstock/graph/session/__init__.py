"""Graphs outside of functions and the sessions that run parts of them, as in TensorFlow 1."""
