"""Servables, loaders and sources that stand for the real ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import OpError
from penstock.core.tensor_shape import TensorShape
from penstock.serving.servable import Arrays, SignatureSpec, TensorInfo


def tensor(dtype: str, *shape: int | None, name: str = "t:0") -> TensorInfo:
    return TensorInfo(name, dtypes.as_dtype(dtype), TensorShape(shape))


@dataclass
class FunctionServable:
    """A model made of Python functions."""

    signatures: Mapping[str, SignatureSpec]
    functions: Mapping[str, Callable[[Arrays], dict]]
    name: str = "model"
    version: int = 1
    calls: list = field(default_factory=list)

    def run(self, signature_name, inputs):
        self.calls.append({name: value.shape for name, value in inputs.items()})
        return self.functions[signature_name](inputs)


def doubler(name: str = "double", version: int = 1) -> FunctionServable:
    """Doubles rows of two numbers."""
    spec = SignatureSpec({"x": tensor("float32", None, 2)}, {"y": tensor("float32", None, 2)})
    return FunctionServable(
        {"serving_default": spec},
        {"serving_default": lambda i: {"y": i["x"] * 2}},
        name,
        version,
    )


def version_teller(name: str, version: int) -> FunctionServable:
    """Answers every row with its own version."""
    spec = SignatureSpec({"x": tensor("int32", None)}, {"version": tensor("int32", None)})

    def run(inputs):
        return {"version": np.full(len(inputs["x"]), version, np.int32)}

    return FunctionServable({"serving_default": spec}, {"serving_default": run}, name, version)


class FakeLoader:
    """Makes servables with a function, or fails with the errors given for a version."""

    def __init__(
        self,
        make: Callable[[str, int], FunctionServable] = version_teller,
        errors: Mapping[int, list[Exception]] | None = None,
    ):
        self.make = make
        self.errors = {version: list(each) for version, each in (errors or {}).items()}
        self.loaded: list[tuple[str, int, Path]] = []

    def load(self, name, version, path):
        self.loaded.append((name, version, path))
        if self.errors.get(version):
            raise self.errors[version].pop(0)
        return self.make(name, version)


class FakeSource:
    """Aspires to the versions that a test sets."""

    def __init__(self, name: str, *versions: int):
        self.name = name
        self.versions = versions
        self.error: OpError | None = None

    def poll(self):
        if self.error is not None:
            raise self.error
        return {version: Path("models", str(version)) for version in self.versions}


class FakeClock:
    def __init__(self, now: float = 1000.0):
        self.now = now

    def __call__(self) -> float:
        return self.now
