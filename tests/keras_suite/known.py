"""The list of tests that are known to fail, and how it is brought up to date."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from pathlib import Path

LIST = Path(__file__).with_name("known_failures.toml")
HEADER = """\
# Tests of the Keras 3.15.1 wheel that do not pass on penstock, by reason. They are expected to
# fail: one that passes has to leave the list. `run.py --update-known-failures` does both for
# the tests that it ran; groups with `fixed = true` were written by hand and stay.
"""


def load():
    """Reasons by test, `file::Class::test` below the Keras package, and those set by hand."""
    with LIST.open("rb") as file:
        groups = tomllib.load(file).get("group", [])
    reasons = {test: group["reason"] for group in groups for test in group["tests"]}
    fixed = {test for group in groups if group.get("fixed") for test in group["tests"]}
    return reasons, fixed


def update(ran, failed):
    """Drop tests that passed, add tests that failed.

    Args:
        ran: names of all tests that ran.
        failed: reason by name of those that failed.
    """
    reasons, fixed = load()
    kept = {test: why for test, why in reasons.items() if test not in ran or test in fixed}
    for test, why in failed.items():
        kept.setdefault(test, why)
    groups = defaultdict(list)
    for test, why in kept.items():
        groups[(test in fixed, why)].append(test)
    parts = [HEADER]
    for (by_hand, why), tests in sorted(groups.items(), key=lambda each: each[0][::-1]):
        lines = ["[[group]]", f"reason = {_quoted(why)}"]
        lines += ["fixed = true"] if by_hand else []
        lines += ["tests = [", *(f"  {_quoted(test)}," for test in sorted(tests)), "]"]
        parts.append("\n".join(lines) + "\n")
    LIST.write_text("\n".join(parts))


def reason_of(error):
    """One short line that says why a test failed."""
    # Assertions of numpy say only on the second line what is wrong.
    lines = [each.strip() for each in error.splitlines() if each.strip()]
    line = re.sub(r"0x[0-9a-f]+", "0x...", " ".join(lines[:2]))
    return line.removeprefix("penstock.core.errors.")[:110]


def _quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
