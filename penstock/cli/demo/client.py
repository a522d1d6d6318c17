"""Asks a served model over HTTP as any client would, with Python's own `http.client`."""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import UnavailableError

Rows = NDArray[np.float32]


class Client:
    """One connection that is kept open; use as a context manager.

    Args:
        host: name or address.
        port: of the REST interface.
        model: name of the model.
    """

    def __init__(self, host: str, port: int, model: str) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=30)
        self._path = f"/v1/models/{model}:predict"

    def __enter__(self) -> Self:
        self._connection.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def post(self, body: bytes) -> bytes:
        """Send one predict request and return the answer's body.

        Raises:
            UnavailableError: the connection broke, or the answer is not 200.
        """
        try:
            self._connection.request(
                "POST", self._path, body, {"Content-Type": "application/json"}
            )
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(
                f"the server did not answer {self._path}: {error}"
            ) from error
        if answer.status != http.HTTPStatus.OK:
            raise UnavailableError(
                f"the server answered {answer.status} to {self._path}: "
                f"{content[:200].decode(errors='replace')}"
            )
        return content


def encode(rows: Rows) -> bytes:
    """A predict request in row format: one instance per row."""
    return json.dumps({"instances": rows.tolist()}).encode()


def decode(body: bytes) -> Rows:
    """The predictions of an answer, one row per instance."""
    predictions: Any = json.loads(body)["predictions"]
    return np.asarray(predictions, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Answers:
    """What came back: `predictions` [n, ...], and the seconds that each request took, [n]."""

    predictions: Rows
    latencies_s: NDArray[np.float64]


def ask_one_by_one(client: Client, rows: Rows, warm_up: int = 20) -> Answers:
    """Send each row in a request of its own, one after the other.

    Args:
        client: an open connection.
        rows: [n, ...] at least one.
        warm_up: requests that are sent before the clock runs.
    """
    bodies = [encode(row[np.newaxis]) for row in rows]
    for body in bodies[:warm_up]:
        client.post(body)
    answers, latencies = [], []
    for body in bodies:
        started = time.perf_counter()
        answers.append(client.post(body))
        latencies.append(time.perf_counter() - started)
    return Answers(np.concatenate([decode(answer) for answer in answers]), np.array(latencies))


@dataclass(frozen=True, slots=True)
class Load:
    """What several connections got in a while.

    `largest_difference` is taken over all answers, between them and what was expected.
    """

    connections: int
    requests: int
    seconds: float
    largest_difference: float

    @property
    def requests_per_s(self) -> float:
        """Answers a second, over all connections."""
        return self.requests / self.seconds


def ask_concurrently(
    clients: Sequence[Client], rows: Rows, expected: Rows, seconds: float
) -> Load:
    """Send single rows over all connections at once, each as fast as it is answered.

    The answers are checked too, after the clock has stopped: a server that joins requests into
    batches must give every caller its own row back.

    Args:
        clients: open connections, one thread each.
        rows: [n, ...] to choose from, in turns.
        expected: [n, ...] the right answers.
        seconds: for how long.
    """
    bodies = [encode(row[np.newaxis]) for row in rows]
    collected: list[list[tuple[int, bytes]]] = [[] for _ in clients]
    failures: list[UnavailableError] = []
    started = time.perf_counter()

    def ask(number: int, client: Client) -> None:
        index = number * len(bodies) // len(clients)
        try:
            while not failures and time.perf_counter() - started < seconds:
                collected[number].append((index, client.post(bodies[index])))
                index = (index + 1) % len(bodies)
        except UnavailableError as error:
            failures.append(error)

    threads = [
        threading.Thread(target=ask, args=pair, name=f"demo-client-{pair[0]}", daemon=True)
        for pair in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    if failures:
        raise failures[0]
    answers = [answer for part in collected for answer in part]
    difference = max(
        (float(np.abs(decode(body)[0] - expected[index]).max()) for index, body in answers),
        default=float("nan"),
    )
    return Load(len(clients), len(answers), took, difference)
