"""How a dataset is run: `tf.data.Options` and its parts."""

from __future__ import annotations

import enum
from typing import Any, ClassVar


class AutotuneAlgorithm(enum.Enum):
    """How the degree of parallelism is searched for."""

    DEFAULT = 0
    HILL_CLIMB = 1
    GRADIENT_DESCENT = 2
    MAX_PARALLELISM = 3
    STAGE_BASED = 4


class AutoShardPolicy(enum.IntEnum):
    """What the workers of a distributed run share out: files or elements."""

    OFF = -1
    AUTO = 0
    FILE = 1
    DATA = 2
    HINT = 3


class ExternalStatePolicy(enum.Enum):
    """What to do when a dataset that depends on state outside of it is saved."""

    WARN = 0
    IGNORE = 1
    FAIL = 2


class OptionsBase:
    """Named values of fixed types, any of which may be unset.

    `_types` lists the values, `_parts` those that are options themselves, `_defaults` what a
    value is when it is unset and not None, and `_aliases` older names.
    """

    _types: ClassVar[dict[str, type]] = {}
    _parts: ClassVar[dict[str, type[OptionsBase]]] = {}
    _defaults: ClassVar[dict[str, Any]] = {}
    _aliases: ClassVar[dict[str, str]] = {}

    __slots__ = ("_frozen", "_values")

    _values: dict[str, Any]
    _frozen: bool

    def __init__(self) -> None:
        object.__setattr__(self, "_values", {})
        object.__setattr__(self, "_frozen", False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        name = self._aliases.get(name, name)
        if name in self._values:
            return self._values[name]
        if name in self._types:
            return self._defaults.get(name)
        if name in self._parts:
            part = self._values[name] = self._parts[name]()
            object.__setattr__(part, "_frozen", self._frozen)
            return part
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if self._frozen:
            raise ValueError(
                "Mutating `tf.data.Options()` returned by `tf.data.Dataset.options()` has no "
                "effect. Use `tf.data.Dataset.with_options(options)` to set or update dataset "
                "options."
            )
        name = self._aliases.get(name, name)
        wanted = self._types.get(name) or self._parts.get(name)
        if wanted is None:
            raise AttributeError(f"Cannot set the property {name} on {type(self).__name__}.")
        if not isinstance(value, wanted):
            raise TypeError(
                f'Property "{name}" must be of type {wanted}, got: {value} '
                f"(type: {type(value)})"
            )
        self._values[name] = value

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *self._types, *self._parts, *self._aliases})

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._set_values() == other._set_values()  # type: ignore[attr-defined]

    __hash__ = None  # type: ignore[assignment]

    def _set_values(self) -> dict[str, Any]:
        """What was set; a part in which nothing was set is left out."""
        found = {
            name: value._set_values() if name in self._parts else value
            for name, value in self._values.items()
        }
        return {name: value for name, value in found.items() if value != {}}

    def _take(self, other: OptionsBase) -> None:
        """Replace the values here by those set in `other`."""
        if type(other) is not type(self):
            raise TypeError(
                f"Could not merge incompatible options of type {type(other)} and {type(self)}."
            )
        for name, value in other._values.items():
            if name in self._parts:
                getattr(self, name)._take(value)
            else:
                self._values[name] = value

    def _freeze(self) -> None:
        object.__setattr__(self, "_frozen", True)
        for name, value in self._values.items():
            if name in self._parts:
                value._freeze()


class AutotuneOptions(OptionsBase):
    """Whether and how parallelism is tuned while a dataset runs."""

    __slots__ = ()
    _types: ClassVar = {
        "enabled": bool,
        "cpu_budget": int,
        "ram_budget": int,
        "autotune_algorithm": AutotuneAlgorithm,
        "initial_parallelism": int,
        "min_parallelism": int,
    }


class DistributeOptions(OptionsBase):
    """How a dataset is divided among workers."""

    __slots__ = ()
    _types: ClassVar = {"auto_shard_policy": AutoShardPolicy, "num_devices": int}
    _defaults: ClassVar = {"auto_shard_policy": AutoShardPolicy.AUTO}


class OptimizationOptions(OptionsBase):
    """Which rewrites of a pipeline are wanted; accepted, a pipeline here has its own."""

    __slots__ = ()
    _types: ClassVar = dict.fromkeys(
        (
            "apply_default_optimizations",
            "filter_fusion",
            "filter_parallelization",
            "inject_prefetch",
            "map_and_batch_fusion",
            "map_and_filter_fusion",
            "map_fusion",
            "map_parallelization",
            "noop_elimination",
            "parallel_batch",
            "seq_interleave_prefetch",
            "shuffle_and_repeat_fusion",
        ),
        bool,
    )


class ServiceOptions(OptionsBase):
    """Options of the tf.data service; accepted."""

    __slots__ = ()
    _types: ClassVar = {"pinned": bool}


class ThreadingOptions(OptionsBase):
    """How many threads a dataset may use."""

    __slots__ = ()
    _types: ClassVar = {"max_intra_op_parallelism": int, "private_threadpool_size": int}


class Options(OptionsBase):
    """How a dataset is run.

    Example:
        >>> options = Options()
        >>> options.deterministic = False
        >>> options.threading.private_threadpool_size = 2

    Source: `tf.data.Options`.
    """

    __slots__ = ()
    _types: ClassVar = {
        "dataset_name": str,
        "deterministic": bool,
        "experimental_external_state_policy": ExternalStatePolicy,
        "experimental_slack": bool,
        "experimental_symbolic_checkpoint": bool,
        "experimental_warm_start": bool,
        "framework_type": list,
    }
    _parts: ClassVar = {
        "autotune": AutotuneOptions,
        "experimental_distribute": DistributeOptions,
        "experimental_optimization": OptimizationOptions,
        "experimental_service": ServiceOptions,
        "threading": ThreadingOptions,
    }
    _aliases: ClassVar = {
        "experimental_deterministic": "deterministic",
        "experimental_threading": "threading",
    }

    def merge(self, options: Options) -> Options:
        """Return options in which what is set in `options` replaces what is set here.

        Raises:
            TypeError: `options` is no `Options`.
        """
        merged = Options()
        merged._take(self)
        merged._take(options)
        return merged
