"""A front process: what stands there for the models, which the engine process has."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import orjson

from penstock.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    UnavailableError,
    exception_type_from_error_code,
)
from penstock.serving.batcher import Then
from penstock.serving.call import RETRY_AFTER_S, Call, ModelSpec
from penstock.serving.fronts import records
from penstock.serving.fronts.records import NO_SLOT, Record, RecordReader, with_payload
from penstock.serving.fronts.slots import SLOT_BYTES, SLOTS, Slots
from penstock.serving.fronts.state import ModelState, Signatures, decode_state
from penstock.serving.fronts.tensor_bytes import pack, size_of, unpack
from penstock.serving.joining import rows_of
from penstock.serving.protocols.rest import VersionStatus
from penstock.serving.servable import DEFAULT_SIGNATURE, Array, Arrays, SignatureSpec

_log = logging.getLogger("penstock.serving")
_CONNECT_EVERY_S = 0.05
_FIRST_STATE_WITHIN_S = 30.0
_FAR_S = 1e9


class RemoteServable:
    """A model that is loaded elsewhere."""

    def __init__(self, name: str, version: int, signatures: Signatures) -> None:
        self.name = name
        self.version = version
        self.signatures = signatures

    def run(self, signature_name: str, inputs: Arrays) -> dict[str, Array]:
        """Refuse: the engine process computes."""
        raise InvalidArgumentError(
            f"signature '{signature_name}' of {self.name} is computed by the engine process, "
            f"got {len(inputs)} inputs here; go through the engine of the version"
        )


class RemoteEngine:
    """Stands for `engine.Engine` in a front."""

    def __init__(self, link: "Link", spec: ModelSpec, servable: RemoteServable) -> None:
        self.servable = servable
        self.checks_rows = False
        self._link = link
        self._spec = spec

    def signature(self, name: str) -> SignatureSpec:
        """Return the signature of that name; the empty name is the default signature."""
        name = name or DEFAULT_SIGNATURE
        found = self.servable.signatures.get(name)
        if found is None:
            raise InvalidArgumentError(
                f'Serving signature name: "{name}" not found in signature def'
            )
        return found

    def start(self, name: str, inputs: Arrays, call: Call, then: Then) -> Callable[[], object]:
        """Begin to compute the outputs of a signature, as `engine.Engine.start` does."""
        signature = self.signature(name)
        first = next(iter(inputs.values()), None)
        if signature.is_batchable:
            call.rows += rows_of(inputs)
        else:
            call.rows += len(first) if first is not None and first.ndim else 1
        return self._link.start(self._spec, name, inputs, call, then)


class RemoteVersion:
    """Stands for `served_version.ServedVersion` in a front: the engine counts its users."""

    def __init__(self, name: str, number: int, engine: RemoteEngine) -> None:
        self.name = name
        self.number = number
        self.engine = engine

    def leave(self) -> None:
        """Do nothing."""

    def __enter__(self) -> "RemoteVersion":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()


class RemoteManager:
    """Stands for `manager.Manager` in a front.

    Args:
        place: socket of the engine.
    """

    def __init__(self, place: Path) -> None:
        self._link = Link(place, self._learn)
        self._models: dict[str, ModelState] = {}
        self._versions: dict[ModelSpec, RemoteVersion] = {}

    async def attach(self) -> None:
        """Connect to the engine, in the event loop of the server, and stay so.

        Raises:
            UnavailableError: it does not answer.
        """
        await self._link.open()

    def has(self, name: str) -> bool:
        """Whether a model of that name is configured."""
        return name in self._models

    def names(self) -> list[str]:
        """Names of the models."""
        return list(self._models)

    def labels(self, name: str) -> Mapping[str, int]:
        """Version of each label of a model."""
        return self._models[name].labels

    def available(self) -> list[tuple[str, int]]:
        """Name and latest available version of each model that has one."""
        if not self._link.is_open:
            return []
        return [(name, m.latest) for name, m in self._models.items() if m.latest is not None]

    def acquire(self, spec: ModelSpec) -> RemoteVersion:
        """Return the version that a request is for.

        Raises:
            NotFoundError: it is not served.
            InvalidArgumentError: the label is not known.
            UnavailableError: the engine is away.
        """
        self._link.check()
        version = self._versions.get(spec)
        if version is not None:
            return version
        model = self._models.get(spec.name)
        number = None if model is None else _number(spec, model)
        signatures = None if model is None or number is None else model.signatures.get(number)
        if signatures is None or number is None:
            raise NotFoundError(f"Servable not found for request: {spec}")
        servable = RemoteServable(spec.name, number, signatures)
        version = RemoteVersion(spec.name, number, RemoteEngine(self._link, spec, servable))
        # Only what exists is kept, so clients cannot make it grow.
        self._versions[spec] = version
        return version

    def status(self, spec: ModelSpec) -> list[VersionStatus]:
        """Return the states of all versions of a model, or of the one asked for."""
        self._link.check()
        model = self._models.get(spec.name)
        if model is None or not model.statuses:
            raise NotFoundError(f"Could not find any versions of model {spec.name}")
        if spec.version is None and spec.label is None:
            return list(model.statuses)
        number = _number(spec, model)
        found = [status for status in model.statuses if status.version == number]
        if not found:
            raise NotFoundError(f"Could not find version {number} of model {spec.name}")
        return found

    def reload_later(self, config: Any) -> "Future[None]":
        """Ask the engine to serve other models; see `manager.Manager.reload_later`."""
        return self._link.reload(config.SerializeToString())

    def start(self) -> None:
        """Do nothing: the engine process loads the models."""

    def stop(self, timeout_s: float | None = None) -> None:  # noqa: ARG002
        """Let go of the engine."""
        self._link.close()

    def _learn(self, state: bytes) -> None:
        self._models = decode_state(state)
        self._versions = {}


def _number(spec: ModelSpec, model: ModelState) -> int | None:
    if spec.label is not None:
        if spec.label not in model.labels:
            raise InvalidArgumentError(f"Unrecognized servable version label: {spec.label}")
        return model.labels[spec.label]
    return model.latest if spec.version is None else spec.version


class _Pending:
    """A request that the engine works on."""

    __slots__ = ("call", "since", "slot", "then")

    def __init__(self, call: Call, then: Then | None, slot: int) -> None:
        self.call = call
        self.then = then
        self.slot = slot
        self.since = time.perf_counter()


class Link(asyncio.Protocol):
    """The connection to the engine; it comes back when the engine does.

    Args:
        place: socket of the engine.
        learn: takes what the engine says of its models.
    """

    def __init__(self, place: Path, learn: Callable[[bytes], None]) -> None:
        self._place = place
        self._learn = learn
        self._slots: Slots | None = None
        self._free: list[int] = []
        self._transport: Any = None
        self._reader = RecordReader()
        self._pending: dict[int, _Pending] = {}
        self._routes: dict[tuple[ModelSpec, str], int] = {}
        self._reloads: dict[int, Future[None]] = {}
        self._last = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._first: asyncio.Event = asyncio.Event()
        self._is_closed = False
        self.is_open = False

    async def open(self) -> None:
        """Connect, and wait until the engine has told of its models."""
        self._loop = asyncio.get_running_loop()
        self._connecting = self._loop.create_task(self._connect())
        try:
            await asyncio.wait_for(self._first.wait(), _FIRST_STATE_WITHIN_S)
        except TimeoutError:
            raise UnavailableError("the engine process does not answer") from None

    def close(self) -> None:
        """End the connection for good; callable from any thread."""
        self._is_closed = True
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.close()

    def check(self) -> None:
        """Refuse while the engine is away.

        Raises:
            UnavailableError: it is.
        """
        if not self.is_open:
            raise _away()

    def start(
        self, spec: ModelSpec, name: str, inputs: Arrays, call: Call, then: Then
    ) -> Callable[[], object]:
        """Send a request; `then` takes the outputs or what went wrong."""
        self.check()
        slots = self._slots
        assert slots is not None
        assert self._loop is not None
        key = (spec, name)
        route = self._routes.get(key)
        parts = b"" if route is not None else self._new_route(key)
        size = size_of(inputs)
        self._last = number = self._last + 1
        left_s = min(call.deadline - self._loop.time(), _FAR_S)
        record = Record(
            records.RUN,
            number,
            route=self._routes[key],
            size=size,
            priority=call.priority,
            left_s=left_s,
        )
        if size <= SLOT_BYTES and self._free:
            record.slot = self._free.pop()
            pack(inputs, slots.slot(record.slot))
        else:
            payload = bytearray(size)
            pack(inputs, memoryview(payload))
            record.payload = bytes(payload)
        self._pending[number] = _Pending(call, then, record.slot)
        self._transport.write(parts + record.encode())
        return lambda: self._cancel(number)

    def _new_route(self, key: tuple[ModelSpec, str]) -> bytes:
        spec, name = key
        route = self._routes[key] = len(self._routes)
        text = orjson.dumps([spec.name, spec.version, spec.label, name])
        return with_payload(records.ROUTE, text, route=route)

    def _cancel(self, number: int) -> None:
        pending = self._pending.get(number)
        if pending is not None and pending.then is not None:
            # The slot is free only when the engine has said that it is done with it.
            pending.then = None
            self._transport.write(Record(records.CANCEL, number, size=0).encode())

    def reload(self, config: bytes) -> "Future[None]":
        """Send a configuration; the future tells when it is in force."""
        self.check()
        self._last = number = self._last + 1
        done = self._reloads[number] = Future()
        self._transport.write(with_payload(records.RELOAD, config, number))
        return done

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin afresh: the engine knows nothing of what came before."""
        self._transport = transport
        self._reader = RecordReader()
        self._routes = {}

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Answer everybody at once, and look for the next engine."""
        self.is_open = False
        self._transport = None
        pending, self._pending = self._pending, {}
        reloads, self._reloads = self._reloads, {}
        slots, self._slots = self._slots, None
        for each in pending.values():
            if each.then is not None:
                each.then(None, _away())
        for done in reloads.values():
            done.set_exception(_away())
        if slots is not None:
            slots.close()
        if not self._is_closed and self._loop is not None:
            _log.warning("the engine process has gone; requests are refused until it is back")
            self._connecting = self._loop.create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        """Take answers."""
        try:
            for record in self._reader.feed(data):
                self._take(record)
        except DataLossError as error:
            _log.warning("the engine process was cut off: %s", error)
            self._transport.abort()

    async def _connect(self) -> None:
        assert self._loop is not None
        while not self._is_closed:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self._place))
                slots = Slots()
                socket.send_fds(connection, [b"s"], [slots.descriptor])
            except OSError:
                connection.close()
                await asyncio.sleep(_CONNECT_EVERY_S)
                continue
            self._slots = slots
            self._free = list(range(SLOTS))
            connection.setblocking(False)
            await self._loop.create_connection(lambda: self, sock=connection)
            return

    def _take(self, record: Record) -> None:
        if record.kind in (records.DONE, records.FAILED):
            pending = self._pending.pop(record.number, None)
            if pending is not None:
                self._settle(pending, record)
        elif record.kind == records.STATE:
            self._learn(record.payload)
            self.is_open = True
            self._first.set()
        elif record.kind == records.RELOADED:
            done = self._reloads.pop(record.number, None)
            if done is None:
                return
            if record.payload:
                done.set_exception(_error(record.payload))
            else:
                done.set_result(None)

    def _settle(self, pending: _Pending, record: Record) -> None:
        slots, then, call = self._slots, pending.then, pending.call
        assert slots is not None
        outputs: dict[str, Array] | None = None
        error: OpError | None = None
        if record.kind == records.FAILED:
            error = _error(record.payload)
        elif then is not None:
            call.version = record.version
            call.queue_s += record.queue_s
            call.compute_s += record.compute_s
            call.batch_size = record.batch_size
            call.padded_size = record.padded_size
            call.led += record.led
            if record.slot == NO_SLOT:
                outputs = unpack(memoryview(record.payload))
            else:
                found = unpack(slots.slot(record.slot)[: record.size])
                # The slot is used again; answers are small.
                outputs = {name: value.copy() for name, value in found.items()}
        if pending.slot != NO_SLOT:
            self._free.append(pending.slot)
        if then is not None:
            then(outputs, error)


def _away() -> UnavailableError:
    return UnavailableError(
        "the engine process is being started; try again", payloads={RETRY_AFTER_S: 1.0}
    )


def _error(payload: bytes) -> OpError:
    code, message, payloads = orjson.loads(payload)
    kind = exception_type_from_error_code(code)
    return kind(message, payloads=payloads)  # type: ignore[no-any-return]
