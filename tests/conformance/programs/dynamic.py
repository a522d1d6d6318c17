"""Programs whose shapes depend on values. Each is a function of `tf`."""

from __future__ import annotations


def boolean_mask(tf):
    shapes = []

    @tf.function
    def f(x):
        y = tf.boolean_mask(x, x > 2)
        shapes.append(y.shape)
        return y, tf.size(y), tf.reduce_sum(y) * 2

    return [shapes, f(tf.constant([1, 5, 2, 7])), f(tf.constant([0, 1]))]


def boolean_mask_of_rows_and_axis(tf):
    @tf.function
    def f(x, m, k):
        return tf.boolean_mask(x, m), tf.boolean_mask(x, k, axis=1)

    x = tf.reshape(tf.range(12), [3, 4])
    return f(x, tf.constant([True, False, True]), tf.constant([False, True, True, False]))


def unique_and_counts(tf):
    @tf.function
    def f(x):
        y, idx = tf.unique(x)
        z, zi, counts = tf.unique_with_counts(x)
        return y * 10, idx, counts, tf.gather(z, zi), tf.shape(y)

    return f(tf.constant([4, 4, 1, 9, 1]))


def where_indices(tf):
    shapes = []

    @tf.function
    def f(x):
        i = tf.where(x > 0)
        shapes.append(i.shape)
        return i, tf.gather_nd(x, i), tf.shape(i)[0] + 1

    return [shapes, f(tf.constant([[1, -1], [0, 5]])), f(tf.constant([[-1, -1], [0, -5]]))]


def range_of_an_argument(tf):
    @tf.function
    def f(n):
        r = tf.range(n)
        return r, r * r, tf.reduce_sum(r), tf.ones([n, 2]), tf.shape(tf.zeros([n, n]))

    return [f(tf.constant(n)) for n in (0, 3, 5)]


def fill_and_tile_by_values(tf):
    @tf.function
    def f(n, x):
        return tf.fill([n], 7), tf.tile(x, [n]), tf.repeat(x, n), tf.eye(n), tf.one_hot(x, n)

    return f(tf.constant(3), tf.constant([1, 2]))


def repeat_with_counts(tf):
    @tf.function
    def f(x, r):
        return tf.repeat(x, r, axis=0)

    return f(tf.constant([[1, 2], [3, 4], [5, 6]]), tf.constant([2, 0, 3]))


def slices_by_values(tf):
    @tf.function
    def f(x, a, b):
        return x[a:b], x[: b - a, 1:], tf.slice(x, [a, 0], [b - a, -1]), x[-b:], x[::a]

    x = tf.reshape(tf.range(20), [5, 4])
    return [f(x, tf.constant(1), tf.constant(3)), f(x, tf.constant(2), tf.constant(2))]


def reshape_to_values(tf):
    shapes = []

    @tf.function
    def f(x, n):
        y = tf.reshape(x, [n, -1])
        shapes.append(y.shape)
        return y, tf.transpose(y), tf.reduce_sum(y, 0)

    return [shapes] + [f(tf.range(12), tf.constant(n)) for n in (2, 3, 6)]


def pad_and_split_by_values(tf):
    @tf.function
    def f(x, n):
        p = tf.pad(x, [[n, 1]])
        a, b = tf.split(p, [n, tf.size(p) - n])
        return p, a, b

    return f(tf.constant([1, 2, 3]), tf.constant(2))


def pad_to_the_longest(tf):
    @tf.function
    def f(a, b):
        n = tf.maximum(tf.size(a), tf.size(b))
        return tf.stack([tf.pad(a, [[0, n - tf.size(a)]]), tf.pad(b, [[0, n - tf.size(b)]])])

    return f(tf.constant([1, 2, 3, 4]), tf.constant([9]))


def strings_split_and_join(tf):
    @tf.function
    def f(s):
        parts = tf.strings.split(s)
        n = tf.strings.length(parts.values)
        return (
            parts,
            n,
            parts.row_lengths(),
            tf.strings.reduce_join(parts, axis=-1, separator="+"),
        )

    return f(tf.constant(["a bc d", "", "hello world"]))


def string_to_numbers(tf):
    @tf.function
    def f(s):
        parts = tf.strings.split(s, sep=",")
        values = tf.strings.to_number(parts, tf.float32)
        return tf.reduce_sum(values, axis=1), values.to_tensor(default_value=-1.0)

    return f(tf.constant(["1,2,3", "4", "5,6"]))


