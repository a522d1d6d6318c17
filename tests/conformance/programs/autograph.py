"""Programs whose Python control flow depends on tensors. Each is a function of `tf`."""

from __future__ import annotations

import functools


def if_else_over_scalar(tf):
    @tf.function
    def f(x):
        if x > 0:
            y = x * 2
        else:
            y = x - 1
        return y

    return [f(tf.constant(3)), f(tf.constant(-3))]


def elif_chain(tf):
    @tf.function
    def f(x):
        if x < -10:
            label = "very low"
        elif x < 0:
            label = "low"
        elif x == 0:
            label = "zero"
        elif x < 10:
            label = "high"
        else:
            label = "very high"
        return label

    return [f(tf.constant(v)) for v in (-20, -5, 0, 5, 50)]


def early_returns(tf):
    @tf.function
    def f(x, y):
        if x > y:
            return x - y
        if x == y:
            return tf.constant(100)
        z = x * y
        if z > 50:
            return z
        return z + y

    return [f(tf.constant(a), tf.constant(b)) for a, b in ((5, 2), (3, 3), (7, 9), (1, 4))]


def return_inside_nested_loops(tf):
    @tf.function
    def f(grid, wanted):
        for i in tf.range(tf.shape(grid)[0]):
            for j in tf.range(tf.shape(grid)[1]):
                if grid[i, j] == wanted:
                    return tf.stack([i, j])
        return tf.constant([-1, -1])

    grid = tf.constant([[1, 2, 3], [4, 5, 6]])
    return [f(grid, tf.constant(v)) for v in (1, 5, 6, 9)]


def break_and_continue_in_nested_loops(tf):
    @tf.function
    def f(n, m):
        total = 0
        for i in tf.range(n):
            if i % 3 == 1:
                continue
            for j in tf.range(m):
                if j > i:
                    break
                if (i + j) % 2 == 0:
                    continue
                total += i * 10 + j
            if total > 300:
                break
        return total

    return [f(tf.constant(a), tf.constant(b)) for a, b in ((0, 3), (4, 4), (9, 5), (20, 20))]


def while_else(tf):
    @tf.function
    def f(n):
        i = tf.constant(0)
        while i < n:
            i += 2
        else:
            i += 100
        return i

    return f(tf.constant(5))


def for_else_with_break(tf):
    @tf.function
    def f(x, limit):
        found = tf.constant(-1)
        for v in x:
            if v > limit:
                found = v
                break
        return found

    return [f(tf.constant([1, 5, 9]), tf.constant(3)), f(tf.constant([1, 5]), tf.constant(30))]


def while_true_with_break(tf):
    @tf.function
    def f(n):
        i = tf.constant(1)
        while True:
            i *= 2
            if i > n:
                break
        return i

    return [f(tf.constant(n)) for n in (0, 10, 1000)]


def chained_comparisons(tf):
    @tf.function
    def f(x):
        a = tf.constant(0)
        if 0 < x < 10:
            a = tf.constant(1)
        if 5 <= x <= 5:
            a += 10
        if -3 < x <= 0 != a:
            a += 100
        return a

    return [f(tf.constant(v)) for v in (-5, 0, 3, 5, 12)]


def logic_is_lazy(tf):
    @tf.function
    def f(x, i):
        n = tf.shape(x)[0]
        if i < n and x[i] > 0:
            return tf.constant(1)
        if i >= n or x[i] == 0:
            return tf.constant(2)
        return tf.constant(3)

    x = tf.constant([4, 0, -4])
    return [f(x, tf.constant(i)) for i in range(5)]


def logic_returns_values(tf):
    @tf.function
    def f(a, b):
        c = a and b
        d = a or b
        e = not a
        g = (a and not b) or (b and not a)
        return c, d, e, g

    t = [tf.constant(False), tf.constant(True)]
    return [f(a, b) for a in t for b in t]


def logic_with_python_values(tf):
    @tf.function
    def f(x, flag, items):
        if flag and x > 0:
            return x
        if items or x < -100:
            return x + len(items)
        return -x

    return [
        f(tf.constant(1), True, []),
        f(tf.constant(1), False, [1, 2]),
        f(tf.constant(1), False, []),
        f(tf.constant(-1), None, ()),
    ]


