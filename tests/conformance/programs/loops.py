"""Programs with tf.while_loop, TensorArray, map_fn and folds. Each is a function of `tf`."""

from __future__ import annotations


def while_loop_eager_and_in_graph(tf):
    def g(n):
        return tf.while_loop(
            lambda i, s: i < n,
            lambda i, s: (i + 1, s + i * i),
            [tf.constant(0), tf.constant(0)],
        )

    return [h(tf.constant(n)) for h in (g, tf.function(g)) for n in (0, 5)]


def while_loop_with_structures(tf):
    @tf.function
    def f(n):
        return tf.while_loop(
            lambda s: s["i"] < n,
            lambda s: ({"i": s["i"] + 1, "v": [s["v"][0] + 1, s["v"][1] * 2]},),
            [{"i": tf.constant(0), "v": [tf.constant(0), tf.constant(1)]}],
        )

    return f(tf.constant(4))


def while_loop_with_a_single_variable(tf):
    @tf.function
    def f(n):
        return tf.while_loop(lambda i: i < n, lambda i: i + 3, [tf.constant(0)])

    return f(tf.constant(10))


def while_loop_with_a_bare_variable(tf):
    @tf.function
    def f(n):
        return tf.while_loop(lambda i: i < n, lambda i: [i + 3], (tf.constant(0),))

    return f(tf.constant(10))


def while_loop_maximum_iterations(tf):
    @tf.function
    def f(m):
        a = tf.while_loop(
            lambda i: True, lambda i: i + 1, [tf.constant(0)], maximum_iterations=7
        )
        b = tf.while_loop(
            lambda i: i < 100, lambda i: i + 1, [tf.constant(0)], maximum_iterations=m
        )
        return a, b

    return f(tf.constant(5))


def while_loop_options_are_accepted(tf):
    @tf.function
    def f(n):
        return tf.while_loop(
            lambda i: i < n,
            lambda i: i + 1,
            [tf.constant(0)],
            parallel_iterations=2,
            swap_memory=True,
            name="loop",
        )

    return f(tf.constant(3))


def while_loop_shape_invariants(tf):
    @tf.function
    def f(n):
        shapes = []

        def body(i, m):
            shapes.append(m.shape)
            return i + 1, tf.concat([m, m], 0)

        return tf.while_loop(
            lambda i, m: i < n,
            body,
            [tf.constant(0), tf.ones([2, 2])],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, 2])],
        )[1]

    return [f(tf.constant(0)), f(tf.constant(2))]


def while_loop_with_ragged(tf):
    @tf.function
    def f(n):
        r = tf.ragged.constant([[1, 2], [3]])
        return tf.while_loop(
            lambda i, r: i < n, lambda i, r: (i + 1, r + i), [tf.constant(0), r]
        )[1]

    return f(tf.constant(3))


def while_loop_with_sparse(tf):
    @tf.function
    def f(n):
        s = tf.sparse.from_dense([0, 2, 0, 3])
        out = tf.while_loop(
            lambda i, s: i < n,
            lambda i, s: (i + 1, tf.SparseTensor(s.indices, s.values * 2, s.dense_shape)),
            [tf.constant(0), s],
        )[1]
        return tf.sparse.to_dense(out)

    return f(tf.constant(3))


def nested_while_loops(tf):
    @tf.function
    def f(n):
        def body(i, s):
            _, t = tf.while_loop(lambda j, t: j < i, lambda j, t: (j + 1, t + j), [0, 0])
            return i + 1, s + t

        return tf.while_loop(lambda i, s: i < n, body, [0, 0])[1]

    return f(tf.constant(6))


def variables_in_a_while_loop(tf):
    v = tf.Variable(1.0)
    count = tf.Variable(0)

    @tf.function
    def f(n):
        def body(i):
            v.assign(v * 2.0 + tf.cast(i, tf.float32))
            count.assign_add(1)
            return i + 1

        tf.while_loop(lambda i: (i < n) & (v < 50.0), body, [tf.constant(0)])
        return v.read_value()

    return [f(tf.constant(3)), f(tf.constant(100)), count, v]


