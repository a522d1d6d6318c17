"""Specs. Expected values: TensorFlow 2.21."""

import pickle

import numpy as np
import pytest

from penstock.core import dtypes, type_spec
from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import BoundedTensorSpec, DenseSpec, TensorSpec, TypeSpec
from tests.core.composites import FakeTensor, OtherSpec, PairSpec, pair


@pytest.fixture(autouse=True)
def fake_tensors(monkeypatch):
    """Let `FakeTensor` be the class of tensors during a test."""
    monkeypatch.setattr(TensorSpec, "_tensor_class", FakeTensor)
    monkeypatch.setattr(
        type_spec, "_CONVERTERS", [(FakeTensor, TensorSpec.from_tensor), *type_spec._CONVERTERS]
    )


def test_a_spec_shows_itself_as_in_tensorflow():
    assert (
        repr(TensorSpec([2, None], "int32", name="x"))
        == "TensorSpec(shape=(2, None), dtype=tf.int32, name='x')"
    )
    assert str(TensorSpec(None)) == "TensorSpec(shape=<unknown>, dtype=tf.float32, name=None)"
    assert repr(PairSpec([2], "int32")) == "PairSpec(TensorShape([2]), tf.int32, 't')"
    assert repr(BoundedTensorSpec([2], "float32", 0, 1)) == (
        "BoundedTensorSpec(shape=(2,), dtype=tf.float32, name=None, "
        "minimum=array(0., dtype=float32), maximum=array(1., dtype=float32))"
    )


def test_equal_specs_have_equal_hashes():
    named, other = TensorSpec([2], name="a"), TensorSpec([2], name="b")

    assert TensorSpec([2]) == TensorSpec((2,))
    assert named != other
    assert hash(named) == hash(other) == hash(TensorSpec([2]))
    assert TensorSpec([2]) != TensorSpec([3])
    assert TensorSpec([2]) != [2]
    assert TensorSpec([2]) != DenseSpecOfText([2])
    assert PairSpec([2], "int8") == PairSpec([2], "int8")
    assert hash(PairSpec([2], "int8")) == hash(PairSpec([2], "int8"))
    assert PairSpec([2], "int8") != PairSpec([2], "int8", "u")
    assert PairSpec([2], "int8") != OtherSpec([2], "int8")


class DenseSpecOfText(DenseSpec):
    """A dense spec of values that are text."""

    @property
    def value_type(self):
        return str

    def _to_components(self, value):
        return value

    def _from_components(self, components):
        return components


def test_compatibility_looks_both_ways():
    some, two = TensorSpec([None]), TensorSpec([2])

    assert some.is_compatible_with(two)
    assert two.is_compatible_with(some)
    assert not two.is_compatible_with(TensorSpec([2], "int32"))
    assert BoundedTensorSpec([2], "float32", 0, 1).is_compatible_with(two)


def test_a_tensor_spec_is_compatible_with_tensors_only():
    two = TensorSpec([2])

    assert two.is_compatible_with(FakeTensor([1.0, 2.0], np.float32))
    assert not two.is_compatible_with(FakeTensor([1, 2], np.int32))
    assert not two.is_compatible_with(np.zeros(2, np.float32))
    assert not two.is_compatible_with([1.0, 2.0])
    assert not two.is_compatible_with("abc")


def test_the_order_of_tensor_specs():
    some, two = TensorSpec([None]), TensorSpec([2])

    assert two.is_subtype_of(some)
    assert not some.is_subtype_of(two)
    assert not two.is_subtype_of(TensorSpec([2], "int32"))
    assert not two.is_subtype_of(3)
    assert two.is_subtype_of(TensorSpec([2], name="a"))
    assert not TensorSpec([2], name="a").is_subtype_of(two)
    assert not TensorSpec([2], name="a").is_subtype_of(TensorSpec([2], name="b"))
    assert BoundedTensorSpec([2], "float32", 0, 1).is_subtype_of(some)


