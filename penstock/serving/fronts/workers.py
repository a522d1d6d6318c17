"""What the engine process and the front processes do, each from its start to its end."""

import asyncio
import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from penstock.core.errors import OpError
from penstock.monitor.shared_metrics import SharedMetrics
from penstock.serving.config_watch import ConfigWatch
from penstock.serving.fronts.engine_side import EngineSide
from penstock.serving.fronts.front_side import RemoteManager
from penstock.serving.server import Server, ServerConfig, new_event_loop

_log = logging.getLogger("penstock.serving")

# Tells whoever started the process that it answers, or why it does not.
Tell = Callable[[OpError | None], None]


def run_engine(config: ServerConfig, place: Path, tell: Tell) -> None:
    """Load the models and compute for the fronts, until SIGTERM."""
    # It loads JAX, which the fronts do without.
    from penstock.runtime.devices import compute_in_callers_thread  # noqa: PLC0415

    compute_in_callers_thread()
    stopping = _stopping_on_signal()
    server = Server(config)
    manager = server.manager
    settle_memory()
    try:
        manager.start()
    except OpError as error:
        tell(error)
        return
    file, wait_s = config.model_config_file, config.model_config_file_poll_wait_seconds
    watch = None if file is None or wait_s <= 0 else ConfigWatch(file, wait_s, manager.reload)
    for name, version in manager.available():
        _log.info("serving %s version %d", name, version)
    shared = SharedMetrics(place.parent)
    shared.start()

    async def serve() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        if stopping.is_set():
            return
        await EngineSide(manager).serve(place, stop, lambda: tell(None))

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve())
    if watch is not None:
        watch.stop()
    manager.stop(config.stop_timeout_s)
    shared.stop()


def run_front(
    config: ServerConfig, place: Path, bound: list[socket.socket], tell: Tell
) -> None:
    """Speak with clients, until SIGTERM."""
    stopping = _stopping_on_signal()
    server = Server(config, manager=RemoteManager(place))
    try:
        # The sockets stay open in the supervisor, for the front that may come after this one.
        server.start([socket.socket(fileno=os.dup(each.fileno())) for each in bound])
    except OpError as error:
        tell(error)
        return
    settle_memory()
    shared = SharedMetrics(place.parent)
    shared.start()
    tell(None)
    stopping.wait()
    server.stop()
    shared.stop()


def settle_memory() -> None:
    """Keep the collector away from the code, which stays.

    To be called before models come: what a frozen model leaves is never given back.
    """
    gc.freeze()
    # Requests leave few cycles behind; looking for them often costs more than they do.
    gc.set_threshold(50_000, 20, 50)


def _stopping_on_signal() -> threading.Event:
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    return stopping