def gradient_of_a_counted_loop(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(4):
                y = y * x + 1.0
        return y, tape.gradient(y, x)

    return f(tf.constant(1.5))


def gradient_of_a_loop_with_unknown_count(tf):
    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for _ in tf.range(n):
                y = y * x
        return y, tape.gradient(y, x)

    return [f(tf.constant(1.5), tf.constant(n)) for n in (0, 1, 5)]


def gradient_of_an_unbounded_while(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            while y < 100.0:
                y = y * x
        return y, tape.gradient(y, x)

    return [f(tf.constant(v)) for v in (1.5, 3.0, 200.0)]


def gradient_of_a_while_from_outside(tf):
    @tf.function
    def f(x, w):
        y = x
        while tf.reduce_sum(y) < 50.0:
            y = y * w + 1.0
        return y

    w = tf.Variable([2.0, 1.5])
    x = tf.constant([1.0, 1.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(f(x, w))
    return [y, tape.gradient(y, [x, w])]


def gradient_with_maximum_iterations(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.while_loop(lambda y: y < 1000.0, lambda y: y * x, [x], maximum_iterations=5)[
                0
            ]
        return y, tape.gradient(y, x)

    return [f(tf.constant(2.0)), f(tf.constant(20.0))]


def second_gradient_of_a_while(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = x
                while y < 20.0:
                    y = y * x
            g = tape.gradient(y, x)
        return y, g, outer.gradient(g, x)

    return f(tf.constant(2.0))


def second_gradient_of_a_counted_loop(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = x
                for i in tf.range(3):
                    y = y * tf.sin(x) + x
            g = tape.gradient(y, x)
        return g, outer.gradient(g, x)

    return f(tf.constant(0.7))


def gradient_with_break(tf):
    @tf.function
    def f(x, limit):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = x
            for i in tf.range(20):
                if y > limit:
                    break
                y = y * x
        return y, tape.gradient(y, x)

    return [f(tf.constant(1.3), tf.constant(v)) for v in (1.0, 5.0)]


def gradient_of_nested_loops(tf):
    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            s = tf.constant(0.0)
            for i in tf.range(n):
                p = tf.constant(1.0)
                for j in tf.range(i + 1):
                    p = p * x
                s += p
        return s, tape.gradient(s, x)

    return f(tf.constant(1.2), tf.constant(4))


def gradient_through_rows_of_a_tensor(tf):
    @tf.function
    def f(m):
        with tf.GradientTape() as tape:
            tape.watch(m)
            s = tf.zeros([2])
            for row in m:
                s = s * 0.5 + row * row
            y = tf.reduce_sum(s)
        return tape.gradient(y, m)

    return f(tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))


def gradient_through_tensor_array(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            a = tf.TensorArray(tf.float32, size=3)
            for i in tf.range(3):
                a = a.write(i, x * tf.cast(i + 1, tf.float32) ** 2)
            y = tf.reduce_sum(a.stack() * tf.constant([1.0, 2.0, 3.0]))
        return tape.gradient(y, x)

    return f(tf.constant(2.0))


def gradient_through_an_rnn(tf):
    @tf.function
    def f(xs, w):
        with tf.GradientTape() as tape:
            tape.watch([xs, w])
            h = tf.zeros([1, 2])
            outs = tf.TensorArray(tf.float32, size=tf.shape(xs)[0])
            for t in tf.range(tf.shape(xs)[0]):
                h = tf.tanh(tf.matmul(h, w) + xs[t][None])
                outs = outs.write(t, h)
            y = tf.reduce_sum(outs.stack() ** 2)
        return y, tape.gradient(y, [xs, w])

    return f(
        tf.constant([[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]]),
        tf.constant([[0.5, -0.1], [0.2, 0.3]]),
    )


def gradient_of_variables_in_a_loop(tf):
    w = tf.Variable(1.1)

    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            y = x
            for _ in tf.range(n):
                y = y * w + 1.0
        return tape.gradient(y, w)

    return f(tf.constant(2.0), tf.constant(5))


def tensor_array_eager(tf):
    a = tf.TensorArray(tf.int32, size=3, clear_after_read=False)
    a = a.write(0, 5).write(2, 7).write(1, 6)
    b = tf.TensorArray(tf.float32, size=0, dynamic_size=True).unstack([[1.0, 2.0], [3.0, 4.0]])
    c = tf.TensorArray(tf.int32, size=2).scatter([1, 0], [[1], [2]])
    d = tf.TensorArray(tf.int32, size=2, infer_shape=False).split(tf.range(5), [2, 3])
    return [
        a.stack(),
        a.read(0),
        a.read(0),
        a.gather([2, 0]),
        a.size(),
        b.stack(),
        b.concat(),
        c.stack(),
        d.read(1),
    ]


def tensor_array_in_graph(tf):
    @tf.function
    def f():
        a = tf.TensorArray(tf.int32, size=3, clear_after_read=False)
        a = a.write(0, 5).write(2, 7).write(1, 6)
        b = tf.TensorArray(tf.float32, size=0, dynamic_size=True).unstack(
            [[1.0, 2.0], [3.0, 4.0]]
        )
        c = tf.TensorArray(tf.int32, size=2).scatter([1, 0], [[1], [2]])
        d = tf.TensorArray(tf.int32, size=2, infer_shape=False).split(tf.range(5), [2, 3])
        return (
            a.stack(),
            a.read(0),
            a.read(0),
            a.gather([2, 0]),
            a.size(),
            b.stack(),
            b.concat(),
            c.stack(),
            d.read(1),
        )

    return f()


def tensor_array_element_shapes(tf):
    a = tf.TensorArray(tf.float32, size=2, element_shape=[2])
    shapes = [a.element_shape]
    b = tf.TensorArray(tf.float32, size=2)
    shapes.append(b.element_shape)
    b = b.write(0, [1.0, 2.0, 3.0])
    shapes.append(b.element_shape)

    @tf.function
    def f(n):
        c = tf.TensorArray(tf.float32, size=n)
        for i in tf.range(n):
            c = c.write(i, [1.0, 2.0])
        shapes.append(c.element_shape)
        s = c.stack()
        shapes.append(s.shape)
        return s

    return [f(tf.constant(3)), shapes]


def tensor_array_read_of_unwritten(tf):
    @tf.function
    def f():
        a = tf.TensorArray(tf.float32, size=3, element_shape=[2])
        a = a.write(1, [1.0, 2.0])
        return a.stack(), a.read(0)

    return f()


def tensor_array_write_out_of_range(tf):
    return tf.TensorArray(tf.int32, size=2).write(2, 1).stack()


def tensor_array_write_out_of_range_in_graph(tf):
    @tf.function
    def f(i):
        return tf.TensorArray(tf.int32, size=2).write(i, 1).stack()

    return f(tf.constant(2))


def tensor_array_read_out_of_range_in_graph(tf):
    @tf.function
    def f(i):
        return tf.TensorArray(tf.int32, size=2, element_shape=[]).write(0, 1).read(i)

    return f(tf.constant(5))


def tensor_array_read_twice_eager(tf):
    a = tf.TensorArray(tf.int32, size=2).write(0, 1)
    a.read(0)
    return a.read(0)


def tensor_array_write_twice(tf):
    @tf.function
    def f():
        a = tf.TensorArray(tf.int32, size=2)
        a = a.write(0, 1).write(1, 2).write(0, 3)
        return a.stack()

    b = tf.TensorArray(tf.int32, size=1).write(0, 1).write(0, 4)
    return [f(), b.stack()]


def tensor_array_of_another_dtype(tf):
    return tf.TensorArray(tf.int32, size=2).write(0, tf.constant(1.0))


def tensor_array_of_other_shapes(tf):
    @tf.function
    def f():
        return tf.TensorArray(tf.int32, size=2).write(0, [1]).write(1, [1, 2]).stack()

    return f()


def tensor_array_of_strings(tf):
    @tf.function
    def f(words):
        a = tf.TensorArray(tf.string, size=0, dynamic_size=True)
        for w in words:
            if tf.strings.length(w) > 1:
                a = a.write(a.size(), tf.strings.upper(w))
        return a.stack()

    return f(tf.constant(["ab", "c", "def"]))


def tensor_array_as_argument_and_result(tf):
    @tf.function
    def double(a):
        out = tf.TensorArray(tf.int32, size=a.size())
        for i in tf.range(a.size()):
            out = out.write(i, a.read(i) * 2)
        return out

    @tf.function
    def f(x):
        a = tf.TensorArray(tf.int32, size=0, dynamic_size=True).unstack(x)
        return double(a).stack()

    return f(tf.constant([1, 2, 3]))


def tensor_array_clear_after_read_in_graph(tf):
    @tf.function
    def f():
        a = tf.TensorArray(tf.int32, size=1, clear_after_read=True).write(0, 5)
        return a.read(0) + a.read(0)

    return f()


def map_fn_signatures(tf):
    @tf.function
    def f(x, y):
        a = tf.map_fn(lambda t: t[0] + t[1], (x, y), fn_output_signature=tf.int32)
        b = tf.map_fn(
            lambda t: {"s": t, "d": t * 2},
            x,
            fn_output_signature={"s": tf.int32, "d": tf.int32},
        )
        c = tf.map_fn(lambda t: tf.cast(t, tf.float32), x, dtype=tf.float32)
        d = tf.map_fn(lambda t: t > 1, x, fn_output_signature=tf.TensorSpec([], tf.bool))
        e = tf.map_fn(lambda t: tf.strings.as_string(t), x, fn_output_signature=tf.string)
        return a, b, c, d, e

    return f(tf.constant([1, 2, 3]), tf.constant([10, 20, 30]))


def map_fn_eager(tf):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    return [
        tf.map_fn(lambda r: r * 2.0, x),
        tf.map_fn(tf.reduce_sum, x),
        tf.map_fn(lambda r: (r[0], r[1]), x, fn_output_signature=(tf.float32, tf.float32)),
        tf.map_fn(lambda r: r, tf.zeros([0, 2])),
    ]


def map_fn_with_conditions_inside(tf):
    @tf.function
    def f(x):
        return tf.map_fn(lambda v: v * 2 if v > 1 else -v, x)

    def outer(v):
        if v > 2:
            return v * 10
        return v

    @tf.function
    def g(x):
        return tf.map_fn(outer, x)

    return [f(tf.constant([1, 2, 3])), g(tf.constant([1, 2, 3]))]


def gradient_of_map_fn(tf):
    @tf.function
    def f(x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            y = tf.reduce_sum(
                tf.map_fn(
                    lambda r: tf.tensordot(r, w, 1) ** 2, x, fn_output_signature=tf.float32
                )
            )
        return tape.gradient(y, [x, w])

    return f(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([0.5, -1.0]))


def gradient_of_scan(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.scan(lambda a, v: a * v + 1.0, x) ** 2)
        return tape.gradient(y, x)

    return f(tf.constant([1.0, 2.0, 3.0]))


def gradient_of_folds(tf):
    @tf.function
    def f(x):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            a = tf.foldl(lambda a, v: a * v + v, x, initializer=1.0)
            b = tf.foldr(lambda a, v: a * v + v, x)
        return tape.gradient(a, x), tape.gradient(b, x)

    return f(tf.constant([1.0, 2.0, 3.0]))


def scan_forms(tf):
    x = tf.constant([[1, 2], [3, 4], [5, 6]])
    return [
        tf.scan(lambda a, r: a + r, x),
        tf.scan(lambda a, r: a + r, x, reverse=True),
        tf.scan(lambda a, r: a + tf.reduce_sum(r), x, initializer=tf.constant(100)),
        tf.scan(lambda a, t: (a[0] + t[0], a[1] * t[1]), (x[:, 0], x[:, 1])),
    ]


def vectorized_map_forms(tf):
    x = tf.constant([[1.0, 2.0], [3.0, 4.0]])
    w = tf.constant([[1.0, 0.5], [0.0, 2.0]])

    @tf.function
    def f(x):
        return tf.vectorized_map(lambda r: tf.linalg.matvec(w, r), x), tf.vectorized_map(
            lambda t: {"a": t[0] * t[1], "b": tf.reduce_sum(t[0])}, (x, x * 2.0)
        )

    return [f(x), tf.vectorized_map(lambda r: r / tf.reduce_sum(r), x)]


def vectorized_map_gradient(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.vectorized_map(lambda r: tf.reduce_prod(r) ** 2, x))
        return tape.gradient(y, x)

    return f(tf.constant([[1.0, 2.0], [3.0, 4.0]]))


def vectorized_map_of_unknown_size(tf):
    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
    def f(x):
        return tf.vectorized_map(lambda r: tf.reduce_sum(r) * r, x)

    return [f(tf.constant([[1.0, 2.0], [3.0, 4.0]])), f(tf.ones([1, 2]))]


def tensor_list_ops(tf):
    r = tf.raw_ops

    @tf.function
    def f():
        h = r.EmptyTensorList(
            element_shape=tf.constant([2]), max_num_elements=-1, element_dtype=tf.float32
        )
        h = r.TensorListPushBack(input_handle=h, tensor=[1.0, 2.0])
        h = r.TensorListPushBack(input_handle=h, tensor=[3.0, 4.0])
        n = r.TensorListLength(input_handle=h)
        s = r.TensorListStack(
            input_handle=h, element_shape=[2], element_dtype=tf.float32, num_elements=-1
        )
        h2, last = r.TensorListPopBack(
            input_handle=h, element_shape=[2], element_dtype=tf.float32
        )
        e = r.TensorListElementShape(input_handle=h, shape_type=tf.int32)
        g = r.TensorListGather(
            input_handle=h, indices=[1, 0], element_shape=[2], element_dtype=tf.float32
        )
        k = r.TensorListFromTensor(tensor=[[1, 2], [3, 4]], element_shape=tf.constant([2]))
        k = r.TensorListSetItem(input_handle=k, index=1, item=[9, 9])
        m = r.TensorListGetItem(
            input_handle=k, index=1, element_shape=[2], element_dtype=tf.int32
        )
        z = r.TensorListResize(input_handle=k, size=3)
        return (
            n,
            s,
            last,
            r.TensorListLength(input_handle=h2),
            e,
            g,
            m,
            r.TensorListLength(input_handle=z),
        )

    return f()


def loop_over_a_variable(tf):
    v = tf.Variable([1, 2, 3])

    @tf.function
    def f():
        s = tf.constant(0)
        for x in v:
            s = s * 10 + x
        return s

    a = f()
    v.assign([4, 5, 6])
    return [a, f()]


def loop_carried_dtype_of_python_numbers(tf):
    @tf.function
    def f(n):
        a, b, c = 0, 1.0, False
        for i in tf.range(n):
            a += 1
            b *= 1.5
            c = not c
        return a, b, c

    return f(tf.constant(3))


def loop_without_rounds_keeps_values(tf):
    @tf.function
    def f(n):
        x = tf.constant([1, 2])
        y = 5
        for i in tf.range(n):
            x = x * 2
            y = y + 1
        return x, y

    return f(tf.constant(0))


def loop_variable_after_the_loop(tf):
    @tf.function
    def f(n):
        i = -1
        for i in tf.range(n):
            pass
        return i

    return [f(tf.constant(0)), f(tf.constant(4))]


def while_with_random_draws(tf):
    @tf.function
    def f(n):
        s = tf.constant(0.0)
        for i in tf.range(n):
            s += tf.random.stateless_uniform([], seed=[7, i])
        return s

    return f(tf.constant(4))


def checks_in_loops(tf):
    @tf.function
    def f(x):
        s = 0
        for v in x:
            tf.debugging.assert_greater(v, 0)
            s += 12 // v
        return s

    return f(tf.constant([1, 2, 3]))


def failing_check_in_a_loop(tf):
    @tf.function
    def f(x):
        s = 0
        for v in x:
            tf.debugging.assert_greater(v, 0)
            s += v
        return s

    return f(tf.constant([1, -2, 3]))


def gather_out_of_range_in_a_loop(tf):
    @tf.function
    def f(x, n):
        s = 0
        for i in tf.range(n):
            s += tf.gather(x, i)
        return s

    return f(tf.constant([1, 2]), tf.constant(3))


def large_trip_count(tf):
    @tf.function
    def f(n):
        s = tf.constant(0, tf.int64)
        i = tf.constant(0, tf.int64)
        while i < n:
            s += i * i % 7
            i += 1
        return s

    return f(tf.constant(100000, tf.int64))


def control_dependencies_in_a_loop(tf):
    v = tf.Variable(0)

    @tf.function
    def f(n):
        for i in tf.range(n):
            with tf.control_dependencies([v.assign_add(i)]):
                x = tf.identity(v)
        return v + 0

    return f(tf.constant(4))


def two_loops_and_a_branch_share_state(tf):
    v = tf.Variable([0, 0])

    @tf.function
    def f(n):
        for i in tf.range(n):
            if i % 2 == 0:
                v[0].assign(v[0] + i)
            else:
                v[1].assign(v[1] + i)
        while v[0] < 20:
            v.assign(v + 3)
        return tf.identity(v)

    return [f(tf.constant(5)), v]
