"""TensorFlow's Python API in pure Python on XLA: `import penstock as tf`."""

__version__ = "0.1.0"
