"""Extension types: fields, specs, and their way through functions, loops and datasets."""

import copy
import typing

import numpy as np
import pytest

import penstock as tf
from penstock.core import type_spec_registry
from penstock.core.immutable_dict import ImmutableDict
from penstock.runtime.extension_type import (
    AnonymousExtensionType,
    AnonymousExtensionTypeSpec,
    reinterpret,
)

ExtensionType = tf.experimental.ExtensionType
BatchableExtensionType = tf.experimental.BatchableExtensionType


class Masked(BatchableExtensionType):
    values: tf.Tensor
    mask: tf.Tensor
    note: str = "x"

    def __validate__(self):
        self.values.shape.assert_is_compatible_with(self.mask.shape)


class Parts(ExtensionType):
    sizes: tuple[int, ...]
    tags: typing.Mapping[str, tf.Tensor]
    choice: int | tf.Tensor | None
    shape: tf.TensorShape
    dtype: tf.DType
    inner: "Masked"
    ragged: typing.Optional[tf.RaggedTensor] = None  # noqa: UP045  (users write both)


INTS = tf.TensorSpec([None], tf.int32)
BOOLS = tf.TensorSpec([None], tf.bool)


def masked(values=(1, 2), mask=(True, False)):
    return Masked(tf.constant(values), tf.constant(mask))


def lists(value):
    return value.values.numpy().tolist(), value.mask.numpy().tolist()


# -- fields ---------------------------------------------------------------------------------


def test_values_are_converted_to_their_annotations():
    value = Parts([1, 2], {"u": [1, 2]}, None, [1, None], "int32", masked())

    assert value.sizes == (1, 2)
    assert isinstance(value.tags, ImmutableDict)
    assert value.tags["u"].numpy().tolist() == [1, 2]
    assert value.choice is None
    assert value.shape.as_list() == [1, None]
    assert value.dtype is tf.int32
    assert value.ragged is None


