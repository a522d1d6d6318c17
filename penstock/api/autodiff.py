"""`tf.autodiff`: differentiation."""

from penstock.runtime.tape import GradientTape as GradientTape

__all__ = ["GradientTape"]
