"""What the guide on functions shows is what happens."""

import doctest
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "functions.md"


@pytest.mark.filterwarnings("ignore:function '<lambda>' was traced")
def test_the_examples_of_the_guide_give_what_it_says():
    results = doctest.testfile(str(GUIDE), module_relative=False)

    assert results.attempted >= 9
    assert results.failed == 0