def regex_and_masks(tf):
    @tf.function
    def f(s):
        keep = tf.strings.regex_full_match(s, "a.*")
        return tf.boolean_mask(tf.strings.upper(s), keep), tf.reduce_sum(
            tf.cast(keep, tf.int32)
        )

    return f(tf.constant(["apple", "pear", "avocado"]))


def ragged_from_values(tf):
    @tf.function
    def f(x, splits):
        r = tf.RaggedTensor.from_row_splits(x, splits)
        return r, tf.reduce_sum(r, 1), r.to_tensor(), r.bounding_shape(), r + 1

    return f(tf.constant([1, 2, 3, 4, 5]), tf.constant([0, 2, 2, 5], tf.int64))


def ragged_range_and_boolean_mask(tf):
    @tf.function
    def f(n):
        r = tf.ragged.range(n)
        return r, tf.ragged.boolean_mask(r, r % 2 == 0), tf.concat([r, r], 1), r[:, :2]

    return f(tf.constant([3, 0, 4]))


def sparse_from_values(tf):
    @tf.function
    def f(x):
        s = tf.sparse.from_dense(x)
        t = tf.sparse.reorder(tf.sparse.transpose(s))
        return s, t, tf.sparse.to_dense(t), tf.sparse.reduce_sum(s, 1), tf.size(s.values)

    return f(tf.constant([[0, 2, 0], [3, 0, 4]]))


def sparse_times_dense(tf):
    @tf.function
    def f(i, v, d):
        s = tf.SparseTensor(i, v, [3, 3])
        return tf.sparse.sparse_dense_matmul(s, d)

    return f(tf.constant([[0, 1], [2, 0]], tf.int64), tf.constant([2.0, 3.0]), tf.eye(3) * 2.0)


def lookup_tables(tf):
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(["a", "b", "c"], tf.constant([1, 2, 3], tf.int64)),
        -1,
    )

    @tf.function
    def f(words):
        ids = table.lookup(words)
        known = tf.boolean_mask(words, ids >= 0)
        return ids, known, tf.reduce_sum(ids), table.size()

    return f(tf.constant(["c", "x", "a"]))


def mutable_tables(tf):
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0)

    @tf.function
    def count(words):
        for w in words:
            table.insert(w, table.lookup(w) + 1)
        return table.size()

    n = count(tf.constant(["a", "b", "a", "a"]))
    return [n, table.lookup(tf.constant(["a", "b", "z"]))]


def dataset_in_a_function(tf):
    @tf.function
    def f(x, n):
        ds = tf.data.Dataset.from_tensor_slices(x).filter(lambda v: v > n).batch(2)
        total = tf.constant(0)
        batches = tf.constant(0)
        for b in ds:
            total += tf.reduce_sum(b) * tf.shape(b)[0]
            batches += 1
        return total, batches

    return [f(tf.range(9), tf.constant(n)) for n in (3, 7, 100)]


def dataset_reduce_in_a_function(tf):
    @tf.function
    def f(n):
        return (
            tf.data.Dataset.range(n)
            .map(lambda v: v * v)
            .reduce(tf.constant(0, tf.int64), lambda s, v: s + v)
        )

    return f(tf.constant(5, tf.int64))


def growing_tensor(tf):
    @tf.function
    def f(n):
        _, x = tf.while_loop(
            lambda i, x: i < n,
            lambda i, x: (i + 1, tf.concat([x, [i * i]], 0)),
            [tf.constant(0), tf.constant([], tf.int32)],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None])],
        )
        return x, tf.size(x)

    return [f(tf.constant(n)) for n in (0, 1, 6)]


def growing_matrix(tf):
    shapes = []

    @tf.function
    def f(n):
        i = tf.constant(1)
        m = tf.zeros([1, 2], tf.int32)
        while i < n:
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[(m, tf.TensorShape([None, 2]))]
            )
            m = tf.concat([m, tf.stack([[i, i * i]])], 0)
            i += 1
        shapes.append(m.shape)
        return m

    return [f(tf.constant(4)), shapes]


