"""The kinds of files: seeds, how they are damaged, and how they are read."""

import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import penstock as tf
from penstock.cli.inspect.kinds import inspector
from penstock.core.errors import OpError
from penstock.wire import npz, protos, safetensors
from tests.fuzz import mutations
from tests.saved_model.damage import damage, strings_of

GOLDEN = Path(__file__).parents[1] / "golden"
WIRE = GOLDEN / "wire"
MODELS = ["module_signatures", "tf1_cnn_bn", "tf1_control_flow_v1", "tf1_builder"]


class Kind:
    """Files of one kind.

    `seeds` are files, `write` puts damaged bytes where `read` finds them, `errors` are the
    classes of a refusal.
    """

    errors: tuple = (OpError,)
    change = staticmethod(mutations.damaged)

    def __init__(self, folder):
        self.folder = folder
        self.data = [path.read_bytes() for path in self.seeds()]

    def seeds(self):
        return [WIRE / name for name in self.names]

    def make(self, rng):
        """One damaged file; gives its size."""
        data = self.change(rng.choice(self.data), rng)
        (self.folder / "file").write_bytes(data)
        return len(data)

    def path(self):
        return str(self.folder / "file")


class Records(Kind):
    names = ("records.tfrecord",)
    change = staticmethod(mutations.records)
    compression = ""

    def read(self):
        for record in tf.data.TFRecordDataset(self.path(), self.compression):
            record.numpy()


class GzipRecords(Records):
    names = ("records.gzip.tfrecord",)
    change = staticmethod(mutations.gzipped)
    compression = "GZIP"


class ZlibRecords(Records):
    names = ("records.zlib.tfrecord",)
    change = staticmethod(mutations.deflated)
    compression = "ZLIB"


class Examples(Kind):
    names = (
        "example.pb",
        "sequence_example.pb",
    )
    features = None

    def read(self):
        data = Path(self.path()).read_bytes()
        if self.features is None:
            example = tf.train.Example.FromString(self.data[0])
            kinds = {"int64_list": tf.int64, "float_list": tf.float32, "bytes_list": tf.string}
            self.features = {
                key: tf.io.VarLenFeature(kinds[value.WhichOneof("kind")])
                for key, value in example.features.feature.items()
                if value.WhichOneof("kind")
            }
        for parse in (
            lambda: tf.io.parse_example([data, data], self.features),
            lambda: tf.io.parse_single_sequence_example(data, self.features),
            lambda: tf.io.parse_single_example(
                data, {"x": tf.io.FixedLenFeature([], tf.int64)}
            ),
        ):
            try:
                parse()
            except OpError:
                continue


class Events(Kind):
    names = ("events.tfevents",)
    change = staticmethod(mutations.records)

    def read(self):
        for event in tf.compat.v1.train.summary_iterator(self.path()):
            for value in event.summary.value:
                if value.HasField("tensor"):
                    tf.make_ndarray(value.tensor)


class Graphs(Kind):
    names = (
        "graph.pb",
        "graph.pbtxt",
    )

    def read(self):
        data = Path(self.path()).read_bytes()
        for parse in (protos.parse, protos.parse_text):
            try:
                parse(protos.GraphDef, data)
            except OpError:
                continue


class Checkpoint(Kind):
    """Index and data of a checkpoint; either is damaged."""

    source = WIRE / "ckpt"
    prefix = "all"

    def __init__(self, folder):
        self.folder = folder
        self.whole = {
            path.name: path.read_bytes()
            for path in self.source.iterdir()
            if path.name.startswith(self.prefix) and path.suffix != ".json"
        }

    def make(self, rng):
        chosen = rng.choice(sorted(self.whole))
        for name, data in self.whole.items():
            written = mutations.damaged(data, rng) if name == chosen else data
            (self.folder / name).write_bytes(written)
        return sum(map(len, self.whole.values()))

    def read(self):
        reader = tf.train.load_checkpoint(str(self.folder / self.prefix))
        for name in reader.get_variable_to_shape_map():
            try:
                reader.get_tensor(name)
            except OpError:
                continue


class OldCheckpoint(Checkpoint):
    source = WIRE / "ckpt_v1"

    prefix = "all"


class Objects(Checkpoint):
    """A checkpoint of objects, restored into them."""

    prefix = "objects"

    def __init__(self, folder):
        self.folder = folder
        self.root = self.program()
        tf.train.Checkpoint(root=self.root).write(folder / "whole" / "objects")
        self.source = folder / "whole"
        super().__init__(folder)

    def program(self):
        root = tf.Module()
        root.w = tf.Variable(np.arange(12.0, dtype=np.float32).reshape(3, 4))
        root.parts = [tf.Variable("text"), {"n": tf.Variable(3)}]
        return root

    def read(self):
        status = tf.train.Checkpoint(root=self.root).read(str(self.folder / self.prefix))
        status.expect_partial()


