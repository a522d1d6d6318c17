"""Programs about how often functions are traced and what their signatures are."""

from __future__ import annotations


def _counted(tf, **options):
    log = []

    @tf.function(**options)
    def f(*args, **kwargs):
        log.append(1)
        return args[0]

    return f, log


def same_dtype_and_shape_share_a_trace(tf):
    f, log = _counted(tf)
    for v in (1, 2, 3):
        f(tf.constant(v))
    a = len(log)
    f(tf.constant(1.0))
    f(tf.constant([1]))
    return [a, len(log)]


def python_values_make_traces(tf):
    f, log = _counted(tf)
    f(tf.constant(1), 1)
    f(tf.constant(1), 2)
    f(tf.constant(1), 1)
    f(tf.constant(1), "a")
    f(tf.constant(1), None)
    return len(log)


def input_signature_shares_one_trace(tf):
    log = []

    @tf.function(
        input_signature=[tf.TensorSpec([None, 2], tf.float32), tf.TensorSpec([], tf.int32)]
    )
    def f(x, n):
        log.append(1)
        return x * tf.cast(n, tf.float32)

    a = f(tf.ones([1, 2]), tf.constant(2))
    b = f(tf.ones([3, 2]), 3)
    c = f([[1.0, 2.0]], 4)
    return [a, b, c, len(log)]


def input_signature_of_structures(tf):
    spec = {"a": tf.TensorSpec([None], tf.float32), "b": (tf.TensorSpec([], tf.int32),)}

    @tf.function(input_signature=[spec])
    def f(d):
        return tf.reduce_sum(d["a"]) * tf.cast(d["b"][0], tf.float32)

    return [f({"a": tf.ones([n]), "b": (tf.constant(2),)}) for n in (1, 4)]


def input_signature_of_ragged_and_sparse(tf):
    log = []

    @tf.function(
        input_signature=[
            tf.RaggedTensorSpec([None, None], tf.int32),
            tf.SparseTensorSpec([None, 3], tf.int32),
        ]
    )
    def f(r, s):
        log.append(1)
        return tf.reduce_sum(r, 1), tf.sparse.to_dense(s) + 1

    a = f(tf.ragged.constant([[1, 2], [3]]), tf.sparse.from_dense([[1, 0, 2]]))
    b = f(tf.ragged.constant([[4]]), tf.sparse.from_dense([[0, 0, 2], [1, 0, 0]]))
    return [a, b, len(log)]


def composite_arguments(tf):
    log = []

    @tf.function
    def f(r, s, i):
        log.append(1)
        return r + 1, tf.sparse.to_dense(s), tf.convert_to_tensor(i)

    for k in (1, 2):
        out = f(
            tf.ragged.constant([[1, k], [3]]),
            tf.sparse.from_dense([[k, 0]]),
            tf.IndexedSlices(tf.ones([1, 2]) * float(k), tf.constant([1]), tf.constant([3, 2])),
        )
    return [out, len(log)]


def reduce_retracing_relaxes_shapes(tf):
    f, log = _counted(tf, reduce_retracing=True)
    for n in range(1, 8):
        f(tf.ones([n]))
    return len(log)


def concrete_function_is_reused(tf):
    log = []

    @tf.function
    def f(x, k=2):
        log.append(1)
        return x * k

    c = f.get_concrete_function(tf.TensorSpec([None], tf.float32))
    d = f.get_concrete_function(tf.TensorSpec([None], tf.float32))
    return [c(tf.ones([2])), c(tf.ones([3])), c is d, len(log), c(x=tf.ones([1]))]


def concrete_function_signature(tf):
    @tf.function
    def f(x, y):
        return {"sum": x + y, "pair": (x, y)}

    c = f.get_concrete_function(
        tf.TensorSpec([None, 3], tf.float32, name="a"), tf.TensorSpec([], tf.float32)
    )
    args, kwargs = c.structured_input_signature
    out = c.structured_outputs
    return [
        [args[0].shape, args[0].dtype.name, args[0].name, args[1].name],
        sorted(kwargs),
        sorted(out),
        out["sum"].shape,
        len(c.inputs),
        len(c.outputs),
    ]


def pretty_printed_signature(tf):
    @tf.function
    def f(x, flag, *, k=3):
        return x * k

    c = f.get_concrete_function(tf.TensorSpec([None], tf.float32), True)
    return [
        c.pretty_printed_signature(False),
        c.pretty_printed_signature().split("Captures")[0],
    ]


