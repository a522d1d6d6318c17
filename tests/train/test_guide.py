"""What the guide on files shows is what happens."""

import doctest
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "files.md"


def test_the_examples_of_the_guide_give_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    results = doctest.testfile(str(GUIDE), module_relative=False)

    assert results.attempted >= 9
    assert results.failed == 0
