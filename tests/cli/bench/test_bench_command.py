"""`penstock bench` against a small server."""

import io
import json

import pytest

from penstock.cli.main import main
from penstock.serving.server import ModelConfig, Server, ServerConfig
from tests.serving.fakes import FakeLoader, doubler


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    base = tmp_path_factory.mktemp("models") / "double"
    (base / "1").mkdir(parents=True)
    config = ServerConfig((ModelConfig("double", base),), port=0)
    with Server(config, FakeLoader(doubler)) as server:
        yield server.url


def bench(*arguments):
    out = io.StringIO()
    status = main(["bench", *arguments], out)
    return status, out.getvalue()


def test_one_rate_is_measured_for_each_protocol(url):
    status, text = bench(
        *(url, "--model", "double", "--rate", "50", "--seconds", "0.4", "--json"),
        *("--protocol", "rest,v2", "--p99_ms", "5000", "--arrivals", "constant"),
    )

    found = json.loads(text)
    assert status == 0
    assert [s["protocol"] for s in found["settings"]] == ["rest", "v2"]
    assert [s["steps"][0]["sent"] for s in found["settings"]] == [20, 20]
    assert found["best"]["protocol"] in ("rest", "v2")


def test_a_ramp_ends_in_a_table_and_a_page(url, tmp_path):
    page = tmp_path / "page.html"
    status, text = bench(
        *(url, "--model", "double", "--first_rate", "20", "--most", "40", "--seconds", "0.3"),
        *("--p99_ms", "5000", "--html", str(page)),
    )

    assert status == 0
    assert "p99 ms" in text
    assert "no limit was found up to the highest rate" in " ".join(text.split())
    assert "<svg" in page.read_text(encoding="utf-8")


def test_a_model_that_is_not_there_is_one_line(url, capsys):
    assert main(["bench", url, "--model", "none"], io.StringIO()) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_numbers_that_make_no_sense_are_refused(url, capsys):
    assert main(["bench", url, "--rows", "0"], io.StringIO()) == 1
    assert "--rows must be numbers of at least 1" in capsys.readouterr().err
