"""Programs with less common Python around tensors. Each is a function of `tf`."""

from __future__ import annotations

import dataclasses
import enum
import functools


def match_statements(tf):
    @tf.function
    def f(kind, x):
        match kind:
            case "double":
                y = x * 2
            case "negate" | "minus":
                y = -x
            case _:
                y = x
        if y > 3:
            y = y - 3
        return y

    x = tf.constant(2)
    return [f(k, x) for k in ("double", "minus", "other")]


def f_strings_and_static_shapes(tf):
    names = []

    @tf.function
    def f(x):
        names.append(f"rank {x.shape.rank} of {x.dtype.name} {x.shape[0]}")
        return x

    f(tf.ones([3, 2]))
    return names


def membership_in_python_lists(tf):
    @tf.function
    def f(x, mode):
        if mode in ("a", "b"):
            if x > 0 and mode != "b":
                return x + 1
            return x + 2
        return x - 1

    return [f(tf.constant(v), m) for v in (1, -1) for m in ("a", "b", "c")]


def is_and_is_not(tf):
    @tf.function
    def f(x, y=None):
        if y is not None and x is not y:
            z = x + y
        else:
            z = x
        if z > 4:
            return z
        return z * 10

    a = tf.constant(3)
    return [f(a), f(a, tf.constant(2)), f(a, a)]


def bitwise_logic_on_tensors(tf):
    @tf.function
    def f(x, y):
        a = (x > 0) & (y > 0)
        b = (x > 0) | ~(y > 0)
        c = (x > 0) ^ (y > 0)
        if a:
            return 1
        if b & ~c:
            return 2
        return 3

    return [f(tf.constant(a), tf.constant(b)) for a in (1, -1) for b in (1, -1)]


def arithmetic_of_python_and_tensors(tf):
    @tf.function
    def f(x, y):
        return (
            x // 2,
            7 // x,
            x % 4,
            -9 % x,
            x**2,
            2**x,
            divmod(x, 2)[1] if hasattr(x, "__divmod__") else x % 2,
            1 - x,
            10 / x,
            abs(-x),
            y @ y,
            1.5 * y,
            y > 1.0,
        )

    return f(tf.constant(3), tf.constant([[1.0, 2.0], [3.0, 4.0]]))


def dataclasses_as_state(tf):
    @dataclasses.dataclass
    class Point:
        x: object
        y: object

        def shifted(self, k):
            if k > 0:
                return Point(self.x + k, self.y)
            return Point(self.x, self.y - k)

    @tf.function
    def f(a, b):
        p = Point(a, b).shifted(3)
        q = p.shifted(-2)
        return q.x, q.y

    return f(tf.constant(1), tf.constant(2))


def enums_as_arguments(tf):
    class Kind(enum.Enum):
        UP = 1
        DOWN = 2

    count = []

    @tf.function
    def f(x, kind):
        count.append(1)
        return x + 1 if kind is Kind.UP else x - 1

    x = tf.constant(5)
    return [f(x, Kind.UP), f(x, Kind.DOWN), f(x, Kind.UP), len(count)]


def dataset_zip_map_filter_by_builtins(tf):
    @tf.function
    def f(a, b):
        s = tf.constant(0, tf.int64)
        for x, y in zip(a, b):
            s = s * 10 + x * y
        for x in map(lambda v: v + 1, a):
            s += x
        for x in filter(lambda v: v > 1, a):
            s += x * 1000
        for i, x in enumerate(a, 10):
            s += tf.cast(i, tf.int64)
        return s

    return f(tf.data.Dataset.range(1, 4), tf.data.Dataset.range(4, 8))


def any_all_and_len_of_tensors(tf):
    @tf.function
    def f(x):
        n = 0
        if len(x) > 2:
            n += 1
        if tf.reduce_any(x > 3) and not tf.reduce_all(x > 3):
            n += 10
        return n

    return [f(tf.constant(v)) for v in ([1, 2], [1, 2, 5], [4, 5, 6])]


