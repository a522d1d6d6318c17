"""One version of a model: its state, and who is using it."""

import threading
from pathlib import Path

from penstock.core.errors import GRPC_STATUS, OpError, UnavailableError
from penstock.serving.engine import Engine
from penstock.serving.protocols.rest import VersionStatus

START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"


class ServedVersion:
    """One version of a model, and who is using it.

    Used as a context manager by whoever acquired it: the version is dropped when it is no
    longer wanted and the last user has left.
    """

    def __init__(self, name: str, number: int, path: Path) -> None:
        self.name = name
        self.number = number
        self.path = path
        self.state = START
        self.error: OpError | None = None
        self.retries = 0
        self.retry_at = 0.0
        # What its files looked like when it failed to load.
        self.seen: object = None
        self.memory_bytes = 0
        self._engine: Engine | None = None
        self._ended: Engine | None = None
        self._users = 0
        self._lock = threading.Lock()

    @property
    def engine(self) -> Engine:
        """The loaded model."""
        if self._engine is None:
            raise UnavailableError(f"version {self.number} of model '{self.name}' is unloaded")
        return self._engine

    def open(self, engine: Engine) -> None:
        """Begin to serve."""
        self._engine = engine
        self.error = None
        self.state = AVAILABLE

    def enter(self) -> bool:
        """Count one more user; false when the version is on its way out."""
        with self._lock:
            if self.state != AVAILABLE:
                return False
            self._users += 1
            return True

    def close(self) -> None:
        """Accept no more users, and end when the last one leaves."""
        with self._lock:
            self.state = UNLOADING
            if self._users == 0:
                self._end()

    def _end(self) -> None:
        # Who answers requests has no time to free a model: that is left for `drop`.
        self._ended, self._engine = self._engine, None
        self.state = END

    def drop(self) -> bool:
        """Free what an ended version had.

        Returns:
            Whether all of its memory is free by that, and no cycles have to be looked for.
        """
        engine, self._ended = self._ended, None
        close = None if engine is None else getattr(engine.servable, "close", None)
        return False if close is None else bool(close())

    def __enter__(self) -> "ServedVersion":
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Count one user less."""
        with self._lock:
            self._users -= 1
            if self._users == 0 and self.state == UNLOADING:
                self._end()

    def status(self) -> VersionStatus:
        """Return the state as the status answer shows it."""
        if self.error is None:
            return VersionStatus(self.number, self.state)
        code = GRPC_STATUS.get(self.error.error_code, "UNKNOWN")
        return VersionStatus(self.number, self.state, code, self.error.message)
