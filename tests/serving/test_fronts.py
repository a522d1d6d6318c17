"""Front processes and the engine process: what they say to each other, and what a kill does."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import (
    DataLossError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from penstock.serving.batching_parameters import BatchingParameters
from penstock.serving.call import PREDICT, REST, Call, ModelSpec
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.fronts.engine_side import EngineSide
from penstock.serving.fronts.front_side import RemoteManager
from penstock.serving.fronts.records import DONE, RUN, Record, RecordReader, with_payload
from penstock.serving.fronts.slots import SLOT_BYTES
from penstock.serving.fronts.state import decode_state, encode_state
from penstock.serving.fronts.tensor_bytes import pack, size_of, unpack
from penstock.serving.gateway import Gateway
from penstock.serving.manager import Manager
from penstock.serving.servable import SignatureSpec
from tests.serving.fakes import FakeLoader, FakeSource, FunctionServable, doubler, tensor

NAME = "serving_default"


def there_and_back(arrays):
    memory = memoryview(bytearray(size_of(arrays)))
    assert pack(arrays, memory) == len(memory)
    return unpack(memory)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.arange(12).reshape(3, 4)[:, ::2],
        np.array(True),
        np.zeros((0, 5), np.float64),
        np.array([1.5], ml_dtypes.bfloat16),
        np.array([[b"", b"a\0b"], [b"x" * 300, b"\xff"]], object),
        np.zeros((0,), object),
    ],
    ids=lambda array: f"{array.dtype}{list(array.shape)}",
)
def test_tensors_come_back_as_they_were(array):
    got = there_and_back({"x": array, "second": np.int64([7])})

    assert got["x"].dtype == array.dtype
    assert got["x"].shape == array.shape
    assert got["x"].tolist() == array.tolist()
    assert got["second"].tolist() == [7]


@given(st.binary(max_size=200))
def test_memory_that_holds_no_tensors_is_refused(data):
    with contextlib.suppress(DataLossError):
        assert isinstance(unpack(memoryview(data)), dict)


@given(st.lists(st.integers(1, 40), max_size=20))
def test_records_may_come_in_any_pieces(cuts):
    sent = [
        Record(RUN, 1, slot=3, route=2, size=99, priority=-5, left_s=1.5),
        Record(RUN, 2, size=3, payload=b"abc"),
        Record(
            DONE, 1, queue_s=0.1, compute_s=0.2, batch_size=3, padded_size=4, led=1, version=9
        ),
    ]
    data = b"".join(record.encode() for record in sent)
    reader, got = RecordReader(), []
    for cut in cuts:
        got += reader.feed(data[:cut])
        data = data[cut:]

    assert got + reader.feed(data) == sent


def test_what_is_no_record_is_refused():
    with pytest.raises(DataLossError, match="no record begins"):
        RecordReader().feed(bytes(100))


class Pair:
    """A manager behind an engine side, and the one that stands for it in a front."""

    def __init__(self, place, *servables, batching=None):
        self.place = place
        self.executor = Executor()
        self.servables = {servable.name: servable for servable in servables}
        self.manager = Manager(
            [FakeSource(name, 1) for name in self.servables],
            FakeLoader(lambda name, version: self.servables[name]),
            lambda servable: Engine(servable, self.executor, batching),
            labels={name: {"stable": 1} for name in self.servables},
        )
        self.manager.start()
        self.remote = RemoteManager(place)
        self.stop_engine = asyncio.Event()

    async def __aenter__(self):
        ready = asyncio.Event()
        self.serving = asyncio.ensure_future(
            EngineSide(self.manager).serve(self.place, self.stop_engine, ready.set)
        )
        await ready.wait()
        await self.remote.attach()
        return self

    async def __aexit__(self, *_):
        self.remote.stop()
        self.stop_engine.set()
        await self.serving
        await asyncio.sleep(0.01)
        self.manager.stop()
        self.executor.close()

    async def run(self, spec, inputs, **options):
        call = Call(REST, PREDICT, spec, **options)
        with Gateway(self.remote).open(call) as opened:
            return await opened.run(NAME, inputs), call


def rows(*values):
    return {"x": np.array([[v, v] for v in values], np.float32)}


def with_pair(place, scenario, *servables, batching=None):
    async def main():
        async with Pair(place / "engine.sock", *servables, batching=batching) as pair:
            return await asyncio.wait_for(scenario(pair), 20)

    return asyncio.run(main())


def test_a_front_gets_its_rows_from_the_engine(tmp_path):
    async def scenario(pair):
        many = [pair.run(ModelSpec("double"), rows(i, i + 1)) for i in range(400)]
        large = pair.run(ModelSpec("double", label="stable"), rows(*range(SLOT_BYTES // 4)))
        return await asyncio.gather(*many, large)

    *answers, (large, call) = with_pair(
        tmp_path, scenario, doubler(), batching=BatchingParameters(64, 1 << 20)
    )

    for i, (outputs, _) in enumerate(answers):
        np.testing.assert_array_equal(outputs["y"], [[2 * i] * 2, [2 * i + 2] * 2])
    np.testing.assert_array_equal(large["y"][:, 0], np.arange(SLOT_BYTES // 4) * 2)
    assert (call.version, call.rows, call.padded_size) == (1, SLOT_BYTES // 4, 64)
    assert sum(call.led for _, call in answers) < 400


def test_a_model_may_hand_its_input_back(tmp_path):
    spec = SignatureSpec({"x": tensor("float32", None, 2)}, {"x": tensor("float32", None, 2)})
    same = FunctionServable({NAME: spec}, {NAME: dict}, "same")

    async def scenario(pair):
        return [(await pair.run(ModelSpec("same"), rows(i)))[0]["x"] for i in range(3)]

    assert [x.tolist() for x in with_pair(tmp_path, scenario, same)] == [
        [[i, i]] for i in range(3)
    ]


def test_errors_of_the_engine_reach_the_client(tmp_path):
    def fail(_):
        raise InvalidArgumentError("rows must rise")

    spec = doubler().signatures
    broken = FunctionServable(spec, {NAME: fail}, "broken")

    async def scenario(pair):
        with pytest.raises(InvalidArgumentError, match="rows must rise"):
            await pair.run(ModelSpec("broken"), rows(1))
        with pytest.raises(NotFoundError, match=r"Specific\(broken, 9\)"):
            await pair.run(ModelSpec("broken", 9), rows(1))
        with pytest.raises(InvalidArgumentError, match="label: nope"):
            await pair.run(ModelSpec("broken", label="nope"), rows(1))

    with_pair(tmp_path, scenario, broken)


def test_a_front_knows_what_the_engine_knows(tmp_path):
    async def scenario(pair):
        remote, manager = pair.remote, pair.manager
        spec = ModelSpec("double")
        assert remote.names() == manager.names()
        assert remote.available() == manager.available()
        assert remote.status(spec) == manager.status(spec)
        assert remote.labels("double") == {"stable": 1}
        found = remote.acquire(spec).engine.servable.signatures
        assert found == doubler().signatures

    with_pair(tmp_path, scenario, doubler())


def test_a_client_that_leaves_is_forgotten_by_the_engine(tmp_path):
    gate = threading.Event()

    def wait(inputs):
        gate.wait(10)
        return {"y": inputs["x"]}

    slow = FunctionServable(doubler().signatures, {NAME: wait}, "slow")

    async def scenario(pair):
        first = asyncio.ensure_future(pair.run(ModelSpec("slow"), rows(1)))
        await asyncio.sleep(0.05)
        leaver = asyncio.ensure_future(pair.run(ModelSpec("slow"), rows(2)))
        await asyncio.sleep(0.05)
        leaver.cancel()
        await asyncio.sleep(0.05)
        gate.set()
        await first
        await asyncio.sleep(0.05)
        return len(pair.remote._link._free)

    free = with_pair(tmp_path, scenario, slow, batching=BatchingParameters())

    assert slow.calls == [{"x": (1, 2)}]
    assert free == 256


def test_without_its_engine_a_front_refuses_at_once_and_comes_back_with_the_next(tmp_path):
    gate = threading.Event()

    def wait(inputs):
        gate.wait(10)
        return {"y": inputs["x"]}

    slow = FunctionServable(doubler().signatures, {NAME: wait}, "slow")

    async def scenario(pair):
        waiting = asyncio.ensure_future(pair.run(ModelSpec("slow"), rows(1)))
        await asyncio.sleep(0.05)
        pair.remote._link._transport.abort()
        with pytest.raises(UnavailableError, match="is being started"):
            await waiting
        with pytest.raises(UnavailableError) as refused:
            await pair.run(ModelSpec("slow"), rows(1))
        assert refused.value.experimental_payloads == {"retry_after_s": 1.0}
        assert pair.remote.available() == []
        gate.set()
        await asyncio.sleep(0.3)
        return await pair.run(ModelSpec("slow"), rows(3))

    outputs, _ = with_pair(tmp_path, scenario, slow)

    assert outputs["y"].tolist() == [[3, 3]]


def test_the_state_of_models_comes_back_as_it_was(tmp_path):
    async def scenario(pair):
        state = decode_state(encode_state(pair.manager))["double"]
        assert state.latest == 1
        assert state.signatures == {1: doubler().signatures}

    with_pair(tmp_path, scenario, doubler())


def test_defaults_come_to_fronts(tmp_path):
    row = tensor("float32", None, 2)
    default = np.array([[1.5, 2]], np.float32)
    spec = SignatureSpec({"x": row}, {"x": row}, defaults={"x": default})
    same = FunctionServable({NAME: spec}, {NAME: dict}, "same")

    async def scenario(pair):
        found = pair.remote.acquire(ModelSpec("same")).engine.servable.signatures[NAME]
        return found.defaults

    found = with_pair(tmp_path, scenario, same)
    assert list(found) == ["x"]
    np.testing.assert_array_equal(found["x"], default)


def test_a_front_that_talks_nonsense_is_cut_off(tmp_path, caplog):
    async def scenario(pair):
        link = pair.remote._link
        link._transport.write(with_payload(99, b"", 0))
        await asyncio.sleep(0.3)
        outputs, _ = await pair.run(ModelSpec("double"), rows(1))
        return outputs

    assert with_pair(tmp_path, scenario, doubler())["y"].tolist() == [[2, 2]]
    assert "a front was cut off" in caplog.text


MODEL = """
import sys
import penstock as tf

