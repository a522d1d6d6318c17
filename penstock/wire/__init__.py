"""Bytes and messages: what TensorFlow writes to files and wires, without meaning."""
