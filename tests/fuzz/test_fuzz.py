"""Damaged files of every kind end in values or in refusals: no crash, no hang, little memory.

PENSTOCK_FUZZ sets how many files of each kind there are; `campaign.py` runs more of them and
tells what went wrong with each.
"""

import os

import pytest

from tests.fuzz.campaign import run
from tests.fuzz.names import NAMES

COUNT = int(os.environ.get("PENSTOCK_FUZZ", "25"))


@pytest.mark.parametrize("kind", NAMES)
def test_damaged_files_are_read_or_refused(kind, tmp_path):
    assert run(kind, COUNT, tmp_path) == {}
