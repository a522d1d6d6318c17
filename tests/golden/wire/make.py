"""Writes the files of this folder, with TensorFlow: `python make.py [serving.binpb]`.

The argument is a FileDescriptorSet of the `tensorflow-serving-api` package; without it the
descriptors of TensorFlow Serving are left out.
"""

import gzip
import importlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, text_format
from tensorflow.core.framework import tensor_pb2
from tensorflow.python.framework import dtypes

HERE = Path(__file__).parent
FIXED = 1_700_000_000
NUMERIC = [
    *("float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128"),
    *("float8_e5m2", "float8_e4m3fn", "int4", "uint4"),
    *("qint8", "quint8", "qint16", "quint16", "qint32"),
]
FILES = """
    core.framework.graph_pb2 core.framework.variable_pb2 core.framework.summary_pb2
    core.framework.graph_debug_info_pb2 core.framework.api_def_pb2 core.framework.kernel_def_pb2
    core.framework.dataset_pb2 core.framework.dataset_options_pb2
    core.framework.dataset_metadata_pb2 core.protobuf.saved_model_pb2
    core.protobuf.saved_object_graph_pb2 core.protobuf.tensor_bundle_pb2
    core.protobuf.fingerprint_pb2 core.protobuf.config_pb2 core.protobuf.queue_runner_pb2
    core.protobuf.snapshot_pb2 core.protobuf.tensorflow_server_pb2
    core.protobuf.named_tensor_pb2 core.example.example_pb2
    core.example.example_parser_configuration_pb2 core.util.event_pb2
    core.util.saved_tensor_slice_pb2 python.training.checkpoint_state_pb2
"""


def numbers(name, count=5):
    dtype = getattr(dtypes, name).as_numpy_dtype
    plain = np.array([0, 1, 2, 1, 3][:count])
    if name in ("int8", "int16", "int32", "int64", "float32", "float64", "qint8", "int4"):
        plain = plain * np.array([1, 1, -1, 1, -2][:count])
    return plain.astype(dtype)


def describe(array):
    array = np.asarray(array)
    if array.dtype.kind in "OS":
        strings = array.astype(object).ravel().tolist()
        return {"shape": list(array.shape), "strings": [x.hex() for x in strings]}
    return {"shape": list(array.shape), "bytes": array.tobytes().hex()}


def make_tensors():
    """TensorProtos that TensorFlow writes, and short ones that its C++ code fills."""
    cases = []
    for name in NUMERIC:
        values = numbers(name)
        for array in (values, values[1], values[:0], values[:4].reshape(2, 2)):
            proto = tf.make_tensor_proto(array, getattr(dtypes, name))
            cases.append({"dtype": name, "written": True, **case(proto, array)})
    for array in ([b"a", b"", b"\x00\xff\x00"], b"one", [], [[b"ab"], [b"c"]]):
        proto = case(tf.make_tensor_proto(array, tf.string), np.array(array, object))
        cases.append({"dtype": "string", "written": True, **proto})
    for text in (
        "dtype: DT_FLOAT tensor_shape{dim{size:2}dim{size:3}} float_val:1 float_val:2.5",
        "dtype: DT_FLOAT tensor_shape{dim{size:3}}",
        "dtype: DT_FLOAT tensor_shape{} float_val:1.5 float_val:3",
        "dtype: DT_HALF tensor_shape{dim{size:3}} half_val:15360 half_val:49152",
        "dtype: DT_BFLOAT16 tensor_shape{dim{size:3}} half_val:16256",
        "dtype: DT_COMPLEX64 tensor_shape{dim{size:3}} scomplex_val:1 scomplex_val:-2",
        "dtype: DT_INT8 tensor_shape{dim{size:3}} int_val:-1 int_val:127",
        "dtype: DT_UINT8 tensor_shape{dim{size:2}} int_val:255",
        "dtype: DT_BOOL tensor_shape{dim{size:4}} bool_val:false bool_val:true",
        "dtype: DT_UINT64 tensor_shape{dim{size:2}} uint64_val:18446744073709551615",
        "dtype: DT_INT64 tensor_shape{dim{size:0}dim{size:3}} int64_val:4",
        "dtype: DT_STRING tensor_shape{dim{size:3}} string_val:'x' string_val:'yz'",
        "dtype: DT_STRING tensor_shape{dim{size:2}}",
        r"dtype: DT_STRING tensor_shape{dim{size:2}} tensor_content:'\x01\x02abc'",
        "dtype: DT_DOUBLE tensor_shape{dim{size:100}}" + " double_val:0.5" * 99,
    ):
        proto = text_format.Parse(text, tensor_pb2.TensorProto())
        dtype = dtypes.as_dtype(proto.dtype)
        array = tf.io.parse_tensor(proto.SerializeToString(), dtype).numpy()
        cases.append({"dtype": dtype.name, "written": False, **case(proto, array)})
    lines = ",\n".join(json.dumps(each) for each in cases)
    (HERE / "tensors.json").write_text(f"[\n{lines}\n]\n")


