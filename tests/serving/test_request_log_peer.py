"""TensorFlow 2.21 reads the files of the request log, and parses the tensors in them.

`PENSTOCK_PEER_PYTHON` names a Python that has it.
"""

import json
import os
import subprocess

import numpy as np
import pytest

from penstock.serving.call import REST, Call, ModelSpec
from penstock.serving.middleware.request_log import RequestLog, RequestLogConfig

pytestmark = pytest.mark.peer

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")
# TensorFlow has no PredictionLog of its own: fields are told by their numbers in its wire form.
READ = """
import json, sys, tensorflow as tf

def fields(data):
    found, at = [], 0
    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]; at += 1
            value |= (byte & 127) << shift; shift += 7
            if byte < 128:
                return value
    while at < len(data):
        tag = number()
        if tag & 7 == 2:
            size = number(); found.append((tag >> 3, data[at:at + size])); at += size
        elif tag & 7 == 0:
            number()
        else:
            at += 8
    return found

def part(data, *path):
    for wanted in path:
        data = next(value for key, value in fields(data) if key == wanted)
    return data

# predict_log = 6, request = 1, inputs = 2, value of a map = 2
for record in tf.data.TFRecordDataset(sys.argv[1:]):
    proto = type(tf.make_tensor_proto(0)).FromString(part(record.numpy(), 6, 1, 2, 2))
    print(json.dumps(tf.make_ndarray(proto).tolist()))
"""


def test_tensorflow_reads_what_was_logged(tmp_path):
    if PYTHON is None:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python with TensorFlow")
    log = RequestLog({"m": RequestLogConfig(tmp_path / "m", 1.0)})
    for number in range(3):
        inputs = {"x": np.array([[number, 0.5]], np.float32)}
        call = Call(
            REST, "Predict", ModelSpec("m"), version=1, signature_name="s", inputs=inputs
        )
        log.admit(call)
        call.outputs = {"y": np.zeros(1)}
        log.done(call)
    log.close()

    files = sorted(str(path) for path in tmp_path.glob("m-*.tfrecord"))
    done = subprocess.run(
        [PYTHON, "-c", READ, *files], capture_output=True, text=True, check=True
    )

    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        [[number, 0.5]] for number in range(3)
    ]
