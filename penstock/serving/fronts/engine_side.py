"""The engine process: has the models, and computes for the fronts that connect to it."""

import array
import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from penstock.core.errors import DataLossError, InternalError, OpError
from penstock.serving.call import PREDICT, REST, Call, ModelSpec
from penstock.serving.fronts import records
from penstock.serving.fronts.records import NO_SLOT, Record, RecordReader, with_payload
from penstock.serving.fronts.slots import SLOT_BYTES, SLOTS, Slots
from penstock.serving.fronts.state import encode_state
from penstock.serving.fronts.tensor_bytes import pack, size_of, unpack
from penstock.serving.manager import Manager
from penstock.serving.servable import Array
from penstock.serving.served_version import ServedVersion
from penstock.wire import protos

_log = logging.getLogger("penstock.serving")
_STATE_EVERY_S = 0.1


class EngineSide:
    """Listens for fronts on a Unix socket, in one event loop.

    Args:
        manager: has the models, and is started.
    """

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._fronts: set[_Front] = set()
        self._state = b""
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(
        self, place: Path, stopping: asyncio.Event, ready: Callable[[], None]
    ) -> None:
        """Serve until told to stop; `ready` is called when fronts may come."""
        listening = _listen(place)
        loop = asyncio.get_running_loop()
        self._state = encode_state(self._manager)
        ready()
        telling = asyncio.ensure_future(self._tell())
        stopped = asyncio.ensure_future(stopping.wait())
        try:
            while not stopping.is_set():
                accepting = asyncio.ensure_future(loop.sock_accept(listening))
                await asyncio.wait({accepting, stopped}, return_when="FIRST_COMPLETED")
                if not accepting.done():
                    accepting.cancel()
                    break
                task = asyncio.ensure_future(self._welcome(accepting.result()[0]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            telling.cancel()
            listening.close()
            for front in list(self._fronts):
                front.close()

    async def _welcome(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            slots = Slots(await _descriptor(connection))
        except (OSError, DataLossError) as error:
            _log.warning("a front was turned away: %s", error)
            connection.close()
            return
        front = _Front(self._manager, slots, self._fronts.discard)
        self._fronts.add(front)
        await loop.create_connection(lambda: front, sock=connection)
        front.send(with_payload(records.STATE, self._state))

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_STATE_EVERY_S)
            state = encode_state(self._manager)
            if state != self._state:
                self._state = state
                for front in self._fronts:
                    front.send(with_payload(records.STATE, state))


def _listen(place: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.setblocking(False)
    # An engine that was killed has left it there.
    place.unlink(missing_ok=True)
    listening.bind(str(place))
    place.chmod(0o600)
    listening.listen(64)
    return listening


async def _descriptor(connection: socket.socket) -> int:
    """Take the descriptor of the shared memory, the first thing that a front sends."""
    loop = asyncio.get_running_loop()
    connection.setblocking(False)
    readable = loop.create_future()

    def on_readable() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(connection, on_readable)
    try:
        await asyncio.wait_for(readable, 10)
    except TimeoutError:
        raise OSError("it sent no shared memory") from None
    finally:
        loop.remove_reader(connection)
    _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(4))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found = array.array("i")
            found.frombytes(data[:4])
            return found[0]
    raise OSError("it sent no shared memory")


class _Front(asyncio.Protocol):
    """One front process, as the engine sees it."""

    def __init__(
        self, manager: Manager, slots: Slots, closed: "Callable[[_Front], None]"
    ) -> None:
        self._manager = manager
        self._slots = slots
        self._closed = closed
        self._reader = RecordReader()
        self._transport: Any = None
        self._routes: dict[int, tuple[ModelSpec, str]] = {}
        self._running: dict[int, Callable[[], object]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Drop what the front has asked for: it has gone."""
        self._transport = None
        for cancel in list(self._running.values()):
            cancel()
        self._running.clear()
        self._slots.close()
        self._closed(self)

    def close(self) -> None:
        """End the connection when what was written is sent."""
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes) -> None:
        """Send records, if the front is still there."""
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        """Do what the front asks for."""
        try:
            for record in self._reader.feed(data):
                self._take(record)
        except (DataLossError, ValueError, KeyError) as error:
            _log.warning("a front was cut off: %s", error)
            self._transport.abort()

    def _take(self, record: Record) -> None:
        if record.kind == records.RUN:
            self._run(record)
        elif record.kind == records.CANCEL:
            cancel = self._running.pop(record.number, None)
            if cancel is not None:
                cancel()
                # Only now does the front use the slot again.
                self._fail(record, InternalError("cancelled"))
        elif record.kind == records.ROUTE:
            name, version, label, signature = orjson.loads(record.payload)
            self._routes[record.route] = (ModelSpec(name, version, label), signature)
        elif record.kind == records.RELOAD:
            self._reload(record)

    def _run(self, record: Record) -> None:
        try:
            version, cancel = self._start(record)
        except OpError as error:
            self._fail(record, error)
            return

        def stop() -> None:
            cancel()
            version.leave()

        self._running[record.number] = stop

    def _start(self, record: Record) -> tuple[ServedVersion, Callable[[], object]]:
        spec, signature_name = self._routes[record.route]
        if record.slot == NO_SLOT:
            memory = memoryview(record.payload)
        elif record.slot < SLOTS and record.size <= SLOT_BYTES:
            memory = self._slots.slot(record.slot)[: record.size]
        else:
            raise DataLossError(f"there is no slot {record.slot}")
        version = self._manager.acquire(spec)
        try:
            inputs = unpack(memory)
            engine = version.engine
            # The version may have changed since the front has looked.
            engine.signature(signature_name).check(inputs)
            deadline = asyncio.get_running_loop().time() + record.left_s
            call = Call(REST, PREDICT, spec, deadline, priority=record.priority)
            number = version.number

            def then(outputs: dict[str, Array] | None, error: Exception | None) -> None:
                self._running.pop(record.number, None)
                version.leave()
                if outputs is None:
                    assert error is not None
                    self._fail(record, error)
                else:
                    self._answer(record, call, number, outputs)

            return version, engine.start(signature_name, inputs, call, then)
        except BaseException:
            version.leave()
            raise

    def _answer(
        self, record: Record, call: Call, version: int, outputs: dict[str, Array]
    ) -> None:
        if self._transport is None:
            return
        if record.slot != NO_SLOT:
            slot = np.frombuffer(self._slots.slot(record.slot), np.uint8)
            # A model may hand its input back, which lies where the answer goes.
            outputs = {
                name: value.copy() if np.may_share_memory(value, slot) else value
                for name, value in outputs.items()
            }
        size = size_of(outputs)
        answer = Record(
            records.DONE,
            record.number,
            size=size,
            queue_s=call.queue_s,
            compute_s=call.compute_s,
            batch_size=call.batch_size,
            padded_size=call.padded_size,
            led=call.led,
            version=version,
        )
        if record.slot != NO_SLOT and size <= SLOT_BYTES:
            answer.slot = record.slot
            pack(outputs, self._slots.slot(record.slot))
        else:
            payload = bytearray(size)
            pack(outputs, memoryview(payload))
            answer.payload = bytes(payload)
        self.send(answer.encode())

    def _fail(self, record: Record, error: Exception) -> None:
        self.send(with_payload(records.FAILED, _encode_error(error), record.number))

    def _reload(self, record: Record) -> None:
        try:
            config = protos.parse(protos.ModelServerConfig, record.payload, "a configuration")
            done = asyncio.wrap_future(self._manager.reload_later(config))
        except OpError as error:
            self.send(with_payload(records.RELOADED, _encode_error(error), record.number))
            return

        def tell(settled: "asyncio.Future[None]") -> None:
            error = None if settled.cancelled() else settled.exception()
            text = b"" if error is None else _encode_error(error)
            self.send(with_payload(records.STATE, encode_state(self._manager)))
            self.send(with_payload(records.RELOADED, text, record.number))

        done.add_done_callback(tell)


def _encode_error(error: BaseException) -> bytes:
    if not isinstance(error, OpError):
        error = InternalError(f"the engine failed: {type(error).__name__}: {error}")
    waits = {
        key: value
        for key, value in error.experimental_payloads.items()
        if isinstance(value, float)
    }
    return orjson.dumps([error.error_code, error.message, waits])