def case(proto, array):
    return {"proto": proto.SerializeToString(deterministic=True).hex(), **describe(array)}


def make_checkpoints():
    """One of all dtypes; one of three shards with a partitioned variable."""
    tensors = {
        f"dtype/{name}": tf.constant(numbers(name).reshape(5, 1))
        for name in NUMERIC
        if not name.startswith("q")
    }
    tensors["dtype/string"] = tf.constant([[b"", b"a\x00b"], [b"x" * 200, b"\xff"]])
    tensors["empty"] = tf.zeros([0, 3])
    tensors["scalar"] = tf.constant(2.5, tf.float64)
    tensors["scalar/string"] = tf.constant("s")
    save(HERE / "ckpt/all", {name: (value, "") for name, value in tensors.items()})

    rows = np.arange(9100 * 2, dtype=np.int8).reshape(9100, 2)
    parts = [HERE / f"ckpt/part{i}" for i in range(3)]
    save(parts[0], {"rows": (tf.constant(rows[:60]), "9100 2 0,60:0,2")})
    save(
        parts[1],
        {
            "rows": (tf.constant(rows[60:9000]), "9100 2 60,8940:-"),
            "alone": (tf.constant([1, 2]), ""),
        },
    )
    save(parts[2], {"rows": (tf.constant(rows[9000:]), "9100 2 9000,100:-")})
    merged = str(HERE / "ckpt/sharded")
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=list(map(str, parts)), destination_prefix=merged
    )
    expected = {name: describe(value.numpy()) for name, value in tensors.items()}
    (HERE / "ckpt/all.json").write_text(json.dumps(expected, indent=1) + "\n")


def save(prefix, tensors):
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[spec for _, spec in tensors.values()],
        tensors=[value for value, _ in tensors.values()],
    )


def make_records():
    records = [b"", b"a", bytes(range(256)) * 12, b"last"]
    for kind in ("", "GZIP", "ZLIB"):
        name = f"records{'.' + kind.lower() if kind else ''}.tfrecord"
        with tf.io.TFRecordWriter(str(HERE / name), kind) as writer:
            for record in records:
                writer.write(record)


def make_examples():
    def feature(**kind):
        return tf.train.Feature(**kind)

    ints = feature(int64_list=tf.train.Int64List(value=[1, -1, 2**62, -(2**63)]))
    floats = feature(float_list=tf.train.FloatList(value=[0.5, -2.25]))
    strings = feature(bytes_list=tf.train.BytesList(value=[b"", b"\x00\xff"]))
    features = {"i": ints, "f": floats, "s": strings, "none": feature()}
    features["empty"] = feature(float_list=tf.train.FloatList())
    example = tf.train.Example(features=tf.train.Features(feature=features))
    steps = tf.train.FeatureList(feature=[ints, floats, strings])
    sequence = tf.train.SequenceExample(
        context=tf.train.Features(feature={"f": floats}),
        feature_lists=tf.train.FeatureLists(feature_list={"steps": steps}),
    )
    (HERE / "example.pb").write_bytes(example.SerializeToString(deterministic=True))
    (HERE / "sequence_example.pb").write_bytes(sequence.SerializeToString(deterministic=True))


def make_events():
    folder = HERE / "events"
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in (1, 2):
            tf.summary.write("loss", tf.constant(step / 4), step=step)
    writer.close()
    (written,) = folder.iterdir()
    written.rename(HERE / "events.tfevents")
    folder.rmdir()


def make_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def affine(x):
        return tf.nn.relu(tf.matmul(x, [[1.0, 2.0], [3.0, 4.0]]) + 0.5)

    graph = affine.get_concrete_function().graph.as_graph_def()
    (HERE / "graph.pb").write_bytes(graph.SerializeToString(deterministic=True))
    (HERE / "graph.pbtxt").write_text(str(graph))


def make_descriptors(serving):
    files = {}

    def visit(descriptor):
        if descriptor.name not in files:
            for needed in descriptor.dependencies:
                visit(needed)
            descriptor.CopyToProto(
                files.setdefault(descriptor.name, descriptor_pb2.FileDescriptorProto())
            )

    for name in FILES.split():
        visit(importlib.import_module(f"tensorflow.{name}").DESCRIPTOR)
    if serving:
        more = descriptor_pb2.FileDescriptorSet.FromString(Path(serving).read_bytes())
        files.update((file.name, file) for file in more.file)
    for file in files.values():
        file.ClearField("options")
    ours = [file for name, file in files.items() if not name.startswith("google/")]
    data = descriptor_pb2.FileDescriptorSet(file=ours).SerializeToString()
    (HERE / "descriptors.binpb.gz").write_bytes(gzip.compress(data, mtime=FIXED))


if __name__ == "__main__":
    shutil.rmtree(HERE / "ckpt", ignore_errors=True)
    make_tensors()
    make_checkpoints()
    make_records()
    make_examples()
    make_events()
    make_graph()
    make_descriptors(sys.argv[1] if len(sys.argv) > 1 else None)
