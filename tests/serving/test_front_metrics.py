"""The metrics of a server of several processes."""

import http.client
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
MODEL = """
import sys
import penstock as tf
m = tf.Module()
spec = tf.TensorSpec([None, 2], tf.float32, name="x")
m.f = tf.function(lambda x: {"y": x * 2.0}, input_signature=[spec], autograph=False)
tf.saved_model.save(m, sys.argv[1], signatures=m.f)
"""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "m"
    subprocess.run([sys.executable, "-c", MODEL, str(folder / "1")], check=True, cwd=ROOT)
    port = free_port()
    command = [
        *(sys.executable, "-m", "penstock", "serve", "--model_name=m", "--fronts=2"),
        *(f"--model_base_path={folder}", f"--rest_api_port={port}", "--executable_cache=off"),
    ]
    with (folder.parent / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                if ask(port, "GET", "/readyz")[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def counted(text):
    return {
        s.labels["status"]: s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
        if family.name == ":tensorflow:serving:request_count" and s.labels["model_name"] == "m"
    }


def test_every_front_tells_what_all_of_them_counted(port):
    # Each request comes on a connection of its own, which the kernel gives to one of them.
    for _ in range(20):
        status, _ = ask(port, "POST", "/v1/models/m:predict", {"instances": [[1, 2]]})
        assert status == 200
    until = time.monotonic() + 10
    found = []
    while time.monotonic() < until:
        pages = [ask(port, "GET", "/monitoring/prometheus/metrics")[1] for _ in range(8)]
        found = [counted(page) for page in pages]
        if all(each == {"OK": 20.0} for each in found):
            break
        time.sleep(0.2)

    assert found == [{"OK": 20.0}] * 8
    assert "penstock_serving_batch_rows_count" in pages[0]
