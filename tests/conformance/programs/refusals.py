"""Programs that are refused, and programs close to them. Each is a function of `tf`."""

from __future__ import annotations


def undefined_in_the_else_branch(tf):
    @tf.function
    def f(x):
        if x > 0:
            y = 1
        return y

    return f(tf.constant(1))


def undefined_in_the_main_branch(tf):
    @tf.function
    def f(x):
        if x > 0:
            pass
        else:
            y = x
        return y

    return f(tf.constant(1))


def none_in_one_branch(tf):
    @tf.function
    def f(x):
        y = None
        if x > 0:
            y = x
        return y

    return f(tf.constant(1))


def dtypes_differ_between_branches(tf):
    @tf.function
    def f(x):
        if x > 0:
            y = 1.0
        else:
            y = x
        return y

    return f(tf.constant(1))


def structures_differ_between_branches(tf):
    @tf.function
    def f(x):
        if x > 0:
            y = (x, x)
        else:
            y = [x, x, x]
        return y

    return f(tf.constant(1))


def lists_differ_in_length_between_branches(tf):
    @tf.function
    def f(x):
        y = [x]
        if x > 0:
            y = [x, x]
        return y

    return f(tf.constant(1))


def return_in_one_branch_only(tf):
    @tf.function
    def f(x):
        if x > 0:
            return x

    return f(tf.constant(1))


def return_none_everywhere(tf):
    v = tf.Variable(0)

    @tf.function
    def f(x):
        if x > 0:
            v.assign(5)
            return
        v.assign(9)

    f(tf.constant(1))
    a = int(v.numpy())
    f(tf.constant(-1))
    return [a, v]


def loop_changes_a_dtype(tf):
    @tf.function
    def f(n):
        x = 0
        for i in tf.range(n):
            x = tf.cast(x, tf.float32) + 1.0
        return x

    return f(tf.constant(3))


def loop_changes_a_shape(tf):
    @tf.function
    def f(n):
        x = tf.zeros([1])
        for i in tf.range(n):
            x = tf.concat([x, [1.0]], 0)
        return x

    return f(tf.constant(3))


def loop_changes_a_rank(tf):
    @tf.function
    def f(n):
        x = tf.zeros([])
        while n > 0:
            x = tf.stack([x, x])
            n -= 1
        return x

    return f(tf.constant(3))


def loop_invariant_that_does_not_fit(tf):
    @tf.function
    def f(n):
        x = tf.zeros([1, 2])
        for i in tf.range(n):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(x, tf.TensorShape([None, 3]))]
            )
            x = tf.concat([x, x], 0)
        return x

    return f(tf.constant(3))


def loop_starts_from_none(tf):
    @tf.function
    def f(n):
        x = None
        for i in tf.range(n):
            x = i
        return x

    return f(tf.constant(3))


def loop_changes_a_structure(tf):
    @tf.function
    def f(n):
        x = (tf.constant(0),)
        for i in tf.range(n):
            x = (i, i)
        return x

    return f(tf.constant(3))


def loop_defines_a_value(tf):
    @tf.function
    def f(n):
        for i in tf.range(n):
            y = i * 2
        return y

    return f(tf.constant(3))


def while_loop_changes_a_shape(tf):
    @tf.function
    def f(n):
        return tf.while_loop(
            lambda i, x: i < n, lambda i, x: (i + 1, tf.concat([x, x], 0)), [0, tf.ones([1])]
        )

    return f(tf.constant(2))


def while_loop_changes_a_dtype(tf):
    @tf.function
    def f(n):
        return tf.while_loop(
            lambda i, x: i < n, lambda i, x: (i + 1, tf.cast(x, tf.float64)), [0, tf.ones([1])]
        )

    return f(tf.constant(2))


def while_loop_changes_a_structure(tf):
    @tf.function
    def f(n):
        return tf.while_loop(lambda i, x: i < n, lambda i, x: (i + 1, x, x), [0, tf.ones([1])])

    return f(tf.constant(2))


def cond_of_different_dtypes(tf):
    @tf.function
    def f(x):
        return tf.cond(x > 0, lambda: x, lambda: tf.cast(x, tf.float32))

    return f(tf.constant(1))


