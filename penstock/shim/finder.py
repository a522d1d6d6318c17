"""The finder that answers imports of `tensorflow` and of everything below it."""

from __future__ import annotations

import importlib
import types
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec

from penstock.shim.keras_files import AFTER_IMPORT, find
from penstock.shim.modules import ROOT, TensorFlowModule, exists

_KERAS = "keras"
# Where the Keras package keeps the namespace that TensorFlow shows as `tf.keras`.
_KERAS_HOME = "keras._tf_keras.keras"


class _ModuleLoader(Loader):
    """Makes a module whose names are penstock's."""

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """Make the module."""
        return TensorFlowModule(spec.name.partition(".")[2])

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing: names are looked up when they are asked for."""


class _KerasLoader(Loader):
    """Shows a module of Keras under `tensorflow.keras`."""

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        """Make a module with the names of Keras' own."""
        rest = spec.name.removeprefix(f"{ROOT}.{_KERAS}")
        original = importlib.import_module(_KERAS_HOME + rest)
        shown = types.ModuleType(spec.name, original.__doc__)
        shown.__dict__.update(
            {name: value for name, value in vars(original).items() if not name.startswith("__")}
        )
        shown.__path__ = []
        return shown

    def exec_module(self, module: types.ModuleType) -> None:
        """Do nothing: the names were copied."""


class TensorFlowFinder(MetaPathFinder):
    """Finds `tensorflow` in penstock."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> ModuleSpec | None:
        """The spec of a module below `tensorflow`, or of one of Keras that reads files."""
        del target
        if fullname in AFTER_IMPORT:
            return find(fullname, path)
        root, _, rest = fullname.partition(".")
        if root != ROOT:
            return None
        if rest.startswith(f"{_KERAS}."):
            return ModuleSpec(fullname, _KerasLoader(), is_package=True)
        if rest and not exists(rest):
            return None
        return ModuleSpec(fullname, _ModuleLoader(), origin="penstock", is_package=True)
