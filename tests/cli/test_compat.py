"""`penstock compat`."""

import io
import json

from penstock.cli.main import main


def _run(*arguments):
    out = io.StringIO()
    status = main(["compat", *arguments], out)
    return status, out.getvalue()


def test_it_counts_the_names_of_each_namespace():
    status, text = _run()

    assert status == 0
    assert text.splitlines()[-1].split()[:5] == ["1758", "names", "of", "TensorFlow", "2.21:"]
    assert any(line.startswith("tf.math ") for line in text.splitlines())


def test_it_tells_what_is_known_of_each_name():
    status, text = _run("--json", "--prefix", "tf.math.add")

    records = {record["name"]: record for record in map(json.loads, text.splitlines())}
    assert status == 0
    assert records["tf.math.add"] == {
        "name": "tf.math.add",
        "kind": "function",
        "state": "same",
        "difference": "",
        "tested": True,
    }


def test_the_page_has_a_part_for_each_namespace():
    _, text = _run("--markdown")

    assert text.startswith("# Compatibility\n")
    assert "\n## tf.math\n" in text


def test_no_name_is_a_failure():
    assert _run("--prefix", "tf.nothing")[0] == 1
