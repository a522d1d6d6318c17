"""Versions of models: loaded beside the old ones, swapped in, drained and dropped."""

import gc
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from penstock.core.errors import (
    GRPC_STATUS,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    UnavailableError,
    UnknownError,
)
from penstock.serving.call import ModelSpec
from penstock.serving.engine import Engine
from penstock.serving.protocols.rest import VersionStatus
from penstock.serving.servable import Servable

START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"

# TF Serving's defaults.
_MAX_RETRIES = 5
_RETRY_AFTER_S = 60.0
# Ended versions that a status answer still shows.
_KEPT_ENDED = 16

_log = logging.getLogger("penstock.serving")


class Source(Protocol):
    """Says which versions of one model there should be."""

    @property
    def name(self) -> str:
        """Name of the model."""

    def poll(self) -> Mapping[int, Path]:
        """Return the aspired versions with their folders."""


class Loader(Protocol):
    """Turns a folder into a servable that is warm."""

    def load(self, name: str, version: int, path: Path) -> Servable:
        """Load one version."""


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
        self._engine: Engine | None = None
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
        self._engine = None
        self.state = END

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


class _Model:
    def __init__(self, source: Source, labels: Mapping[str, int]) -> None:
        self.source = source
        self.labels = dict(labels)
        self.versions: dict[int, ServedVersion] = {}
        self.latest: ServedVersion | None = None
        self.complaint = ""


