import threading

import numpy as np
import pytest

from penstock.cli.demo.client import Client, ask_concurrently, ask_one_by_one
from penstock.core.errors import UnavailableError
from tests.cli.demo.fake_server import Doubler, Server

ROWS = np.arange(12, dtype=np.float32).reshape(6, 2) / 16


@pytest.fixture
def port():
    server = Server(("127.0.0.1", 0), Doubler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def connect(port, model="double"):
    return Client("127.0.0.1", port, model)


def test_each_row_gets_its_own_answer_and_time(port):
    with connect(port) as client:
        answers = ask_one_by_one(client, ROWS, warm_up=2)

    np.testing.assert_array_equal(answers.predictions, 2 * ROWS)
    assert answers.latencies_s.shape == (6,)
    assert (answers.latencies_s > 0).all()


def test_concurrent_answers_are_compared_with_the_expected_ones(port):
    expected = 2 * ROWS
    expected[3, 1] += 0.25
    with connect(port) as one, connect(port) as two:
        right = ask_concurrently([one, two], ROWS, 2 * ROWS, seconds=0.05)
        wrong = ask_concurrently([one, two], ROWS, expected, seconds=0.2)

    assert right.largest_difference == 0
    assert wrong.largest_difference == 0.25
    assert right.connections == 2
    assert right.requests_per_s == right.requests / right.seconds


def test_a_refused_request_names_the_status_and_the_answer(port):
    with (
        connect(port, "other") as client,
        pytest.raises(UnavailableError, match=r"answered 404 .*no such model"),
    ):
        ask_one_by_one(client, ROWS)


def test_a_refusal_in_a_thread_reaches_the_caller(port):
    with (
        connect(port, "other") as client,
        pytest.raises(UnavailableError, match="answered 404"),
    ):
        ask_concurrently([client], ROWS, 2 * ROWS, seconds=5)