def keyword_and_positional_calls_share_a_trace(tf):
    log = []

    @tf.function
    def f(x, y=1):
        log.append(1)
        return x + y

    x = tf.constant(1)
    f(x)
    f(x, 1)
    f(x, y=1)
    f(x=x, y=1)
    f(y=1, x=x)
    return len(log)


def numpy_arrays_are_tensors(tf):
    import numpy as np

    f, log = _counted(tf)
    a = f(np.ones([2], np.float32))
    b = f(tf.ones([2]))
    c = f(np.float32(1.0))
    return [a, b, c, len(log)]


def nested_arguments_by_structure(tf):
    log = []

    @tf.function
    def f(d):
        log.append(1)
        return d["a"][0] + d["b"]

    one = tf.constant(1)
    f({"a": [one], "b": one})
    f({"b": one, "a": [one]})
    f({"a": (one,), "b": one})
    return len(log)


def variables_as_arguments(tf):
    log = []

    @tf.function
    def f(v):
        log.append(1)
        v.assign_add(1.0)
        return v * 2.0

    a, b = tf.Variable(1.0), tf.Variable(5.0)
    return [f(a), f(b), f(a), a, b, len(log) <= 2]


def objects_as_arguments(tf):
    log = []

    class Config:
        def __init__(self, k):
            self.k = k

    @tf.function
    def f(x, c):
        log.append(1)
        return x * c.k

    c, d = Config(2), Config(3)
    x = tf.constant(1)
    return [f(x, c), f(x, d), f(x, c), len(log)]


def mutated_attribute_is_not_seen(tf):
    class Config:
        k = 2

    c = Config()

    @tf.function
    def f(x):
        return x * c.k

    a = f(tf.constant(1))
    c.k = 50
    return [a, f(tf.constant(1)), f(tf.constant([1]))]


def run_eagerly(tf):
    log = []

    @tf.function
    def f(x):
        log.append(1)
        return x + 1

    tf.config.run_functions_eagerly(True)
    try:
        f(tf.constant(1))
        f(tf.constant(1))
        state = tf.config.functions_run_eagerly()
    finally:
        tf.config.run_functions_eagerly(False)
    return [len(log), state]


def functions_of_methods_per_instance(tf):
    log = []

    class Model:
        def __init__(self, k):
            self.k = k

        @tf.function
        def f(self, x):
            log.append(self.k)
            return x * self.k

    a, b = Model(2), Model(3)
    x = tf.constant(1)
    out = [a.f(x), b.f(x), a.f(x)]
    return [out, log]


def tracing_count(tf):
    @tf.function
    def f(x):
        return x

    f(tf.constant(1))
    f(tf.constant(2))
    f(tf.constant(1.0))
    return f.experimental_get_tracing_count()


def default_tensor_arguments(tf):
    @tf.function
    def f(x, y=tf.constant(5)):
        return x + y

    return [f(tf.constant(1)), f(tf.constant(1), tf.constant(2))]


def concrete_functions_of_methods(tf):
    class Model(tf.Module):
        def __init__(self):
            self.w = tf.Variable(3.0)

        @tf.function
        def f(self, x):
            return x * self.w

    m = Model()
    c = m.f.get_concrete_function(tf.TensorSpec([], tf.float32))
    a = c(tf.constant(2.0))
    m.w.assign(5.0)
    return [a, c(tf.constant(2.0)), len(c.captured_inputs), len(c.variables)]


def wrapped_and_named(tf):
    @tf.function
    def scale(x):
        """Docs."""
        return x

    return [scale.__name__, scale.__doc__, scale.python_function.__name__, callable(scale)]


def function_of_a_function(tf):
    log = []

    @tf.function
    def g(x):
        log.append("g")
        return x + 1

    @tf.function
    def f(x):
        log.append("f")
        return g(x) + g(x)

    return [f(tf.constant(1)), f(tf.constant(2)), log.count("f")]


def empty_arguments_and_results(tf):
    v = tf.Variable(1)

    @tf.function
    def f():
        v.assign_add(1)

    f()
    return [
        f(),
        v,
        tf.function(lambda: ())(),
        tf.function(lambda: {"a": None, "b": [1, 2.5, True]})(),
    ]


def results_of_many_kinds(tf):
    import numpy as np

    @tf.function
    def f(x):
        return {
            "t": x,
            "n": np.arange(3),
            "l": [1, (2.0, "three")],
            "r": tf.RaggedTensor.from_row_lengths(x, [1, 2]),
            "none": None,
            "shape": x.shape,
        }

    return f(tf.constant([1, 2, 3]))