def dynamic_partition_and_stitch(tf):
    @tf.function
    def f(x, p):
        a, b, c = tf.dynamic_partition(x, p, 3)
        ia, ib, ic = tf.dynamic_partition(tf.range(tf.size(x)), p, 3)
        return a, b, c, tf.dynamic_stitch([ia, ib, ic], [a * 10, b * 100, c])

    return f(tf.constant([1, 2, 3, 4, 5]), tf.constant([0, 1, 0, 2, 1]))


def tensor_array_of_unknown_size(tf):
    @tf.function
    def f(x):
        out = tf.TensorArray(tf.int32, size=0, dynamic_size=True, element_shape=[2])
        for v in x:
            if v > 0:
                out = out.write(out.size(), tf.stack([v, v * v]))
        return out.stack(), out.concat(), out.size()

    return f(tf.constant([3, -1, 0, 5]))


def tensor_array_of_rows_of_different_length(tf):
    @tf.function
    def f(n):
        out = tf.TensorArray(tf.int32, size=n, infer_shape=False)
        for i in tf.range(n):
            out = out.write(i, tf.range(i + 1))
        return out.concat()

    return f(tf.constant(4))


def map_fn_on_unknown_sizes(tf):
    shapes = []

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32)])
    def f(x):
        y = tf.map_fn(lambda v: v * v + 1, x)
        z = tf.map_fn(lambda v: tf.cast(v, tf.float32) / 2.0, x, fn_output_signature=tf.float32)
        a, b = tf.map_fn(
            lambda v: (v, [v, v]), x, fn_output_signature=(tf.int32, [tf.int32, tf.int32])
        )
        shapes.extend([y.shape, z.shape, a.shape])
        return y, z, a, b

    return [shapes, f(tf.constant([1, 2, 3])), f(tf.constant([5]))]


def map_fn_with_ragged_results(tf):
    @tf.function
    def f(n):
        return tf.map_fn(tf.range, n, fn_output_signature=tf.RaggedTensorSpec([None], tf.int32))

    return f(tf.constant([2, 0, 3]))


def map_fn_over_ragged(tf):
    @tf.function
    def f(r):
        return tf.map_fn(tf.reduce_sum, r, fn_output_signature=tf.int32)

    return f(tf.ragged.constant([[1, 2], [], [3]]))


def scan_and_folds_on_unknown_sizes(tf):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def f(x):
        s = tf.scan(lambda a, v: a + v, x)
        r = tf.scan(lambda a, v: a + v, x, reverse=True)
        w = tf.scan(lambda a, v: a * 0.5 + v, x, initializer=1.0)
        l = tf.foldl(lambda a, v: a * 2.0 + v, x)
        q = tf.foldr(lambda a, v: a * 2.0 + v, x)
        return s, r, w, l, q

    return [f(tf.constant([1.0, 2.0, 3.0])), f(tf.constant([4.0]))]


def scan_with_a_structure(tf):
    @tf.function
    def f(n):
        return tf.scan(
            lambda a, _: (a[1], a[0] + a[1]),
            tf.range(n),
            initializer=(tf.constant(0), tf.constant(1)),
        )

    return f(tf.constant(6))


def nested_functions_with_dynamic_shapes(tf):
    @tf.function
    def keep(x):
        return tf.boolean_mask(x, x > 0)

    @tf.function
    def f(x):
        y = keep(x)
        z = keep(y - 2)
        return y, z, tf.reduce_sum(z)

    return f(tf.constant([-1, 1, 2, 3, 4]))


def top_k_of_a_filtered_tensor(tf):
    @tf.function
    def f(x, k):
        y = tf.boolean_mask(x, x < 8)
        v, i = tf.math.top_k(y, tf.minimum(k, tf.size(y)))
        return v, i, tf.sort(y), tf.argsort(y)

    return [
        f(tf.constant([3, 9, 1, 5]), tf.constant(2)),
        f(tf.constant([3, 9, 1, 5]), tf.constant(7)),
    ]


def segments_of_data(tf):
    @tf.function
    def f(x, ids):
        n = tf.reduce_max(ids) + 1
        return (
            tf.math.segment_sum(x, ids),
            tf.math.unsorted_segment_max(x, ids, n),
            tf.math.bincount(ids),
        )

    return f(tf.constant([1.0, 2.0, 3.0, 4.0]), tf.constant([0, 0, 1, 3]))


