"""A model server in this process: loads the models, then answers in a thread of its own."""

import asyncio
import logging
import socket
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.serving.batcher import BatchingParameters
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.gateway import Gateway
from penstock.serving.http import HttpLimits
from penstock.serving.http_server import HttpServer, bind
from penstock.serving.manager import Loader, Manager
from penstock.serving.middleware.metrics import CallMetrics
from penstock.serving.rest_api import RestApi, other_paths
from penstock.serving.router import Router
from penstock.serving.servable import Servable
from penstock.serving.source import FileSystemStoragePathSource, Latest, VersionPolicy

try:
    import uvloop
except ImportError:  # not made for this platform; asyncio's own loop is slower and as good
    uvloop = None

_log = logging.getLogger("penstock.serving")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model to serve.

    Args:
        name: in the paths of requests.
        base_path: folder with a sub-folder for each version, named by its number.
        policy: which of the versions are served.
        labels: version of each label.
    """

    name: str
    base_path: Path
    policy: VersionPolicy = field(default_factory=Latest)
    labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What to serve, and where.

    Args:
        models: at least one.
        host: address to listen on.
        port: 0 for any free one.
        batching: limits for sharing calls of a model; `None` runs each request alone.
        limits: what one connection may ask for.
        file_system_poll_wait_seconds: time between two looks for new versions.
        stop_timeout_s: time for answering what is in work when the server stops.
    """

    models: tuple[ModelConfig, ...]
    host: str = "127.0.0.1"
    port: int = 8501
    batching: BatchingParameters | None = None
    limits: HttpLimits = field(default_factory=HttpLimits)
    file_system_poll_wait_seconds: float = 1.0
    stop_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if not self.models:
            raise InvalidArgumentError("a server needs at least one model, got none")
        names = [model.name for model in self.models]
        for name in names:
            if not name or set(name) & set("/:"):
                raise InvalidArgumentError(
                    f"the name of a model must not be empty or hold '/' or ':', got '{name}'"
                )
            if names.count(name) > 1:
                raise InvalidArgumentError(f"two models have the name '{name}'")


class Server:
    """Serves models over HTTP. Use as a context manager, or call `start` and `stop`.

    Args:
        config: what to serve, and where.
        loader: turns a folder into a servable; SavedModels if left out.

    Example:
        >>> config = ServerConfig((ModelConfig("digits", Path("models/digits")),), port=0)
        >>> with Server(config) as server:  # doctest: +SKIP
        ...     print(server.url)
    """

    def __init__(self, config: ServerConfig, loader: Loader | None = None) -> None:
        if loader is None:
            # Whoever brings a loader need not load JAX, which ours does.
            from penstock.serving.loader import SavedModelLoader  # noqa: PLC0415

            loader = SavedModelLoader()
        self._config = config
        self._executor = Executor()
        self.manager = Manager(
            [FileSystemStoragePathSource(m.name, m.base_path, m.policy) for m in config.models],
            loader,
            self._engine,
            labels={model.name: model.labels for model in config.models},
            poll_interval_s=config.file_system_poll_wait_seconds,
        )
        self._port: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        if self._port is None:
            raise FailedPreconditionError("the server has no port before it is started")
        return self._port

    @property
    def url(self) -> str:
        """Where the server is, as `http://host:port`."""
        host = self._config.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def start(self) -> None:
        """Load the models and begin to answer.

        Raises:
            FailedPreconditionError: it was started before.
            UnavailableError: the port is taken.
            OpError: a model has no version that loads.
        """
        if self._port is not None:
            raise FailedPreconditionError("a server can be started once; make another one")
        # The port first: loading may take minutes, and a taken port is known at once.
        bound = bind(self._config.host, self._config.port)
        self._port = bound.getsockname()[1]
        try:
            self.manager.start()
            ready: Future[None] = Future()
            self._thread = threading.Thread(
                target=self._run, args=(bound, ready), name="penstock-http", daemon=True
            )
            self._thread.start()
            ready.result()
        except BaseException:
            bound.close()
            self.stop()
            raise
        for name, version in self.manager.available():
            _log.info("serving %s version %d on %s", name, version, self.url)

    def stop(self) -> None:
        """Accept no more requests, answer those in work, and let go of the models."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and self._thread is not None:
            if self._thread.is_alive():
                loop.call_soon_threadsafe(stopping.set)
            self._thread.join()
        self._thread = None
        self.manager.stop(self._config.stop_timeout_s)
        # A call may end in order meanwhile; one that never does is not waited for.
        self._executor.close(1.0)

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

    def _engine(self, servable: Servable) -> Engine:
        return Engine(servable, self._executor, self._config.batching)

    def _run(self, bound: socket.socket, ready: "Future[None]") -> None:
        new_loop = asyncio.new_event_loop if uvloop is None else uvloop.new_event_loop
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(self._serve(bound, ready))

    async def _serve(self, bound: socket.socket, ready: "Future[None]") -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        gateway = Gateway(self.manager, [CallMetrics(self.manager.has)])
        router = Router([RestApi(gateway).protocol()], other_paths())
        server = HttpServer(router.handle, self._config.limits)
        try:
            await server.start(bound)
        except Exception as error:  # noqa: BLE001  (raised where `start` was called)
            ready.set_exception(error)
            return
        ready.set_result(None)
        await self._stopping.wait()
        await server.stop(self._config.stop_timeout_s)