def loops_over_dicts_of_tensors(tf):
    @tf.function
    def f(d):
        total = tf.constant(0)
        d = dict(d)
        for name in sorted(d):
            if d[name] > 1:
                total = total * 10 + d[name]
        for name, value in d.items():
            d[name] = value if value > 2 else -value
        return total, d

    return f({"b": tf.constant(2), "a": tf.constant(1), "c": tf.constant(3)})


def while_with_python_and_tensor_conditions(tf):
    @tf.function
    def f(x):
        k = 0
        while k < 3:
            if x > 10:
                x -= 10
            else:
                x *= 2
            k += 1
        return x

    return [f(tf.constant(v)) for v in (1, 9, 40)]


def functions_made_in_loops(tf):
    @tf.function
    def f(x):
        functions = []
        for k in range(3):
            functions.append(lambda v, k=k: v * k if v > 0 else v - k)
        total = tf.constant(0)
        for function in functions:
            total += function(x)
        return total

    return [f(tf.constant(4)), f(tf.constant(-4))]


def classes_defined_inside(tf):
    @tf.function
    def f(x):
        class Accumulator:
            def __init__(self):
                self.total = tf.constant(0)

            def add(self, v):
                self.total += v
                return self

        acc = Accumulator()
        for k in range(3):
            acc.add(x * k)
        return acc.total

    return f(tf.constant(5))


def properties_and_descriptors(tf):
    class Layer:
        def __init__(self):
            self._w = tf.Variable(2.0)

        @property
        def scale(self):
            return self._w * 2.0

        @functools.cached_property
        def half(self):
            return 0.5

        @tf.function
        def __call__(self, x):
            if x > self.scale:
                return x - self.scale
            return x * self.half

    layer = Layer()
    return [layer(tf.constant(9.0)), layer(tf.constant(1.0))]


