"""Rules about the text of the repository that no linter knows."""

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<!\w)/(?:work|farm|home)/|/opt/(?:venvs|pypi)"),
    "a registry host": re.compile(r"index[-]url|files\.pythonhosted|/simp(?:le)/"),
}
UNFINISHED = re.compile(r"raise NotImplementedError|\b(?:TODO|FIXME|XXX)\b(?! \(#\d+\))")


def tracked(*suffixes: str) -> list[Path]:
    """The files of the repository with one of `suffixes`, or all."""
    listing = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode == 0:
        found = [ROOT / line for line in listing.stdout.splitlines()]
    else:  # an unpacked archive
        found = [path for path in ROOT.rglob("*") if "__pycache__" not in path.parts]
    return [
        path
        for path in found
        if path.is_file()
        and (not suffixes or path.suffix in suffixes)
        and path != Path(__file__)
    ]


def offences(paths: list[Path], pattern: re.Pattern[str]) -> list[str]:
    """`file:line: text` of each match; files that are not UTF-8 text are passed over."""
    found = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    return found


def test_no_file_names_one_machine_or_registry():
    found = {what: offences(tracked(), pattern) for what, pattern in FORBIDDEN.items()}

    assert found == {what: [] for what in FORBIDDEN}


def test_the_package_has_no_unfinished_places():
    package = [path for path in tracked(".py") if path.is_relative_to(ROOT / "penstock")]

    assert offences(package, UNFINISHED) == []


def test_every_module_of_the_package_says_what_it_is():
    package = [path for path in tracked(".py") if path.is_relative_to(ROOT / "penstock")]
    silent = [
        str(path.relative_to(ROOT))
        for path in package
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert package
    assert silent == []


def test_no_module_is_named_for_nothing():
    vague = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}

    assert [str(path) for path in tracked(".py") if path.name in vague] == []
