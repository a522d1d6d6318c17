"""Versions come and go while requests are served."""

import gc
import logging
import weakref

import pytest

from penstock.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.manager import Manager
from penstock.serving.protocols.rest import ModelSpec
from tests.serving.fakes import FakeClock, FakeLoader, FakeSource, version_teller

LATEST = ModelSpec("m")


class World:
    """A manager with one source, and all that it depends on."""

    def __init__(self, *versions, errors=None, labels=None):
        self.source = FakeSource("m", *versions)
        self.loader = FakeLoader(errors=errors)
        self.clock = FakeClock()
        self.executor = Executor()
        self.manager = Manager(
            [self.source],
            self.loader,
            lambda servable: Engine(servable, self.executor),
            labels={"m": labels or {}},
            clock=self.clock,
            poll_interval_s=1e6,
        )

    def poll(self, *versions):
        self.source.versions = versions
        self.manager.poll()

    def states(self):
        return {s.version: s.state for s in self.manager.status(LATEST)}

    def serving(self, spec=LATEST):
        with self.manager.acquire(spec) as version:
            return version.engine.servable.version


@pytest.fixture
def world():
    worlds = []

    def make(*args, **kwargs):
        worlds.append(World(*args, **kwargs))
        return worlds[-1]

    yield make
    for each in worlds:
        each.manager.stop()
        each.executor.close()


def test_a_version_that_is_there_is_served(world):
    w = world(1)

    w.manager.start()

    assert w.states() == {1: "AVAILABLE"}
    assert w.serving() == 1
    assert w.manager.available() == [("m", 1)]


def test_a_new_version_takes_over_and_the_old_one_ends(world):
    w = world(1)
    w.manager.start()

    w.poll(2)

    assert w.serving() == 2
    assert [(s.version, s.state) for s in w.manager.status(LATEST)] == [
        (2, "AVAILABLE"),
        (1, "END"),
    ]
    with pytest.raises(NotFoundError, match=r"Specific\(m, 1\)"):
        w.serving(ModelSpec("m", 1))


def test_the_new_version_is_loaded_while_the_old_one_serves(world):
    w = world(1)
    w.manager.start()
    seen = []

    def make(name, version):
        seen.append((w.serving(), w.states()))
        return version_teller(name, version)

    w.loader.make = make
    w.poll(2)

    assert seen == [(1, {1: "AVAILABLE", 2: "LOADING"})]


def test_a_version_in_use_is_drained_before_it_ends(world):
    w = world(1)
    w.manager.start()

    with w.manager.acquire(LATEST) as old:
        w.poll(2)
        assert w.states() == {1: "UNLOADING", 2: "AVAILABLE"}
        assert old.engine.servable.version == 1
        assert w.serving() == 2

    assert w.states() == {1: "END", 2: "AVAILABLE"}
    with pytest.raises(UnavailableError, match="version 1 of model 'm' is unloaded"):
        _ = old.engine


def test_memory_of_an_ended_version_is_given_back(world):
    w = world(1)
    w.manager.start()
    with w.manager.acquire(LATEST) as version:
        servable = weakref.ref(version.engine.servable)

    w.poll(2)
    gc.collect()

    assert servable() is None


def test_several_versions_may_be_wanted_at_once(world):
    w = world(1, 2)

    w.manager.start()

    assert w.serving() == 2
    assert w.serving(ModelSpec("m", 1)) == 1
    # The newest is loaded first: it is what most requests ask for.
    assert [version for _, version, _ in w.loader.loaded] == [2, 1]


def test_going_back_to_an_older_version_works(world):
    w = world(2)
    w.manager.start()

    w.poll(1)

    assert w.serving() == 1
    assert w.states() == {1: "AVAILABLE", 2: "END"}


def test_a_version_that_comes_back_is_loaded_again(world):
    w = world(1)
    w.manager.start()
    w.poll(2)

    w.poll(1)

    assert w.serving() == 1
    assert [version for _, version, _ in w.loader.loaded] == [1, 2, 1]