def modules_of_modules(tf):
    class Dense(tf.Module):
        def __init__(self, k):
            super().__init__()
            self.w = tf.Variable(tf.fill([2, 2], k))

        def __call__(self, x):
            y = tf.matmul(x, self.w)
            if tf.reduce_sum(y) < 0.0:
                y = -y
            return y

    class Net(tf.Module):
        def __init__(self):
            super().__init__()
            self.layers = [Dense(0.5), Dense(-1.0)]

        @tf.function
        def __call__(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    net = Net()
    return [net(tf.ones([1, 2])), len(net.trainable_variables)]


def star_arguments_and_unpacking(tf):
    def total(*values, weight=1, **named):
        s = tf.constant(0)
        for v in values:
            s += v * weight
        for k in sorted(named):
            if named[k] > 1:
                s += named[k] * 100
        return s

    @tf.function
    def f(values, options):
        first, *rest = values
        return total(first, *rest, weight=2, **options)

    return f([tf.constant(1), tf.constant(2)], {"a": tf.constant(1), "b": tf.constant(3)})


def exceptions_that_never_happen_in_graphs(tf):
    @tf.function
    def f(x):
        try:
            if x.shape.rank > 3:
                raise ValueError("too many")
            y = x * 2
        except ValueError:
            y = x
        else:
            y = y + 1
        finally:
            z = y * 10
        return z

    return f(tf.constant(3))


def errors_of_shapes_caught_while_tracing(tf):
    @tf.function
    def f(x):
        try:
            return tf.matmul(x, x)
        except ValueError:
            return tf.matmul(x, x, transpose_b=True)

    return f(tf.ones([2, 3]))


def context_managers_around_loops(tf):
    @tf.function
    def f(n):
        total = tf.constant(0)
        with tf.name_scope("outer"):
            for i in tf.range(n):
                with tf.name_scope("inner"), tf.control_dependencies(None if False else []):
                    total += i
        with tf.init_scope():
            k = 3
        return total * k

    return f(tf.constant(5))


def dataset_map_with_control_flow(tf):
    def collatz(n):
        steps = tf.constant(0, tf.int64)
        while n > 1:
            if n % 2 == 0:
                n = n // 2
            else:
                n = 3 * n + 1
            steps += 1
        return steps

    ds = tf.data.Dataset.range(1, 8).map(collatz)
    return [list(ds.as_numpy_iterator())]


def dataset_filter_reduce_scan_with_control_flow(tf):
    ds = tf.data.Dataset.range(20)
    odd = ds.filter(lambda v: v % 2 == 1 if v > 5 else v == 2)
    total = odd.reduce(tf.constant(0, tf.int64), lambda s, v: s + v if v > 8 else s)
    running = odd.scan(tf.constant(0, tf.int64), lambda s, v: (s + v, s if v > 9 else -v))
    return [list(odd.as_numpy_iterator()), total, list(running.as_numpy_iterator())]


def iterators_across_calls_and_loops(tf):
    it = iter(tf.data.Dataset.range(100))

    @tf.function
    def take(n):
        s = tf.constant(0, tf.int64)
        for x in it:
            s += x
            if s > n:
                break
        return s

    return [take(tf.constant(5, tf.int64)), take(tf.constant(20, tf.int64)), next(it)]


def optional_from_an_iterator(tf):
    @tf.function
    def f(it):
        s = tf.constant(0, tf.int64)
        opt = it.get_next_as_optional()
        while opt.has_value():
            s += opt.get_value()
            opt = it.get_next_as_optional()
        return s

    return f(iter(tf.data.Dataset.range(5)))


def end_of_an_iterator_in_a_function(tf):
    @tf.function
    def f(it):
        return next(it) + next(it)

    it = iter(tf.data.Dataset.range(3))
    f(it)
    return f(it)


def numpy_and_py_functions(tf):
    import numpy as np

    @tf.function
    def f(x):
        a = tf.numpy_function(lambda v: np.cumsum(v).astype(np.float32), [x], tf.float32)
        b = tf.py_function(lambda v: v * 2.0 if tf.reduce_sum(v) > 0 else v, [x], tf.float32)
        a.set_shape(x.shape)
        b.set_shape(x.shape)
        return a + b

    return [f(tf.constant([1.0, 2.0])), f(tf.constant([-1.0, -2.0]))]


def assignments_to_slices_of_variables(tf):
    v = tf.Variable([[1, 2], [3, 4]])

    @tf.function
    def f(k):
        v[0, 1].assign(k)
        v[1].assign([k, k])
        v[:, 0].assign([7, 8])
        return tf.reduce_sum(v)

    return [f(tf.constant(10)), v]


def functions_in_containers(tf):
    steps = {
        "a": tf.function(lambda x: x + 1),
        "b": tf.function(lambda x: x * 2 if x > 3 else x),
    }

    @tf.function
    def f(x):
        for name in ("a", "b", "a"):
            x = steps[name](x)
        return x

    return [f(tf.constant(1)), f(tf.constant(5))]


def mutual_recursion_over_static_depth(tf):
    def even(x, n):
        return x if n == 0 else odd(x + 1, n - 1)

    def odd(x, n):
        return -x if n == 0 else even(x * 2, n - 1)

    @tf.function
    def f(x):
        return even(x, 4), odd(x, 4)

    return f(tf.constant(1))


def jit_compiled_pieces(tf):
    @tf.function(jit_compile=True)
    def inner(x):
        y = x
        for _ in tf.range(3):
            y = tf.where(y > 1.0, y * 0.5, y + 1.0)
        return y

    @tf.function
    def f(x):
        return inner(tf.boolean_mask(x, x > 0.0))

    return f(tf.constant([1.0, -1.0, 4.0]))


def default_and_keyword_only_tensors(tf):
    @tf.function
    def f(x, *, scale=tf.constant(2.0), bias=None):
        y = x * scale
        if bias is not None:
            y += bias
        return y

    x = tf.constant(3.0)
    return [f(x), f(x, scale=tf.constant(5.0)), f(x, bias=tf.constant(1.0))]


def lambda_conditions_in_while_loops(tf):
    @tf.function
    def f(n):
        total, i = tf.while_loop(
            cond=lambda total, i: (total < 50) and (i < n),
            body=lambda total, i: (total + i if i % 2 == 0 else total, i + 1),
            loop_vars=(tf.constant(0), tf.constant(0)),
        )
        return total, i

    return [f(tf.constant(5)), f(tf.constant(100))]


def conditionals_that_return_structures(tf):
    @tf.function
    def f(x):
        a, (b, c) = (x, (x + 1, [x + 2])) if x > 0 else (-x, (x - 1, [x - 2]))
        return a, b, c

    return [f(tf.constant(1)), f(tf.constant(-1))]


def loops_with_else_and_continue(tf):
    @tf.function
    def f(xs):
        s = 0
        for x in xs:
            if x == 0:
                continue
            if x < 0:
                break
            s += x
        else:
            s += 1000
        return s

    return [f(tf.constant(v)) for v in ([1, 0, 2], [1, -1, 5])]


def deep_nesting_of_branches(tf):
    @tf.function
    def f(a, b, c):
        r = 0
        if a > 0:
            if b > 0:
                if c > 0:
                    r = 111
                else:
                    r = 110
            elif c > 0:
                r = 101
        elif b > 0:
            r = 10
            if c > 0:
                r += 1
        elif c > 0:
            r = 1
        return r

    t = [tf.constant(v) for v in (-1, 1)]
    return [f(a, b, c) for a in t for b in t for c in t]


def deep_nesting_of_loops(tf):
    @tf.function
    def f(n):
        s = tf.constant(0)
        for i in tf.range(n):
            for j in tf.range(i):
                for k in tf.range(j):
                    if (i + j + k) % 2 == 0:
                        s += 1
                        continue
                    s += i * j * k
        return s

    return [f(tf.constant(n)) for n in (2, 6)]


def state_passed_through_many_helpers(tf):
    def clip(state):
        if state["v"] > 10:
            state = {"v": tf.constant(10), "hits": state["hits"] + 1}
        return state

    def grow(state, k):
        return clip({"v": state["v"] * k, "hits": state["hits"]})

    @tf.function
    def f(n):
        state = {"v": tf.constant(1), "hits": tf.constant(0)}
        for i in tf.range(n):
            state = grow(state, i + 1)
        return state

    return [f(tf.constant(n)) for n in (0, 3, 6)]


def gather_nd_and_updates_in_while(tf):
    @tf.function
    def f(grid, start):
        place = start
        seen = tf.zeros_like(grid)
        steps = 0
        while tf.gather_nd(seen, [place])[0] == 0:
            seen = tf.tensor_scatter_nd_update(seen, [place], [1])
            move = tf.gather_nd(grid, [place])[0]
            place = tf.math.floormod(
                place + tf.gather(tf.constant([[0, 1], [1, 0], [0, -1]]), move), tf.shape(grid)
            )
            steps += 1
        return steps, place, seen

    return f(tf.constant([[0, 1], [2, 1]]), tf.constant([0, 0]))


def tensor_conditions_in_comprehensions(tf):
    @tf.function
    def f(xs):
        doubled = [x * 2 for x in xs]
        picked = [tf.where(x > 2, x, 0) for x in doubled]
        pairs = {i: p for i, p in enumerate(picked) if i != 1}
        return tf.add_n(picked), pairs

    return f([tf.constant(1), tf.constant(2), tf.constant(3)])


def set_element_shapes_and_partial_shapes(tf):
    shapes = []

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    def f(x):
        y = x
        for _ in tf.range(2):
            y = tf.nn.relu(y - 0.5)
        shapes.append(y.shape)
        z = tf.concat([y, y], 1)
        shapes.append(z.shape)
        out = tf.zeros([0, 6])
        i = 0
        while i < 2:
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(out, tf.TensorShape([None, 6]))]
            )
            out = tf.concat([out, z], 0)
            i += 1
        shapes.append(out.shape)
        return out

    return [f(tf.ones([2, 3])), shapes]
