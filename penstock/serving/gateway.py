"""The one way in: every protocol hands its calls over here, and middleware sees them all."""

import logging
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from penstock.core.errors import InvalidArgumentError
from penstock.serving.batcher import Then, waited
from penstock.serving.call import PREDICT, Call, RowCheck
from penstock.serving.engine import Engine
from penstock.serving.manager import Manager, ServedVersion
from penstock.serving.servable import (
    DEFAULT_SIGNATURE,
    Array,
    Arrays,
    Servable,
    SignatureSpec,
)

_log = logging.getLogger("penstock.serving")


class Gateway:
    """Admits calls, finds the version of the model, runs it, and tells how it went.

    Args:
        manager: has the models.
        middleware: in the order in which they see a call. Each has any of these methods:
            `admit(call)`, before anything is decoded; `check(call, signature, inputs)`, when
            the inputs are decoded; both may raise an OpError. With `accepts` beside `check` it
            is a `RowCheck`, which the engine makes for a whole batch. `done(call)`, when the
            answer is made, in reverse order; it must be quick and not raise.
        clock: seconds, rising.
        with_timing: whether answers tell by a header where their time went.
    """

    def __init__(
        self,
        manager: Manager,
        middleware: Sequence[object] = (),
        clock: Callable[[], float] = time.perf_counter,
        *,
        with_timing: bool = False,
    ) -> None:
        self.manager = manager
        self.middleware = tuple(middleware)
        self.clock = clock
        self.with_timing = with_timing
        self.admit_hooks = _hooks(self.middleware, "admit")
        of_rows = [hasattr(each, "accepts") for each in self.middleware]
        found: Any = [
            m for m, is_of_rows in zip(middleware, of_rows, strict=True) if is_of_rows
        ]
        self.row_checks: tuple[RowCheck, ...] = tuple(found)
        others = [
            m for m, is_of_rows in zip(middleware, of_rows, strict=True) if not is_of_rows
        ]
        self.check_hooks = _hooks(others, "check")
        self.done_hooks = _hooks(self.middleware[::-1], "done")

    def open(self, call: Call) -> "Opened":
        """Return the context in which a call is answered.

        Raises, on entering:
            OpError: the call is not admitted.
        """
        return Opened(self, call)

    def admin(self, call: Call) -> "Admitted":
        """Return the context for a call that asks no model to compute.

        Raises, on entering:
            OpError: the call is not admitted.
        """
        return Admitted(self, call)


class Admitted:
    """A call that was let in; leaving the context tells the middleware how it went."""

    __slots__ = ("_gateway", "call")

    def __init__(self, gateway: Gateway, call: Call) -> None:
        self._gateway = gateway
        self.call = call

    def __enter__(self) -> "Admitted":
        self.admit()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close(error)

    def admit(self) -> None:
        """Ask the middleware whether the call may go on.

        Raises:
            OpError: it may not.
        """
        call = self.call
        call.start = self._gateway.clock()
        try:
            for admit in self._gateway.admit_hooks:
                admit(call)
        except BaseException as error:
            self.close(error)
            raise

    def close(self, error: BaseException | None) -> None:
        """Say how the call ended."""
        call = self.call
        if error is not None:
            call.failed(error)
        for done in self._gateway.done_hooks:
            try:
                done(call)
            except Exception:  # noqa: BLE001  (the answer is made; nobody may lose it)
                _log.exception("middleware failed after %s of %s", call.api, call.spec.name)


class Opened(Admitted):
    """A call and the version that answers it, which stays loaded meanwhile.

    The version is looked for when it is first needed, so that a protocol can find fault with
    the request before.
    """

    __slots__ = ("_engine", "_found", "_version")

    def __init__(self, gateway: Gateway, call: Call) -> None:
        self._gateway = gateway
        self.call = call
        self._version: ServedVersion | None = None
        self._engine: Engine | None = None
        self._found: tuple[str, SignatureSpec] | None = None

    def __enter__(self) -> "Opened":
        self.admit()
        return self

    @property
    def with_timing(self) -> bool:
        """Whether the answer tells where its time went."""
        return self._gateway.with_timing

    @property
    def version(self) -> ServedVersion:
        """The version that answers.

        Raises:
            NotFoundError: it is not served.
            InvalidArgumentError: the label is not known.
        """
        version = self._version
        if version is None:
            version = self._version = self._gateway.manager.acquire(self.call.spec)
            self.call.version = version.number
            self._engine = version.engine
        return version

    @property
    def servable(self) -> Servable:
        """The loaded model. Raises as `version` does."""
        return self.version.engine.servable

    def signature(self, name: str) -> SignatureSpec:
        """Return the signature of that name; the empty name is the default signature.

        Raises:
            NotFoundError: the model is not served.
            InvalidArgumentError: it has no such signature.
        """
        engine = self._engine or self.version.engine
        signature = engine.signature(name)
        self._found = (name or DEFAULT_SIGNATURE, signature)
        return signature

    def start(self, signature_name: str, inputs: Arrays, then: Then) -> Callable[[], object]:
        """Begin to compute the outputs of a signature; its name must not be empty.

        Args:
            signature_name: of the signature.
            inputs: by their names.
            then: takes the outputs or what went wrong, after this function has returned.

        Returns:
            What cancels the computation.

        Raises:
            OpError: the inputs do not fit, or the server is too busy.
        """
        engine = self._engine or self.version.engine
        call, found = self.call, self._found
        if found is not None and found[0] == signature_name:
            signature = found[1]
        else:
            signature = engine.signature(signature_name)
        call.signature_name = signature_name
        signature.check(inputs)
        for check in self._gateway.check_hooks:
            check(call, signature, inputs)
        # Only predict calls run one signature, by whose name their faults are counted.
        if engine.checks_rows and call.api == PREDICT:
            call.checks = self._gateway.row_checks
        else:
            for each in self._gateway.row_checks:
                each.check(call, signature, inputs)
        call.decode_s = self._gateway.clock() - call.start
        if call.keep:
            call.inputs = inputs
            then = _keeping(call, then)
        return engine.start(signature_name, inputs, call, then)

    async def run(self, signature_name: str, inputs: Arrays) -> dict[str, Array]:
        """Compute the outputs of a signature; its name must not be empty.

        Raises:
            OpError: the inputs do not fit, the model failed, or the server is too busy.
        """
        return await waited(lambda then: self.start(signature_name, inputs, then))

    def close(self, error: BaseException | None) -> None:
        """Let go of the version, and say how the call ended."""
        version = self._version
        if version is not None:
            self._version = self._engine = None
            version.leave()
        Admitted.close(self, error)


def _keeping(call: Call, then: Then) -> Then:
    def keep(outputs: dict[str, Array] | None, error: Exception | None) -> None:
        call.outputs = outputs
        then(outputs, error)

    return keep


def _hooks(middleware: Sequence[object], name: str) -> tuple[Callable[..., Any], ...]:
    hooks = tuple(getattr(each, name) for each in middleware if hasattr(each, name))
    for hook in hooks:
        if not callable(hook):
            raise InvalidArgumentError(f"'{name}' of a middleware must be a method, got {hook}")
    return hooks
