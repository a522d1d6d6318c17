"""Read with TensorFlow what the files of a folder hold; prints JSON. Run by `test_peer.py`."""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import graph_pb2, tensor_pb2


def describe(array):
    array = np.asarray(array)
    if array.dtype.kind in "OS":
        strings = array.astype(object).ravel().tolist()
        return {"shape": list(array.shape), "strings": [text.hex() for text in strings]}
    return {"shape": list(array.shape), "bytes": array.tobytes().hex()}


def checkpoint(prefix):
    """Through the Python reader, and through the op that restores variables."""
    reader = tf.train.load_checkpoint(str(prefix))
    dtypes = reader.get_variable_to_dtype_map()
    found = {}
    for key in sorted(reader.get_variable_to_shape_map()):
        (restored,) = tf.raw_ops.RestoreV2(
            prefix=str(prefix), tensor_names=[key], shape_and_slices=[""], dtypes=[dtypes[key]]
        )
        found[key] = {"dtype": dtypes[key].name, **describe(restored.numpy())}
    return found


def tensor(path):
    proto = tensor_pb2.TensorProto.FromString(path.read_bytes())
    return describe(tf.io.parse_tensor(proto.SerializeToString(), proto.dtype).numpy())


def main(folder):
    records = {
        kind: [x.numpy().hex() for x in tf.data.TFRecordDataset(str(folder / f"r{kind}"), kind)]
        for kind in ("", "GZIP", "ZLIB")
    }
    (events,) = folder.glob("logs/*")
    graph = graph_pb2.GraphDef.FromString((folder / "graph.pb").read_bytes())
    return {
        "checkpoints": {name: checkpoint(folder / name) for name in ("all", "parts", "merged")},
        "records": records,
        "events": [
            [event.step, event.file_version, [value.tag for value in event.summary.value]]
            for event in tf.compat.v1.train.summary_iterator(str(events))
        ],
        "tensors": {path.name: tensor(path) for path in sorted(folder.glob("*.tensor"))},
        "graph": graph.SerializeToString(deterministic=True).hex(),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