class Manager:
    """Keeps the aspired versions of some models loaded.

    A new version is loaded and warmed while the old one serves; the old one goes when a new
    one is available. A version that fails to load is tried again some times.

    Args:
        sources: one for each model.
        loader: loads versions, in the manager's thread.
        make_engine: wraps what was loaded.
        labels: for each model, the version of each label.
        poll_interval_s: time between two looks at the sources.
        clock: seconds, rising.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        loader: Loader,
        make_engine: Callable[[Servable], Engine],
        *,
        labels: Mapping[str, Mapping[str, int]] | None = None,
        poll_interval_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        named = labels or {}
        self._models = {s.name: _Model(s, named.get(s.name, {})) for s in sources}
        self._loader = loader
        self._make_engine = make_engine
        self._poll_interval_s = poll_interval_s
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def has(self, name: str) -> bool:
        """Whether a model of that name is configured."""
        return name in self._models

    def acquire(self, spec: ModelSpec) -> ServedVersion:
        """Return the version that a request is for; use it in a `with` block.

        Raises:
            NotFoundError: it is not served.
            InvalidArgumentError: the label is not known.
        """
        model = self._models.get(spec.name)
        if model is not None:
            spec = _resolve(spec, model)
            if spec.version is not None:
                version = model.versions.get(spec.version)
                if version is not None and version.enter():
                    return version
            # The latest may be replaced between the two steps; its successor then serves.
            while spec.version is None and (latest := model.latest) is not None:
                if latest.enter():
                    return latest
                if latest is model.latest:
                    break
        raise NotFoundError(f"Servable not found for request: {spec}")

    def status(self, spec: ModelSpec) -> list[VersionStatus]:
        """Return the states of all versions of a model, or of the one asked for, newest first.

        Raises:
            NotFoundError: there is none.
        """
        model = self._models.get(spec.name)
        if model is None or not model.versions:
            raise NotFoundError(f"Could not find any versions of model {spec.name}")
        spec = _resolve(spec, model)
        if spec.version is not None:
            version = model.versions.get(spec.version)
            if version is None:
                raise NotFoundError(
                    f"Could not find version {spec.version} of model {spec.name}"
                )
            return [version.status()]
        found = dict(model.versions)
        return [found[number].status() for number in sorted(found, reverse=True)]

    def available(self) -> list[tuple[str, int]]:
        """Name and latest available version of each model that has one."""
        return [(m.source.name, m.latest.number) for m in self._models.values() if m.latest]

    def start(self) -> None:
        """Load what is there, then watch the sources in a thread until `stop`.

        Raises:
            OpError: a model has no version that loads.
        """
        for model in self._models.values():
            self._update(model, model.source.poll())
            if model.latest is None:
                raise _why_unavailable(model)
        self._thread = threading.Thread(
            target=self._watch, name="penstock-versions", daemon=True
        )
        self._thread.start()

    def stop(self, timeout_s: float | None = None) -> None:
        """Stop watching and drop all versions; those in use end with their last user."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        for model in self._models.values():
            model.latest = None
            for version in model.versions.values():
                if version.state == AVAILABLE:
                    version.close()

    def poll(self) -> None:
        """Look at each source once, and load and unload what has changed."""
        for model in self._models.values():
            try:
                aspired = model.source.poll()
            except (OpError, OSError) as error:
                # A file system that is away for a while takes nothing out of service.
                if str(error) != model.complaint:
                    model.complaint = str(error)
                    _log.warning("%s: %s", model.source.name, error)
                continue
            model.complaint = ""
            self._update(model, aspired)

    def _watch(self) -> None:
        while not self._stop.wait(self._poll_interval_s):
            self.poll()

    def _update(self, model: _Model, aspired: Mapping[int, Path]) -> None:
        for number in sorted(aspired, reverse=True):
            version = model.versions.get(number)
            if version is None or (version.state == END and version.error is None):
                version = ServedVersion(model.source.name, number, aspired[number])
                model.versions = {**model.versions, number: version}
            if version.state in (START, LOADING) and self._clock() >= version.retry_at:
                self._load(model, version)
            if self._stop.is_set():
                return
        available = [v for v in model.versions.values() if v.state == AVAILABLE]
        wanted = [v for v in available if v.number in aspired]
        # Until a wanted version is there the old ones stay, unless all were taken away.
        if wanted or not aspired:
            self._swap(model, wanted)
            unwanted = [v for v in available if v.number not in aspired]
            for version in unwanted:
                _log.info("%s: version %d is unloaded", version.name, version.number)
                version.close()
            if unwanted:
                del available, version, unwanted
                gc.collect()  # models have cycles, and their memory is large
        self._forget(model, aspired)

    def _load(self, model: _Model, version: ServedVersion) -> None:
        version.state = LOADING
        start = self._clock()
        try:
            servable = self._loader.load(version.name, version.number, version.path)
            version.open(self._make_engine(servable))
        except Exception as reason:  # noqa: BLE001  (one bad version must not end the service)
            error = reason
            if not isinstance(error, OpError):
                error = UnknownError(f"{type(error).__name__}: {error}")
            version.error = error
            version.retries += 1
            version.retry_at = self._clock() + _RETRY_AFTER_S
            if version.retries > _MAX_RETRIES:
                version.state = END
            _log.warning(
                "%s: version %d failed to load: %s", version.name, version.number, error
            )
            return
        latest = model.latest
        if latest is None or latest.number < version.number or latest.state != AVAILABLE:
            model.latest = version
        # What is there at the start is told by whoever starts.
        _log.log(
            logging.DEBUG if self._thread is None else logging.INFO,
            "%s: version %d is available after %.1f s",
            version.name,
            version.number,
            self._clock() - start,
        )

    def _swap(self, model: _Model, wanted: list[ServedVersion]) -> None:
        model.latest = max(wanted, key=lambda version: version.number, default=None)

    def _forget(self, model: _Model, aspired: Mapping[int, Path]) -> None:
        kept = dict(model.versions)
        gone = [n for n, v in kept.items() if n not in aspired and v.state in (START, LOADING)]
        ended = [n for n, v in sorted(kept.items()) if n not in aspired and v.state == END]
        for number in gone + ended[:-_KEPT_ENDED]:
            del kept[number]
        if len(kept) != len(model.versions):
            model.versions = kept


def _resolve(spec: ModelSpec, model: _Model) -> ModelSpec:
    if spec.label is None:
        return spec
    if spec.label not in model.labels:
        raise InvalidArgumentError(f"Unrecognized servable version label: {spec.label}")
    return ModelSpec(spec.name, model.labels[spec.label])


def _why_unavailable(model: _Model) -> OpError:
    name = model.source.name
    for version in model.versions.values():
        if version.error is not None:
            return type(version.error)(
                f"version {version.number} of model '{name}' failed to load: "
                f"{version.error.message}"
            )
    return NotFoundError(
        f"model '{name}' has no version; its base path must hold one sub-folder for each "
        "version, named by its number"
    )
