"""What it costs to read records from a file, and to parse the examples in them."""

import sys
import tempfile
from pathlib import Path

from sides import both, measure_cases, report

from penstock.wire import protos
from penstock.wire.records import TFRecordWriter

PROGRAM = """
import MODULE as tf
PATH, PACKED = FILE, ZIPPED
spec = {
    "label": tf.io.FixedLenFeature([], tf.int64),
    "pixels": tf.io.FixedLenFeature([16], tf.float32),
    "name": tf.io.FixedLenFeature([], tf.string),
}
def read():
    for batch in tf.data.TFRecordDataset(PATH).batch(1024):
        pass
def parse():
    dataset = tf.data.TFRecordDataset(PATH).batch(1024)
    for batch in dataset.map(lambda records: tf.io.parse_example(records, spec)):
        pass
def iterate():
    for record in tf.data.TFRecordDataset(PATH):
        pass
def unpack():
    for batch in tf.data.TFRecordDataset(PACKED, "GZIP").batch(1024):
        pass
read()
CASES = {
    "read in batches": read, "read and parse": parse, "read GZIP": unpack, "one by one": iterate
}
"""


def write(path, count, options=None):
    with TFRecordWriter(path, options) as writer:
        for i in range(count):
            example = protos.Example()
            features = example.features.feature
            features["label"].int64_list.value.append(i % 10)
            features["pixels"].float_list.value.extend([i / count] * 16)
            features["name"].bytes_list.value.append(b"row %d" % i)
            writer.write(example.SerializeToString())


def main(count=200_000, rounds=3):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "examples.tfrecord"
        packed = path.with_suffix(".gz")
        write(path, count)
        write(packed, count, "GZIP")
        program = PROGRAM.replace("FILE", repr(str(path))).replace("ZIPPED", repr(str(packed)))
        cases = ["read in batches", "read and parse", "read GZIP", "one by one"]
        best = measure_cases(both(program), cases, rounds)
    failed = 0
    for case, seconds in best.items():
        failed += report(f"{case}: {count} examples", seconds, {"tensorflow": 1.0})
    return 1 if failed else 0


if __name__ == "__main__":
    small = "--small" in sys.argv
    raise SystemExit(main(count=2000, rounds=1) if small else main())