def gradient_through_boolean_mask(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.boolean_mask(x, x > 1.0) ** 2)
        return y, tape.gradient(y, x)

    return f(tf.constant([1.0, 2.0, 3.0, 0.5]))


def gradient_through_a_function_with_boolean_mask(tf):
    @tf.function
    def g(x):
        return tf.reduce_sum(tf.boolean_mask(x, x > 1.0) ** 3)

    x = tf.constant([1.0, 2.0, 3.0, 0.5])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = g(x)
    return [y, tape.gradient(y, x)]


def gradient_through_gather_of_where(tf):
    @tf.function
    def f(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            i = tf.where(x > 0)[:, 0]
            y = tf.reduce_sum(tf.gather(x, i) * tf.cast(i + 1, tf.float32))
        return tf.convert_to_tensor(tape.gradient(y, x))

    return f(tf.constant([1.0, -2.0, 3.0]))


def gradient_through_dynamic_partition(tf):
    @tf.function
    def f(x, p):
        with tf.GradientTape() as tape:
            tape.watch(x)
            a, b = tf.dynamic_partition(x, p, 2)
            y = tf.reduce_sum(a * a) + 3.0 * tf.reduce_sum(b)
        return tape.gradient(y, x)

    return f(tf.constant([1.0, 2.0, 3.0]), tf.constant([0, 1, 0]))


def gradient_through_unique(tf):
    @tf.function
    def f(x, ids):
        with tf.GradientTape() as tape:
            tape.watch(x)
            u, i = tf.unique(ids)
            y = tf.reduce_sum(tf.square(tf.math.unsorted_segment_sum(x, i, tf.size(u))))
        return tape.gradient(y, x)

    return f(tf.constant([1.0, 2.0, 3.0]), tf.constant([7, 4, 7]))


def gradient_through_dynamic_slices(tf):
    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(x[:n] ** 2) + tf.reduce_sum(tf.tile(x[n:], [n]))
        return tape.gradient(y, x)

    return f(tf.constant([1.0, 2.0, 3.0]), tf.constant(2))


def gradient_through_a_growing_loop(tf):
    @tf.function
    def f(x, n):
        with tf.GradientTape() as tape:
            tape.watch(x)
            out = tf.TensorArray(tf.float32, size=0, dynamic_size=True)
            for i in tf.range(n):
                out = out.write(i, x * tf.cast(i, tf.float32))
            y = tf.reduce_sum(out.stack() ** 2)
        return y, tape.gradient(y, x)

    return f(tf.constant(2.0), tf.constant(4))


def gradient_through_ragged(tf):
    @tf.function
    def f(x, lengths):
        with tf.GradientTape() as tape:
            tape.watch(x)
            r = tf.RaggedTensor.from_row_lengths(x, lengths)
            y = tf.reduce_sum(tf.reduce_max(r, axis=1) ** 2)
        return tape.gradient(y, x)

    return f(tf.constant([1.0, 4.0, 3.0, 2.0]), tf.constant([2, 2]))


def while_with_data_dependent_trip_count(tf):
    @tf.function
    def f(x):
        n = tf.constant(0)
        while tf.reduce_any(x > 1.0):
            x = tf.boolean_mask(x, x > 0.5) / 2.0
            n += 1
            tf.debugging.assert_less(n, 100)
        return n, tf.size(x)

    return f(tf.reshape(tf.constant([8.0, 3.0, 0.1, 20.0]), [-1])[:: tf.constant(1)])


def non_max_suppression(tf):
    @tf.function
    def f(boxes, scores):
        keep = tf.image.non_max_suppression(boxes, scores, 10, 0.5)
        return keep, tf.gather(scores, keep)

    return f(
        tf.constant([[0.0, 0, 1, 1], [0, 0, 0.9, 1], [2, 2, 3, 3]]),
        tf.constant([0.5, 0.9, 0.4]),
    )


def unstack_and_stack_of_dynamic(tf):
    @tf.function
    def f(x, m):
        rows = tf.unstack(x)
        kept = [tf.boolean_mask(r, m) for r in rows]
        return tf.stack(kept), tf.concat(kept, 0)

    return f(tf.reshape(tf.range(6), [2, 3]), tf.constant([True, False, True]))


def sequence_masks_and_one_hot(tf):
    @tf.function
    def f(lengths):
        m = tf.sequence_mask(lengths)
        return (
            m,
            tf.reduce_sum(tf.cast(m, tf.int32)),
            tf.one_hot(lengths, tf.reduce_max(lengths) + 1),
        )

    return f(tf.constant([1, 3, 0]))


def sets_and_searches(tf):
    @tf.function
    def f(a, b):
        i = tf.searchsorted(a, b)
        s = tf.sets.intersection(a[None], b[None])
        return i, tf.sparse.to_dense(s), tf.sets.size(s)

    return f(tf.constant([1, 3, 5, 7]), tf.constant([3, 4, 7]))


def shapes_that_flow(tf):
    shapes = []

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.float32)])
    def f(x):
        b, t = tf.shape(x)[0], tf.shape(x)[1]
        y = tf.reshape(x, [b * t, 3])
        z = tf.reshape(y, [b, t, 3])
        w = tf.concat([z, tf.zeros([b, 1, 3])], 1)
        shapes.extend([y.shape, z.shape, w.shape])
        return tf.reduce_sum(w), tf.shape(w)

    return [shapes, f(tf.ones([2, 5, 3])), f(tf.ones([1, 1, 3]))]


