"""Compare penstock with TensorFlow, name by name.

A name is the same when it is here with TensorFlow's parameters and defaults, partial when
something differs, and absent when it is missing. The list of TensorFlow's names is part of
penstock; TensorFlow itself is not asked.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from typing import TextIO

import penstock
from penstock.api.ledger import VERSION
from penstock.api.ledger.comparison import Verdict, compare

_STATES = ("same", "partial", "absent")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the command."""
    parser.add_argument(
        "--prefix", default="", metavar="TEXT", help="only names that start so, such as tf.math"
    )
    parser.add_argument("--state", choices=_STATES, help="only names in this state")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--markdown", action="store_true", help="the page of the reference, by namespace"
    )


def run(args: argparse.Namespace, out: TextIO) -> int:
    """Print the comparison. Returns 1 when no name matches."""
    prefix = args.prefix.removeprefix("tf.")
    found = [
        verdict
        for verdict in compare(penstock)
        if verdict.name.startswith(prefix) and args.state in (None, verdict.state)
    ]
    if args.json:
        for verdict in found:
            print(json.dumps(_record(verdict)), file=out)
    elif args.markdown:
        print(page(found), file=out)
    else:
        _print_table(found, out, names=bool(args.prefix or args.state))
    return 0 if found else 1


def _record(verdict: Verdict) -> dict[str, object]:
    return {
        "name": f"tf.{verdict.name}",
        "kind": verdict.kind,
        "state": verdict.state,
        "difference": verdict.difference,
        "tested": verdict.is_tested,
    }


def _space(verdict: Verdict) -> str:
    parts = verdict.name.split(".")
    deep = 2 if parts[0] == "experimental" and len(parts) > 2 else 1
    return ".".join(["tf", *parts[:deep]]) if len(parts) > deep else "tf"


def _by_space(found: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    spaces: dict[str, list[Verdict]] = {}
    for verdict in found:
        spaces.setdefault(_space(verdict), []).append(verdict)
    return dict(sorted(spaces.items()))


def _counts(found: Iterable[Verdict]) -> list[int]:
    counter: Counter[str] = Counter(verdict.state for verdict in found)
    return [counter[state] for state in _STATES]


def _print_table(found: list[Verdict], out: TextIO, *, names: bool) -> None:
    if names:
        for verdict in found:
            note = f"  {verdict.difference}" if verdict.difference else ""
            print(f"{verdict.state:<8} tf.{verdict.name}{note}", file=out)
    else:
        for space, verdicts in _by_space(found).items():
            same, partial, absent = _counts(verdicts)
            print(f"{space:<24} {same:>5} {partial:>5} {absent:>5}", file=out)
    same, partial, absent = _counts(found)
    print(
        f"{len(found)} names of TensorFlow {VERSION}: {same} the same, {partial} partial, "
        f"{absent} absent",
        file=out,
    )


def page(found: list[Verdict]) -> str:
    """The comparison as a page of the reference."""
    same, partial, absent = _counts(found)
    tested = sum(verdict.is_tested for verdict in found)
    summary = (
        f"Of {len(found)} public names of TensorFlow {VERSION}, {same} are the same here, "
        f"{partial} differ in part, and {absent} are absent."
    )
    lines = [
        "# Compatibility",
        "",
        summary,
        f"The values of {tested} were compared with those that TensorFlow gives.",
        "`penstock compat` prints this list for the version at hand.",
    ]
    for space, verdicts in _by_space(found).items():
        same, partial, absent = _counts(verdicts)
        lines += ["", f"## {space}", "", f"{same} same, {partial} partial, {absent} absent."]
        differing = [verdict for verdict in verdicts if verdict.state == "partial"]
        if differing:
            lines += ["", "| partial | difference |", "|---|---|"]
            lines += [f"| `tf.{each.name}` | {_cell(each.difference)} |" for each in differing]
        lacking = [f"`tf.{each.name}`" for each in verdicts if each.state == "absent"]
        if lacking:
            lines += ["", f"Absent: {', '.join(lacking)}."]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*")