def conditional_expressions(tf):
    @tf.function
    def f(x):
        a = x if x > 0 else -x
        b = "even" if x % 2 == 0 else "odd"
        c = (1 if x > 0 else 2) if x > -5 else 3
        return a, b, c

    return [f(tf.constant(v)) for v in (-9, -4, 3)]


def conditional_expression_with_python_test(tf):
    @tf.function
    def f(x, double):
        return (x * 2 if double else x) + (1 if x.shape.rank == 0 else 2)

    return [f(tf.constant(4), True), f(tf.constant(4), False), f(tf.constant([4]), True)]


def variables_of_several_types(tf):
    @tf.function
    def f(n):
        count = 0
        total = 0.0
        ok = True
        text = tf.constant("")
        z = tf.complex(0.0, 0.0)
        for i in tf.range(n):
            count += 1
            total += tf.cast(i, tf.float32) / 2.0
            ok = ok and i < 3
            text += tf.strings.as_string(i)
            z += tf.complex(tf.cast(i, tf.float32), 1.0)
        return count, total, ok, text, z

    return [f(tf.constant(n)) for n in (0, 3, 5)]


def range_with_bounds_and_step(tf):
    @tf.function
    def f(a, b, c):
        s = tf.constant(0)
        k = tf.constant(0)
        for i in tf.range(a, b, c):
            s = s * 10 + i
            k += 1
        return s, k

    return [f(*map(tf.constant, t)) for t in ((0, 5, 1), (5, 0, -2), (3, 3, 1), (1, 8, 3))]


def builtin_range_of_a_tensor(tf):
    @tf.function
    def f(n):
        s = 0
        for i in range(n):
            s += i * i
        for i in range(1, n):
            s -= i
        for i in range(n, 0, -1):
            s += 1
        return s

    return [f(tf.constant(n)) for n in (0, 1, 6)]


def range_of_floats(tf):
    @tf.function
    def f(n):
        s = tf.constant(0.0)
        for x in tf.range(0.0, n, 0.5):
            s += x
        return s

    return f(tf.constant(2.2))


def enumerate_a_tensor(tf):
    @tf.function
    def f(x):
        s = tf.constant(0)
        for i, v in enumerate(x):
            s += tf.cast(i, tf.int32) * v
        for i, v in enumerate(x, start=5):
            s += tf.cast(i, tf.int32)
        return s

    return f(tf.constant([3, 4, 5]))


def zip_of_tensors(tf):
    @tf.function
    def f(x, y):
        s = tf.constant(0)
        for a, b in tf.data.Dataset.zip(
            (
                tf.data.Dataset.from_tensor_slices(x),
                tf.data.Dataset.from_tensor_slices(y),
            )
        ):
            s += a * b
        return s

    return f(tf.constant([1, 2, 3]), tf.constant([4, 5, 6]))


def zip_and_enumerate_of_python_lists(tf):
    @tf.function
    def f(x):
        s = tf.constant(0)
        for i, (a, b) in enumerate(zip([1, 2, 3], [x, x * 2, x * 3])):
            if b > 5:
                s += a * b + i
        return s

    return [f(tf.constant(1)), f(tf.constant(3))]


def rows_of_a_matrix(tf):
    @tf.function
    def f(m):
        best = tf.fill([tf.shape(m)[1]], -1000.0)
        for row in m:
            best = tf.maximum(best, row)
        return best

    return f(tf.constant([[1.0, 9.0], [5.0, 2.0], [3.0, 3.0]]))


def loop_over_a_dataset(tf):
    @tf.function
    def f(ds):
        s = tf.constant(0, tf.int64)
        n = 0
        for x in ds:
            s += x
            n += 1
        return s, n

    return f(tf.data.Dataset.range(7).filter(lambda x: x % 2 == 0))


def dataset_with_break_and_structure(tf):
    @tf.function
    def f(ds):
        s = tf.constant(0)
        for batch in ds:
            for v in batch["x"]:
                if v == 3:
                    continue
                s += v
            if s > 10:
                break
            s += batch["y"]
        return s

    ds = tf.data.Dataset.from_tensor_slices(
        {"x": [[1, 2], [3, 4], [9, 8], [5, 5]], "y": [1, 2, 3, 4]}
    )
    return f(ds)


