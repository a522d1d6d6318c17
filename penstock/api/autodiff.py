"""`tf.autodiff`: differentiation."""

from penstock.runtime.forward_accumulator import ForwardAccumulator as ForwardAccumulator
from penstock.runtime.tape import GradientTape as GradientTape

__all__ = ["ForwardAccumulator", "GradientTape"]
