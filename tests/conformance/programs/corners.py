"""Programs of less common forms: exits, state of many kinds, vectorised maps, arguments."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import enum
import functools

import numpy as np


def nonlocal_changed_by_nested_loops(tf):
    @tf.function
    def f(n):
        total = tf.constant(0)
        seen = tf.constant(0)

        def add(i):
            nonlocal total, seen
            total += i
            seen += 1

        for i in tf.range(n):
            for j in tf.range(i):
                if j % 2 == 0:
                    add(j)
        return total, seen

    return [f(tf.constant(5)), f(tf.constant(0))]


def breaks_of_a_while_within_a_for(tf):
    @tf.function
    def f(x):
        found = tf.constant(-1)
        steps = 0
        for row in x:
            i = tf.constant(0)
            while i < tf.shape(row)[0]:
                steps += 1
                if row[i] < 0:
                    i += 1
                    continue
                if row[i] > 5:
                    found = row[i]
                    break
                i += 1
            if found > 7:
                break
        return found, steps

    return [
        f(tf.constant([[1, -2, 6], [3, 9, 1], [9, 9, 9]])),
        f(tf.constant([[1, 2], [3, -4]])),
    ]


def try_finally_with_a_loop(tf):
    log = []

    @tf.function
    def f(x):
        try:
            while tf.reduce_sum(x) < 10.0:
                x = x * 2.0
        finally:
            log.append("done")
        return x

    return [f(tf.constant([1.0, 2.0])), f(tf.constant([5.0, 7.0])), log]


def with_statements_inside_branches(tf):
    events = []

    @contextlib.contextmanager
    def scope(name):
        events.append(f"enter {name}")
        try:
            yield name
        finally:
            events.append(f"exit {name}")

    @tf.function
    def f(x):
        with scope("outer"):
            if x > 0:
                with scope("then"), tf.name_scope("a"):
                    y = x + 1
            else:
                with scope("else"):
                    y = x - 1
        return y

    return [f(tf.constant(1)), f(tf.constant(-1)), events]


def generators_are_not_converted(tf):
    @tf.function
    def f(x):
        def squares():
            for i in range(3):
                yield x * i

        total = tf.zeros_like(x)
        for value in squares():
            total += value
        return total

    return f(tf.constant([1.0, 2.0]))


def comprehension_over_rows_of_known_number(tf):
    @tf.function
    def f(x):
        return [tf.reduce_sum(row) for row in tf.unstack(x)]

    return f(tf.constant([[1.0, 2.0], [3.0, 4.0]]))


def dict_and_named_tuple_as_loop_state(tf):
    State = collections.namedtuple("State", ["total", "items"])

    @tf.function
    def f(n):
        state = State(tf.constant(0), {"last": tf.constant(-1), "sizes": (tf.constant(1),)})
        for i in tf.range(n):
            state = State(state.total + i, {"last": i, "sizes": (state.items["sizes"][0] * 2,)})
        return state

    return [tuple(f(tf.constant(4))), tuple(f(tf.constant(0)))]


def dataclass_as_loop_state_in_fields(tf):
    @dataclasses.dataclass
    class Box:
        value: object
        count: object

    @tf.function
    def f(x):
        box = Box(x, tf.constant(0))
        while box.value < 100:
            box.value = box.value * 3
            box.count = box.count + 1
        return box.value, box.count

    return [f(tf.constant(1)), f(tf.constant(1000))]


def ragged_rows_with_break(tf):
    @tf.function
    def f(rt):
        best = tf.constant(0)
        for i in tf.range(rt.nrows()):
            row = rt[i]
            if tf.size(row) == 0:
                continue
            best = tf.maximum(best, tf.reduce_max(row))
            if best > 6:
                break
        return best

    return [
        f(tf.ragged.constant([[1, 2], [], [7], [100]])),
        f(tf.ragged.constant([[1], [], [3, 4, 5]])),
    ]


def dataset_with_break_and_continue(tf):
    data = tf.data.Dataset.range(20).map(lambda v: v * 3)

    @tf.function
    def f(limit):
        total = tf.constant(0, tf.int64)
        count = 0
        for v in data:
            if v % 2 == 0:
                continue
            total += v
            count += 1
            if total > limit:
                break
        return total, count

    return [f(tf.constant(20, tf.int64)), f(tf.constant(10_000, tf.int64))]


def dataset_take_inside_a_while(tf):
    @tf.function
    def f(n):
        total = tf.constant(0, tf.int64)
        i = tf.constant(0, tf.int64)
        while i < n:
            for v in tf.data.Dataset.range(i):
                total += v
            i += 1
        return total

    return [f(tf.constant(4, tf.int64)), f(tf.constant(0, tf.int64))]


def failing_assert_stops_a_loop(tf):
    @tf.function
    def f(n):
        total = tf.constant(0)
        for i in tf.range(n):
            tf.debugging.assert_less(i, 3, message="too far")
            total += i
        return total

    first = f(tf.constant(3))
    f(tf.constant(9))
    return first


def lambdas_and_partials_with_branches(tf):
    def scale(x, by, offset=0):
        if x > offset:
            return x * by
        return x - by

    @tf.function
    def f(x):
        double = functools.partial(scale, by=2)
        shifted = functools.partial(scale, by=3, offset=5)
        pick = lambda v: double(v) if v < 10 else shifted(v)
        return double(x), shifted(x), pick(x)

    return [f(tf.constant(v)) for v in (-1, 4, 20)]


def methods_and_properties_with_state(tf):
    class Counter(tf.Module):
        def __init__(self):
            super().__init__()
            self.count = tf.Variable(0)
            self.limit = 3

        @property
        def is_full(self):
            return self.count >= self.limit

        @tf.function
        def add(self, n):
            for _ in tf.range(n):
                if self.is_full:
                    break
                self.count.assign_add(1)
            return self.count.read_value()

    counter = Counter()
    return [counter.add(tf.constant(2)), counter.add(tf.constant(5))]


def recursion_over_python_depth(tf):
    def power(x, n):
        if n == 0:
            return tf.ones_like(x)
        half = power(x, n // 2)
        return half * half * (x if n % 2 else tf.ones_like(x))

    @tf.function
    def f(x):
        return power(x, 13)

    return f(tf.constant([1.0, 2.0, 0.5]))


def third_gradient_through_a_loop(tf):
    @tf.function
    def f(x, n):
        with tf.GradientTape() as three:
            three.watch(x)
            with tf.GradientTape() as two:
                two.watch(x)
                with tf.GradientTape() as one:
                    one.watch(x)
                    y = tf.constant(1.0)
                    for _ in tf.range(n):
                        y = y * x
                g1 = one.gradient(y, x)
            g2 = two.gradient(g1, x)
        return y, g1, g2, three.gradient(g2, x)

    return f(tf.constant(2.0), tf.constant(4))


def hessian_of_a_while_by_jacobian(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                i, y = tf.constant(0), x
                while i < 3:
                    y = tf.sin(y) * x
                    i += 1
                z = tf.reduce_sum(y)
            g = inner.gradient(z, x)
        return outer.jacobian(g, x, experimental_use_pfor=False)

    return f(tf.constant([0.3, 0.7]))


def tensor_array_of_unknown_shape(tf):
    @tf.function
    def f(n):
        parts = tf.TensorArray(tf.int32, size=0, dynamic_size=True, infer_shape=False)
        for i in tf.range(n):
            parts = parts.write(i, tf.range(i))
        return parts.concat(), parts.size()

    return [f(tf.constant(4)), f(tf.constant(1))]


def tensor_array_unstack_scatter_gather(tf):
    @tf.function
    def f(x):
        ta = tf.TensorArray(tf.float32, size=3).unstack(x)
        tb = tf.TensorArray(tf.float32, size=4, clear_after_read=False)
        tb = tb.scatter([2, 0, 3], x).write(1, [9.0, 9.0])
        return ta.gather([2, 0]), tb.stack(), tb.read(1)

    return f(tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))


def while_with_growing_shape_invariants(tf):
    @tf.function
    def f(n):
        i = tf.constant(0)
        x = tf.zeros([0, 2])
        _, x = tf.while_loop(
            lambda i, x: i < n,
            lambda i, x: (i + 1, tf.concat([x, tf.fill([1, 2], tf.cast(i, tf.float32))], 0)),
            [i, x],
            shape_invariants=[i.shape, tf.TensorShape([None, 2])],
        )
        return x

    return [f(tf.constant(3)), f(tf.constant(0))]


def case_that_falls_to_its_default(tf):
    @tf.function
    def f(x):
        return tf.case(
            [(x < 0, lambda: x - 1), (tf.equal(x, 3), lambda: x * 100)], default=lambda: x + 1
        )

    return [f(tf.constant(v)) for v in (-4, 3, 5)]


def switch_case_out_of_range(tf):
    @tf.function
    def f(i):
        return tf.switch_case(i, [lambda: 1, lambda: 2, lambda: 3])

    @tf.function
    def g(i):
        return tf.switch_case(i, {1: lambda: 10, 5: lambda: 50}, default=lambda: -1)

    return [f(tf.constant(v)) for v in (-1, 0, 2, 9)] + [g(tf.constant(v)) for v in (0, 1, 5)]


def map_fn_to_ragged(tf):
    @tf.function
    def f(x):
        return tf.map_fn(
            lambda n: tf.range(n) * n,
            x,
            fn_output_signature=tf.RaggedTensorSpec([None], tf.int32, ragged_rank=0),
        )

    @tf.function
    def g(x):
        return tf.map_fn(
            lambda row: row + 1, x, fn_output_signature=tf.RaggedTensorSpec([None], tf.int32, 0)
        )

    return [f(tf.constant([2, 0, 3])), g(tf.ragged.constant([[1], [2, 3], []]))]


def map_fn_of_dicts_in_parallel(tf):
    @tf.function
    def f(x):
        return tf.map_fn(
            lambda d: {"sum": d["a"] + d["b"], "big": d["a"] > 1},
            x,
            fn_output_signature={"sum": tf.int32, "big": tf.bool},
            parallel_iterations=4,
        )

    return f({"a": tf.constant([1, 2, 3]), "b": tf.constant([10, 20, 30])})


def scan_backwards_with_initializer(tf):
    @tf.function
    def f(x):
        return tf.scan(lambda a, v: (a[0] + v, a[1] * v), x, (0.0, 1.0), reverse=True)

    return f(tf.constant([1.0, 2.0, 3.0]))


def foldr_of_pairs(tf):
    @tf.function
    def f(x, y):
        return (
            tf.foldr(lambda a, v: a * 2 + v[0] - v[1], (x, y), initializer=tf.constant(1)),
            tf.foldl(lambda a, v: a * 2 + v, x),
        )

    return f(tf.constant([1, 2, 3]), tf.constant([4, 5, 6]))


def vectorized_map_over_structures(tf):
    def body(args):
        a, b = args["a"], args["b"]
        return {
            "dot": tf.reduce_sum(a * b),
            "outer": a[:, None] * b[None, :],
            "k": tf.constant(2),
        }

    x = {"a": tf.reshape(tf.range(6.0), [3, 2]), "b": tf.ones([3, 2])}
    return [tf.vectorized_map(body, x), tf.function(lambda v: tf.vectorized_map(body, v))(x)]


def vectorized_map_with_linear_algebra(tf):
    x = tf.constant([[[2.0, 1.0], [1.0, 3.0]], [[4.0, 0.0], [0.5, 1.0]]])

    @tf.function
    def f(x):
        return tf.vectorized_map(
            lambda m: (tf.linalg.inv(m), tf.linalg.det(m), tf.linalg.matvec(m, [1.0, 2.0])), x
        )

    return f(x)


def vectorized_map_with_a_condition(tf):
    x = tf.constant([1.0, -2.0, 3.0])

    @tf.function
    def f(x):
        return tf.vectorized_map(lambda v: tf.cond(v > 0, lambda: v * 2, lambda: -v), x)

    return f(x)


def vectorized_map_with_a_loop(tf):
    x = tf.constant([1.0, 5.0, 40.0])

    @tf.function
    def f(x):
        def body(v):
            return tf.while_loop(lambda a: a < 30.0, lambda a: (a * 3.0,), [v])[0]

        return tf.vectorized_map(body, x)

    return f(x)


def vectorized_map_that_gathers(tf):
    table = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

    @tf.function
    def f(ids):
        return tf.vectorized_map(
            lambda i: (
                tf.gather(table, i),
                tf.one_hot(i, 3),
                tf.concat([table[0], table[i]], 0),
            ),
            ids,
        )

    return f(tf.constant([2, 0, 1, 2]))


def vectorized_map_with_broadcast_and_fallback(tf):
    @tf.function
    def f(x, y):
        return tf.vectorized_map(lambda v: v[0] + v[1], (x, y))

    return f(tf.constant([1.0, 2.0, 3.0]), tf.constant([[1.0], [2.0], [3.0]]))


def vectorized_map_without_elements(tf):
    return tf.function(lambda x: tf.vectorized_map(lambda v: v * 2.0, x))(tf.zeros([0, 3]))


def vectorized_map_of_a_single_row(tf):
    x = tf.constant([[1.0, 2.0]])
    return tf.vectorized_map(lambda v: (tf.reduce_max(v), tf.sort(v)), x)


def jacobian_of_a_layer_by_pfor(tf):
    w = tf.Variable([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

    @tf.function
    def f(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            y = tf.tanh(x @ w)
        return tape.jacobian(y, x), tape.jacobian(y, w), tape.batch_jacobian(y, x)

    return f(tf.constant([[0.1, 0.2, 0.3], [0.5, -0.1, 0.0]]))


def jacobian_through_branches_and_loops(tf):
    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(n):
                if tf.reduce_sum(y) > 2.0:
                    y = tf.sin(y)
                else:
                    y = y * 2.0
        return tape.jacobian(y, x, experimental_use_pfor=False)

    return f(tf.constant([0.5, 0.25]), tf.constant(4))


def nested_custom_gradients(tf):
    @tf.custom_gradient
    def inner(x):
        return x * x, lambda dy: dy * 3.0

    @tf.custom_gradient
    def outer(x):
        y = inner(x) + 1.0

        def grad(dy):
            return dy * inner(x) * 10.0

        return y, grad

    @tf.function
    def f(x):
        with tf.GradientTape() as two:
            two.watch(x)
            with tf.GradientTape() as one:
                one.watch(x)
                y = outer(x)
            g = one.gradient(y, x)
        return y, g, two.gradient(g, x)

    return f(tf.constant(2.0))


def custom_gradient_in_compiled_control_flow(tf):
    @tf.custom_gradient
    def clipped(x):
        return tf.identity(x), lambda dy: tf.clip_by_value(dy, -1.0, 1.0)

    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                if tf.reduce_sum(y) > 0.0:
                    y = clipped(y * 3.0)
                else:
                    y = clipped(y * -2.0)
            z = tf.reduce_sum(y)
        return z, tape.gradient(z, x)

    x = tf.constant([1.0, -0.5])
    return [
        tf.function(f)(x, tf.constant(3)),
        tf.function(f, jit_compile=True)(x, tf.constant(3)),
    ]


def recompute_grad_inside_a_loop(tf):
    w = tf.Variable(0.5)

    @tf.recompute_grad
    def block(x):
        return tf.tanh(x * w)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in range(3):
                y = block(y)
            z = tf.reduce_sum(y)
        return tape.gradient(z, [x, w])

    return f(tf.constant([1.0, 2.0]))


def variables_created_in_the_first_call(tf):
    class Dense(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = None

        @tf.function
        def __call__(self, x):
            if self.w is None:
                self.w = tf.Variable(tf.ones([x.shape[-1], 2]), name="w")
            return x @ self.w

    layer = Dense()
    first = layer(tf.ones([1, 3]))
    layer.w.assign(layer.w * 2.0)
    return [first, layer(tf.ones([2, 3])), len(layer.variables)]


def variables_captured_in_branches(tf):
    a, b = tf.Variable(1.0), tf.Variable(10.0)

    @tf.function
    def f(p):
        with tf.GradientTape() as tape:
            if p:
                y = a * 2.0 + b
                a.assign_add(1.0)
            else:
                y = b * 3.0
                b.assign(a * 5.0)
        return y, tape.gradient(y, [a, b], unconnected_gradients="zero")

    return [f(tf.constant(True)), f(tf.constant(False)), a, b]


class _Mode(enum.Enum):
    ADD = 1
    MUL = 2


def retraces_by_python_arguments(tf):
    traces = []

    @tf.function
    def f(x, flag=None, mode=_Mode.ADD, name="n"):
        traces.append(1)
        if flag is None:
            return x
        if flag:
            return x + 1 if mode is _Mode.ADD else x * 10
        return x - 1 if name == "n" else x - 2

    x = tf.constant(5)
    results = [
        f(x),
        f(x, None),
        f(x, True),
        f(x, flag=True),
        f(x, True, _Mode.MUL),
        f(x, False),
        f(x, False, name="m"),
        f(x, False, name="m"),
        f(tf.constant(6), True),
    ]
    return results, len(traces)


def input_signature_refuses_another_rank(tf):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def f(x):
        return tf.reduce_sum(x)

    good = f([[1.0, 2.0]])
    f(tf.constant([1.0, 2.0]))
    return good


def input_signature_with_defaults(tf):
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.float32)]
    )
    def f(x, scale=2.0):
        return x * scale

    return [f([1.0, 2.0]), f([1.0], 3.0), f(x=[1.0], scale=4.0)]


def compiled_control_flow(tf):
    @tf.function(jit_compile=True)
    def f(x, n):
        total = tf.zeros_like(x)
        for i in tf.range(n):
            if i % 2 == 0:
                total += x * tf.cast(i, x.dtype)
            else:
                total -= x
        return total

    @tf.function(jit_compile=True)
    def g(x):
        return tf.while_loop(lambda v: tf.reduce_sum(v) < 50.0, lambda v: (v * 1.5,), [x])[0]

    return [f(tf.constant([1.0, 2.0]), tf.constant(5)), g(tf.constant([1.0, 2.0]))]


def compiled_gradient_of_a_loop(tf):
    @tf.function(jit_compile=True)
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(4):
                y = tf.sin(y) * 2.0
        return tape.gradient(y, x)

    return f(tf.constant([0.1, 0.9]))


def compiled_switch_case(tf):
    @tf.function(jit_compile=True)
    def f(i, x):
        return tf.switch_case(i, [lambda: x + 1.0, lambda: x * 2.0, lambda: -x])

    return [f(tf.constant(v), tf.constant(3.0)) for v in (0, 1, 2, 7)]


def condition_on_shape_and_rank(tf):
    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def f(x):
        if tf.rank(x) == 1:
            y = tf.reduce_sum(x)
        elif tf.rank(x) == 2:
            y = tf.reduce_max(x)
        else:
            y = tf.constant(-1.0)
        return y

    return [f([1.0, 2.0]), f([[1.0, 7.0]]), f(5.0)]


def loop_with_python_and_tensor_bounds(tf):
    @tf.function
    def f(n):
        rows = tf.TensorArray(tf.int32, size=3)
        for k in range(3):
            total = tf.constant(0)
            for i in tf.range(n, delta=k + 1):
                total += i
            rows = rows.write(k, total)
        return rows.stack()

    return f(tf.constant(7))


def negative_steps_and_empty_ranges(tf):
    @tf.function
    def f(a, b, s):
        out = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        k = 0
        for i in tf.range(a, b, s):
            out = out.write(k, i)
            k += 1
        return out.stack(), k

    return f(tf.constant(5), tf.constant(-4), tf.constant(-3))


def loop_value_after_zero_rounds(tf):
    @tf.function
    def f(n):
        x = tf.constant([1, 2])
        for i in tf.range(n):
            x = x + i
        else:
            x = x * 10
        return x

    return [f(tf.constant(0)), f(tf.constant(3))]


def while_with_and_or_conditions(tf):
    @tf.function
    def f(x):
        i = tf.constant(0)
        while (i < 5 and x < 100) or x < 3:
            x = x * 2
            i += 1
            if not (x > 10 or i > 2):
                x = x + 1
        return i, x

    return [f(tf.constant(1)), f(tf.constant(200))]


def strings_as_loop_state(tf):
    @tf.function
    def f(n):
        s = tf.constant("")
        for i in tf.range(n):
            if i % 3 == 0:
                s = tf.strings.join([s, "fizz"])
            else:
                s = s + tf.strings.as_string(i)
        return s

    return [f(tf.constant(5)), f(tf.constant(0))]


def growing_ragged_rows(tf):
    @tf.function
    def f(n):
        values = tf.zeros([0], tf.int32)
        splits = tf.zeros([1], tf.int64)
        for i in tf.range(n):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[
                    (values, tf.TensorShape([None])),
                    (splits, tf.TensorShape([None])),
                ]
            )
            values = tf.concat([values, tf.range(i)], 0)
            splits = tf.concat([splits, [tf.size(values, tf.int64)]], 0)
        return tf.RaggedTensor.from_row_splits(values, splits)

    return f(tf.constant(4))


def tensor_array_in_branches_of_loops(tf):
    @tf.function
    def f(x):
        even = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        odd = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        for v in x:
            if v % 2 == 0:
                even = even.write(even.size(), v)
            else:
                odd = odd.write(odd.size(), v)
        return even.stack(), odd.stack()

    return f(tf.constant([1, 2, 3, 4, 5]))


def unpacked_results_of_loops(tf):
    @tf.function
    def f(pairs):
        low, high = tf.constant(1000), tf.constant(-1000)
        for pair in pairs:
            a, b = pair[0], pair[1]
            (low, high) = (tf.minimum(low, a), tf.maximum(high, b))
        return {"low": low, "high": high}

    return f(tf.constant([[3, 4], [1, 9], [2, 2]]))


def functions_called_with_keywords_only(tf):
    @tf.function
    def f(*, x, scale=2, **rest):
        total = x * scale
        for key in sorted(rest):
            total += rest[key]
        return total

    return [f(x=tf.constant(1)), f(x=tf.constant(1), scale=3, b=tf.constant(5), a=7)]


def star_args_of_tensors(tf):
    @tf.function
    def f(*xs):
        best = xs[0]
        for x in xs[1:]:
            if x > best:
                best = x
        return best, len(xs)

    return [f(tf.constant(1), tf.constant(5), tf.constant(3)), f(tf.constant(2))]


def numpy_state_is_frozen_at_trace(tf):
    scale = np.array([1.0, 2.0], np.float32)

    @tf.function
    def f(x):
        return x * scale

    first = f(tf.constant([1.0, 1.0]))
    scale[:] = 5.0
    return [first, tf.shape(f(tf.constant([1.0, 1.0])))]


def gradient_through_map_and_scan(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.map_fn(lambda v: tf.reduce_prod(v), x)
            z = tf.scan(lambda a, v: a * 0.5 + v * v, y)
            loss = tf.reduce_sum(z)
        return z, tape.gradient(loss, x)

    return f(tf.constant([[1.0, 2.0], [3.0, 0.5], [1.0, 1.0]]))


def gradient_with_conditional_stop(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.constant(0.0)
            for v in x:
                if v < 0.0:
                    y += tf.stop_gradient(v * v)
                elif v > 2.0:
                    break
                else:
                    y += v**3
        return y, tape.gradient(y, x)

    return [f(tf.constant([1.0, -1.0, 1.5, 3.0, 1.0])), f(tf.constant([-1.0]))]


def sums_over_an_iterator_twice(tf):
    data = tf.data.Dataset.range(6)
    iterator = iter(data)

    @tf.function
    def f(it, n):
        total = tf.constant(0, tf.int64)
        for _ in tf.range(n):
            total += next(it)
        return total

    return [f(iterator, tf.constant(2)), f(iterator, tf.constant(3))]


def hash_table_in_a_loop(tf):
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int32, 0)

    @tf.function
    def f(words):
        for w in words:
            table.insert(w, table.lookup(w) + 1)
        return table.lookup(tf.constant(["a", "b", "c"]))

    return f(tf.constant(["a", "b", "a", "a"]))


def queue_in_a_function(tf):
    queue = tf.queue.FIFOQueue(5, [tf.int32], shapes=[[]])

    @tf.function
    def f(n):
        for i in tf.range(n):
            queue.enqueue(i * i)
        total = tf.constant(0)
        while queue.size() > 1:
            total += queue.dequeue()
        return total, queue.size()

    return f(tf.constant(4))


def sort_with_while_and_scatter(tf):
    @tf.function
    def f(x):
        n = tf.shape(x)[0]
        swapped = tf.constant(True)
        while swapped:
            swapped = tf.constant(False)
            for i in tf.range(n - 1):
                if x[i] > x[i + 1]:
                    x = tf.tensor_scatter_nd_update(x, [[i], [i + 1]], [x[i + 1], x[i]])
                    swapped = tf.constant(True)
        return x

    return f(tf.constant([3, 1, 2, 5, 4]))


def extension_type_as_loop_state(tf):
    class Pair(tf.experimental.ExtensionType):
        a: tf.Tensor
        b: tf.Tensor

    @tf.function
    def f(p, n):
        for _ in tf.range(n):
            p = Pair(p.b, p.a + p.b)
        return p.a, p.b

    return f(Pair(tf.constant(0), tf.constant(1)), tf.constant(7))


def extension_type_in_branches(tf):
    class Masked(tf.experimental.ExtensionType):
        values: tf.Tensor
        mask: tf.Tensor

    @tf.function
    def f(m, flip):
        if flip:
            m = Masked(m.values, tf.logical_not(m.mask))
        return tf.reduce_sum(tf.where(m.mask, m.values, 0))

    m = Masked(tf.constant([1, 2, 3]), tf.constant([True, False, True]))
    return [f(m, tf.constant(True)), f(m, tf.constant(False))]


def numbers_of_different_dtypes_meet(tf):
    @tf.function
    def f(x):
        y = 0
        while y < 3:
            y += 1
        z = tf.constant(0.5)
        if x > 0:
            z = z + 1
        return tf.cast(x, tf.float32) * z + y

    return [f(tf.constant(2)), f(tf.constant(-2))]


def none_results_in_structures(tf):
    @tf.function
    def f(x, flag):
        extra = None
        if flag:
            extra = x + 1
        return {"x": x, "extra": extra}

    return [f(tf.constant(1), True), f(tf.constant(1), False)]


def control_dependencies_of_assignments(tf):
    v = tf.Variable(1)

    @tf.function
    def f():
        before = v.read_value()
        with tf.control_dependencies([v.assign_add(5)]):
            between = v.read_value()
        v.assign(between * 2)
        return before, between, v.read_value()

    return [f(), f(), v]


def gather_nd_with_batches_in_a_loop(tf):
    @tf.function
    def f(grid, path):
        total = tf.constant(0)
        for step in path:
            total += tf.gather_nd(grid, step)
            grid = tf.tensor_scatter_nd_add(grid, [step], [1])
        return total, grid

    return f(tf.constant([[1, 2], [3, 4]]), tf.constant([[0, 1], [1, 1], [0, 1]]))


def gradient_of_a_loop_that_prints(tf):
    w = tf.Variable(2.0)

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for i in tf.range(3):
                tf.debugging.assert_less(i, 5)
                if i > 0:
                    tf.print("", end="")
                    y = y * w
                else:
                    y = y * x
        return tape.gradient(y, [x, w])

    return f(tf.constant([1.0, 2.0]))


def gradient_of_a_loop_with_random_numbers(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(3):
                y = y * (1.0 + 0.0 * tf.random.uniform(tf.shape(x)))
        return tape.gradient(y, x)

    return f(tf.constant([1.0, 2.0]))


def custom_gradient_with_variables_in_a_loop(tf):
    w = tf.Variable(2.0)

    @tf.custom_gradient
    def scaled(x):
        def grad(dy, variables=None):
            return dy * 7.0, [tf.reduce_sum(dy) * 5.0]

        return x * w, grad

    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(2):
                y = scaled(y)
        return tape.gradient(y, [x, w])

    return f(tf.constant([1.0, -0.5]))
