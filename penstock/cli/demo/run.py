"""The stages of the demo, in their order."""

import contextlib
import importlib.metadata
import os
import platform
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

from penstock import __version__
from penstock.cli.demo import client, digits, report, server, training
from penstock.cli.demo.outcome import Outcome
from penstock.core.errors import AlreadyExistsError
from penstock.wire.files import write_atomically

MODEL: Final = "digits"
_CONNECTIONS: Final = 8
_LOAD_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller may choose.

    Args:
        output: directory for the model, the server's log and the report.
        epochs: passes over the training scans.
        seed: of the split, the first weights, the order and the dropout.
        port: of the server; 0 for any that is free.
    """

    output: Path
    epochs: int = 12
    seed: int = 0
    port: int = 0

    @property
    def model_directory(self) -> Path:
        """Parent of the numbered versions, as servers want it."""
        return self.output / MODEL

    @property
    def report(self) -> Path:
        """The page."""
        return self.output / "report.html"


@dataclass(slots=True)
class Narrator:
    """Tells the reader what happens, a line a stage, and keeps the time.

    Args:
        out: where to tell it; None for silence.
    """

    out: TextIO | None
    seconds: dict[str, float] = field(default_factory=dict)

    def say(self, stage: str, text: str) -> None:
        """Tell one line."""
        if self.out is not None:
            print(f"{stage:<9} {text}", file=self.out, flush=True)

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count the time of the block under `name`."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    @property
    def verbosity(self) -> int:
        """Keras' number: a moving bar needs a terminal, a file gets one line an epoch."""
        if self.out is None:
            return 0
        return 1 if self.out.isatty() else 2


def run(options: Options, narrator: Narrator) -> Outcome:
    """Train, export, serve, ask, and write the report.

    Raises:
        AlreadyExistsError: the model's place is taken by something that is no model.
        UnavailableError: the port is taken, or the server did not serve.
    """
    port = server.free_port(options.port)
    version_directory = _make_room(options)

    split = digits.load(options.seed)
    narrator.say(
        "data",
        f"{len(split.train) + len(split.held_out):,} scans of 8 x 8 pixels: "
        f"{len(split.train):,} to learn from, {len(split.held_out):,} held out",
    )
    narrator.say("train", f"a small convolutional network, {options.epochs} epochs")
    with narrator.timed("train"):
        trained = training.train(
            split, epochs=options.epochs, seed=options.seed, verbose=narrator.verbosity
        )
    with narrator.timed("export"):
        training.export(trained.model, version_directory)
    narrator.say(
        "export", f"{version_directory}, {_size_bytes(version_directory) / 1e3:,.0f} kB"
    )

    command = server.serve_command(options.model_directory, port)
    starting = time.perf_counter()
    with server.running(command, MODEL, port, options.output / "server.log"):
        narrator.seconds["start the server"] = time.perf_counter() - starting
        narrator.say("serve", f"http://{server.HOST}:{port}/v1/models/{MODEL}")
        with narrator.timed("ask"):
            answers, load = _ask(port, split.held_out, trained)

    outcome = Outcome(
        held_out=split.held_out,
        trained_on=len(split.train),
        probabilities=trained.probabilities,
        history=trained.history,
        answers=answers,
        load=load,
        seconds=narrator.seconds,
        versions=_versions(),
        seed=options.seed,
    )
    write_atomically(options.report, report.render(outcome).encode())
    return outcome


def _make_room(options: Options) -> Path:
    """The directory of version 1, empty of what an earlier demo left."""
    options.model_directory.mkdir(parents=True, exist_ok=True)
    directory = options.model_directory / "1"
    if directory.exists():
        if not (directory / "saved_model.pb").is_file():
            raise AlreadyExistsError(
                f"'{directory}' exists and holds no model; choose another place with --output"
            )
        shutil.rmtree(directory)
    return directory


def _ask(
    port: int, held_out: digits.Scans, trained: training.Trained
) -> tuple[client.Answers, client.Load]:
    rows = training.normalised(held_out.images)
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(client.Client(server.HOST, port, MODEL))
            for _ in range(_CONNECTIONS)
        ]
        answers = client.ask_one_by_one(clients[0], rows)
        load = client.ask_concurrently(clients, rows, trained.probabilities, _LOAD_S)
    return answers, load


def _size_bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def _versions() -> dict[str, str]:
    packages = {name: importlib.metadata.version(name) for name in ("keras", "jax", "numpy")}
    return {
        "penstock": __version__,
        **packages,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
