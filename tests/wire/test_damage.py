"""Whatever the bytes are, a reader answers with values or with one of our errors.

PENSTOCK_FUZZ sets how many examples each test has.
"""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.core.errors import OpError
from penstock.wire import protos, snappy
from penstock.wire.bundle import BundleReader
from penstock.wire.events import read_events
from penstock.wire.examples import parse_example, parse_sequence_example
from penstock.wire.records import read_records
from penstock.wire.table import Table
from penstock.wire.tensors import make_ndarray
from tests.wire.golden import GOLDEN

LIMIT = 1 << 20  # bytes that a damaged tensor may take, for the test's own sake


def read_table(path):
    return list(Table(path.read_bytes()))


def read_tensor(path):
    return make_ndarray(protos.parse(protos.TensorProto, path.read_bytes()), max_bytes=LIMIT)


READERS = {
    "records.tfrecord": lambda path: list(read_records(path)),
    "records.gzip.tfrecord": lambda path: list(read_records(path, "GZIP")),
    "records.zlib.tfrecord": lambda path: list(read_records(path, "ZLIB")),
    "events.tfevents": lambda path: list(read_events(path, is_growing=True)),
    "example.pb": lambda path: parse_example(path.read_bytes()),
    "sequence_example.pb": lambda path: parse_sequence_example(path.read_bytes()),
    "graph.pb": lambda path: protos.parse(protos.GraphDef, path.read_bytes()),
    "graph.pbtxt": lambda path: protos.parse_text(protos.GraphDef, path.read_bytes()),
    "ckpt/all.index": read_table,
}
# Where and how a file is damaged: bytes replaced, taken out or put in.
DAMAGE = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 3), st.binary(max_size=4)),
    min_size=1,
    max_size=3,
)
FEW = settings(
    max_examples=int(os.environ.get("PENSTOCK_FUZZ", "60")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def damaged(data, damage):
    for place, removed, inserted in damage:
        position = int(place * len(data))
        data = data[:position] + inserted + data[position + removed :]
    return data


@pytest.mark.parametrize("name", READERS)
@FEW
@given(damage=DAMAGE)
def test_a_damaged_file_gives_values_or_an_error_of_ours(name, damage, tmp_path):
    path = tmp_path / "damaged"
    path.write_bytes(damaged((GOLDEN / name).read_bytes(), damage))

    try:
        READERS[name](path)
    except OpError as error:
        assert error.message  # noqa: PT017  (either way is right)


@FEW
@given(damage=DAMAGE, key=st.sampled_from(["all", "sharded"]))
def test_damaged_entries_with_right_checksums_do_no_harm(damage, key, tmp_path):
    items = dict(Table((GOLDEN / f"ckpt/{key}.index").read_bytes()))
    reader = BundleReader(GOLDEN / f"ckpt/{key}")
    for name, entry in items.items():
        reader._messages = {**items, name: damaged(entry, damage)}
        reader._entries.clear()
        for each in reader:
            try:
                assert isinstance(reader.read(each), np.ndarray)
            except OpError as error:
                assert error.message  # noqa: PT017


@FEW
@given(st.binary(max_size=60))
def test_any_bytes_may_be_a_tensor_an_example_or_a_block(data):
    for read in (
        lambda: make_ndarray(protos.parse(protos.TensorProto, data), max_bytes=LIMIT),
        lambda: parse_example(data),
        lambda: parse_sequence_example(data),
        lambda: list(Table(data)),
        lambda: snappy.decompress(data),
    ):
        try:
            read()
        except OpError as error:
            assert error.message  # noqa: PT017
