"""Extension types as arguments and results of saved functions."""

import subprocess
import sys
import textwrap

import pytest

import penstock as tf
from penstock.core import type_spec_registry
from penstock.core.errors import UnimplementedError
from penstock.runtime.extension_type import AnonymousExtensionType
from penstock.saved_model import structured_value


class Scaled(tf.experimental.ExtensionType):
    __name__ = "tests.saved_model.Scaled"
    values: tf.Tensor
    factor: int


SPEC = Scaled.Spec(tf.TensorSpec([None], tf.int32), 3)


class Model(tf.Module):
    @tf.function(input_signature=[SPEC])
    def run(self, x):
        return Scaled(x.values * x.factor, x.factor)


def test_saved_functions_take_and_give_values(tmp_path):
    tf.saved_model.save(Model(), str(tmp_path))

    loaded = tf.saved_model.load(str(tmp_path))
    result = loaded.run(Scaled([1, 2], 3))

    assert isinstance(result, Scaled)
    assert result.values.numpy().tolist() == [3, 6]


def test_programs_without_the_class_get_values_without_one(tmp_path):
    tf.saved_model.save(Model(), str(tmp_path))
    program = f"""
        import warnings
        import penstock as tf
        from penstock.runtime.extension_type import AnonymousExtensionType

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loaded = tf.saved_model.load({str(tmp_path)!r})
        result = loaded.run(AnonymousExtensionType(values=tf.constant([1, 2]), factor=3))
        print(type(result).__name__, result.values.numpy().tolist(), caught[0].message)
    """

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith("AnonymousExtensionType [3, 6] The type")
    assert "tests.saved_model.Scaled.Spec" in done.stdout


def test_specs_are_written_as_tensorflow_writes_them():
    message = structured_value.encode(SPEC)

    spec = message.type_spec_value
    assert spec.type_spec_class == spec.EXTENSION_TYPE_SPEC
    assert spec.type_spec_class_name == "tests.saved_model.Scaled.Spec"
    assert spec.num_flat_components == 1
    assert structured_value.decode(message) == SPEC
    assert type_spec_registry.lookup(spec.type_spec_class_name) is Scaled.Spec


def test_types_without_a_name_cannot_be_written():
    class Nameless(tf.experimental.ExtensionType):
        values: tf.Tensor

    with pytest.raises(UnimplementedError, match="__name__"):
        structured_value.encode(Nameless([1])._type_spec)
    assert structured_value.can_encode(AnonymousExtensionType(a=1)._type_spec)
