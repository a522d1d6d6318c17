"""Real TensorFlow reads what is written here. Made with TensorFlow 2.21."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from penstock.core.dtypes import ALL
from penstock.wire import protos
from penstock.wire.bundle import BundleWriter, merge_bundles
from penstock.wire.events import EventFileWriter
from penstock.wire.records import TFRecordWriter
from penstock.wire.tensors import array_to_proto
from tests.wire.golden import GOLDEN, RECORDS, assert_identical, expected_array

pytestmark = pytest.mark.peer

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")
ROWS = np.arange(9100 * 2, dtype=np.float32).reshape(9100, 2)
NUMBERS = np.array([0, 1, 2, 1])
# Structured types have no kernel that would restore them; the others TensorFlow cannot save.
SAVED = [
    dtype
    for dtype in ALL
    if dtype.is_numpy_compatible
    and not dtype.is_quantized
    and not dtype.name.startswith(("float4", "int2", "uint2"))
    and not dtype.name.endswith("fnuz")
]


def value_of(dtype):
    if dtype.name == "string":
        return np.array([[b"", b"a\x00b"], [b"x" * 300, b"\xff"]], object)
    return NUMBERS.astype(dtype.np).reshape(2, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peer")
    with BundleWriter(folder / "all") as writer:
        for dtype in SAVED:
            writer.add(f"d/{dtype.name}", value_of(dtype))
        writer.add("scalar", np.float64(2.5))
        writer.add("empty", np.zeros((0, 3), np.float32))
        for i in range(5000):
            writer.add(f"many/variable_{i:05d}/with/a/long/name", np.int32(i))
    with BundleWriter(folder / "parts") as writer:
        for start, stop in ((0, 60), (60, 9000), (9000, 9100)):
            writer.add_slice("rows", ROWS.shape, (start, 0), ROWS[start:stop])
    for i, (start, stop) in enumerate([(0, 70), (70, 9100)]):
        with BundleWriter(folder / f"part{i}") as writer:
            writer.add_slice("rows", ROWS.shape, (start, 0), ROWS[start:stop])
            writer.add(f"own{i}", np.float32(i))
    merge_bundles([folder / "part0", folder / "part1"], folder / "merged")
    for kind in ("", "GZIP", "ZLIB"):
        with TFRecordWriter(folder / f"r{kind}", kind) as writer:
            for record in RECORDS:
                writer.write(record)
    with EventFileWriter(folder / "logs") as events:
        events.add_event(step=3, summary={"value": [{"tag": "loss", "simple_value": 1.5}]})
    for dtype in SAVED:
        for suffix, array in (("", value_of(dtype)), ("-one", value_of(dtype)[1, 0])):
            proto = array_to_proto(np.asarray(array, dtype.np), dtype)
            (folder / f"{dtype.name}{suffix}.tensor").write_bytes(proto.SerializeToString())
    graph = protos.GraphDef.FromString((GOLDEN / "graph.pb").read_bytes())
    (folder / "graph.pb").write_bytes(graph.SerializeToString())
    return folder


@pytest.fixture(scope="module")
def read(folder):
    if not PYTHON:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python that has TensorFlow")
    script = Path(__file__).with_name("peer_reads.py")
    done = subprocess.run([PYTHON, script, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_tensorflow_restores_every_dtype(read):
    found = read["checkpoints"]["all"]

    for dtype in SAVED:
        described = found[f"d/{dtype.name}"]
        assert described["dtype"] == dtype.name
        assert_identical(expected_array(described, dtype), value_of(dtype))
    assert found["scalar"]["bytes"] == np.float64(2.5).tobytes().hex()
    assert found["empty"]["shape"] == [0, 3]


def test_tensorflow_reads_an_index_of_many_blocks(read):
    found = read["checkpoints"]["all"]

    values = [found[f"many/variable_{i:05d}/with/a/long/name"]["bytes"] for i in range(5000)]
    assert values == [np.int32(i).tobytes().hex() for i in range(5000)]


@pytest.mark.parametrize("name", ["parts", "merged"])
def test_tensorflow_joins_the_slices(read, name):
    assert_identical(expected_array(read["checkpoints"][name]["rows"], "float32"), ROWS)


@pytest.mark.parametrize("kind", ["", "GZIP", "ZLIB"])
def test_tensorflow_reads_the_records(read, kind):
    assert read["records"][kind] == [record.hex() for record in RECORDS]


def test_tensorflow_reads_the_events(read):
    assert read["events"] == [[0, "brain.Event:2", []], [3, "", ["loss"]]]


def test_tensorflow_parses_every_tensor(read):
    for dtype in SAVED:
        whole, one = (read["tensors"][f"{dtype.name}{s}.tensor"] for s in ("", "-one"))
        assert_identical(expected_array(whole, dtype), value_of(dtype))
        assert expected_array(one, dtype).tolist() == value_of(dtype)[1, 0]


def test_tensorflow_parses_the_graph(read):
    assert read["graph"] == (GOLDEN / "graph.pb").read_bytes().hex()
