"""Starts the processes of a server, and starts those again that end.

The process that asks for the server forks a supervisor, which has neither threads nor a JAX
client, so that it may fork the others at any time: the engine, and the fronts. Pipes that only
the parent holds open tell its children when it has gone.
"""

import logging
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

import orjson

from penstock.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    OpError,
    UnavailableError,
    UnimplementedError,
    exception_type_from_error_code,
)
from penstock.serving.fronts.workers import Tell, run_engine, run_front
from penstock.serving.http_server import bind
from penstock.serving.server import ServerConfig

_log = logging.getLogger("penstock.serving")

_MAX_FRONTS = 256
_SOCKET = "engine.sock"
# A child that ends sooner than this after its start is started again with growing delays.
_QUICK_END_S = 1.0
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
_KILLED_AFTER_S = 5.0


class FrontServer:
    """Serves models by several processes. Has the methods of `server.Server`.

    Args:
        config: what to serve, and where; `fronts` is at least 1.
    """

    def __init__(self, config: ServerConfig) -> None:
        if not hasattr(os, "fork") or not hasattr(socket, "SO_REUSEPORT"):
            raise UnimplementedError(f"fronts do not run on {sys.platform}; leave them out")
        if not 1 <= config.fronts <= _MAX_FRONTS:
            raise InvalidArgumentError(
                f"fronts must be from 1 to {_MAX_FRONTS}, got {config.fronts}"
            )
        self._config = config
        self._ports: list[int] = []
        self._pid: int | None = None
        self._hold = -1

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return self._port(0)

    @property
    def grpc_port(self) -> int:
        """The port that gRPC listens on."""
        return self._port(1)

    @property
    def url(self) -> str:
        """Where the server is, as `http://host:port`, or `https` with TLS."""
        host = self._config.host
        scheme = "http" if self._config.security.tls is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self) -> None:
        """Start the processes, and return when they answer.

        Raises:
            FailedPreconditionError: it was started before, or this process has threads.
            OpError: the port is taken, or a model has no version that loads.
        """
        if self._ports:
            raise FailedPreconditionError("a server can be started once; make another one")
        if threading.active_count() > 1:
            raise FailedPreconditionError(
                "fronts are forked, which a process with threads must not do; "
                "use `penstock serve --fronts`"
            )
        config = self._config
        ports = [config.port] + ([] if config.grpc_port is None else [config.grpc_port])
        bound = []
        for _ in range(config.fronts):
            sockets = [bind(config.host, port, is_shared=True) for port in ports]
            ports = [each.getsockname()[1] for each in sockets]
            bound.append(sockets)
        self._ports = ports
        life, self._hold = os.pipe()
        self._pid, told = _fork(
            lambda tell: _Supervisor(config, bound, life).run(tell), [self._hold]
        )
        os.close(life)
        for sockets in bound:
            for each in sockets:
                each.close()
        error = _read_answer(told, "supervisor")
        if error is not None:
            self.stop()
            raise error

    def stop(self) -> None:
        """Accept no more requests, answer those in work, and end the processes."""
        pid, self._pid = self._pid, None
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
            os.close(self._hold)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _port(self, index: int) -> int:
        if index >= len(self._ports):
            raise FailedPreconditionError("the server has no such port, or is not started")
        return self._ports[index]


class _Child:
    """One process that shall always be there."""

    def __init__(self, name: str, work: Callable[[Tell], None]) -> None:
        self.name = name
        self.work = work
        self.pid = 0
        self.started = 0.0
        self.delay_s = 0.0
        self.due = 0.0


