"""Files that try to do harm, each with a marker in place of the harm.

Every function takes an empty folder and the path of the marker, and gives what is to be read.
Whatever reads it must not make, read or follow the marker.
"""

import io
import json
import os
import struct
import zipfile
import zlib

import h5py
import numpy as np

import penstock as tf
from penstock.wire import protos

SECRET = b"a line of a file outside\n"


def _module(function, *specs):
    module = tf.Module()
    module.serve = tf.function(function, specs)
    return module


def _saved(folder, module):
    tf.saved_model.save(module, folder / "model")
    return folder / "model"


def _change(model, change):
    path = model / "saved_model.pb"
    message = protos.SavedModel.FromString(path.read_bytes())
    change(message.meta_graphs[0])
    path.write_bytes(message.SerializeToString())
    return model


# -- SavedModels: what runs when a signature is called ---


def writes_in_a_signature(folder, marker):
    text = tf.TensorSpec([], tf.string)
    return _saved(folder, _module(lambda x: _after(tf.io.write_file(str(marker), x), x), text))


def _after(operation, value):
    with tf.control_dependencies([operation]):
        return tf.identity(value)


def reads_in_a_signature(folder, marker):
    marker.write_bytes(SECRET)
    text = tf.TensorSpec([], tf.string)
    return _saved(folder, _module(lambda x: x + tf.io.read_file(str(marker)), text))


def lists_files_in_a_signature(folder, marker):
    text = tf.TensorSpec([], tf.string)
    return _saved(folder, _module(lambda x: x + tf.io.matching_files("/*"), text))


def saves_a_checkpoint_in_a_signature(folder, marker):
    def serve(x):
        call = tf.raw_ops.SaveV2(
            prefix=str(marker), tensor_names=["x"], shape_and_slices=[""], tensors=[x]
        )
        return _after(call, x)

    return _saved(folder, _module(serve, tf.TensorSpec([], tf.string)))


def calls_python_in_a_signature(folder, marker):
    model = _saved(folder, _module(tf.strings.lower, tf.TensorSpec([], tf.string)))

    def change(meta_graph):
        for function in meta_graph.graph_def.library.function:
            for node in function.node_def:
                if node.op == "StringLower":
                    node.op = "EagerPyFunc"
                    node.attr.clear()
                    node.attr["token"].s = b"pyfunc_0"
                    node.attr["Tin"].list.type.append(tf.string.as_datatype_enum)
                    node.attr["Tout"].list.type.append(tf.string.as_datatype_enum)

    return _change(model, change)


# -- SavedModels: what runs when one is loaded ---


def _table(folder):
    words = folder / "words.txt"
    words.write_text("a\nb\n")
    module = tf.Module()
    index = tf.lookup.TextFileIndex
    module.table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer(
            str(words), tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
        ),
        -1,
    )
    module.serve = tf.function(module.table.lookup, [tf.TensorSpec([], tf.string)])
    return _saved(folder, module)


def writes_when_it_is_loaded(folder, marker):
    def change(meta_graph):
        for function in meta_graph.graph_def.library.function:
            if "initializer" in function.signature.name:
                for name, value in (("name", str(marker)), ("content", "owned")):
                    node = function.node_def.add(name=f"evil/{name}", op="Const")
                    node.attr["dtype"].type = tf.string.as_datatype_enum
                    tensor = node.attr["value"].tensor
                    tensor.dtype = tf.string.as_datatype_enum
                    tensor.tensor_shape.SetInParent()
                    tensor.string_val.append(value.encode())
                inputs = ["evil/name:output:0", "evil/content:output:0"]
                function.node_def.add(name="evil", op="WriteFile", input=inputs)
                function.control_ret["evil"] = "evil"
                function.signature.control_output.append("evil")

    return _change(_table(folder), change)


def fills_a_table_from_outside(folder, marker):
    marker.write_bytes(SECRET)

    def change(meta_graph):
        meta_graph.asset_file_def[0].filename = f"../../{marker.name}"

    return _change(_table(folder), change)


def has_an_asset_with_an_absolute_name(folder, marker):
    marker.write_bytes(SECRET)

    def change(meta_graph):
        meta_graph.asset_file_def[0].filename = str(marker)

    return _change(_table(folder), change)


def has_an_asset_that_is_a_link(folder, marker):
    marker.write_bytes(SECRET)
    model = _table(folder)
    asset = model / "assets" / "words.txt"
    asset.unlink()
    asset.symlink_to(marker)
    return model


def has_variables_that_are_a_link(folder, marker):
    marker.write_bytes(SECRET)
    model = _saved(folder, _module(lambda x: x, tf.TensorSpec([], tf.string)))
    for file in (model / "variables").iterdir():
        file.unlink()
        file.symlink_to(marker)
    return model


