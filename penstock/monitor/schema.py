"""What the inputs of a model must be like, beyond their types: ranges, words, presence, shape.

A schema comes from a TOML file, or from the text form of TensorFlow Metadata's `Schema` (the
part that speaks of values: presence, value counts and shapes, domains of numbers and strings).
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.wire import protos

Policy = Literal["accept", "refuse"]
_POLICIES: Final = ("accept", "refuse")
_UNBOUNDED: Final = -1


@dataclass(frozen=True, slots=True)
class Feature:
    """What one input, or one feature of an example, must be like.

    Args:
        name: of the input or feature.
        minimum: least number; `None` for no limit.
        maximum: largest number; `None` for no limit.
        vocabulary: the only values that are allowed; empty for any.
        nan: whether numbers may be NaN; where there is a range, they may only if it says so.
        infinity: whether numbers may be infinite; a range decides, too.
        required: whether each example must have it. Inputs of a signature always are there.
        shape: of one row, -1 for any size; `None` for any shape.
        min_values: values of one row, at least.
        max_values: values of one row, at most; `None` for no limit.
        max_bytes: of one string; `None` for no limit.
    """

    name: str
    minimum: float | None = None
    maximum: float | None = None
    vocabulary: frozenset[bytes | int | float] = frozenset()
    nan: Policy | None = None
    infinity: Policy | None = None
    required: bool = False
    shape: tuple[int, ...] | None = None
    min_values: int = 0
    max_values: int | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        low, high = self.minimum, self.maximum
        if low is not None and high is not None and not low <= high:
            raise InvalidArgumentError(
                f"min of feature '{self.name}' must be at most max {high:g}, got {low:g}"
            )
        for name in ("nan", "infinity"):
            if getattr(self, name) not in (None, *_POLICIES):
                raise InvalidArgumentError(
                    f"{name} of feature '{self.name}' must be 'accept' or 'refuse', "
                    f"got '{getattr(self, name)}'"
                )


@dataclass(frozen=True, slots=True)
class Schema:
    """What the inputs of a model must be like.

    Args:
        features: by name.
        unknown: whether examples may have features that the schema does not name.
        source: where it came from, for errors.
    """

    features: Mapping[str, Feature] = field(default_factory=dict)
    unknown: Policy = "accept"
    source: str = "schema"


def read_schema(path: Path) -> Schema:
    """Read a schema file: TOML if its name ends so, else TensorFlow Metadata's text.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it is no schema.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"there must be a schema file '{path}', and is none") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"schema file '{path}' cannot be read: {error}") from error
    parse = from_toml if path.suffix.lower() == ".toml" else from_metadata_text
    return parse(text, f"schema file '{path}'")


