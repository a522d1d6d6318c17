"""The commands that only print."""

import io
import json
import platform

from penstock import __version__
from penstock.cli.main import main


def printed(*arguments):
    out = io.StringIO()
    return main(arguments, out), out.getvalue()


def test_ops_are_listed_with_inputs_and_outputs():
    status, text = printed("ops", "--prefix", "MatMul")

    assert status == 0
    assert "MatMul(a: T, b: T) -> product: T" in text.splitlines()
    assert all(line.startswith("MatMul") for line in text.splitlines())


def test_ops_can_be_read_by_programs():
    _, text = printed("ops", "--prefix", "MatMul", "--json")

    records = {record["name"]: record for record in map(json.loads, text.splitlines())}
    assert records["MatMul"]["inputs"] == ["a: T", "b: T"]
    assert {"transpose_a", "transpose_b"} <= set(records["MatMul"]["attrs"])


def test_no_op_of_that_name_is_status_1():
    assert printed("ops", "--prefix", "NoSuchOp") == (1, "")


def test_versions_are_told_line_by_line():
    status, text = printed("version")

    assert status == 0
    assert f"penstock {__version__}" in text.splitlines()
    assert f"python {platform.python_version()}" in text.splitlines()


def test_versions_can_be_read_by_programs():
    assert json.loads(printed("version", "--json")[1])["penstock"] == __version__
