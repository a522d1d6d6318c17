"""`tf.types.experimental`: classes by which programs tell functions and tensors apart."""

from types import SimpleNamespace

from penstock.function.concrete_function import ConcreteFunction
from penstock.function.polymorphic import Function
from penstock.runtime.tensor import TensorLike

experimental = SimpleNamespace(
    ConcreteFunction=ConcreteFunction,
    GenericFunction=Function,
    PolymorphicFunction=Function,
    TensorLike=TensorLike,
)

__all__ = ["experimental"]
