"""Holds inputs against the model's schema, counts what breaks it, and keeps samples of that."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from penstock.core import metrics
from penstock.core.errors import INVALID_ARGUMENT, InvalidArgumentError
from penstock.monitor.rules import Check, Violation, checks_of
from penstock.monitor.schema import Schema
from penstock.serving.call import Call
from penstock.serving.example_schema import ExampleChecks
from penstock.serving.servable import (
    CLASSIFY_METHOD,
    REGRESS_METHOD,
    Array,
    Arrays,
    SignatureSpec,
)

_KEPT: Final = 1_000
_NAMED: Final = re.compile(r"^(?:input|feature) '([^']{1,200})'")
_SIGNATURE_RULE: Final = "signature"

# Takes a call, its inputs and what is wrong with them.
Sample = Callable[[Call, Arrays, list[Violation]], None]
_Plan = tuple[tuple[str, Check], ...]


class InputContract:
    """Middleware that refuses inputs which break the schema of their model.

    Args:
        schemas: by model.
        is_known: whether a model of that name is served.
        sample: takes what was refused, to log some of it.
    """

    def __init__(
        self,
        schemas: Mapping[str, Schema],
        is_known: Callable[[str], bool],
        sample: Sample | None = None,
    ) -> None:
        self._schemas = dict(schemas)
        self._is_known = is_known
        self._sample = sample
        # The signature is kept too: while it is, no other one has its identity.
        self._plans: dict[int, tuple[SignatureSpec, _Plan, ExampleChecks | None]] = {}
        if schemas:
            self.accepts = self._accepts
            self.check = self._check

    def _accepts(self, call: Call, signature: SignatureSpec, inputs: Arrays) -> bool:
        """Whether no row breaks the schema."""
        found = self._plans.get(id(signature))
        if found is None:
            found = self._plan(call.spec.name, signature)
        _, plan, examples = found
        if examples is not None:
            return False
        return all(check(inputs[name]) is None for name, check in plan)

    def _check(self, call: Call, signature: SignatureSpec, inputs: Arrays) -> None:
        """Refuse inputs that break the schema.

        Raises:
            InvalidArgumentError: they do; the line says what must hold and what came.
        """
        found = self._plans.get(id(signature))
        if found is None:
            found = self._plan(call.spec.name, signature)
        _, plan, examples = found
        for name, check in plan:
            if check(inputs[name]) is not None:
                break
        else:
            if examples is None:
                return
        self._refuse(call, inputs, plan, examples)

    def done(self, call: Call) -> None:
        """Count inputs that did not even fit the signature."""
        error = call.error
        if (
            error is None
            or error.error_code != INVALID_ARGUMENT
            or (call.notes is not None and "violations" in call.notes)
            or not self._is_known(call.spec.name)
        ):
            return
        named = _NAMED.match(error.message)
        feature = "" if named is None else named[1]
        metrics.INPUT_VIOLATIONS.labels(
            call.spec.name, call.signature_name, feature, _SIGNATURE_RULE
        ).increment()

    def _plan(
        self, model: str, signature: SignatureSpec
    ) -> tuple[SignatureSpec, _Plan, ExampleChecks | None]:
        schema = self._schemas.get(model)
        plan: _Plan = ()
        examples = None
        if schema is not None:
            plan = checks_of(schema, signature.inputs)
            if signature.method_name in (CLASSIFY_METHOD, REGRESS_METHOD):
                examples = ExampleChecks(schema, signature.inputs)
        if len(self._plans) >= _KEPT:
            self._plans.clear()
        found = self._plans[id(signature)] = (signature, plan, examples)
        return found

    def _refuse(
        self, call: Call, inputs: Arrays, plan: _Plan, examples: ExampleChecks | None
    ) -> None:
        found = [v for name, check in plan if (v := check(inputs[name])) is not None]
        if examples is not None:
            found += examples.violations(inputs)
        if not found:
            return
        for violation in found:
            metrics.INPUT_VIOLATIONS.labels(
                call.spec.name, call.signature_name, violation.feature, violation.rule
            ).increment()
        if call.notes is None:
            call.notes = {}
        call.notes["violations"] = found
        if self._sample is not None:
            self._sample(call, inputs, found)
        more = f"; {len(found) - 1} more inputs break the schema" if len(found) > 1 else ""
        raise InvalidArgumentError(found[0].message + more)


def shorten(inputs: Arrays, longest: int = 64) -> dict[str, Any]:
    """Return inputs as plain values for a log: of large ones only their beginning."""
    return {name: _shorten(value, longest) for name, value in inputs.items()}


def _shorten(value: Array, longest: int) -> dict[str, Any]:
    items = [
        item[:longest].decode("utf-8", "backslashreplace") if isinstance(item, bytes) else item
        for item in value.ravel()[:longest].tolist()
    ]
    return {"dtype": str(value.dtype), "shape": list(value.shape), "values": items}