def test_the_first_fitting_kind_of_a_union_is_taken():
    def parts(choice):
        return Parts([], {}, choice, [], tf.int32, masked()).choice

    assert parts(3) == 3
    assert parts("text").dtype is tf.string


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Masked([1, 2]), "missing a required argument: 'mask'"),
        (lambda: Masked([1], [True], 3), "note: expected 'str', got 'int'"),
        (lambda: Masked("a", object()), "mask: expected a Tensor, got 'object'"),
        (
            lambda: Parts([1, "a"], {}, None, [], tf.int32, masked()),
            r"sizes\[1\]: expected 'int', got 'str'",
        ),
        (
            lambda: Parts([1], {3: 1}, None, [], tf.int32, masked()),
            r"tags\[<key>\]: expected 'str', got 'int'",
        ),
        (
            lambda: Parts([1], {}, None, [], tf.int32, 3),
            "inner: expected 'Masked', got 'int'",
        ),
        (lambda: Parts([1], {}, None, "a?", tf.int32, masked()), "shape: expected"),
    ],
)
def test_values_that_do_not_fit_are_refused(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_validation_sees_the_converted_fields():
    with pytest.raises(ValueError, match="incompatible"):
        Masked([1, 2], [True])


@pytest.mark.parametrize("name", ["values", "other"])
def test_values_cannot_be_changed(name):
    value = masked()

    with pytest.raises(AttributeError, match=f"Cannot mutate attribute `{name}`"):
        setattr(value, name, 3)
    with pytest.raises(AttributeError, match=f"Cannot mutate attribute `{name}`"):
        delattr(value, name)


def test_keras_can_hang_its_mask_on_a_value():
    value = masked()
    value._keras_mask = 3

    assert value._keras_mask == 3


def test_own_constructors_set_fields_and_are_checked_afterwards():
    class Line(ExtensionType):
        start: tf.Tensor
        end: tf.Tensor

        def __init__(self, length):
            self.start = [0.0]
            self.end = [length]

    class Short(Line):
        def __init__(self):
            super().__init__(1.0)

    class Broken(Line):
        def __init__(self):
            self.start = [0.0]

    assert Line(3.0).end.numpy() == [3.0]
    assert Short().end.numpy() == [1.0]
    with pytest.raises(ValueError, match=r"Missing required fields: \{'end'\}"):
        Broken()


def test_defaults_make_what_follows_keyword_only():
    class Some(ExtensionType):
        a: int
        b: int = 2
        c: int

    assert Some(1, c=3).b == 2
    with pytest.raises(TypeError, match="too many positional"):
        Some(1, 2, 3)


def test_the_base_class_has_no_objects():
    with pytest.raises(AssertionError, match="abstract base class"):
        ExtensionType()


def test_annotations_of_other_kinds_are_refused():
    with pytest.raises(TypeError, match="In field 'a': Unsupported type annotation 'list'"):

        class Listed(ExtensionType):
            a: list

    with pytest.raises(TypeError, match="Mapping had a key 'Tensor'"):

        class Keyed(ExtensionType):
            a: typing.Mapping[tf.Tensor, int]

    with pytest.raises(TypeError, match="default value for a: expected 'int', got 'str'"):

        class Defaulted(ExtensionType):
            a: int = "x"


def test_bodies_of_other_kinds_are_refused():
    with pytest.raises(ValueError, match="Field a is missing a type annotation"):

        class Bare(ExtensionType):
            a = 3

    with pytest.raises(ValueError, match="Field 'Spec' is reserved"):

        class Reserved(ExtensionType):
            Spec: int

    with pytest.raises(ValueError, match=r"must be directly subclassed from tf\.TypeSpec"):

        class Specced(ExtensionType):
            a: int

            class Spec(tf.experimental.ExtensionTypeSpec):
                pass

    with pytest.raises(ValueError, match="only be defined for BatchableExtensionType"):

        class Encoded(ExtensionType):
            a: int
            __batch_encoder__ = tf.experimental.ExtensionTypeBatchEncoder()


def test_a_value_shows_its_fields():
    class Pair(ExtensionType):
        a: int
        b: typing.Mapping[str, int]

    assert repr(Pair(1, {"k": 2})).endswith(".Pair(a=1, b=ImmutableDict({'k': 2}))")


def test_fields_come_out_as_a_dict():
    value = masked()

    fields = tf.experimental.extension_type.as_dict(value)

    assert list(fields) == ["values", "mask", "note"]
    assert fields["values"] is value.values


def test_equality_compares_all_tensors():
    assert bool(masked() == masked())
    assert not bool(masked() == masked([1, 3]))
    assert bool(masked() != masked([1, 3]))
    assert (masked() == masked([1, 2, 3], [True] * 3)) is False
    assert (masked() == 3) is False
    with pytest.raises(TypeError, match="unhashable"):
        hash(masked())


# -- specs ----------------------------------------------------------------------------------


def test_a_spec_has_the_fields_with_specs_for_tensors():
    spec = Parts([1], {"u": [1, 2]}, None, [3], tf.int32, masked())._type_spec

    assert isinstance(spec, Parts.Spec)
    assert spec.value_type is Parts
    assert spec.tags["u"] == tf.TensorSpec([2], tf.int32)
    assert spec.inner == Masked.Spec(
        tf.TensorSpec([2], tf.int32), tf.TensorSpec([2], tf.bool), "x"
    )
    assert repr(spec.inner) == (
        "Masked.Spec(values=TensorSpec(shape=(2,), dtype=tf.int32, name=None), "
        "mask=TensorSpec(shape=(2,), dtype=tf.bool, name=None), note='x')"
    )


def test_specs_take_specs():
    with pytest.raises(TypeError, match="values: expected a TensorSpec, got 'int'"):
        Masked.Spec(1, 2, "x")
    with pytest.raises(TypeError, match="missing a required argument: 'mask'"):
        Masked.Spec(INTS)


def test_specs_are_compared_and_merged():
    spec = masked()._type_spec
    wider = Masked.Spec(INTS, BOOLS, "x")

    assert hash(spec) == hash(masked()._type_spec)
    assert spec.is_subtype_of(wider)
    assert not wider.is_subtype_of(spec)
    longer = masked([1, 2, 3], [True] * 3)._type_spec
    assert spec.most_specific_common_supertype([longer]) == wider
    assert not spec.is_compatible_with(Masked([1, 2], [True, True], "y"))
    assert copy.deepcopy(spec) == spec


def test_specs_may_have_members_of_their_own():
    class Vector(ExtensionType):
        values: tf.Tensor

        class Spec:
            @property
            def length(self):
                return self.values.shape[0]

    assert Vector([1, 2, 3])._type_spec.length == 3


def test_nests_expand_values_where_they_are_asked_to():
    value = Parts([1], {"u": [1, 2]}, 3, [3], tf.int32, masked())

    flat = tf.nest.flatten(value, expand_composites=True)
    doubled = tf.nest.map_structure(
        lambda x: x if x.dtype is tf.bool else x * 2, value, expand_composites=True
    )

    assert [part.numpy().tolist() for part in flat] == [[1, 2], [1, 2], [True, False]]
    assert tf.nest.flatten(value) == [value]
    assert doubled.inner.values.numpy().tolist() == [2, 4]
    assert doubled.choice == 3


def test_named_types_are_registered():
    class Named(ExtensionType):
        __name__ = "tests.Named"
        a: tf.Tensor

    assert type_spec_registry.get_name(Named.Spec) == "tests.Named.Spec"
    assert type_spec_registry.lookup("tests.Named.Spec") is Named.Spec
    assert type_spec_registry.get_name(tf.TensorSpec) == "tf.TensorSpec"
    with pytest.raises(ValueError, match=r"No TypeSpec has been registered with name 'a\.b'"):
        type_spec_registry.lookup("a.b")
    with pytest.raises(ValueError, match="has not been registered"):
        type_spec_registry.get_name(Masked.Spec)
    with pytest.raises(ValueError, match="must have the form"):
        type_spec_registry.register("alone")
    with pytest.raises(ValueError, match="already been registered"):
        type_spec_registry.register("tests.Named.Spec")(Masked.Spec)


def test_values_become_values_of_another_type_of_the_same_fields():
    class Other(ExtensionType):
        values: tf.Tensor
        mask: tf.Tensor
        note: str

    anonymous = reinterpret(masked(), AnonymousExtensionType)

    assert isinstance(anonymous._type_spec, AnonymousExtensionTypeSpec)
    assert repr(anonymous).startswith("AnonymousExtensionType(values=<tf.Tensor")
    assert lists(reinterpret(anonymous, Other)) == ([1, 2], [True, False])
    with pytest.raises(AttributeError, match="immutable"):
        anonymous.values = 3
    with pytest.raises(ValueError, match=r"subclass of tf\.ExtensionType"):
        reinterpret(masked(), int)


# -- functions and control flow ---------------------------------------------------------------


def test_functions_take_and_give_values_and_trace_by_spec():
    traces = []

    @tf.function
    def invert(x):
        traces.append(x)
        return Masked(x.values * 2, tf.logical_not(x.mask), x.note), x.values

    out, values = invert(masked())
    invert(masked([5, 6]))

    assert lists(out) == ([2, 4], [False, True])
    assert values.numpy().tolist() == [1, 2]
    assert len(traces) == 1
    invert(Masked([1, 2], [True, True], "y"))
    assert len(traces) == 2


def test_signatures_hold_specs():
    @tf.function(input_signature=[Masked.Spec(INTS, BOOLS, "x")])
    def double(x):
        return Masked(x.values * 2, x.mask)

    assert lists(double(masked([1, 2, 3], [True] * 3))) == ([2, 4, 6], [True] * 3)
    with pytest.raises(TypeError, match="input_signature"):
        double(Masked([1.0], [True]))


@pytest.mark.parametrize("flag", [True, False])
def test_branches_give_values(flag):
    @tf.function
    def choose(x, flag):
        return tf.cond(flag, lambda: x, lambda: Masked(x.values * 10, x.mask))

    assert lists(choose(masked(), tf.constant(flag)))[0] == ([1, 2] if flag else [10, 20])


def test_loops_carry_values():
    @tf.function
    def count(x):
        return tf.while_loop(
            lambda i, x: i < 3,
            lambda i, x: (i + 1, Masked(x.values + 1, x.mask)),
            [tf.constant(0), x],
        )

    _, out = count(masked())

    assert lists(out) == ([4, 5], [True, False])


def test_loops_grow_values_within_invariants():
    @tf.function
    def grow(x):
        def twice(part):
            return tf.concat([part, part], 0)

        return tf.while_loop(
            lambda i, x: i < 2,
            lambda i, x: (i + 1, Masked(twice(x.values), twice(x.mask))),
            [tf.constant(0), x],
            shape_invariants=[tf.TensorShape([]), Masked.Spec(INTS, BOOLS, "x")],
        )

    assert lists(grow(masked())[1])[0] == [1, 2] * 4


def test_python_control_flow_over_tensors_carries_values():
    @tf.function
    def run(x):
        for _ in tf.range(3):
            x = Masked(x.values * 2, x.mask)
        if tf.reduce_sum(x.values) > 3:
            x = Masked(-x.values, x.mask)
        return x

    @tf.function
    def early(x):
        if tf.reduce_sum(x.values) > 100:
            return Masked(-x.values, x.mask)
        return x

    assert lists(run(masked())) == ([-8, -16], [True, False])
    assert lists(early(masked())) == ([1, 2], [True, False])
    assert lists(early(masked([90, 20])))[0] == [-90, -20]


def test_gradients_reach_the_tensors_of_values():
    x = tf.constant([1.0, 2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = Masked(x * x, [True, False])
        y = tf.reduce_sum(value.values)

    assert tape.gradient(y, x).numpy().tolist() == [2.0, 4.0]


# -- batches ----------------------------------------------------------------------------------

ROWS = ([[1, 2], [3, 4], [5, 6]], [[True, False]] * 3)


def test_map_fn_takes_and_gives_values():
    rows = Masked(*ROWS)

    flipped = tf.map_fn(lambda x: Masked(x.values * 2, tf.logical_not(x.mask)), rows)
    sums = tf.map_fn(lambda x: tf.reduce_sum(x.values), rows, fn_output_signature=tf.int32)
    made = tf.map_fn(
        lambda x: Masked([x, x], [True, False]),
        tf.constant([1, 2]),
        fn_output_signature=Masked.Spec(
            tf.TensorSpec([2], tf.int32), tf.TensorSpec([2], tf.bool), "x"
        ),
    )

    assert lists(flipped) == ([[2, 4], [6, 8], [10, 12]], [[False, True]] * 3)
    assert sums.numpy().tolist() == [3, 7, 11]
    assert lists(made) == ([[1, 1], [2, 2]], [[True, False]] * 2)


def test_datasets_slice_map_batch_and_unbatch_values():
    rows = tf.data.Dataset.from_tensor_slices(Masked(*ROWS))

    assert rows.element_spec == Masked.Spec(
        tf.TensorSpec([2], tf.int32), tf.TensorSpec([2], tf.bool), "x"
    )
    batches = rows.map(lambda x: Masked(x.values + 1, x.mask)).batch(2)
    assert batches.element_spec.values == tf.TensorSpec([None, 2], tf.int32)
    assert [lists(batch)[0] for batch in batches] == [[[2, 3], [4, 5]], [[6, 7]]]
    assert [lists(row)[0] for row in batches.unbatch()] == [[2, 3], [4, 5], [6, 7]]
    assert [lists(row)[0] for row in rows.filter(lambda x: x.values[0] > 4)] == [[5, 6]]
    assert rows.reduce(0, lambda s, x: s + tf.reduce_sum(x.values)).numpy() == 21


def test_ragged_tensors_shapes_and_mappings_within_values_are_batched():
    class Rows(BatchableExtensionType):
        ragged: tf.RaggedTensor
        shape: tf.TensorShape
        named: typing.Mapping[str, tf.Tensor]
        count: int = 3

    rows = Rows(tf.ragged.constant([[1, 2], [3]]), [2, None], {"a": [1, 2]})

    dataset = tf.data.Dataset.from_tensor_slices(rows)

    assert dataset.element_spec.shape.as_list() == [None]
    assert dataset.element_spec.named["a"] == tf.TensorSpec([], tf.int32)
    (batch,) = dataset.batch(2)
    assert batch.ragged.to_list() == [[1, 2], [3]]
    assert batch.named["a"].numpy().tolist() == [1, 2]
    assert batch.count == 3
    assert [row.named["a"].numpy() for row in dataset.batch(2).unbatch()] == [1, 2]


def test_values_that_are_not_batchable_are_not_batched():
    class Plain(ExtensionType):
        a: tf.Tensor

    dataset = tf.data.Dataset.from_tensors(Plain([1]))

    assert next(iter(dataset)).a.numpy().tolist() == [1]
    with pytest.raises(tf.errors.UnimplementedError, match="batch"):
        list(dataset.batch(2))


class NetworkEncoder(tf.experimental.ExtensionTypeBatchEncoder):
    """Keeps a flag beside the tensor: whether it is a batch."""

    def batch(self, spec, batch_size):
        return Network.Spec(tf.TensorSpec([batch_size, *spec.work.shape], tf.float32), True)

    def unbatch(self, spec):
        return Network.Spec(tf.TensorSpec(spec.work.shape[1:], tf.float32), False)

    def encode(self, spec, value, minimum_rank=0):
        return value.work + 1.0

    def decode(self, spec, encoded_value):
        return Network(encoded_value - 1.0, spec.is_batch)

    def encoding_specs(self, spec):
        return spec.work


class Network(BatchableExtensionType):
    work: tf.Tensor
    is_batch: bool
    __batch_encoder__ = NetworkEncoder()


def test_own_encoders_decide_what_is_stacked():
    dataset = tf.data.Dataset.from_tensors(Network([1.0, 2.0], False)).repeat(2)

    (batch,) = dataset.batch(2)

    assert batch.is_batch
    np.testing.assert_array_equal(batch.work, [[1, 2], [1, 2]])
    (row,) = tf.data.Dataset.from_tensor_slices(Network([[3.0]], True))
    assert not row.is_batch
    assert row.work.numpy().tolist() == [3.0]
