"""Answers `import tensorflow` with penstock, so that Keras and others run unmodified."""

from penstock.shim.install import install as install
from penstock.shim.install import installed as installed

__all__ = ["install", "installed"]