# -- SavedModels: what takes all memory or time ---


def _with_library(folder, write):
    model = _saved(folder, _module(tf.strings.lower, tf.TensorSpec([], tf.string)))

    def change(meta_graph):
        functions = meta_graph.graph_def.library.function
        first = next(f for f in functions if any(n.op == "StringLower" for n in f.node_def))
        write(functions, first)

    return _change(model, change)


def _add_function(functions, like, name, calls):
    function = functions.add()
    function.CopyFrom(like)
    function.signature.name = name
    node = next(n for n in function.node_def if n.op == "StringLower")
    kinds = [tf.string.as_datatype_enum]
    argument, last = node.input[0], node.name
    function.node_def.remove(node)
    for i, called in enumerate(calls):
        name = last if i == len(calls) - 1 else f"call_{i}"
        call = function.node_def.add(name=name, op="PartitionedCall", input=[argument])
        call.attr["f"].func.name = called
        call.attr["Tin"].list.type.extend(kinds)
        call.attr["Tout"].list.type.extend(kinds)
        argument = f"{name}:output:0"
    for key in function.ret:
        function.ret[key] = function.ret[key].replace(f"{last}:output:0", argument)
    return function


def _start_with(functions, first, called):
    made = _add_function(functions, first, first.signature.name, [called])
    first.CopyFrom(made)
    del functions[len(functions) - 1]


def has_functions_that_call_each_other(folder, marker):
    def write(functions, first):
        _add_function(functions, first, "ping", ["pong"])
        _add_function(functions, first, "pong", ["ping"])
        _start_with(functions, first, "ping")

    return _with_library(folder, write)


def has_functions_that_double(folder, marker):
    def write(functions, first):
        _add_function(functions, first, "double_0", [first.signature.name + "x"])
        leaf = functions.add()
        leaf.CopyFrom(first)
        leaf.signature.name = first.signature.name + "x"
        for i in range(1, 40):
            _add_function(functions, first, f"double_{i}", [f"double_{i - 1}"] * 2)
        _start_with(functions, first, "double_39")

    return _with_library(folder, write)


def has_a_constant_of_endless_size(folder, marker):
    model = _saved(folder, _module(lambda x: x + "suffix", tf.TensorSpec([], tf.string)))

    def change(meta_graph):
        for function in meta_graph.graph_def.library.function:
            for node in function.node_def:
                if node.op == "Const":
                    shape = node.attr["value"].tensor.tensor_shape
                    shape.dim.add(size=1 << 40)
                    node.attr.pop("_output_shapes", None)

    return _change(model, change)


def has_deep_messages(folder, marker):
    model = _saved(folder, _module(lambda x: x, tf.TensorSpec([], tf.string)))
    inner = b""
    for _ in range(20_000):
        # StructuredValue.list_value.values
        inner = _field(51, _field(1, inner))
    described = _field(3, inner)
    entry = _field(1, b"deep") + _field(2, described)
    meta_graph = _field(7, _field(2, entry))
    data = (model / "saved_model.pb").read_bytes()
    (model / "saved_model.pb").write_bytes(data + _field(2, meta_graph))
    return model


def _field(number, data):
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


# -- programs of XLA ---


def calls_an_address_of_this_process(folder, marker):
    import jax
    from jax.extend.mlir import ir, serialize_portable_artifact
    from jax.extend.mlir.dialects import stablehlo

    text = (
        "func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> { "
        '%0 = "stablehlo.custom_call"(%a) '
        '{call_target_name = "xla_python_cpu_callback", backend_config = "1", api_version = '
        "2 : i32, has_side_effect = true} : (tensor<2xf32>) -> tensor<2xf32> "
        "return %0 : tensor<2xf32> }"
    )
    context = jax.jit(lambda: 0).lower().compiler_ir("stablehlo").context
    with context, ir.Location.unknown():
        parsed = ir.Module.parse(text)
        return serialize_portable_artifact(parsed, stablehlo.get_current_version())


# -- Keras ---


def _keras():
    tf.install_as_tensorflow()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    return keras


def lambda_layer(folder, marker):
    keras = _keras()
    path = str(marker)
    layer = keras.layers.Lambda(lambda x: (open(path, "w").close(), x)[1], name="a_lambda")  # noqa: PTH123
    model = keras.Sequential([keras.Input((2,)), layer])
    model.save(folder / "model.keras")
    marker.unlink(missing_ok=True)
    return folder / "model.keras"


def lambda_layer_h5(folder, marker):
    keras = _keras()
    model = keras.models.load_model(lambda_layer(folder, marker), safe_mode=False)
    model.save(folder / "model.h5")
    marker.unlink(missing_ok=True)
    return folder / "model.h5"