def dataset_iterator_with_next(tf):
    @tf.function
    def f(it):
        s = tf.constant(0, tf.int64)
        for _ in tf.range(3):
            s = s * 10 + next(it)
        return s

    it = iter(tf.data.Dataset.range(1, 9))
    return [f(it), f(it), next(it)]


def dataset_enumerate_in_loop(tf):
    @tf.function
    def f(ds):
        s = tf.constant(0, tf.int64)
        for i, x in ds.enumerate():
            s += i * x
        for i, x in enumerate(ds):
            s += tf.cast(i, tf.int64) + x
        return s

    return f(tf.data.Dataset.from_tensor_slices(tf.constant([5, 6, 7], tf.int64)))


def dataset_made_inside(tf):
    @tf.function
    def f(x, k):
        s = tf.constant(0)
        for v in tf.data.Dataset.from_tensor_slices(x).map(lambda t: t + k).batch(2):
            s = s * 10 + tf.reduce_sum(v)
        return s

    return f(tf.constant([1, 2, 3, 4, 5]), tf.constant(1))


def list_append_to_tensor_array(tf):
    @tf.function
    def f(n):
        out = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
        for i in tf.range(n):
            if i % 2 == 0:
                out = out.write(out.size(), tf.cast(i, tf.float32))
        return out.stack(), out.size()

    return [f(tf.constant(n)) for n in (1, 5, 8)]


def tensor_array_read_write(tf):
    @tf.function
    def f(n):
        fib = tf.TensorArray(tf.int32, size=n, clear_after_read=False)
        fib = fib.write(0, 1)
        fib = fib.write(1, 1)
        for i in tf.range(2, n):
            fib = fib.write(i, fib.read(i - 1) + fib.read(i - 2))
        return fib.stack()

    return [f(tf.constant(n)) for n in (2, 9)]


def python_list_in_unrolled_loop(tf):
    @tf.function
    def f(x):
        parts = []
        for i in range(3):
            parts.append(x * i)
        return tf.stack(parts), len(parts)

    return f(tf.constant([1, 2]))


def list_of_tensors_changed_in_branch(tf):
    @tf.function
    def f(x):
        a = [x, x + 1]
        if x > 0:
            a = [a[0] * 2, a[1] * 3]
        return a

    return [f(tf.constant(2)), f(tf.constant(-2))]


def dict_changed_in_loop(tf):
    @tf.function
    def f(n):
        state = {"a": tf.constant(0), "b": (tf.constant(1), tf.constant(2))}
        for i in tf.range(n):
            state["a"] += i
            state = {"a": state["a"], "b": (state["b"][1], state["b"][0] + 1)}
        return state

    return [f(tf.constant(0)), f(tf.constant(5))]


def dict_items_and_comprehensions(tf):
    @tf.function
    def f(d):
        out = {k: (v if v > 0 else -v) for k, v in d.items()}
        total = sum([v for v in out.values()])
        names = sorted(out)
        return out, total, [out[n] * 2 for n in names if n != "b"]

    return f({"a": tf.constant(-1), "b": tf.constant(2), "c": tf.constant(-3)})


def nested_calls(tf):
    def inner(x):
        if x > 10:
            return x - 10
        return x

    def middle(x):
        s = x
        while s > 100:
            s = s // 2
        return inner(s)

    @tf.function
    def f(x):
        return middle(x) + inner(x)

    return [f(tf.constant(v)) for v in (5, 50, 500)]


