"""`import tensorflow` answered by penstock, each time in a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def run(program, **environment):
    """Run a program in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()


def test_tensorflow_and_what_is_below_it_is_penstock():
    printed = run(
        """
        import importlib.util
        import penstock
        penstock.install_as_tensorflow()
        penstock.install_as_tensorflow()
        import tensorflow as tf
        import tensorflow.compat.v1 as v1
        import tensorflow.math
        from tensorflow.compiler.tf2xla.python.xla import dynamic_update_slice
        from tensorflow.experimental import dtensor
        from tensorflow.python.eager import context
        from tensorflow.python.framework.config import is_op_determinism_enabled
        from tensorflow.python.framework.ops import Tensor
        from tensorflow.python.ops.linalg.sparse import sparse_csr_matrix_ops
        from tensorflow.python.ops.math_ops import is_nan
        from tensorflow.python.trackable.data_structures import ListWrapper, _DictWrapper

        assert tf.add is penstock.add
        assert tf.math.add is penstock.math.add is tensorflow.math.add
        assert Tensor is penstock.Tensor
        assert v1.Dimension is penstock.compat.v1.Dimension
        assert not is_op_determinism_enabled()
        assert context.context().executing_eagerly()
        assert importlib.util.find_spec("tensorflow") is not None
        assert importlib.util.find_spec("tensorflow.nothing_like_that") is None
        print(tf.__version__, tf.version.VERSION)
        print([c.__module__ for c in type(tf.constant(1)).__mro__ if c.__name__ == "Tensor"])
        print(dynamic_update_slice([1, 2, 3], [9], [1]).numpy().tolist())
        """
    )

    assert printed == [
        "2.21.0 2.21.0",
        "['tensorflow.python.framework.tensor']",
        "[1, 9, 3]",
    ]


def test_a_missing_name_is_named_and_can_be_probed():
    printed = run(
        """
        import penstock
        penstock.install_as_tensorflow()
        import tensorflow as tf
        print(hasattr(tf, "no_such_thing"), getattr(tf, "no_such_thing", 3))
        try:
            tf.no_such_thing
        except tf.errors.UnimplementedError as error:
            print(error)
        try:
            tf.raw_ops.CudnnRNNV3(input=1)
        except tf.errors.NotFoundError as error:
            print(error)
        try:
            from tensorflow import no_such_thing
        except ImportError as error:
            print("ImportError")
        """
    )

    assert printed == [
        "False 3",
        "tf.no_such_thing is not implemented",
        "op CudnnRNNV3 needs a kernel of cuDNN, and XLA has none",
        "ImportError",
    ]


def test_real_tensorflow_in_the_same_process_is_refused(tmp_path):
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text("__version__ = '2.21.0'\n")

    printed = run(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import tensorflow
        import penstock
        try:
            penstock.install_as_tensorflow()
        except RuntimeError as error:
            print(error)
        """
    )

    assert len(printed) == 1
    assert printed[0].startswith(
        "penstock must be installed as tensorflow before tensorflow is"
    )


def test_an_installed_tensorflow_that_is_not_imported_yet_stays_aside(tmp_path):
    package = tmp_path / "tensorflow"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError\n")

    run(
        f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        import penstock
        penstock.install_as_tensorflow()
        import tensorflow
        assert tensorflow.add is penstock.add
        """
    )


def test_keras_comes_with_penstock_and_is_the_same_as_keras():
    printed = run(
        """
        import os
        import penstock as tf
        layer = tf.keras.layers.Dense(3)
        import keras
        import penstock.keras.layers
        from tensorflow.keras.models import Sequential
        assert tf.keras.layers.Dense is keras.layers.Dense is penstock.keras.layers.Dense
        assert tf.keras.Model is keras.Model
        assert Sequential is keras.Sequential
        assert tf.keras.backend.clip is not None
        print(keras.config.backend(), os.environ["KERAS_BACKEND"], tf.keras.__name__)
        print(tuple(layer(tf.ones((2, 4))).shape))
        """,
        KERAS_BACKEND="jax",
    )

    assert printed == ["tensorflow tensorflow penstock.keras", "(2, 3)"]


def test_keras_on_another_backend_is_refused():
    printed = run(
        """
        import keras
        import penstock as tf
        try:
            tf.keras
        except RuntimeError as error:
            print(error)
        """,
        KERAS_BACKEND="numpy",
    )

    assert printed[0].startswith("penstock.keras needs Keras on its tensorflow backend")
    assert "'numpy'" in printed[0]


@pytest.mark.parametrize("name", ["RaggedTensor", "SparseTensor"])
def test_classes_that_keras_tests_for_are_there(name):
    printed = run(
        f"""
        import penstock
        penstock.install_as_tensorflow()
        import tensorflow as tf
        print(isinstance(tf.constant(1), tf.{name}))
        """
    )

    assert printed == ["False"]