def _dense(folder):
    keras = _keras()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="a_layer")])
    model.save(folder / "whole.keras")
    return folder / "whole.keras"


def _repacked(source, target, change, extra=()):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, data in extra:
            new.writestr(name, data)
    return target


def _with_layer(folder, **changes):
    def change(name, data):
        if name != "config.json":
            return data
        config = json.loads(data)
        config["config"]["layers"][1].update(changes)
        return json.dumps(config)

    return _repacked(_dense(folder), folder / "model.keras", change)


def layer_of_any_module(folder, marker):
    config = {"args": ["touch", str(marker)]}
    return _with_layer(
        folder, module="subprocess", class_name="Popen", registered_name=None, config=config
    )


def layer_that_is_a_function(folder, marker):
    config = {"name": "a_layer", "command": f"touch {marker}"}
    return _with_layer(
        folder, module="os", class_name="system", registered_name=None, config=config
    )


def layer_that_downloads(folder, marker):
    config = {"fname": str(marker), "origin": f"file://{__file__}"}
    return _with_layer(
        folder, module="keras.utils", class_name="get_file", registered_name=None, config=config
    )


def names_that_lead_out(folder, marker):
    extra = [(f"../{marker.name}", b"owned"), (str(marker), b"owned")]
    return _repacked(_dense(folder), folder / "model.keras", lambda _, data: data, extra)


def bomb(folder, marker):
    """A configuration of a gigabyte in a megabyte."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("config.json", "w", force_zip64=True) as file:
            for _ in range(1 << 10):
                file.write(b" " * (1 << 20))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"")
    return path


def external_link(folder, marker):
    with h5py.File(marker, "w") as file:
        file["secret"] = np.arange(4.0)
    with h5py.File(folder / "model.weights.h5", "w") as file:
        file["layers"] = h5py.ExternalLink(str(marker), "secret")
    return folder / "model.weights.h5"


def external_dataset(folder, marker):
    marker.write_bytes(SECRET * 10)
    with h5py.File(folder / "model.weights.h5", "w") as file:
        group = file.create_group("layers/a_layer/vars")
        group.create_dataset("0", (2, 2), "f4", external=[(str(marker), 0, 16)])
        group.create_dataset("1", (2,), "f4", external=[(str(marker), 16, 8)])
    return folder / "model.weights.h5"


def groups_in_a_circle(folder, marker):
    with h5py.File(folder / "model.h5", "w") as file:
        file.create_group("a")["again"] = file["/"]
    return folder / "model.h5"


# -- arrays, records, checkpoints ---


class _Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (str(self.marker), "w")


def pickled_arrays(folder, marker):
    value = np.empty(1, object)
    value[0] = _Evil(marker)
    np.savez(folder / "arrays.npz", value=value)
    return folder / "arrays.npz"


def array_of_claimed_size(folder, marker):
    header = io.BytesIO()
    described = {"descr": "<f8", "fortran_order": False, "shape": (1 << 40,)}
    np.lib.format.write_array_header_1_0(header, described)
    with zipfile.ZipFile(folder / "arrays.npz", "w") as archive:
        archive.writestr("huge.npy", header.getvalue() + b"\0" * 64)
    return folder / "arrays.npz"


def record_of_claimed_size(folder, marker):
    from penstock.wire.crc32c import masked_crc32c

    length = struct.pack("<Q", 1 << 50)
    data = length + struct.pack("<I", masked_crc32c(length)) + b"\0" * 32
    (folder / "data.tfrecord").write_bytes(data)
    return folder / "data.tfrecord"


def deflated_record_of_claimed_size(folder, marker):
    path = record_of_claimed_size(folder, marker)
    path.write_bytes(zlib.compress(path.read_bytes()))
    return path


def safetensors_of_claimed_size(folder, marker):
    path = folder / "weights.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 60) + b"{}")
    return path


def checkpoint_of_claimed_size(folder, marker):
    from penstock.wire.table import Table, TableWriter

    tf.train.Checkpoint(v=tf.Variable([1.0, 2.0])).write(folder / "ckpt")
    index = folder / "ckpt.index"
    items = dict(Table(index.read_bytes()))
    for key, value in items.items():
        if key.startswith(b"v/"):
            entry = protos.BundleEntryProto.FromString(value)
            entry.shape.dim[0].size = 1 << 40
            entry.size = 1 << 42
            items[key] = entry.SerializeToString()
    with index.open("wb") as file:
        writer = TableWriter(file)
        for key in sorted(items):
            writer.add(key, items[key])
        writer.finish()
    return folder / "ckpt"