def recursive_call_in_python(tf):
    def power(x, n):
        if n == 0:
            return tf.ones_like(x)
        half = power(x, n // 2)
        if n % 2:
            return half * half * x
        return half * half

    @tf.function
    def f(x):
        return power(x, 11)

    return f(tf.constant(2))


def functions_that_call_functions(tf):
    @tf.function
    def g(x):
        if x > 0:
            return x * 2.0
        return x

    @tf.function
    def f(x):
        return g(x) + g(-x) + (g(x) if x > 5 else g(x + 1))

    return [f(tf.constant(v)) for v in (1.0, 7.0)]


def methods_and_attributes(tf):
    class Counter:
        def __init__(self):
            self.limit = 3
            self.v = tf.Variable(0)

        def clip(self, x):
            if x > self.limit:
                return tf.constant(self.limit)
            return x

        @tf.function
        def step(self, x):
            y = self.clip(x)
            if y > 1:
                self.v.assign_add(y)
            return y

        @classmethod
        def scale(cls, x):
            if x > 0:
                return x * 5
            return x

        @staticmethod
        def flip(x):
            return -x if x > 0 else x

        @property
        def doubled(self):
            return self.v * 2

        @tf.function
        def all(self, x):
            return self.scale(x) + self.flip(x) + self.doubled

    c = Counter()
    return [c.step(tf.constant(9)), c.step(tf.constant(1)), c.v, c.all(tf.constant(4))]


def callable_objects(tf):
    class Scale:
        def __init__(self, k):
            self.k = k

        def __call__(self, x):
            if x > 0:
                return x * self.k
            return x

    scale = Scale(3)
    f = tf.function(scale)

    @tf.function
    def g(x):
        return scale(x) + scale(-x)

    return [f(tf.constant(2)), g(tf.constant(2))]


def inheritance_and_super(tf):
    class Base:
        def go(self, x):
            if x > 0:
                return x + 1
            return x

    class Derived(Base):
        @tf.function
        def go(self, x):
            y = super().go(x)
            if y > 5:
                y *= 2
            return y

    derived = Derived()
    return [derived.go(tf.constant(v)) for v in (-1, 3, 8)]


def closures_with_nonlocal(tf):
    @tf.function
    def f(x):
        count = tf.constant(0)

        def visit(v):
            nonlocal count
            if v > 2:
                count += v

        for i in range(4):
            visit(x + i)
        return count

    return [f(tf.constant(0)), f(tf.constant(5))]


def nonlocal_in_graph_loop(tf):
    @tf.function
    def f(n):
        total = tf.constant(0)

        def add(v):
            nonlocal total
            total = total + v

        for i in tf.range(n):
            if i % 2 == 0:
                total += i
        add(tf.constant(100))
        return total

    return f(tf.constant(6))


def lambdas(tf):
    pick = lambda x: x * 2 if x > 0 else x - 1

    @tf.function
    def f(x):
        clip = lambda v, lo=0, hi=5: lo if v < lo else (hi if v > hi else v)
        return pick(x), clip(x), clip(x, hi=2)

    g = tf.function(lambda x: x + 1 if x > 0 else x)
    return [f(tf.constant(v)) for v in (-3, 4, 9)] + [g(tf.constant(1)), g(tf.constant(-1))]


def decorated_functions(tf):
    def twice(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(function(*args, **kwargs))

        return wrapper

    @twice
    def shrink(x):
        if x > 10:
            return x // 2
        return x - 1

    @tf.function
    @twice
    def f(x):
        if x > 5:
            return shrink(x)
        return x + 1

    return [f(tf.constant(v)) for v in (1, 8, 90)]


def defaults_and_keyword_arguments(tf):
    def helper(x, *rest, scale=2, **options):
        y = x * scale
        for r in rest:
            if r > 0:
                y += r
        if options.get("negate", False):
            y = -y
        return y

    @tf.function
    def f(x, k=3, *more, flag=True, **named):
        y = helper(x, *more, scale=k, **named)
        if flag and y > 20:
            y = y - 20
        return y

    x = tf.constant(5)
    return [
        f(x),
        f(x, 10),
        f(x, 1, tf.constant(2), tf.constant(-2)),
        f(x, k=4, flag=False, negate=True),
    ]


def try_finally_around_tensors(tf):
    log = []

    @tf.function
    def f(x):
        try:
            log.append("try")
            y = x * 2
        finally:
            log.append("finally")
        if y > 4:
            y = y + 1
        return y

    return [f(tf.constant(1)), f(tf.constant(4)), log]


def try_except_in_python(tf):
    @tf.function
    def f(x):
        try:
            y = {"a": 1}["b"]
        except KeyError:
            y = 7
        if x > 0:
            y = y + x
        return y

    return f(tf.constant(2))


def with_statements(tf):
    class Scope:
        def __init__(self, log):
            self.log = log

        def __enter__(self):
            self.log.append("in")
            return 3

        def __exit__(self, *_):
            self.log.append("out")

    log = []

    @tf.function
    def f(x):
        with Scope(log) as k, tf.name_scope("inner"):
            if x > 0:
                y = x * k
            else:
                y = x
        return y

    return [f(tf.constant(2)), f(tf.constant(-2)), log]


def augmented_assignments(tf):
    @tf.function
    def f(x):
        a = x
        if x > 0:
            a += 1
            a *= 3
            a -= 2
            a //= 2
            a **= 2
            a %= 7
        return a

    return [f(tf.constant(4)), f(tf.constant(-4))]


def slices_in_loops(tf):
    @tf.function
    def f(x):
        n = tf.shape(x)[0]
        best = x[0]
        for i in tf.range(1, n):
            tail = x[i:]
            if tf.reduce_sum(tail) > best:
                best = tf.reduce_sum(tail)
        return best, x[: n - 1], x[::-1]

    return f(tf.constant([5, -9, 8, 1]))


def tuple_unpacking(tf):
    @tf.function
    def f(n):
        a, b = tf.constant(0), tf.constant(1)
        while a < n:
            a, b = b, a + b
        (c, d), *e = (a, b), 1, 2
        return a, b, c + d, e

    return f(tf.constant(50))


def prefix_sums_with_two_loops(tf):
    @tf.function
    def f(x):
        n = tf.shape(x)[0]
        out = tf.zeros_like(x)
        s = tf.constant(0)
        i = 0
        while i < n:
            s += x[i]
            out = tf.tensor_scatter_nd_update(out, [[i]], [s])
            i += 1
        for j in tf.range(n):
            out = tf.tensor_scatter_nd_add(out, [[j]], [j])
        return out

    return f(tf.constant([3, 1, 4, 1, 5]))


def assert_that_holds(tf):
    @tf.function
    def f(x):
        assert x > 0, "must be positive"
        return x * 2

    return f(tf.constant(2))


def loops_over_ragged_rows(tf):
    @tf.function
    def f(r):
        s = tf.constant(0)
        for row in r:
            if tf.size(row) > 1:
                s = s * 10 + tf.reduce_sum(row)
        return s

    return f(tf.ragged.constant([[1, 2], [3], [], [4, 5, 6]]))


def loops_over_range_with_ragged_rows(tf):
    @tf.function
    def f(r):
        out = tf.TensorArray(tf.int32, size=tf.cast(r.nrows(), tf.int32))
        for i in tf.range(tf.cast(r.nrows(), tf.int32)):
            out = out.write(i, tf.reduce_sum(r[i]))
        return out.stack()

    return f(tf.ragged.constant([[1, 2], [3], [], [4, 5, 6]]))


def do_not_convert_runs_python(tf):
    @tf.autograph.experimental.do_not_convert
    def plain(x, items):
        total = x
        for i in items:
            total = total + i
        return total

    @tf.function
    def f(x):
        if x > 0:
            x = plain(x, [1, 2, 3])
        return x

    return [f(tf.constant(1)), f(tf.constant(-1))]


def autograph_off(tf):
    @tf.function(autograph=False)
    def f(x):
        return tf.cond(x > 0, lambda: x, lambda: -x)

    return f(tf.constant(-4))


def to_graph_converts(tf):
    def f(x):
        if x > 0:
            x = x * x
        else:
            x = -x
        return x

    g = tf.autograph.to_graph(f)
    return [g(tf.constant(-3)), tf.function(g)(tf.constant(5))]


def primes_with_inner_break(tf):
    @tf.function
    def f(n):
        out = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        for k in tf.range(2, n):
            prime = True
            for d in tf.range(2, k):
                if k % d == 0:
                    prime = False
                    break
            if prime:
                out = out.write(out.size(), k)
        return out.stack()

    return f(tf.constant(30))


def bubble_sort(tf):
    @tf.function
    def f(x):
        n = tf.size(x)
        swapped = True
        while swapped:
            swapped = False
            for i in tf.range(n - 1):
                a, b = x[i], x[i + 1]
                if a > b:
                    x = tf.tensor_scatter_nd_update(x, [[i], [i + 1]], [b, a])
                    swapped = True
        return x

    return f(tf.constant([5, 2, 9, 1, 7, 3]))


def gcd_with_while(tf):
    @tf.function
    def f(a, b):
        while b != 0:
            a, b = b, a % b
        return a

    return [f(tf.constant(84), tf.constant(36)), f(tf.constant(17), tf.constant(5))]


def newton_until_it_converges(tf):
    @tf.function
    def f(x):
        y = x
        steps = 0
        while tf.abs(y * y - x) > 1e-6 and steps < 50:
            y = 0.5 * (y + x / y)
            steps += 1
        return tf.round(y * 1e5), steps

    return [f(tf.constant(v, tf.float64)) for v in (2.0, 1.0, 144.0)]


def variables_in_branches_and_loops(tf):
    v = tf.Variable(1)
    w = tf.Variable([0, 0, 0])

    @tf.function
    def f(n):
        for i in tf.range(n):
            if i % 2 == 0:
                v.assign_add(i)
            else:
                v.assign(v * 2)
            w.scatter_nd_add([[i % 3]], [v])
        return v + 0

    return [f(tf.constant(4)), v, w]


def python_counter_in_trace(tf):
    traces = []

    @tf.function
    def f(x):
        traces.append(x.dtype.name)
        return x + 1

    f(tf.constant(1))
    f(tf.constant(2))
    f(tf.constant(1.0))
    return traces


def ensembles_by_index(tf):
    @tf.function
    def f(i, x):
        functions = [lambda: x + 1, lambda: x * 2, lambda: -x]
        out = tf.constant(0)
        for k, fn in enumerate(functions):
            if i == k:
                out = fn()
        return out

    return [f(tf.constant(i), tf.constant(5)) for i in range(4)]


def conditional_none_return(tf):
    @tf.function
    def f(x, training=None):
        if training is None:
            return x
        if training:
            return x * 2
        return x * 3

    x = tf.constant(2)
    return [
        f(x),
        f(x, True),
        f(x, training=False),
        f(x, tf.constant(True)),
        f(x, tf.constant(False)),
    ]


def string_operations(tf):
    @tf.function
    def f(words):
        out = tf.constant("")
        for w in words:
            if tf.strings.length(w) > 2:
                out = tf.strings.join([out, tf.strings.upper(w)], separator="-")
            elif w == "no":
                continue
            else:
                out += w
        return out

    return f(tf.constant(["alpha", "no", "b", "gamma"]))


def walrus_and_is_none(tf):
    @tf.function
    def f(x, y=None):
        if (n := x.shape[0]) > 2:
            x = x[:2]
        z = x if y is None else y
        return z * n, y is None

    return [f(tf.constant([1, 2, 3]))[0], f(tf.constant([1]), tf.constant(5))[0]]


def len_int_float_bool_casts(tf):
    @tf.function
    def f(x):
        n = len(x)
        a = float(x[0])
        b = int(x[1])
        return n, a, b

    return f(tf.constant([3, 4]))


def all_any_abs_max_min(tf):
    @tf.function
    def f(x):
        a = abs(x)
        b = max([1, 2, 3])
        c = all([True, 1])
        d = any([False, 0])
        return a, b, c, d, sum([1, 2])

    return f(tf.constant([-3, 4]))


def map_and_filter_builtins(tf):
    @tf.function
    def f(x):
        parts = list(map(lambda k: x * k if x > 0 else x, [1, 2, 3]))
        kept = list(filter(lambda k: k % 2, [1, 2, 3]))
        return parts, kept

    return [f(tf.constant(1)), f(tf.constant(-1))]


def global_state(tf):
    @tf.function
    def f(x):
        global _LEVEL
        _LEVEL = _LEVEL + 1
        if x > _LEVEL:
            return x
        return -x

    global _LEVEL
    _LEVEL = 3
    first = f(tf.constant(4))
    return [first, f(tf.constant(100)), _LEVEL]


_LEVEL = 0


def partial_functions(tf):
    def base(a, b, c=1):
        if a > b:
            return a * c
        return b

    g = functools.partial(base, c=5)
    f = tf.function(functools.partial(base, tf.constant(3)))

    @tf.function
    def h(x):
        return g(x, 2) + g(x, b=100)

    return [f(tf.constant(1)), f(tf.constant(9)), h(tf.constant(7))]


def deleted_and_shadowed_names(tf):
    @tf.function
    def f(x):
        y = x + 1
        del x
        x = y * 2
        if x > 4:
            z = x
        else:
            z = y
        del y
        return x, z

    return [f(tf.constant(0)), f(tf.constant(5))]


def named_tuples(tf):
    import collections

    Point = collections.namedtuple("Point", "x y")

    @tf.function
    def f(p):
        for _ in tf.range(3):
            p = Point(p.x + p.y, p.y * 2)
        if p.x > 10:
            p = Point(p.y, p.x)
        return p

    return list(f(Point(tf.constant(1), tf.constant(2)))) + list(
        f(Point(tf.constant(-50), tf.constant(0)))
    )


def object_attributes_in_graph_control_flow(tf):
    class State:
        pass

    @tf.function
    def f(n):
        s = State()
        s.total = tf.constant(0)
        s.seen = tf.constant(0)
        for i in tf.range(n):
            if i % 2 == 0:
                s.total += i
            s.seen = s.seen + 1
        return s.total, s.seen

    return f(tf.constant(6))


def while_over_python_then_tensor(tf):
    @tf.function
    def f(x):
        i = 0
        while i < 3:
            x = x + i
            i += 1
        return x, i

    return f(tf.constant(1))


def unrolled_loop_with_tensor_break(tf):
    @tf.function
    def f(x):
        total = tf.constant(0)
        for i in range(10):
            total += i
            if total > x:
                break
        return total

    return [f(tf.constant(5)), f(tf.constant(1000))]


def multiple_targets_in_for(tf):
    @tf.function
    def f(pairs):
        s = tf.constant(0)
        for a, b in pairs:
            s = s * 2 + a - b
        return s

    return f(tf.constant([[5, 1], [7, 2], [1, 1]]))


def nested_if_in_loop_defines_after(tf):
    @tf.function
    def f(n):
        last = tf.constant(-1)
        kind = "none"
        for i in tf.range(n):
            if i > 2:
                if i % 2 == 0:
                    kind = "even"
                else:
                    kind = "odd"
                last = i
        return last, kind

    return [f(tf.constant(n)) for n in (0, 4, 5)]


def shape_invariants_through_loop_options(tf):
    @tf.function
    def f(n):
        v = tf.constant([0])
        for i in tf.range(n):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(v, tf.TensorShape([None]))], maximum_iterations=4
            )
            v = tf.concat([v, [i]], 0)
        return v

    return [f(tf.constant(0)), f(tf.constant(3)), f(tf.constant(8))]