def test_the_narrowest_common_spec():
    two = TensorSpec([2])

    assert two.most_specific_common_supertype([TensorSpec([3])]) == TensorSpec([None])
    assert two.most_specific_common_supertype([TensorSpec([3], "int32")]) is None
    assert two.most_specific_common_supertype([3]) is None
    assert TensorSpec([2], name="a").most_specific_common_supertype([two]) is None
    assert TensorSpec([2], name="a").most_specific_common_supertype(
        [TensorSpec([3], name="a")]
    ) == TensorSpec([None], name="a")
    assert two.most_specific_compatible_type(TensorSpec([3])) == TensorSpec([None])
    with pytest.raises(ValueError, match="No TypeSpec is compatible with both"):
        two.most_specific_compatible_type(TensorSpec([3], "int32"))


def test_specs_are_made_from_tensors_and_specs():
    tensor = FakeTensor([1, 2], np.int32)

    assert TensorSpec.from_tensor(tensor) == TensorSpec([2], "int32")
    assert TensorSpec.from_tensor(tensor, "n") == TensorSpec([2], "int32", "n")
    assert TensorSpec.from_spec(TensorSpec([2], name="a")).name == "a"
    assert TensorSpec.from_spec(TensorSpec([2], name="a"), "b").name == "b"
    with pytest.raises(ValueError, match=r"should be a tf\.Tensor"):
        TensorSpec.from_tensor(3)


def test_a_tensor_is_its_own_component():
    spec, tensor = TensorSpec([2]), FakeTensor([1, 2], np.float32)

    assert spec._component_specs is spec
    assert spec._flat_tensor_specs == [spec]
    assert spec._to_tensor_list(tensor) == [tensor]
    assert spec._to_batched_tensor_list(tensor) == [tensor]
    assert spec._from_tensor_list([tensor]) is tensor
    assert spec.value_type is FakeTensor
    with pytest.raises(ValueError, match="is made of 1 tensors, got 2"):
        spec._from_tensor_list([tensor, tensor])
    with pytest.raises(ValueError, match="must be"):
        spec._from_tensor_list([FakeTensor([1], np.float32)])


def test_batching_adds_and_removes_the_first_axis():
    spec = TensorSpec([2], "int8", name="n")

    assert spec._batch(3) == TensorSpec([3, 2], "int8")
    assert spec._batch(None) == TensorSpec([None, 2], "int8")
    assert spec._unbatch() == TensorSpec([], "int8")
    with pytest.raises(ValueError, match="only supported for rank >= 1"):
        TensorSpec([])._unbatch()


@pytest.mark.parametrize(
    "spec",
    [
        TensorSpec([2, None], "int32", "q"),
        BoundedTensorSpec([2], "float32", 0, [1, 2]),
        PairSpec([2], "int8"),
    ],
    ids=lambda spec: type(spec).__name__,
)
def test_specs_survive_writing_down(spec):
    assert type(spec)._deserialize(spec._serialize()) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301  (our own bytes)


def test_bounds_are_arrays_of_the_dtype():
    spec = BoundedTensorSpec([2], "float32", 0, [1, 2], name="n")

    assert spec.minimum.dtype == np.float32
    np.testing.assert_array_equal(spec.maximum, [1, 2])
    assert spec == BoundedTensorSpec([2], "float32", 0, [1, 2], name="n")
    assert spec != BoundedTensorSpec([2], "float32", 0, [1, 3], name="n")
    assert hash(spec) == hash(BoundedTensorSpec([2], "float32", 0, [1, 2], name="n"))
    assert BoundedTensorSpec.from_spec(spec) == spec
    assert BoundedTensorSpec.from_spec(TensorSpec([2], "uint8")).maximum == 255
    with pytest.raises(ValueError, match="read-only"):
        spec.minimum[...] = 3


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        ([0, 0, 0], 1, "`minimum` .* is not compatible with shape"),
        (None, 1, "`minimum` can not be None"),
        (0, None, "`maximum` can not be None"),
    ],
)
def test_bounds_that_do_not_fit_are_refused(low, high, message):
    with pytest.raises(ValueError, match=message):
        BoundedTensorSpec([2], "float32", low, high)