class _Supervisor:
    """What the supervisor process does.

    Args:
        config: of the server.
        bound: the sockets of each front.
        parent: pipe that ends when the process that wanted the server ends.
    """

    def __init__(
        self, config: ServerConfig, bound: list[list[socket.socket]], parent: int
    ) -> None:
        self._config = config
        self._parent = parent
        self._folder = Path(tempfile.mkdtemp(prefix="penstock-"))
        self._life, self._hold = os.pipe()
        self._is_stopping = False
        place = self._folder / _SOCKET
        self._engine = _Child("engine", lambda tell: run_engine(config, place, tell))
        self._fronts = [self._front(i, place, sockets) for i, sockets in enumerate(bound)]

    def _front(self, number: int, place: Path, sockets: list[socket.socket]) -> _Child:
        config = self._config
        return _Child(f"front {number}", lambda tell: run_front(config, place, sockets, tell))

    def run(self, tell: Tell) -> None:
        """Start the others, and watch them until told to stop."""
        awake, wake = os.pipe()
        for end in (awake, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_signal)
        # Ctrl-C goes to all processes of a terminal; the one that was started passes it on.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            # Imported here once, so that an engine that is started again can load at once.
            # This makes no client, and no threads that a fork would lose.
            from penstock.serving import loader  # noqa: F401, PLC0415

            error = self._start()
            tell(error)
            if error is None:
                self._watch(awake)
        finally:
            # The fronts answer what is in work, and need the engine for it.
            self._end(self._fronts)
            self._end([self._engine])
            shutil.rmtree(self._folder, ignore_errors=True)

    def _on_signal(self, *_: object) -> None:
        self._is_stopping = True

    def _start(self) -> OpError | None:
        error = _read_answer(self._fork(self._engine), self._engine.name)
        if error is not None:
            return error
        answers = [(self._fork(front), front.name) for front in self._fronts]
        errors = [_read_answer(told, name) for told, name in answers]
        return next((error for error in errors if error is not None), None)

    def _fork(self, child: _Child) -> int:
        """Start a child, and return the pipe by which it tells how that went."""
        child.started = time.monotonic()
        child.due = 0.0
        child.pid, told = _fork(lambda tell: self._work(child, tell), [self._hold])
        return told

    def _work(self, child: _Child, tell: Tell) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        life = self._life

        def end_with_parent() -> None:
            os.read(life, 1)  # which waits until the supervisor has gone
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=end_with_parent, name="penstock-life", daemon=True).start()
        child.work(tell)

    def _watch(self, awake: int) -> None:
        children = [self._engine, *self._fronts]
        while not self._is_stopping:
            due = [child.due for child in children if child.due]
            wait_s = max(min(due) - time.monotonic(), 0) if due else None
            ready, _, _ = select.select([awake, self._parent], [], [], wait_s)
            if self._parent in ready:
                return
            if awake in ready:
                os.read(awake, 4096)
            for child in children:
                self._reap(child)
                if child.due and child.due <= time.monotonic() and not self._is_stopping:
                    # How it went is seen in its log; nobody waits for it here.
                    os.close(self._fork(child))

    def _reap(self, child: _Child) -> None:
        if not child.pid:
            return
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid == 0:
            return
        now = time.monotonic()
        child.pid = 0
        if now - child.started < _QUICK_END_S:
            child.delay_s = min(child.delay_s * 2 or _FIRST_DELAY_S, _LONGEST_DELAY_S)
        else:
            child.delay_s = 0.0
        child.due = now + child.delay_s
        _log.warning(
            "the %s process has ended with %d; it is started again",
            child.name,
            os.waitstatus_to_exitcode(status),
        )

    def _end(self, children: list[_Child]) -> None:
        living = [child for child in children if child.pid]
        for child in living:
            os.kill(child.pid, signal.SIGTERM)
        until = time.monotonic() + self._config.stop_timeout_s + _KILLED_AFTER_S
        for child in living:
            while os.waitpid(child.pid, os.WNOHANG)[0] == 0:
                if time.monotonic() > until:
                    os.kill(child.pid, signal.SIGKILL)
                time.sleep(0.01)
            child.pid = 0


def _fork(work: Callable[[Tell], None], close: list[int]) -> tuple[int, int]:
    """Run a function in a child process, which ends with it.

    Args:
        work: gets what tells the parent how the start went.
        close: descriptors that the child must not hold open.

    Returns:
        The child, and the pipe by which it tells.
    """
    told, telling = os.pipe()
    pid = os.fork()
    if not pid:
        _run_child(work, telling, [told, *close])
    os.close(telling)
    return pid, told


def _run_child(work: Callable[[Tell], None], telling: int, close: list[int]) -> NoReturn:
    status = 1
    try:
        for descriptor in close:
            os.close(descriptor)

        def tell(error: OpError | None) -> None:
            answer = [0, ""] if error is None else [error.error_code, error.message]
            try:
                os.write(telling, orjson.dumps(answer) + b"\n")
                os.close(telling)
            except BrokenPipeError:  # nobody asks when a child is started again
                return

        work(tell)
        status = 0
    except BaseException:  # noqa: BLE001  (nothing may run on as the parent's copy)
        _log.exception("a process of the server failed")
    finally:
        logging.shutdown()
        os._exit(status)


def _read_answer(told: int, name: str) -> OpError | None:
    with os.fdopen(told, "rb") as pipe:
        # A line and not all: children of the child hold the pipe open, too.
        text = pipe.readline()
    if not text:
        return UnavailableError(f"the {name} process has ended at once; see its log")
    code, message = orjson.loads(text)
    return exception_type_from_error_code(code)(message) if code else None
