"""The set of models changes while the server runs. Source: ServerCore of TF Serving."""

import threading
from pathlib import Path

import pytest

from penstock.core.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    UnknownError,
)
from penstock.serving.call import ModelSpec
from penstock.serving.config_watch import ConfigWatch
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.manager import Manager
from penstock.serving.memory import MemoryBudget, parse_bytes
from penstock.serving.model_config import ModelConfig, config_message
from penstock.serving.source import FileSystemStoragePathSource, every_version
from tests.serving.fakes import FakeClock, FakeLoader


class World:
    """A manager over folders, whose loader makes servables that tell their version."""

    def __init__(self, root, **options):
        self.root = root
        self.executor = Executor()
        self.loader = FakeLoader(errors=options.pop("errors", None))
        self.clock = FakeClock()
        labels = options.pop("labels", None)
        self.manager = Manager(
            [self.source(ModelConfig("m", self.folder("m", 1)))],
            self.loader,
            lambda servable: Engine(servable, self.executor),
            make_source=self.source,
            labels=labels,
            clock=self.clock,
            poll_interval_s=0,
            **options,
        )

    def source(self, config):
        return FileSystemStoragePathSource(config.name, Path(config.base_path), config.policy)

    def folder(self, name, *versions, size=0):
        for version in versions:
            folder = self.root / name / str(version)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "saved_model.pb").write_bytes(b"x" * size)
        return self.root / name

    def version(self, name, number=None, label=None):
        with self.manager.acquire(ModelSpec(name, number, label)) as version:
            return version.engine.servable.version

    def states(self, name):
        return {s.version: s.state for s in self.manager.status(ModelSpec(name))}


@pytest.fixture
def world(tmp_path):
    made = []

    def make(**options):
        made.append(World(tmp_path, **options))
        return made[-1]

    yield make
    for each in made:
        each.manager.stop()
        each.executor.close()


def test_models_are_added_kept_and_removed(world):
    w = world()
    w.manager.start()
    w.manager.reload([ModelConfig("m", w.root / "m"), ModelConfig("n", w.folder("n", 7))])
    assert (w.version("m"), w.version("n")) == (1, 7)

    w.manager.reload([ModelConfig("n", w.root / "n")])

    assert w.version("n") == 7
    assert not w.manager.has("m")
    with pytest.raises(NotFoundError):
        w.version("m")
    # What was removed still has a status, as in TF Serving.
    assert w.states("m") == {1: "END"}
    # What stayed was not loaded again.
    assert [name for name, _, _ in w.loader.loaded] == ["m", "n"]


def test_a_message_of_tf_serving_is_understood(world):
    w = world()
    w.manager.start()

    w.manager.reload(config_message([ModelConfig("n", w.folder("n", 2))]))

    assert w.manager.names() == ["n"]


def test_a_message_that_says_nothing_changes_nothing(world):
    w = world()
    w.manager.start()
    empty = config_message([])
    empty.ClearField("model_config_list")

    w.manager.reload(empty)

    assert w.version("m") == 1


def test_an_empty_list_of_models_unloads_all(world):
    w = world()
    w.manager.start()

    w.manager.reload(config_message([]))

    assert w.manager.available() == []


def test_a_policy_that_changes_loads_and_unloads(world):
    w = world()
    w.folder("m", 2, 3)
    w.manager.start()
    assert w.states("m") == {3: "AVAILABLE"}

    w.manager.reload([ModelConfig("m", w.root / "m", every_version)])

    assert w.states("m") == dict.fromkeys((3, 2, 1), "AVAILABLE")


def test_another_folder_with_the_same_version_replaces_it(world):
    w = world()
    w.manager.start()
    w.manager.reload([ModelConfig("m", w.folder("other", 1))])

    assert [path.parent.name for _, _, path in w.loader.loaded] == ["m", "other"]
    assert w.version("m") == 1
    assert w.states("m") == {1: "AVAILABLE"}


def test_a_model_that_does_not_load_is_reported_and_the_others_serve(world):
    w = world(errors={9: [DataLossError("it is damaged")]})
    w.manager.start()

    with pytest.raises(UnknownError, match=r"Some models did not become available: bad: .*dam"):
        w.manager.reload(
            [
                ModelConfig("m", w.root / "m"),
                ModelConfig("bad", w.folder("bad", 9)),
                ModelConfig("good", w.folder("good", 4)),
            ]
        )

    assert (w.version("m"), w.version("good")) == (1, 4)
    assert w.states("bad") == {9: "LOADING"}


def test_nonsense_changes_nothing(world):
    w = world()
    w.manager.start()

    with pytest.raises(InvalidArgumentError, match="two models have the name 'm'"):
        w.manager.reload([ModelConfig("m", w.root / "m"), ModelConfig("m", w.root / "m")])

    assert w.version("m") == 1