def from_toml(text: str, source: str = "schema") -> Schema:
    """Read a schema from TOML.

    Raises:
        InvalidArgumentError: it is no TOML, or says what nobody knows.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidArgumentError(f"{source} must be TOML: {error}") from error
    _only(told, {"unknown_features", "nan", "infinity", "features"}, source)
    unknown = told.get("unknown_features", "accept")
    if unknown not in _POLICIES:
        raise InvalidArgumentError(
            f"unknown_features of {source} must be 'accept' or 'refuse', got '{unknown}'"
        )
    defaults: dict[str, Any] = {
        name: told[name] for name in ("nan", "infinity") if name in told
    }
    tables = told.get("features", {})
    if not isinstance(tables, dict):
        raise InvalidArgumentError(f"features of {source} must be tables, got {tables!r:.80}")
    features = {
        name: _feature_of_table(name, table, defaults, source) for name, table in tables.items()
    }
    return Schema(features, unknown, source)


_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "min": (int, float),
    "max": (int, float),
    "vocabulary": (list,),
    "nan": (str,),
    "infinity": (str,),
    "required": (bool,),
    "shape": (list,),
    "min_values": (int,),
    "max_values": (int,),
    "max_bytes": (int,),
}


def _feature_of_table(
    name: str, table: Any, defaults: Mapping[str, Any], source: str
) -> Feature:
    what = f"feature '{name}' of {source}"
    if not isinstance(table, dict):
        raise InvalidArgumentError(f"{what} must be a table, got {table!r:.80}")
    _only(table, _KINDS.keys(), what)
    for key, value in table.items():
        if not isinstance(value, _KINDS[key]) or (
            isinstance(value, bool) and bool not in _KINDS[key]
        ):
            kinds = " or ".join(kind.__name__ for kind in _KINDS[key])
            raise InvalidArgumentError(f"{key} of {what} must be {kinds}, got {value!r:.80}")
    values = {**defaults, **table}
    values["minimum"] = values.pop("min", None)
    values["maximum"] = values.pop("max", None)
    words = values.pop("vocabulary", [])
    values["vocabulary"] = frozenset(w.encode() if isinstance(w, str) else w for w in words)
    if "shape" in values:
        values["shape"] = tuple(int(size) for size in values["shape"])
    return Feature(name, **values)


def _only(table: Mapping[str, Any], known: Any, what: str) -> None:
    strange = sorted(table.keys() - set(known))
    if strange:
        raise InvalidArgumentError(
            f"{what} must only have {', '.join(sorted(known))}, got {', '.join(strange)}"
        )


def from_metadata_text(text: str, source: str = "schema") -> Schema:
    """Read a schema from the text form of `tensorflow.metadata.v0.Schema`.

    Fields that say nothing of values, such as statistics and annotations, are passed over.

    Raises:
        InvalidArgumentError: it is no such text.
    """
    kind = protos.find("tensorflow.metadata.v0.Schema")
    message = protos.parse_text(kind, text, source, allow_unknown=True)
    domains = {
        each.name: each
        for group in (message.string_domain, message.int_domain, message.float_domain)
        for each in group
    }
    features = {}
    for each in message.feature:
        if not each.deprecated:
            features[each.name] = _feature_of_message(each, domains, source)
    return Schema(features, "accept", source)


def _feature_of_message(message: Any, domains: Mapping[str, Any], source: str) -> Feature:
    values: dict[str, Any] = {
        "required": message.presence.min_fraction >= 1 or message.presence.min_count > 0
    }
    which = message.WhichOneof("domain_info")
    domain = None if which is None else getattr(message, which)
    if which == "domain":
        domain = domains.get(message.domain)
        if domain is None:
            raise InvalidArgumentError(
                f"feature '{message.name}' of {source} names the domain '{message.domain}', "
                "which the schema does not have"
            )
    values.update(_limits_of(domain))
    shape = message.WhichOneof("shape_type")
    if shape == "shape":
        values["shape"] = tuple(dim.size or _UNBOUNDED for dim in message.shape.dim)
    elif shape == "value_count":
        values["min_values"] = message.value_count.min
        if message.value_count.HasField("max"):
            values["max_values"] = message.value_count.max
    return Feature(message.name, **values)


def _limits_of(domain: Any) -> dict[str, Any]:
    if domain is None:
        return {}
    kind = domain.DESCRIPTOR.name
    if kind == "StringDomain":
        return {"vocabulary": frozenset(word.encode() for word in domain.value)}
    if kind == "BoolDomain":
        words = [word for word in (domain.true_value, domain.false_value) if word]
        if words:
            return {"vocabulary": frozenset(word.encode() for word in words)}
        return {"minimum": 0, "maximum": 1}
    limits: dict[str, Any] = {}
    for field_name, name in (("min", "minimum"), ("max", "maximum")):
        if domain.HasField(field_name):
            value = getattr(domain, field_name)
            if not math.isinf(value):
                limits[name] = value
    if kind == "FloatDomain":
        limits["nan"] = "refuse" if domain.disallow_nan else "accept"
        if domain.disallow_inf:
            limits["infinity"] = "refuse"
    return limits