class Doubler(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def double(self, x):
        return {"y": x * 2.0}

model = Doubler()
tf.saved_model.save(model, sys.argv[1], signatures=model.double)
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The port and the processes of `penstock serve --fronts 2`."""
    folder = tmp_path_factory.mktemp("fronts")
    subprocess.run([sys.executable, "-c", MODEL, str(folder / "m" / "1")], check=True)
    command = [sys.executable, "-m", "penstock", "serve", "--fronts", "2"]
    command += ["--model_name", "m", "--model_base_path", str(folder / "m")]
    port = _free_port()
    command += ["--rest_api_port", str(port), "--max_batch_size", "4"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        _until(lambda: ask(port)[0] == 200, 60)
        yield port, process
    finally:
        process.terminate()
        assert process.wait(30) == 0, (folder / "log").read_text()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _until(is_so, seconds):
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


def ask(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        body = json.dumps({"instances": [[1, 2]]})
        connection.request("POST", "/v1/models/m:predict", body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.headers
    except OSError:
        return 0, None, {}
    finally:
        connection.close()


def children(pid):
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], check=False, capture_output=True, text=True
    )
    return [int(line) for line in found.stdout.split()]


def engine_of(supervisor):
    """The child with the most threads: XLA has many."""
    return max(children(supervisor), key=lambda p: len([*Path(f"/proc/{p}/task").iterdir()]))


def test_the_command_serves_by_several_processes(served):
    port, process = served
    (supervisor,) = children(process.pid)

    assert ask(port)[:2] == (200, {"predictions": [[2.0, 4.0]]})
    assert len(children(supervisor)) == 3


def test_a_killed_engine_is_refused_for_at_once_and_comes_back(served):
    port, process = served
    (supervisor,) = children(process.pid)

    os.kill(engine_of(supervisor), signal.SIGKILL)
    start = time.monotonic()
    time.sleep(0.02)
    status, body, headers = ask(port)
    took = time.monotonic() - start
    _until(lambda: ask(port)[0] == 200, 20)

    assert status == 503
    assert "engine process is being started" in body["error"]
    assert headers["Retry-After"] == "1"
    assert took < 0.5


def test_a_killed_front_is_started_again(served):
    port, process = served
    (supervisor,) = children(process.pid)
    before = set(children(supervisor))

    os.kill(max(before - {engine_of(supervisor)}), signal.SIGKILL)

    _until(lambda: len(set(children(supervisor)) - before) == 1, 10)
    _until(lambda: all(ask(port)[0] == 200 for _ in range(20)), 10)
