"""A model server in this process: loads the models, then answers in a thread of its own."""

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.serving.batcher import BatchingParameters
from penstock.serving.config_watch import ConfigWatch
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.gateway import Gateway
from penstock.serving.grpc.aio import GrpcioServer, server_credentials
from penstock.serving.grpc.limits import GrpcLimits
from penstock.serving.grpc.server import GrpcServer
from penstock.serving.grpc.services import all_methods
from penstock.serving.http import HttpLimits
from penstock.serving.http_server import HttpServer, bind
from penstock.serving.inference_api import InferenceHttpApi
from penstock.serving.manager import (
    MAX_RETRIES,
    RETRY_AFTER_S,
    Loader,
    Manager,
    Source,
)
from penstock.serving.memory import MemoryBudget
from penstock.serving.model_config import ModelConfig, check_models, read_model_config
from penstock.serving.openapi_api import OpenApi
from penstock.serving.probe_api import ProbeApi
from penstock.serving.readiness import Readiness
from penstock.serving.remote_source import RemoteStoragePathSource
from penstock.serving.rest_api import RestApi
from penstock.serving.router import Router
from penstock.serving.security import Security, SecurityConfig, is_loopback
from penstock.serving.servable import Servable
from penstock.serving.source import FileSystemStoragePathSource
from penstock.serving.tls import TlsContext, remove_copies
from penstock.serving.user_cache import user_cache
from penstock.serving.watch import Watch, WatchConfig

if TYPE_CHECKING:
    from penstock.serving.executables import ExecutableCache

try:
    import uvloop
except ImportError:  # not made for this platform; asyncio's own loop is slower and as good
    uvloop = None

_log = logging.getLogger("penstock.serving")

new_event_loop = asyncio.new_event_loop if uvloop is None else uvloop.new_event_loop

GRPC_IMPLEMENTATIONS = ("own", "grpcio")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """What to serve, and where.

    Args:
        models: at least one.
        host: address to listen on.
        port: 0 for any free one.
        grpc_port: for gRPC, 0 for any free one; `None` for none.
        grpc_limits: what one connection to it may ask for.
        grpc_implementation: "own", or "grpcio" for the stock one of the package grpcio.
        enable_serialization_as_tensor_content: whether predict answers over gRPC carry numbers
            as raw bytes in `tensor_content`; else in the field of their type.
        batching: limits for sharing calls of a model; `None` runs each request alone.
        limits: what one connection may ask for.
        file_system_poll_wait_seconds: time between two looks for new versions; 0 for one.
        fronts: processes that speak with clients, beside one that computes; 0 for one process
            that does both.
        stop_timeout_s: time for answering what is in work when the server stops.
        model_config_file: TF Serving's file with the models, in place of `models`.
        model_config_file_poll_wait_seconds: time between two looks at it; 0 for one.
        allow_version_labels_for_unavailable_models: whether a label that is new may name a
            version that is not available.
        max_num_load_retries: of a version that fails to load.
        load_retry_interval_s: time before such a version is tried again.
        memory_budget: bytes of all loaded versions, by estimate; `None` for no limit.
        model_cache_dir: for versions from object stores; by default in the user's cache.
        enable_model_warmup: whether the requests recorded with a model are run when it loads.
        executable_cache: where compiled executables are kept from one start to the next:
            `auto` for beside the model, or in the user's cache where that cannot be; a folder
            that only people write to who may decide what the server does; or `off`.
        security: certificates, and who may do what.
        watch: what is told of calls: metrics, traces, logs, and what inputs must be like.
    """

    models: tuple[ModelConfig, ...]
    host: str = "127.0.0.1"
    port: int = 8501
    grpc_port: int | None = None
    grpc_limits: GrpcLimits = field(default_factory=GrpcLimits)
    grpc_implementation: str = "own"
    enable_serialization_as_tensor_content: bool = False
    batching: BatchingParameters | None = None
    limits: HttpLimits = field(default_factory=HttpLimits)
    file_system_poll_wait_seconds: float = 1.0
    fronts: int = 0
    stop_timeout_s: float = 10.0
    model_config_file: Path | None = None
    model_config_file_poll_wait_seconds: float = 0.0
    allow_version_labels_for_unavailable_models: bool = False
    max_num_load_retries: int = MAX_RETRIES
    load_retry_interval_s: float = RETRY_AFTER_S
    memory_budget: int | None = None
    model_cache_dir: Path | None = None
    enable_model_warmup: bool = True
    executable_cache: Path | str = "off"
    security: SecurityConfig = field(default_factory=SecurityConfig)
    watch: WatchConfig = field(default_factory=WatchConfig)

    def __post_init__(self) -> None:
        if not self.models and self.model_config_file is None:
            raise InvalidArgumentError("a server needs at least one model, got none")
        check_models(self.models)
        if self.grpc_implementation not in GRPC_IMPLEMENTATIONS:
            raise InvalidArgumentError(
                f"grpc_implementation must be one of {', '.join(GRPC_IMPLEMENTATIONS)}, "
                f"got '{self.grpc_implementation}'"
            )


