"""The schema of a model that is fed with serialized examples: each feature is looked at."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from penstock.core.errors import OpError
from penstock.monitor.rules import Check, Violation, check_of
from penstock.monitor.schema import Schema
from penstock.serving.servable import Arrays
from penstock.wire import protos

_NOUN = "feature"


class ExampleChecks:
    """Checks the features of serialized examples against a schema.

    Args:
        schema: of the features.
        inputs: of the signature; those of them that the schema names are no features.
    """

    def __init__(self, schema: Schema, inputs: Mapping[str, Any]) -> None:
        self._unknown = schema.unknown
        self._input = next(iter(inputs))
        features = [f for name, f in schema.features.items() if name not in inputs]
        self._names = frozenset(feature.name for feature in features)
        self._required = tuple(feature.name for feature in features if feature.required)
        checks = ((feature.name, check_of(feature, _NOUN)) for feature in features)
        self._checks: dict[str, Check] = {n: check for n, check in checks if check is not None}

    def violations(self, inputs: Arrays) -> list[Violation]:
        """Return what is wrong, at most once for each feature and rule."""
        found: dict[tuple[str, str], Violation] = {}
        for number, serialized in enumerate(inputs[self._input].ravel().tolist()):
            try:
                example = protos.parse(protos.Example, serialized, "an example")
            except OpError:
                continue  # the model says what is wrong with it
            for violation in self._of(example.features.feature, number):
                found.setdefault((violation.feature, violation.rule), violation)
        return list(found.values())

    def _of(self, features: Any, number: int) -> list[Violation]:
        found = [
            Violation(
                name,
                "required",
                f"{_NOUN} '{name}' must be in each example; it is not in example {number}",
            )
            for name in self._required
            if name not in features or features[name].WhichOneof("kind") is None
        ]
        if self._unknown == "refuse":
            for name in sorted(features.keys() - self._names):
                message = f"{_NOUN} '{name[:80]}' is not in the schema, in example {number}"
                # Clients choose the name, so it must not become a label.
                found.append(Violation("_unknown", "unknown_feature", message))
                break
        for name, check in self._checks.items():
            if name in features and (kind := features[name].WhichOneof("kind")) is not None:
                values = getattr(features[name], kind).value
                dtype = object if kind == "bytes_list" else None
                violation = check(np.array(list(values), dtype)[None])
                if violation is not None:
                    message = f"{violation.message}, in example {number}"
                    found.append(Violation(violation.feature, violation.rule, message))
        return found
