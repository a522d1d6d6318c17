"""What functions are by their types, and what XLA makes of them."""

import inspect

import pytest

import penstock as tf

kinds = tf.types.experimental


@tf.function
def product(x, y=2):
    return x * y


@tf.function(jit_compile=True)
def affine(x):
    return x * 2.0 + 1.0


def test_functions_are_of_the_kinds_that_they_are():
    trace = product.get_concrete_function(tf.TensorSpec([2]))

    assert isinstance(product, kinds.PolymorphicFunction)
    assert isinstance(product, kinds.Callable)
    assert isinstance(trace, kinds.ConcreteFunction)
    assert isinstance(trace, kinds.Callable)
    assert isinstance(trace.inference_fn, kinds.AtomicFunction)
    assert isinstance(tf.TensorSpec([]), kinds.TraceType)
    assert not isinstance(3, kinds.SupportsTracingProtocol)


def test_traces_know_the_types_of_their_arguments():
    trace = product.get_concrete_function(tf.TensorSpec([2], name="x"))

    found = trace.function_type

    assert isinstance(found, kinds.FunctionType)
    assert isinstance(found, inspect.Signature)
    assert found.parameters["x"].annotation == tf.TensorSpec([2], name="x")
    assert found.parameters["y"].annotation == 2
    assert list(product.function_type.parameters) == ["x", "y"]
    made = kinds.FunctionType.from_callable(lambda a, b=3, *, c: 0)
    assert str(made) == "(a, b=3, *, c)"


def test_graphs_are_called_with_other_captures():
    held = tf.constant([float(i) for i in range(100)])

    @tf.function
    def add(x):
        return x + held

    graph = add.get_concrete_function(tf.TensorSpec([])).inference_fn

    assert graph(tf.constant(1.0)).numpy()[1] == 2
    other = graph.call_with_captures([tf.constant(1.0)], {}, [tf.zeros([100])])
    assert other.numpy()[1] == 1
    with pytest.raises(ValueError, match="captures 1 tensors, got 0"):
        graph.call_with_captures([tf.constant(1.0)], {}, [])


class Fruit:
    def __init__(self, kind):
        self.kind = kind

    def __tf_tracing_type__(self, context):
        return FruitType(self.kind)


class FruitType(kinds.TraceType):
    def __init__(self, kind):
        self.kind = kind

    def is_subtype_of(self, other):
        return self == other

    def most_specific_common_supertype(self, others):
        return self if all(self == other for other in others) else None

    def placeholder_value(self, placeholder_context):
        return Fruit(self.kind)

    def __eq__(self, other):
        return isinstance(other, FruitType) and self.kind == other.kind

    def __hash__(self):
        return hash(self.kind)


def test_objects_tell_what_traces_are_to_know_of_them():
    traces = []

    @tf.function
    def kind_of(fruit):
        traces.append(fruit)
        return fruit.kind

    found = [kind_of(Fruit(kind)).numpy() for kind in ("pear", "pear", "fig")]

    assert found == [b"pear", b"pear", b"fig"]
    assert len(traces) == 2
    assert isinstance(Fruit("pear"), kinds.SupportsTracingProtocol)


def test_compiled_functions_show_what_xla_makes_of_them():
    tell = affine.experimental_get_compiler_ir(tf.constant([1.0, 2.0]))

    assert tell().startswith("HloModule")
    assert "multiply" in tell(stage="hlo")
    assert "fusion" in tell(stage="optimized_hlo")
    assert isinstance(tell(stage="hlo_serialized"), bytes)
    assert len(tell(stage="optimized_hlo_serialized")) > 0
    with pytest.raises(ValueError, match="Invalid stage selected: 'bad'"):
        tell(stage="bad")
    with pytest.raises(tf.errors.UnimplementedError, match="draws no graphs"):
        tell(stage="optimized_hlo_dot")


def test_specs_suffice_to_show_what_xla_makes_of_a_function():
    weight = tf.Variable([[1.0], [2.0]])

    @tf.function(jit_compile=True)
    def scale(x):
        return x @ weight

    assert "f32[3,2]" in scale.experimental_get_compiler_ir(tf.TensorSpec([3, 2]))()
    with pytest.raises(tf.errors.InvalidArgumentError, match="known shape"):
        scale.experimental_get_compiler_ir(tf.TensorSpec([None, 2]))()
    with pytest.raises(ValueError, match="jit_compile=True"):
        product.experimental_get_compiler_ir(tf.constant(1.0))
