"""Programs with control flow and shapes that depend on values give what TensorFlow gives.

The goldens in `tests/golden/programs` were written by `runner.py` with TensorFlow 2.21.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

import penstock as tf
from tests.conformance.programs.compare import BEYOND, difference, differs
from tests.conformance.programs.runner import GROUPS, programs_of, result_of

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")
RUNNER = Path(__file__).with_name("runner.py")
REPOSITORY = RUNNER.parents[3]
GOLDEN = REPOSITORY / "tests" / "golden" / "programs"
PROGRAMS = {
    f"{group}.{name}": program
    for group in GROUPS
    for name, program in programs_of(group).items()
}


def golden(name):
    return json.loads((GOLDEN / f"{name.partition('.')[0]}.json").read_text())[name]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_gives_what_tensorflow_gave(name):
    got = result_of(PROGRAMS[name], tf)

    assert differs(name, golden(name), got) is None


@pytest.mark.parametrize("name", sorted(BEYOND))
def test_a_program_that_tensorflow_refuses_gives_what_python_gives(name):
    got = result_of(PROGRAMS[name], tf)

    tf.config.run_functions_eagerly(True)
    try:
        expected = result_of(PROGRAMS[name], tf)
    finally:
        tf.config.run_functions_eagerly(False)
    assert "error" in golden(name)
    assert difference(expected["result"], got["result"]) is None


@pytest.mark.peer
@pytest.mark.parametrize("group", GROUPS)
def test_the_programs_of_a_group_give_what_tensorflow_gives(group, tmp_path):
    if PYTHON is None:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python that has TensorFlow")
    output = tmp_path / "results.json"
    done = subprocess.run(
        [PYTHON, str(RUNNER), "tensorflow", str(output), group],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    expected = json.loads(output.read_text())
    results = {
        f"{group}.{name}": result_of(program, tf)
        for name, program in programs_of(group).items()
    }

    assert expected.keys() == results.keys()
    wrong = {
        name: why
        for name, got in results.items()
        if (why := differs(name, expected[name], got)) is not None
    }
    assert not wrong
