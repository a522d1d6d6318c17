"""Versions of models: loaded beside the old ones, swapped in, drained and dropped."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

from penstock.core.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    OpError,
    UnknownError,
)
from penstock.serving.call import ModelSpec
from penstock.serving.courtesy import courteous, lower_priority
from penstock.serving.engine import Engine
from penstock.serving.folder_watch import FolderWatch
from penstock.serving.memory import MemoryBudget, give_back
from penstock.serving.model_config import ModelConfig, check_models, models_of
from penstock.serving.protocols.rest import VersionStatus
from penstock.serving.servable import Servable
from penstock.serving.served_version import (
    AVAILABLE,
    END,
    LOADING,
    START,
    ServedVersion,
)

# TF Serving's defaults.
MAX_RETRIES = 5
RETRY_AFTER_S = 60.0
# Ended versions, and models taken out of the configuration, that a status answer still shows.
_KEPT_ENDED = 16
_KEPT_REMOVED = 64
# Looking whether the users of a closed version have left.
_REAP_EVERY_S = 0.05

_log = logging.getLogger("penstock.serving")


class Source(Protocol):
    """Says which versions of one model there should be.

    One that fetches has `prepare(number)`, which brings a version to the folder that `poll`
    named, and `release(number)`, which removes it. One with a folder on this machine has it as
    `watched`.
    """

    @property
    def name(self) -> str:
        """Name of the model."""

    def poll(self) -> Mapping[int, Path]:
        """Return the aspired versions with their folders."""


class Loader(Protocol):
    """Turns a folder into a servable that is warm.

    One that can leave work for later has `finish(servable, path)`. At the start that is done
    when the first requests are answered already, and later on before a version takes over.
    One that can do so compiles in another process by `compile_ahead(path, is_stopping)`.
    """

    def load(self, name: str, version: int, path: Path) -> Servable:
        """Load one version."""


class _Model:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.labels: Mapping[str, int] = {}
        self.versions: dict[int, ServedVersion] = {}
        self.latest: ServedVersion | None = None
        self.complaint = ""


class Manager:
    """Keeps the aspired versions of some models loaded.

    A new version is loaded and warmed while the old one serves; the old one goes when a new
    one is available. A version that fails to load is tried again some times, and at once when
    its files have changed.

    Args:
        sources: one for each model.
        loader: loads versions, in the manager's thread.
        make_engine: wraps what was loaded.
        labels: for each model, the version of each label.
        poll_interval_s: time between two looks at the sources; 0 for none but the first.
        clock: seconds, rising.
        make_source: gives the source of a model that `reload` brings.
        budget: limits the memory of all loaded versions.
        allow_labels_for_unavailable: whether a label that is new may name a version that is
            not available.
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
        make_source: Callable[[ModelConfig], Source] | None = None,
        budget: MemoryBudget | None = None,
        allow_labels_for_unavailable: bool = False,
        max_retries: int = MAX_RETRIES,
        retry_after_s: float = RETRY_AFTER_S,
    ) -> None:
        self._models = {source.name: _Model(source) for source in sources}
        self._removed: dict[str, _Model] = {}
        self._loader = loader
        self._make_engine = make_engine
        self._labels = dict(labels or {})
        self._poll_interval_s = poll_interval_s
        self._clock = clock
        self._make_source = make_source
        self._budget = budget
        self._allow_labels = allow_labels_for_unavailable
        self._max_retries = max_retries
        self._retry_after_s = retry_after_s
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._updating = threading.RLock()
        self._jobs: list[tuple[tuple[ModelConfig, ...], Future[None]]] = []
        self._draining: list[tuple[_Model, ServedVersion]] = []
        self._unfinished: list[ServedVersion] = []
        self._is_warm = threading.Event()
        self._watch: FolderWatch | None = None
        self._thread: threading.Thread | None = None

    def has(self, name: str) -> bool:
        """Whether a model of that name is configured."""
        return name in self._models

    def names(self) -> list[str]:
        """Names of the configured models."""
        return list(self._models)

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
        model = self._models.get(spec.name) or self._removed.get(spec.name)
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

    def labels(self, name: str) -> Mapping[str, int]:
        """Version of each label of a model."""
        model = self._models.get(name)
        return {} if model is None else model.labels

    def start(self) -> None:
        """Load what is there, then watch the sources in a thread until `stop`.

        Raises:
            OpError: a model has no version that loads, or a label names one that is not there.
        """
        for model in self._models.values():
            self._update(model, model.source.poll())
            if model.latest is None:
                raise _why_unavailable(model)
        self._set_labels(self._labels)
        self._watch_folders()
        self._thread = threading.Thread(
            target=self._work, name="penstock-versions", daemon=True
        )
        self._thread.start()

    def wait_until_warm(self, timeout_s: float | None = None) -> bool:
        """Wait until what `start` left for later is done; return whether it is."""
        return self._is_warm.wait(timeout_s)

    def stop(self, timeout_s: float | None = None) -> None:
        """Stop watching and drop all versions; those in use end with their last user."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        if self._watch is not None:
            self._watch.stop()
        for model in self._models.values():
            model.latest = None
            for version in model.versions.values():
                if version.state == AVAILABLE:
                    version.close()

    def poll(self) -> None:
        """Look at each source once, and load and unload what has changed."""
        with self._updating:
            for model in list(self._models.values()):
                self._look(model)

    def reload(self, config: Any) -> None:
        """Serve other models, or others of their versions, from now on; wait until they do.

        What was served and still is stays in service all the time.

        Args:
            config: all models that there shall be, as `ModelConfig` records or as a
                `ModelServerConfig` message. A message that says nothing changes nothing.

        Raises:
            InvalidArgumentError: the configuration makes no sense; nothing has changed.
            FailedPreconditionError: a label names a version that is not available; all labels
                are as before.
            UnknownError: a model has no version that loads. It is tried again.
        """
        self.reload_later(config).result()

    def reload_later(self, config: Any) -> "Future[None]":
        """Begin to `reload`, and return what tells when it is done.

        Raises:
            InvalidArgumentError: the configuration makes no sense.
        """
        if self._make_source is None:
            raise FailedPreconditionError("the models of this server cannot be changed")
        done: Future[None] = Future()
        if hasattr(config, "model_config_list"):
            if config.WhichOneof("config") is None:
                done.set_result(None)
                return done
            models = models_of(config)
        else:
            models = tuple(config)
            check_models(models)
        if self._thread is None or threading.current_thread() is self._thread:
            self._settle(models, done)
        else:
            self._jobs.append((models, done))
            self._wake.set()
        return done

    # -- the thread ------------------------------------------------------------------------

    def _work(self) -> None:
        lower_priority()
        self._finish_all()
        self._is_warm.set()
        next_look = time.monotonic() + self._poll_interval_s
        while not self._stop.is_set():
            wait_s = _REAP_EVERY_S if self._draining else None
            if self._poll_interval_s > 0:
                rest_s = max(next_look - time.monotonic(), 0)
                wait_s = rest_s if wait_s is None else min(wait_s, rest_s)
            woken = self._wake.wait(wait_s)
            self._wake.clear()
            while self._jobs and not self._stop.is_set():
                self._settle(*self._jobs.pop(0))
            if self._poll_interval_s > 0 and (woken or time.monotonic() >= next_look):
                self.poll()
                next_look = time.monotonic() + self._poll_interval_s
            self._reap()
        for _, done in self._jobs:
            done.set_exception(UnknownError("the server is shutting down"))

    def _settle(self, models: tuple[ModelConfig, ...], done: "Future[None]") -> None:
        try:
            with self._updating:
                self._reload(models)
        except OpError as error:
            done.set_exception(error)
        except Exception as error:  # noqa: BLE001  (it belongs to the caller)
            done.set_exception(UnknownError(f"{type(error).__name__}: {error}"))
        else:
            done.set_result(None)

    def _watch_folders(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if self._poll_interval_s <= 0:
            return
        watched = [getattr(m.source, "watched", None) for m in self._models.values()]
        folders = [folder for folder in watched if folder is not None and folder.is_dir()]
        self._watch = FolderWatch(folders, self._wake.set)

    # -- changes ---------------------------------------------------------------------------

    def _reload(self, models: tuple[ModelConfig, ...]) -> None:
        assert self._make_source is not None
        before = self._models
        sources = [self._make_source(model) for model in models]
        after = {}
        for source in sources:
            model = before.get(source.name) or _Model(source)
            model.source = source
            # Who reloads has perhaps mended what was wrong.
            for version in model.versions.values():
                version.retries, version.retry_at = 0, 0.0
            after[source.name] = model
        removed = {name: model for name, model in before.items() if name not in after}
        # What is new is loaded before what is old goes, so that a rename has no gap.
        self._models = {**before, **after}
        missing = {}
        for name, model in after.items():
            if (error := self._look(model)) is not None or model.latest is None:
                missing[name] = error or _why_unavailable(model)
        self._models = after
        for name, model in removed.items():
            _log.info("%s: not served any more", name)
            self._update(model, {})
            self._removed.pop(name, None)
            self._removed[name] = model
            if len(self._removed) > _KEPT_REMOVED:
                del self._removed[next(iter(self._removed))]
        for name in after:
            self._removed.pop(name, None)
        if self._thread is not None:
            self._watch_folders()
        unavailable = {name: e for name, e in missing.items() if after[name].latest is None}
        if unavailable:
            reasons = "; ".join(f"{name}: {e.message}" for name, e in unavailable.items())
            raise UnknownError(f"Some models did not become available: {reasons}")
        self._set_labels({model.name: model.labels for model in models})
        for error in missing.values():
            raise error

    def _set_labels(self, labels: Mapping[str, Mapping[str, int]]) -> None:
        """Give all models their labels, or none of them any."""
        for name, named in labels.items():
            model = self._models.get(name)
            if model is None:
                raise InvalidArgumentError(f"there are labels for '{name}', which is no model")
            for label, number in named.items():
                is_changed = model.labels.get(label, number) != number
                if self._allow_labels and not is_changed:
                    continue
                version = model.versions.get(number)
                if version is None or version.state != AVAILABLE:
                    raise FailedPreconditionError(
                        f"Request to assign label to {number} of model {name}, which is not "
                        "currently available for inference"
                    )
        for name, model in self._models.items():
            model.labels = dict(labels.get(name, {}))

    def _look(self, model: _Model) -> OpError | None:
        """Look at the source of a model, and bring about what it wants."""
        try:
            aspired = model.source.poll()
        except (OpError, OSError) as error:
            # A file system that is away for a while takes nothing out of service.
            if str(error) != model.complaint:
                model.complaint = str(error)
                _log.warning("%s: %s", model.source.name, error)
            return error if isinstance(error, OpError) else UnknownError(str(error))
        model.complaint = ""
        self._update(model, aspired)
        return None

    def _update(self, model: _Model, aspired: Mapping[int, Path]) -> None:
        replaced = []
        for number in sorted(aspired, reverse=True):
            version = model.versions.get(number)
            path = aspired[number]
            if version is not None and version.state == AVAILABLE and version.path != path:
                # The same number elsewhere is another model: loaded beside the old one.
                fresh = ServedVersion(model.source.name, number, path)
                self._load(model, fresh)
                if fresh.state == AVAILABLE:
                    model.versions = {**model.versions, number: fresh}
                    if model.latest is version:
                        model.latest = fresh
                    replaced.append(version)
                continue
            if version is None or (
                version.state == END and (version.error is None or self._has_changed(version))
            ):
                version = ServedVersion(model.source.name, number, path)
                model.versions = {**model.versions, number: version}
            if version.state in (START, LOADING) and (
                self._clock() >= version.retry_at or self._has_changed(version)
            ):
                version.path = path
                self._load(model, version)
                if version.state == AVAILABLE:
                    self._make_latest(model, version)
            if self._stop.is_set():
                return
        available = [v for v in model.versions.values() if v.state == AVAILABLE]
        wanted = [v for v in available if v.number in aspired]
        # Until a wanted version is there the old ones stay, unless all were taken away.
        if wanted or not aspired:
            model.latest = max(wanted, key=lambda version: version.number, default=None)
            replaced += [v for v in available if v.number not in aspired]
        for version in replaced:
            _log.info("%s: version %d is unloaded", version.name, version.number)
            version.close()
            self._draining.append((model, version))
        self._forget(model, aspired)
        if replaced:
            del available, version
            replaced.clear()
            self._reap()

    def _load(self, model: _Model, version: ServedVersion) -> None:
        version.state = LOADING
        start = self._clock()
        try:
            prepare = getattr(model.source, "prepare", None)
            if prepare is not None:
                prepare(version.number)
            self._compile_ahead(version.path)
            with courteous(is_serving=self._thread is not None):
                self._admit(version)
                servable = self._loader.load(version.name, version.number, version.path)
                if self._thread is None:
                    self._unfinished.append(version)
                else:
                    self._finish(servable, version.path)
                version.open(self._make_engine(servable))
        except Exception as reason:  # noqa: BLE001  (one bad version must not end the service)
            self._failed(version, reason)
            return
        # What is there at the start is told by whoever starts.
        _log.log(
            logging.DEBUG if self._thread is None else logging.INFO,
            "%s: version %d is available after %.1f s",
            version.name,
            version.number,
            self._clock() - start,
        )

    def _compile_ahead(self, path: Path) -> None:
        # It needs the memory of one more version for a while.
        if self._thread is not None and self._budget is None:
            ahead = getattr(self._loader, "compile_ahead", None)
            if ahead is not None:
                ahead(path, self._stop.is_set)

    def _finish(self, servable: Servable, path: Path) -> None:
        finish = getattr(self._loader, "finish", None)
        if finish is not None:
            finish(servable, path)

    def _finish_all(self) -> None:
        """Do what was left for later at the start."""
        while self._unfinished and not self._stop.is_set():
            version = self._unfinished.pop(0)
            try:
                if version.enter():
                    with courteous(is_serving=True), version:
                        self._finish(version.engine.servable, version.path)
            except Exception as error:  # noqa: BLE001  (the version serves; it is only slower)
                _log.warning("%s: warm-up ended early: %s", version.name, error)

    def _admit(self, version: ServedVersion) -> None:
        """Refuse a version for which there is no memory."""
        if self._budget is None:
            return
        needed = self._budget.estimate(version.path)
        loaded = [v for m in self._models.values() for v in m.versions.values()]
        loaded += [v for _, v in self._draining]
        taken = sum(v.memory_bytes for v in {id(v): v for v in loaded}.values())
        what = f"version {version.number} of model '{version.name}'"
        self._budget.check(what, needed, taken - version.memory_bytes)
        version.memory_bytes = needed

    def _failed(self, version: ServedVersion, reason: Exception) -> None:
        error = reason
        if not isinstance(error, OpError):
            error = UnknownError(f"{type(error).__name__}: {error}")
        # Its traceback would keep alive what was half loaded.
        version.error = error.with_traceback(None)
        version.memory_bytes = 0
        version.retries += 1
        version.retry_at = self._clock() + self._retry_after_s
        version.seen = _looks(version.path)
        if version.retries > self._max_retries:
            version.state = END
        _log.warning("%s: version %d failed to load: %s", version.name, version.number, error)

    def _has_changed(self, version: ServedVersion) -> bool:
        """Whether the files of a version that failed are others: perhaps it is complete."""
        return version.error is not None and version.seen != _looks(version.path)

    def _make_latest(self, model: _Model, version: ServedVersion) -> None:
        latest = model.latest
        if latest is None or latest.number < version.number or latest.state != AVAILABLE:
            model.latest = version

    def _forget(self, model: _Model, aspired: Mapping[int, Path]) -> None:
        kept = dict(model.versions)
        gone = [n for n, v in kept.items() if n not in aspired and v.state in (START, LOADING)]
        ended = [n for n, v in sorted(kept.items()) if n not in aspired and v.state == END]
        for number in gone + ended[:-_KEPT_ENDED]:
            del kept[number]
        if len(kept) != len(model.versions):
            model.versions = kept

    def _reap(self) -> None:
        """Give back the memory of versions whose last users have left."""
        ended = [(m, v) for m, v in self._draining if v.state == END]
        if not ended:
            return
        self._draining = [(m, v) for m, v in self._draining if v.state != END]
        is_free = True
        for model, version in ended:
            is_free = version.drop() and is_free
            version.memory_bytes = 0
            release = getattr(model.source, "release", None)
            current = model.versions.get(version.number)
            if release is not None and (current is None or current.state == END):
                release(version.number)
        with courteous(is_serving=self._thread is not None):
            give_back(with_cycles=not is_free)


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


def _looks(path: Path) -> object:
    """What the files of a version look like from outside."""
    try:
        files = sorted((*path.iterdir(), *(path / "variables").glob("*")))
        return [(f.name, s.st_size, s.st_mtime_ns) for f in files for s in [f.stat()]]
    except OSError:
        return None