def tf_print_and_side_effects_order(tf):
    v = tf.Variable(1.0)

    @tf.function
    def f(x):
        v.assign(x)
        a = v * 2.0
        v.assign(x + 1.0)
        b = v * 2.0
        return a, b

    return f(tf.constant(3.0))


def generator_expression_of_python(tf):
    @tf.function
    def f(x):
        total = sum(x * k for k in (1, 2, 3))
        return total

    return f(tf.constant(2))


def matrix_walk_with_complex_exit(tf):
    @tf.function
    def f(x):
        i, j = tf.constant(0), tf.constant(0)
        rows, cols = tf.shape(x)[0], tf.shape(x)[1]
        path = tf.constant(0)
        while True:
            path = path * 10 + x[i, j]
            right = x[i, j + 1] if j + 1 < cols else -1
            down = x[i + 1, j] if i + 1 < rows else -1
            if right < 0 and down < 0:
                break
            if right >= down:
                j += 1
            else:
                i += 1
        return path

    return f(tf.constant([[1, 2, 1], [3, 4, 5], [0, 1, 6]]))


def max_min_and_sum_of_tensors(tf):
    @tf.function
    def f(x, y):
        return max(x, y), min(x, y, 0), sum([x, y, 1])

    return [f(tf.constant(3), tf.constant(-4)), f(tf.constant(-3), tf.constant(4))]


def stop_iteration_of_optional_argument(tf):
    @tf.function
    def f(xs):
        out = []
        for x in xs:
            if isinstance(x, tuple):
                out.append(x[0] + x[1])
            elif x is None:
                continue
            else:
                out.append(x if x > 0 else -x)
        return out

    return f([tf.constant(1), (tf.constant(2), tf.constant(3)), None, tf.constant(-4)])