def test_labels_move_to_versions_that_are_available(world):
    w = world(labels={"m": {"stable": 1}})
    w.manager.start()
    assert w.version("m", label="stable") == 1
    w.folder("m", 2)

    w.manager.reload([ModelConfig("m", w.root / "m", every_version, {"stable": 2, "old": 1})])

    assert (w.version("m", label="stable"), w.version("m", label="old")) == (2, 1)


def test_a_label_for_a_version_that_is_not_there_is_refused_and_all_stay_as_they_were(world):
    w = world(labels={"m": {"stable": 1}})
    w.manager.start()

    with pytest.raises(
        FailedPreconditionError,
        match="assign label to 5 of model m, which is not currently available for inference",
    ):
        w.manager.reload([ModelConfig("m", w.root / "m", labels={"new": 1, "stable": 5})])

    assert w.manager.labels("m") == {"stable": 1}


def test_new_labels_may_be_ahead_of_their_versions_when_that_is_allowed(world):
    w = world(labels={"m": {"stable": 1}}, allow_labels_for_unavailable=True)
    w.manager.start()

    w.manager.reload([ModelConfig("m", w.root / "m", labels={"stable": 1, "canary": 5})])
    assert w.manager.labels("m") == {"stable": 1, "canary": 5}

    # A label in use must not lose its version all the same.
    with pytest.raises(FailedPreconditionError, match="label to 6 of model m"):
        w.manager.reload([ModelConfig("m", w.root / "m", labels={"stable": 6})])


def test_a_label_at_the_start_needs_its_version(world):
    with pytest.raises(FailedPreconditionError, match="label to 2 of model m"):
        world(labels={"m": {"stable": 2}}).manager.start()


def test_a_version_without_memory_is_not_loaded(world):
    w = world(budget=MemoryBudget(1000, factor=1.5))
    w.folder("m", 1, size=500)
    w.manager.start()
    w.folder("m", 2, size=300)

    w.manager.poll()

    assert w.version("m") == 1
    failed = w.manager.status(ModelSpec("m", 2))[0]
    assert (failed.state, failed.error_code) == ("LOADING", "RESOURCE_EXHAUSTED")
    assert "needs about 450 bytes, and 750 bytes of the memory budget of 1000" in (
        failed.error_message
    )
    assert [version for _, version, _ in w.loader.loaded] == [1]


def test_memory_of_what_was_dropped_is_free_for_others(world):
    w = world(budget=MemoryBudget(1000, factor=1))
    w.folder("m", 1, size=900)
    w.manager.start()
    with pytest.raises(UnknownError, match="Some models did not become available"):
        w.manager.reload([ModelConfig("n", w.folder("n", 1, size=900))])

    w.manager.reload([ModelConfig("n", w.root / "n")])

    assert w.version("n") == 1


def test_a_first_version_without_memory_does_not_start(world):
    w = world(budget=MemoryBudget(10))
    w.folder("m", 1, size=500)

    with pytest.raises(ResourceExhaustedError, match="raise --memory_budget"):
        w.manager.start()


def test_a_failed_version_is_tried_at_once_when_its_files_have_changed(world):
    w = world(errors={2: [DataLossError("half of it")] * 3})
    w.manager.start()
    w.folder("m", 2, size=1)
    w.manager.reload([ModelConfig("m", w.root / "m")])
    w.manager.poll()
    assert [v for _, v, _ in w.loader.loaded] == [1, 2]

    w.folder("m", 2, size=2)
    w.manager.poll()

    assert [v for _, v, _ in w.loader.loaded] == [1, 2, 2]


def test_a_reload_from_another_thread_runs_in_that_of_the_manager(world):
    w = world()
    w.manager.start()
    threads = []

    def make(name, version):
        threads.append(threading.current_thread().name)
        return FakeLoader().make(name, version)

    w.loader.make = make
    w.manager.reload([ModelConfig("n", w.folder("n", 1))])

    assert threads == ["penstock-versions"]


def test_a_config_file_that_changed_is_served(world, tmp_path, caplog):
    w = world()
    w.manager.start()
    file = tmp_path / "models.config"
    text = "model_config_list {{ config {{ name: '{}' base_path: '{}' }} }}"
    file.write_text(text.format("m", w.root / "m"))
    watch = ConfigWatch(file, 1e6, w.manager.reload)
    watch.look()
    assert len(w.loader.loaded) == 1

    file.write_text("model_config_list {")
    watch.look()
    watch.look()
    assert w.manager.names() == ["m"]
    assert caplog.text.count("must be a tensorflow.serving.ModelServerConfig") == 1

    file.write_text(text.format("n", w.folder("n", 3)))
    watch.look()
    watch.stop()
    assert w.manager.available() == [("n", 3)]


@pytest.mark.parametrize(
    ("text", "size"),
    [("100", 100), ("2K", 2048), ("1.5MiB", 1.5 * 2**20), ("2G", 2 << 30), ("3gb", 3 << 30)],
)
def test_sizes_are_read(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "many", "2X", "K", "1e999"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InvalidArgumentError, match="a size must be a number"):
        parse_bytes(text)