def test_the_old_version_stays_while_the_new_one_fails(world, caplog):
    w = world(1, errors={2: [DataLossError("it is damaged")]})
    w.manager.start()

    w.poll(2)

    assert w.serving() == 1
    (failed, old) = w.manager.status(LATEST)
    assert (failed.version, failed.state) == (2, "LOADING")
    assert (failed.error_code, failed.error_message) == ("DATA_LOSS", "it is damaged")
    assert (old.version, old.state) == (1, "AVAILABLE")
    assert "m: version 2 failed to load: it is damaged" in caplog.text


def test_a_failed_load_is_tried_again_after_a_minute(world):
    w = world(1, errors={2: [DataLossError("it is damaged")]})
    w.manager.start()
    w.poll(2)

    w.poll(2)
    assert len(w.loader.loaded) == 2
    w.clock.now += 60
    w.poll(2)

    assert w.serving() == 2
    assert w.states() == {1: "END", 2: "AVAILABLE"}


def test_a_load_that_fails_for_good_ends_with_its_error(world):
    w = world(1, errors={2: [MemoryError("too large")] * 9})
    w.manager.start()

    for _ in range(10):
        w.poll(2)
        w.clock.now += 60

    failed = w.manager.status(ModelSpec("m", 2))[0]
    assert (failed.state, failed.error_code) == ("END", "UNKNOWN")
    assert failed.error_message == "MemoryError: too large"
    assert [version for _, version, _ in w.loader.loaded] == [1] + [2] * 6
    assert w.serving() == 1


def test_all_versions_taken_away_means_none_is_served(world):
    w = world(1)
    w.manager.start()

    w.poll()

    assert w.states() == {1: "END"}
    with pytest.raises(NotFoundError, match=r"Servable not found for request: Latest\(m\)"):
        w.serving()


def test_a_file_system_that_is_away_takes_nothing_out_of_service(world, caplog):
    w = world(1)
    w.manager.start()
    w.source.error = NotFoundError("base path is not a folder")

    w.manager.poll()
    w.manager.poll()

    assert w.serving() == 1
    assert caplog.text.count("base path is not a folder") == 1


def test_labels_name_versions(world):
    w = world(1, 2, labels={"stable": 1})
    w.manager.start()

    assert w.serving(ModelSpec("m", label="stable")) == 1
    assert [s.version for s in w.manager.status(ModelSpec("m", label="stable"))] == [1]
    with pytest.raises(InvalidArgumentError, match="Unrecognized servable version label: x"):
        w.serving(ModelSpec("m", label="x"))


def test_a_model_without_a_version_does_not_start(world):
    with pytest.raises(NotFoundError, match="model 'm' has no version"):
        world().manager.start()


def test_a_model_whose_only_version_fails_does_not_start(world):
    w = world(1, errors={1: [DataLossError("it is damaged")]})

    with pytest.raises(DataLossError, match="version 1 of model 'm' failed to load: it is"):
        w.manager.start()


def test_what_a_stopped_manager_had_is_not_served(world):
    w = world(1)
    w.manager.start()

    w.manager.stop()

    assert w.states() == {1: "END"}
    with pytest.raises(NotFoundError):
        w.serving()


def test_ended_versions_are_not_remembered_for_ever(world):
    w = world(1)
    w.manager.start()

    for version in range(2, 60):
        w.poll(version)

    assert len(w.states()) == 17
    assert w.states()[59] == "AVAILABLE"


def test_changes_are_told_to_the_log(world, caplog):
    caplog.set_level(logging.INFO, "penstock.serving")
    w = world(1)
    w.manager.start()

    w.poll(2)

    assert [record.message for record in caplog.records] == [
        "m: version 2 is available after 0.0 s",
        "m: version 1 is unloaded",
    ]


def test_the_watching_thread_finds_new_versions_by_itself():
    source, loader, executor = FakeSource("m", 1), FakeLoader(), Executor()
    manager = Manager([source], loader, lambda s: Engine(s, executor), poll_interval_s=0.001)
    manager.start()
    polled = []

    def make(name, version):
        polled.append(version)
        return version_teller(name, version)

    loader.make = make
    source.versions = (2,)
    while not polled:
        manager._thread.join(0.001)
    manager.stop()
    executor.close()

    assert polled == [2]
    assert not manager._thread.is_alive()
