"""The TOML file of `penstock serve --config`: options by their names, and tables of models."""

import argparse
import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock.cli.serve.options import OPTIONS, place
from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.serving.model_config import ModelConfig
from penstock.serving.source import Latest, Specific, VersionPolicy, every_version

MODELS = "models"
_FIELDS = ("name", "base_path", "versions", "labels")


def read_config(path: Path) -> dict[str, Any]:
    """Return the options that a file sets, and its models under `models`.

    Raises:
        NotFoundError: there is no such file.
        InvalidArgumentError: it says something else.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFoundError(f"config file '{path}' cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"config file '{path}' must be TOML: {error}") from error
    known = {option.name: option for option in OPTIONS}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name == MODELS:
            values[MODELS] = tuple(_model(entry, path) for entry in _tables(value, path))
            continue
        option = known.get(name)
        if option is None:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean '{close[0]}'" if close else ""
            raise InvalidArgumentError(f"config file '{path}' has no option '{name}'{hint}")
        try:
            values[name] = option.kind(_text(value))
        except (ValueError, argparse.ArgumentTypeError) as error:
            raise InvalidArgumentError(f"'{name}' in '{path}': {error}") from None
    return values


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(f"must be a text, number or list, got {value!r}")


def _tables(value: Any, path: Path) -> list[Mapping[str, Any]]:
    if not (isinstance(value, list) and all(isinstance(entry, dict) for entry in value)):
        raise InvalidArgumentError(f"'{path}' must have a table [[models]] for each model")
    return value


def _model(entry: Mapping[str, Any], path: Path) -> ModelConfig:
    what = f"a model in '{path}'"
    if unknown := sorted(entry.keys() - set(_FIELDS)):
        raise InvalidArgumentError(
            f"{what} must have {', '.join(_FIELDS)} only, got {', '.join(unknown)}"
        )
    name, base = entry.get("name"), entry.get("base_path")
    if not (isinstance(name, str) and isinstance(base, str) and base):
        raise InvalidArgumentError(f"{what} must have a name and a base_path")
    labels = entry.get("labels", {})
    if not (isinstance(labels, dict) and all(_is_version(v) for v in labels.values())):
        raise InvalidArgumentError(f"'labels' of {what} must be versions by label")
    return ModelConfig(name, place(base), _policy(entry.get("versions", 1), what), labels)


def _policy(value: Any, what: str) -> VersionPolicy:
    if value == "all":
        return every_version
    if _is_version(value):
        return Latest(value)
    if isinstance(value, list) and value and all(_is_version(version) for version in value):
        return Specific(frozenset(value))
    raise InvalidArgumentError(
        f"'versions' of {what} must be how many of the latest, a list of versions, or 'all', "
        f"got {value!r}"
    )


def _is_version(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
