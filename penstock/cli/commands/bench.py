"""Find out how much a model server carries, and how long its answers take.

Requests leave when the plan says so, whether earlier ones are answered or not (open loop), and
times count from that moment, so that a stall shows in the figures. The rate doubles until the
goal is missed; the point just below is searched for. Any server with TF Serving's or the Open
Inference Protocol can be asked. The load generator needs processor time too: for serious
figures run it on a machine of its own.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from penstock.cli.bench.load import ARRIVALS, Outcome, Plan
from penstock.cli.bench.load import run as run_load
from penstock.cli.bench.measurement import Measurement, Setting
from penstock.cli.bench.ramp import Goal, Ramp, climb
from penstock.cli.bench.target import make_inputs, read_inputs, repeat
from penstock.core.errors import InvalidArgumentError, NotFoundError
from penstock.serving.client import PROTOCOLS, AsyncClient
from penstock.wire.files import write_atomically

try:
    import uvloop
except ImportError:  # not made for this platform
    uvloop = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    add = parser.add_argument
    add("url", help="http://host:8501 or grpc://host:8500")
    add("--model", default="default", help="name of the model (default: %(default)s)")
    add("--signature_name", default="serving_default", help="(default: %(default)s)")
    add(
        "--protocol",
        default="",
        metavar="NAMES",
        help=f"one or several of {','.join(PROTOCOLS)} (default: by the url)",
    )
    add("--rows", default="1", metavar="N[,N]", help="rows of a request (default: 1)")
    add("--inputs", type=Path, metavar="FILE", help=".npz or JSON; made up if left out")
    add("--rate", type=float, metavar="R", help="only this rate, without a ramp")
    add("--first_rate", type=float, default=50.0, metavar="R", help="(default: %(default)g)")
    add("--most", type=float, default=50_000.0, metavar="R", help="(default: %(default)g)")
    add("--seconds", type=float, default=5.0, help="for each rate (default: %(default)g)")
    add("--arrivals", choices=ARRIVALS, default="poisson", help="(default: %(default)s)")
    add("--p99_ms", type=float, default=100.0, help="goal (default: %(default)g)")
    add("--error_share", type=float, default=0.0, help="goal (default: %(default)g)")
    add("--timeout_s", type=float, default=10.0, help="of an answer (default: %(default)g)")
    add("--most_in_flight", type=int, default=1024, metavar="N", help="(default: %(default)s)")
    add("--token", help="sent as Authorization: Bearer")
    add("--json", action="store_true", help="print one JSON object")
    add("--html", type=Path, metavar="FILE", help="write a page with charts, too")


def run(args: argparse.Namespace, out: TextIO) -> int:
    """Measure. Returns 1 when no load met the goal.

    Raises:
        OpError: the server cannot be asked at all.
    """
    for name in ("first_rate", "most", "seconds", "p99_ms", "timeout_s", "most_in_flight"):
        if getattr(args, name) <= 0:
            raise InvalidArgumentError(
                f"--{name} must be more than 0, got {getattr(args, name)}"
            )
    if args.rate is not None and args.rate <= 0:
        raise InvalidArgumentError(f"--rate must be more than 0, got {args.rate:g}")
    new_loop = None if uvloop is None else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=new_loop) as runner:
        measurement = runner.run(_measure(args))
    if args.json:
        print(json.dumps(measurement.as_dict()), file=out)
    else:
        from penstock.cli.bench.console import show  # noqa: PLC0415  (rich is slow to import)

        show(measurement, out)
    if args.html is not None:
        from penstock.cli.bench.page import render  # noqa: PLC0415  (only for pages)

        write_atomically(args.html, render(measurement).encode())
    return 0 if measurement.best is not None else 1


async def _measure(args: argparse.Namespace) -> Measurement:
    goal = Goal(args.p99_ms, args.error_share)
    ramps: dict[Setting, Ramp] = {}
    for protocol in _list(args.protocol) or [None]:
        async with AsyncClient(
            args.url, protocol=protocol, token=args.token, timeout_s=args.timeout_s
        ) as client:
            for rows in _numbers(args.rows):
                setting = Setting(client.protocol, rows)
                ramps[setting] = await _climb(client, rows, args, goal)
    return Measurement(args.url, args.model, goal, ramps)


async def _climb(client: AsyncClient, rows: int, args: argparse.Namespace, goal: Goal) -> Ramp:
    if args.inputs is not None:
        if not args.inputs.is_file():
            raise NotFoundError(f"there must be a file '{args.inputs}', and is none")
        inputs = repeat(read_inputs(args.inputs), rows)
    else:
        signature = await client.signature(args.model, args.signature_name)
        if not signature.inputs:
            raise InvalidArgumentError(
                f"{client.protocol} tells nothing of the inputs of '{args.model}'; "
                "give them with --inputs"
            )
        inputs = make_inputs(signature, rows)
    # Once in the ordinary way, so that a request that cannot be answered is known at once.
    await client.predict(args.model, inputs, signature_name=args.signature_name)
    request = await client.prepare(args.model, inputs, signature_name=args.signature_name)

    async def measure(rate: float) -> Outcome:
        plan = Plan(rate, args.seconds, args.arrivals, args.timeout_s, args.most_in_flight)
        _say(f"{client.protocol}, {rows} rows: {rate:,.0f} requests/s for {args.seconds:g} s")
        return await run_load(plan, request.send)

    # A second of gentle load: the first requests of a server are no measure of it.
    await run_load(Plan(20, min(args.seconds, 1.0), timeout_s=args.timeout_s), request.send)
    if args.rate is not None:
        outcome = await measure(args.rate)
        broken = goal.broken_by(outcome)
        return Ramp((outcome,), outcome if broken is None else None, broken or "")
    return await climb(measure, goal, first=args.first_rate, most=args.most)


def _list(text: str) -> list[str | None]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(text: str) -> Sequence[int]:
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise InvalidArgumentError(f"--rows must be numbers of at least 1, got '{text}'")
    return found


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
