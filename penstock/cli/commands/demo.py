"""Train on handwritten digits, export the model, serve it, ask it, and write a report.

Everything is local: the scans come with scikit-learn, the server listens on the loopback
interface for some seconds, and the report is one HTML page.
"""

import argparse
import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TextIO

from penstock import __version__
from penstock.cli.demo.outcome import Outcome
from penstock.cli.demo.run import Narrator, Options
from penstock.cli.demo.run import run as run_demo
from penstock.runtime.allocator import allow_keeping_memory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("penstock-demo"),
        metavar="DIR",
        help="where the model and the report go (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs",
        type=_positive,
        default=12,
        help="passes over the data (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of the split and the training (default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="of the server (default: any that is free)"
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object and nothing else"
    )


def run(args: argparse.Namespace, out: TextIO) -> int:
    """Run the demo. Returns 1 when the served answers are not those of the model in memory."""
    options = Options(args.output, args.epochs, args.seed, args.port)
    narrator = Narrator(None if args.json else out)
    started = time.perf_counter()
    allow_keeping_memory()
    narrator.say("penstock", f"{__version__} demo: reading handwritten digits")
    # Keras writes to standard output; the one JSON object must stay alone there.
    with contextlib.redirect_stdout(sys.stderr if args.json else out), _stopped_in_order():
        outcome = run_demo(options, narrator)
    if args.json:
        places = {"report": str(options.report), "model": str(options.model_directory / "1")}
        print(json.dumps(outcome.summary() | places), file=out)
    else:
        _conclude(outcome, options, narrator, time.perf_counter() - started)
    return 0 if outcome.is_served_right else 1


def _conclude(outcome: Outcome, options: Options, narrator: Narrator, seconds: float) -> None:
    wrong, total = len(outcome.misread), len(outcome.held_out)
    narrator.say("accuracy", f"{outcome.accuracy:.1%} held out, {wrong} of {total} misread")
    verdict = (
        "equal those in memory" if outcome.is_served_right else "DIFFER from those in memory"
    )
    narrator.say(
        "answers",
        f"{len(outcome.answers.predictions) + outcome.load.requests:,} served {verdict} "
        f"(largest difference {outcome.largest_difference:.1e})",
    )
    median, slow = outcome.latency_ms(50), outcome.latency_ms(99)
    narrator.say(
        "speed",
        f"one row in {median:.2f} ms (median), {slow:.2f} ms (p99); "
        f"{outcome.load.requests_per_s:,.0f} requests/s over "
        f"{outcome.load.connections} connections",
    )
    narrator.say("report", f"{options.report}")
    narrator.say("done", f"in {seconds:.0f} s")


@contextlib.contextmanager
def _stopped_in_order() -> Iterator[None]:
    """Let a polite kill unwind as Ctrl-C does, so that the server is stopped too."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    try:
        before = signal.signal(signal.SIGTERM, leave)
    except ValueError:  # not the main thread, so nobody's process to end
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"must be 0 to 65535, got {number}")
    return number