class Server:
    """Serves models over HTTP and gRPC. Use as a context manager, or call `start` and `stop`.

    Args:
        config: what to serve, and where.
        loader: turns a folder into a servable; SavedModels if left out.
        manager: has the models already, in this process or another one.

    Example:
        >>> config = ServerConfig((ModelConfig("digits", Path("models/digits")),), port=0)
        >>> with Server(config) as server:  # doctest: +SKIP
        ...     print(server.url)
    """

    def __init__(
        self, config: ServerConfig, loader: Loader | None = None, *, manager: Any = None
    ) -> None:
        self._config = config
        self._executor = Executor()
        self._has_own_models = manager is None
        self.manager: Manager = manager or self._manager(config, loader)
        self._security = Security(config.security)
        self._watch = Watch(config.watch, _models(config), self.manager.has)
        self._contexts: list[TlsContext] = []
        self._config_watch: ConfigWatch | None = None
        self._port: int | None = None
        self._grpc_port: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def _manager(self, config: ServerConfig, loader: Loader | None) -> Manager:
        if loader is None:
            # Whoever brings a loader need not load JAX, which ours does.
            from penstock.serving.loader import SavedModelLoader  # noqa: PLC0415

            sizes = config.batching.allowed_batch_sizes if config.batching else (1,)
            loader = SavedModelLoader(
                sizes, self._executables(), with_warm_up=config.enable_model_warmup
            )
        models = _models(config)
        budget = config.memory_budget
        return Manager(
            [self._source(model) for model in models],
            loader,
            self._engine,
            labels={model.name: model.labels for model in models},
            poll_interval_s=config.file_system_poll_wait_seconds,
            make_source=self._source,
            budget=None if budget is None else MemoryBudget(budget),
            allow_labels_for_unavailable=config.allow_version_labels_for_unavailable_models,
            max_retries=config.max_num_load_retries,
            retry_after_s=config.load_retry_interval_s,
        )

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        if self._port is None:
            raise FailedPreconditionError("the server has no port before it is started")
        return self._port

    @property
    def grpc_port(self) -> int:
        """The port that gRPC listens on."""
        if self._grpc_port is None:
            raise FailedPreconditionError(
                "the server has no gRPC port before it is started, nor without a grpc_port"
            )
        return self._grpc_port

    @property
    def url(self) -> str:
        """Where the server is, as `http://host:port`, or `https` with TLS."""
        host = self._config.host
        scheme = "http" if self._config.security.tls is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def start(self, bound: Sequence[socket.socket] = ()) -> None:
        """Load the models and begin to answer.

        Args:
            bound: sockets that own the addresses already: for HTTP, and for gRPC if wanted.

        Raises:
            FailedPreconditionError: it was started before.
            UnavailableError: the port is taken.
            OpError: a model has no version that loads.
        """
        if self._port is not None:
            raise FailedPreconditionError("a server can be started once; make another one")
        # The port first: loading may take minutes, and a taken port is known at once.
        bound = list(bound) or [bind(self._config.host, self._config.port)]
        self._port = bound[0].getsockname()[1]
        try:
            if self._config.grpc_port is not None:
                if len(bound) == 1:
                    bound.append(bind(self._config.host, self._config.grpc_port))
                self._grpc_port = bound[1].getsockname()[1]
            self.manager.start()
            ready: Future[None] = Future()
            self._thread = threading.Thread(
                target=self._run, args=(bound, ready), name="penstock-http", daemon=True
            )
            self._thread.start()
            ready.result()
        except BaseException:
            for each in bound:
                each.close()
            self.stop()
            raise
        if not self._has_own_models:
            return
        for name, version in self.manager.available():
            _log.info("serving %s version %d on %s", name, version, self.url)
        if self._grpc_port is not None:
            _log.info("gRPC is on %s:%d", self._config.host, self._grpc_port)
        if not (self._config.security.knows_clients or is_loopback(self._config.host)):
            _log.warning(
                "whoever can reach %s may ask every model; see --api_keys_file", self.url
            )
        file, wait_s = (
            self._config.model_config_file,
            self._config.model_config_file_poll_wait_seconds,
        )
        if file is not None and wait_s > 0:
            self._config_watch = ConfigWatch(file, wait_s, self.manager.reload)

    def stop(self) -> None:
        """Accept no more requests, answer those in work, and let go of the models."""
        if self._config_watch is not None:
            self._config_watch.stop()
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and self._thread is not None:
            if self._thread.is_alive():
                loop.call_soon_threadsafe(stopping.set)
            self._thread.join()
        self._thread = None
        self.manager.stop(self._config.stop_timeout_s)
        if self._config.security.tls is not None:
            remove_copies(self._config.security.tls)
        # A call may end in order meanwhile; one that never does is not waited for.
        self._executor.close(1.0)
        self._watch.close()

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

    def _executables(self) -> "ExecutableCache | None":
        place = self._config.executable_cache
        if place == "off":
            return None
        from penstock.serving.executables import ExecutableCache  # noqa: PLC0415  (loads JAX)

        return ExecutableCache(None if place == "auto" else Path(place))

    def _source(self, model: ModelConfig) -> Source:
        place = str(model.base_path)
        if place.startswith("file://"):
            place = place.removeprefix("file://")
        elif "://" in place:
            cache = self._config.model_cache_dir or user_cache("models")
            return RemoteStoragePathSource(model.name, place, cache, model.policy)
        return FileSystemStoragePathSource(model.name, Path(place), model.policy)

    def _engine(self, servable: Servable) -> Engine:
        return Engine(servable, self._executor, self._config.batching)

    def _run(self, bound: list[socket.socket], ready: "Future[None]") -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(self._serve(bound, ready))

    async def _serve(self, bound: list[socket.socket], ready: "Future[None]") -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        gateway, readiness, router = self.handlers(self._stopping.is_set)
        servers: list[HttpServer | GrpcServer | GrpcioServer] = []
        try:
            if not self._has_own_models:
                await self.manager.attach()  # type: ignore[attr-defined]
            servers.append(HttpServer(router.begin, self._config.limits, self._tls("http/1.1")))
            if len(bound) > 1:
                servers.append(self._grpc_server(gateway, readiness))
            for server, each in zip(servers, bound, strict=True):
                await server.start(each)
        except Exception as error:  # noqa: BLE001  (raised where `start` was called)
            ready.set_exception(error)
            return
        ready.set_result(None)
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._config.security.reload_s)
            for context in self._contexts:
                context.follow()
            self._security.follow()
        await asyncio.gather(*(each.stop(self._config.stop_timeout_s) for each in servers))

    def handlers(self, is_stopping: Callable[[], bool]) -> tuple[Gateway, Readiness, Router]:
        """Make what answers requests, without sockets."""
        gateway = Gateway(
            self.manager,
            [*self._security.middleware, *self._watch.middleware],
            with_timing=self._config.watch.server_timing,
        )
        readiness = Readiness(self.manager, is_stopping)
        protocols = [
            RestApi(gateway).protocol(),
            InferenceHttpApi(gateway, readiness).protocol(),
            *OpenApi(gateway).protocols(),
        ]
        path, guard = self._config.watch.metrics_path, self._security.guard
        probes = ProbeApi(readiness, path, guard, self._watch.keep)
        return (
            gateway,
            readiness,
            Router(protocols, probes.protocol(), self._config.limits.max_request_bytes),
        )

    def _grpc_server(self, gateway: Gateway, readiness: Readiness) -> GrpcServer | GrpcioServer:
        methods = all_methods(
            gateway,
            readiness,
            as_content=self._config.enable_serialization_as_tensor_content,
        )
        if self._config.grpc_implementation == "grpcio":
            tls = self._config.security.tls
            credentials = None if tls is None else server_credentials(tls)
            return GrpcioServer(methods, self._config.grpc_limits, credentials)
        # A call costs it a fifth of what the stock implementation needs.
        return GrpcServer(methods, self._config.grpc_limits, self._tls("h2"))

    def _tls(self, protocol: str) -> ssl.SSLContext | None:
        tls = self._config.security.tls
        if tls is None:
            return None
        context = TlsContext(tls, [protocol])
        self._contexts.append(context)
        return context.context


def _models(config: ServerConfig) -> tuple[ModelConfig, ...]:
    file = config.model_config_file
    return config.models if file is None else tuple(read_model_config(file))