def test_composites_compare_by_their_facts():
    some, two = PairSpec([None], "int8"), PairSpec([2], "int8")

    assert some.is_compatible_with(two)
    assert not two.is_compatible_with(PairSpec([3], "int8"))
    assert not two.is_compatible_with(OtherSpec([2], "int8"))
    assert two.is_subtype_of(some)
    assert not some.is_subtype_of(two)
    assert not two.is_subtype_of(PairSpec([None], "int8", "u"))
    assert two.most_specific_common_supertype([PairSpec([3], "int8")]) == some
    assert two.most_specific_common_supertype([PairSpec([3], "int16")]) is None
    assert two._with_tensor_ranks_only() == some
    assert PairSpec([2], "float32").is_compatible_with(pair([1.0, 2.0]))


def test_a_composite_is_taken_apart_and_built_again():
    value = pair([1.0, 2.0])
    spec = value._type_spec

    parts = spec._to_tensor_list(value)
    again = spec._from_tensor_list(parts)

    assert spec._flat_tensor_specs == [TensorSpec([2]), TensorSpec([], "int64")]
    assert (again.data, again.count) == (value.data, value.count)


def test_the_facts_may_be_nested():
    class Nested(PairSpec):
        def __init__(self, *facts):
            self.facts = facts

    low = Nested([TensorSpec([2])], {"a": (1, TensorShape([None]))}, np.zeros(2))
    high = Nested([TensorSpec([None])], {"a": (1, TensorShape(None))}, np.zeros(2))
    other = Nested([TensorSpec([None])], {"b": (1, TensorShape(None))}, np.zeros(2))

    assert low.is_subtype_of(high)
    assert not high.is_subtype_of(low)
    assert high.is_compatible_with(low)
    assert low.most_specific_common_supertype([high]) == high
    assert low.most_specific_common_supertype([other]) is None
    assert not low.is_compatible_with(other)
    assert hash(low) == hash(Nested(*low.facts))


def test_the_spec_of_a_value():
    value = pair([1.0])

    assert type_spec.type_spec_from_value(value) == PairSpec([1], "float32")
    assert type_spec.type_spec_from_value(FakeTensor([1], np.int8)) == TensorSpec([1], "int8")
    assert type_spec.type_spec_from_value(np.zeros(2)) == TensorSpec([2], "float64")
    with pytest.raises(TypeError, match="Could not build a TypeSpec"):
        type_spec.type_spec_from_value(np.zeros(2), use_fallback=False)
    with pytest.raises(TypeError, match="Could not build a TypeSpec"):
        type_spec.type_spec_from_value({"a": 1})


def test_higher_rooms_add_converters(monkeypatch):
    class Thing:
        pass

    class Special(Thing):
        pass

    monkeypatch.setattr(type_spec, "_CONVERTERS", [])
    monkeypatch.setattr(type_spec, "_FALLBACKS", [])
    of_thing, of_special = TensorSpec([1]), TensorSpec([2])
    type_spec.register_type_spec_from_value_converter(Thing, lambda _: of_thing)
    type_spec.register_type_spec_from_value_converter(Special, lambda _: of_special)
    type_spec.register_type_spec_from_value_converter(
        int, lambda _: TensorSpec([], dtypes.int32), allow_subclass=False
    )
    type_spec.register_type_spec_fallback(
        lambda value: TensorSpec([], dtypes.string) if isinstance(value, str) else None
    )

    assert type_spec.type_spec_from_value(Thing()) is of_thing
    assert type_spec.type_spec_from_value(Special()) is of_special
    assert type_spec.type_spec_from_value(3).dtype is dtypes.int32
    assert type_spec.type_spec_from_value("text").dtype is dtypes.string
    with pytest.raises(TypeError):
        type_spec.type_spec_from_value(True)


def test_a_spec_without_its_methods_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        TypeSpec()