def cond_without_functions(tf):
    return tf.cond(tf.constant(True), 1, 2)


def truth_of_a_tensor_without_autograph(tf):
    @tf.function(autograph=False)
    def f(x):
        return x if x > 0 else -x

    return f(tf.constant(1))


def truth_in_a_generator(tf):
    @tf.function
    def f(x):
        def values():
            for i in range(3):
                if x > i:
                    yield i

        return sum(values())

    return f(tf.constant(1))


def iterate_a_scalar(tf):
    @tf.function
    def f(x):
        s = 0
        for v in x:
            s += v
        return s

    return f(tf.constant(3))


def leaked_from_a_loop(tf):
    @tf.function
    def f(n):
        kept = []
        for i in tf.range(n):
            kept.append(i)
        return kept[0] + 1

    return f(tf.constant(3))


def return_of_a_python_object(tf):
    @tf.function
    def f(x):
        kept = object()
        return kept

    return f(tf.constant(1))


def variable_created_on_every_call(tf):
    @tf.function
    def f(x):
        v = tf.Variable(1.0)
        return v + x

    return f(tf.constant(1.0))


def variable_created_once(tf):
    class Layer(tf.Module):
        def __init__(self):
            self.v = None

        @tf.function
        def __call__(self, x):
            if self.v is None:
                self.v = tf.Variable(5.0)
            return self.v * x

    layer = Layer()
    return [layer(tf.constant(2.0)), layer(tf.constant(3.0)), layer.v]


def too_many_arguments(tf):
    @tf.function
    def f(x):
        return x

    return f(tf.constant(1), tf.constant(2))


def unknown_keyword(tf):
    @tf.function
    def f(x):
        return x

    return f(y=tf.constant(1))


def missing_argument(tf):
    @tf.function
    def f(x, y):
        return x + y

    return f(tf.constant(1))


def input_signature_of_another_dtype(tf):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        return x

    return f(tf.constant([1]))


def input_signature_of_another_shape(tf):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        return x

    return f(tf.constant([[1.0]]))


def errors_of_python_in_a_function(tf):
    @tf.function
    def f(x):
        if x > 0:
            raise ValueError("never")
        return x

    return f(tf.constant(-1))


def plain_python_error(tf):
    @tf.function
    def f(x):
        return {"a": x}["b"]

    return f(tf.constant(1))


def assertion_of_python(tf):
    @tf.function
    def f(x):
        assert x.shape.rank == 1
        return x

    return f(tf.constant(1))


def failing_tf_assert(tf):
    @tf.function
    def f(x):
        tf.debugging.assert_positive(x)
        return x

    return f(tf.constant(-1))


def tensor_array_of_python_loop(tf):
    a = tf.TensorArray(tf.float32, size=1)
    return a.write(0, [1.0]).write(0, [1.0, 2.0]).stack()


def map_fn_of_another_dtype(tf):
    @tf.function
    def f(x):
        return tf.map_fn(lambda v: tf.cast(v, tf.float32), x)

    return f(tf.constant([1, 2]))


def numpy_of_a_symbolic_tensor(tf):
    @tf.function
    def f(x):
        return x.numpy()

    return f(tf.constant(1))


def shapes_that_do_not_fit(tf):
    @tf.function
    def f(x, y):
        return tf.matmul(x, y)

    return f(tf.ones([2, 3]), tf.ones([2, 3]))


def empty_loop_variables(tf):
    return tf.while_loop(lambda: True, lambda: (), [])


def switch_case_of_a_float(tf):
    return tf.switch_case(tf.constant(1.0), [lambda: 1, lambda: 2])


def gradient_of_integers(tf):
    x = tf.constant(3)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = x * x
    return [tape.gradient(y, x)]


def jit_compile_of_strings(tf):
    @tf.function(jit_compile=True)
    def f(x):
        return tf.strings.upper(x)

    return f(tf.constant("a"))


def jit_compile_of_plain_code(tf):
    @tf.function(jit_compile=True)
    def f(x, n):
        s = x
        for i in tf.range(n):
            if i % 2 == 0:
                s = s * 2.0
        return s

    return f(tf.constant(1.0), tf.constant(5))