def unknown_rank(tf):
    shapes = []

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def f(x):
        flat = tf.reshape(x, [-1])
        y = tf.reshape(flat * 2.0, tf.shape(x))
        shapes.extend([x.shape, flat.shape, y.shape])
        return y, tf.rank(x), tf.size(x)

    return [shapes, f(tf.constant(1.0)), f(tf.ones([2, 2]))]


def py_function_with_any_size(tf):
    import numpy as np

    @tf.function
    def f(x):
        y = tf.numpy_function(lambda a: np.unique(a), [x], tf.int32)
        y.set_shape([None])
        return y * 2, tf.size(y)

    return f(tf.constant([3, 1, 3]))


def cond_with_different_shapes(tf):
    shapes = []

    @tf.function
    def f(x, c):
        y = tf.cond(c, lambda: x[:2], lambda: tf.concat([x, x], 0))
        shapes.append(y.shape)
        return y, tf.reduce_sum(y)

    x = tf.constant([1, 2, 3])
    return [shapes, f(x, tf.constant(True)), f(x, tf.constant(False))]


def if_with_different_shapes(tf):
    @tf.function
    def f(x):
        if tf.reduce_sum(x) > 5:
            y = tf.boolean_mask(x, x > 1)
        else:
            y = tf.zeros([7], tf.int32)
        return y + 1, tf.size(y)

    return [f(tf.constant([1, 2, 3])), f(tf.constant([1, 1, 1]))]


def meshgrid_and_matrices_of_any_size(tf):
    @tf.function
    def f(n, m):
        a, b = tf.meshgrid(tf.range(n), tf.range(m))
        return a + b, tf.linalg.band_part(tf.ones([n, n]), -1, 0), tf.linalg.diag(tf.range(m))

    return f(tf.constant(3), tf.constant(2))


def dynamic_batches_of_matmuls(tf):
    @tf.function
    def f(x, keep):
        y = tf.boolean_mask(x, keep)
        g = tf.matmul(y, y, transpose_b=True)
        return g, tf.linalg.trace(g), tf.reduce_mean(y, 0)

    x = tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    return f(x, tf.constant([True, False, True]))


def parse_and_decode(tf):
    @tf.function
    def f(s):
        raw = tf.io.decode_raw(s, tf.uint8)
        csv = tf.io.decode_csv(["1,2", "3,4"], [[0], [0]])
        return tf.cast(raw, tf.int32) + 1, csv

    return f(tf.constant("abc"))


def random_sizes_with_seeds(tf):
    @tf.function
    def f(n):
        u = tf.random.stateless_uniform([n, 2], seed=[1, 2])
        s = tf.random.experimental.stateless_shuffle(tf.range(n), seed=[1, 2])
        return tf.shape(u), tf.sort(s), tf.reduce_all(u < 1.0)

    return f(tf.constant(4))


def ensure_shape_and_set_shape(tf):
    @tf.function
    def f(x, m):
        y = tf.boolean_mask(x, m)
        y = tf.ensure_shape(y, [2])
        return tf.shape(y), y * 2

    return f(tf.constant([1, 2, 3]), tf.constant([True, True, False]))