class SavedModels(Kind):
    """The message of a SavedModel: its bytes, or its fields."""

    # A model whose parts do not fit what functions of it need is told by Python's classes.
    errors = (OpError, ValueError)

    def __init__(self, folder):
        self.folder = folder
        self.whole = []
        for name in MODELS:
            source = GOLDEN / "saved_model" / name / "model"
            shutil.copytree(source, folder / name, copy_function=shutil.copyfile)
            data = (source / "saved_model.pb").read_bytes()
            message = protos.SavedModel.FromString(data)
            self.whole.append((name, data, message, strings_of(message)))

    def make(self, rng):
        self.name, data, message, strings = rng.choice(self.whole)
        if rng.random() < 0.5:
            changed = protos.SavedModel()
            changed.CopyFrom(message)
            damage(changed, rng, strings)
            data = changed.SerializeToString()
        else:
            data = mutations.damaged(data, rng)
        (self.folder / self.name / "saved_model.pb").write_bytes(data)
        return len(data)

    def read(self):
        loaded = tf.saved_model.load(str(self.folder / self.name))
        signatures = getattr(loaded, "signatures", None)
        for key in list(signatures) if isinstance(signatures, Mapping) else []:
            signatures[key]


class Variables(Kind):
    """The values of a SavedModel."""

    errors = (OpError, ValueError)

    def __init__(self, folder):
        self.folder = folder
        self.model = folder / "model"
        source = GOLDEN / "saved_model" / "module_signatures" / "model"
        shutil.copytree(source, self.model, copy_function=shutil.copyfile)
        files = sorted((self.model / "variables").iterdir())
        self.whole = {path: path.read_bytes() for path in files}

    def make(self, rng):
        chosen = rng.choice(list(self.whole))
        for path, data in self.whole.items():
            path.write_bytes(mutations.damaged(data, rng) if path == chosen else data)
        return sum(map(len, self.whole.values()))

    def read(self):
        tf.saved_model.load(str(self.model))


class Arrays(Kind):
    """Archives of numpy's arrays."""

    change = staticmethod(mutations.archive)
    load = staticmethod(npz.read_arrays)

    def __init__(self, folder):
        self.folder = folder
        rng = np.random.default_rng(0)
        seed = folder / "seed"
        arrays = {
            "kernel": rng.random((3, 4), np.float32),
            "empty": np.zeros((0, 2), np.int64),
            "scalar": np.array(True),
        }
        self.save(seed, arrays)
        self.data = [seed.read_bytes()]

    def save(self, path, arrays):
        npz.write_arrays(path, arrays.items())

    def read(self):
        for _, array in self.load(self.path()):
            np.asarray(array).sum()


class Tensors(Arrays):
    """Files of safetensors."""

    change = staticmethod(mutations.damaged)
    load = staticmethod(safetensors.read_tensors)

    def save(self, path, arrays):
        kinds = {
            name: (tf.as_dtype(array.dtype), array.shape) for name, array in arrays.items()
        }
        safetensors.write_tensors(path, kinds, iter(arrays.items()))


class Inspected(Kind):
    """Files of Keras, as `penstock inspect` looks into them."""

    suffix = ".keras"
    change = staticmethod(mutations.archive)

    def __init__(self, folder):
        os.environ["KERAS_BACKEND"] = "tensorflow"
        tf.install_as_tensorflow()
        import keras

        self.keras = keras
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(2)]
        )
        self.model = model
        self.folder = folder
        seed = folder / f"seed{self.suffix}"
        if self.suffix == ".weights.h5":
            model.save_weights(seed)
        else:
            model.save(seed)
        self.data = [seed.read_bytes()]

    def path(self):
        return str(self.folder / f"file{self.suffix}")

    def make(self, rng):
        data = self.change(rng.choice(self.data), rng)
        Path(self.path()).write_bytes(data)
        return len(data)

    def read(self):
        path = Path(self.path())
        report = inspector(path)()
        json.loads(report.as_json(str(path)))
        report.write(str(path), io.TextIOWrapper(io.BytesIO(), "utf-8"), None)


class InspectedH5(Inspected):
    suffix = ".h5"
    change = staticmethod(mutations.damaged)


class InspectedWeights(InspectedH5):
    suffix = ".weights.h5"


class Keras(Inspected):
    """The same files, loaded by Keras: the classes of its refusals are its own."""

    errors = (Exception,)

    def read(self):
        try:
            self.keras.models.load_model(self.path(), compile=False)
        except (MemoryError, RecursionError, SystemError) as error:
            raise AssertionError(type(error).__name__) from error


class KerasH5(Keras):
    suffix = ".h5"
    change = staticmethod(mutations.damaged)


class KerasWeights(Keras):
    suffix = ".weights.h5"
    change = staticmethod(mutations.damaged)

    def read(self):
        self.model.load_weights(self.path())


KINDS = {
    "saved_model": SavedModels,
    "variables": Variables,
    "checkpoint": Checkpoint,
    "checkpoint_v1": OldCheckpoint,
    "objects": Objects,
    "records": Records,
    "records_gzip": GzipRecords,
    "records_zlib": ZlibRecords,
    "example": Examples,
    "events": Events,
    "graph": Graphs,
    "npz": Arrays,
    "safetensors": Tensors,
    "inspect_keras": Inspected,
    "inspect_h5": InspectedH5,
    "inspect_weights": InspectedWeights,
    "keras": Keras,
    "keras_h5": KerasH5,
    "keras_weights": KerasWeights,
}
