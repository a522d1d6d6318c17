"""Longer programs that mix control flow, state, data and gradients. Functions of `tf`."""

from __future__ import annotations


def beam_search(tf):
    @tf.function
    def f(scores, width):
        steps = tf.shape(scores)[0]
        beams = tf.zeros([1, 0], tf.int32)
        totals = tf.zeros([1])
        for t in tf.range(steps):
            tf.autograph.experimental.set_loop_options(
                shape_invariants=[
                    (beams, tf.TensorShape([None, None])),
                    (totals, tf.TensorShape([None])),
                ]
            )
            vocabulary = tf.shape(scores)[1]
            extended = totals[:, None] + scores[t][None]
            flat = tf.reshape(extended, [-1])
            k = tf.minimum(width, tf.size(flat))
            totals, best = tf.math.top_k(flat, k)
            beams = tf.concat(
                [tf.gather(beams, best // vocabulary), (best % vocabulary)[:, None]], 1
            )
        return beams, totals

    scores = tf.constant([[0.1, 0.9, 0.4], [0.5, 0.2, 0.8], [0.3, 0.7, 0.6]])
    return [f(scores, tf.constant(w)) for w in (1, 2, 5)]


def levenshtein(tf):
    @tf.function
    def f(a, b):
        n, m = tf.size(a), tf.size(b)
        row = tf.range(m + 1)
        for i in tf.range(n):
            new = tf.TensorArray(tf.int32, size=m + 1, clear_after_read=False)
            new = new.write(0, i + 1)
            for j in tf.range(m):
                cost = 0 if a[i] == b[j] else 1
                best = tf.minimum(tf.minimum(new.read(j) + 1, row[j + 1] + 1), row[j] + cost)
                new = new.write(j + 1, best)
            row = tf.ensure_shape(new.stack(), [None])
        return row[m]

    @tf.function
    def of_words(a, b):
        return f(tf.strings.bytes_split(a), tf.strings.bytes_split(b))

    words = [("kitten", "sitting"), ("", "abc"), ("same", "same")]
    return [of_words(tf.constant(a), tf.constant(b)) for a, b in words]


def dijkstra(tf):
    @tf.function
    def f(weights, start):
        n = tf.shape(weights)[0]
        far = tf.constant(1e9)
        distance = tf.tensor_scatter_nd_update(tf.fill([n], far), [[start]], [0.0])
        done = tf.zeros([n], tf.bool)
        while not tf.reduce_all(done):
            u = tf.argmin(tf.where(done, far * 2.0, distance), output_type=tf.int32)
            done = tf.tensor_scatter_nd_update(done, [[u]], [True])
            for v in tf.range(n):
                w = weights[u, v]
                if w > 0.0 and distance[u] + w < distance[v]:
                    distance = tf.tensor_scatter_nd_update(distance, [[v]], [distance[u] + w])
        return distance

    weights = tf.constant([[0, 4, 1, 0], [4, 0, 2, 5], [1, 2, 0, 8], [0, 5, 8, 0]], tf.float32)
    return f(weights, tf.constant(0))


def sieve(tf):
    @tf.function
    def f(n):
        alive = tf.ones([n], tf.bool)
        alive = tf.tensor_scatter_nd_update(alive, [[0], [1]], [False, False])
        p = tf.constant(2)
        while p * p < n:
            if alive[p]:
                multiples = tf.range(p * p, n, p)
                alive = tf.tensor_scatter_nd_update(
                    alive, multiples[:, None], tf.zeros_like(multiples, tf.bool)
                )
            p += 1
        return tf.where(alive)[:, 0]

    return [f(tf.constant(n)) for n in (10, 40)]


def game_of_life(tf):
    @tf.function
    def f(board, steps):
        for _ in tf.range(steps):
            around = tf.zeros_like(board)
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1):
                    if di == 0 and dj == 0:
                        continue
                    around += tf.roll(board, [di, dj], [0, 1])
            born = tf.equal(around, 3)
            stays = tf.logical_and(tf.equal(board, 1), tf.equal(around, 2))
            board = tf.cast(tf.logical_or(born, stays), tf.int32)
            if tf.reduce_sum(board) == 0:
                break
        return board

    glider = tf.constant([[0, 1, 0, 0], [0, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]])
    return [f(glider, tf.constant(k)) for k in (0, 1, 4)]


def run_length_encoding(tf):
    @tf.function
    def f(x):
        values = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        counts = tf.TensorArray(tf.int32, size=0, dynamic_size=True)
        n = tf.size(x)
        i = 0
        while i < n:
            j = i + 1
            while j < n and x[j] == x[i]:
                j += 1
            values = values.write(values.size(), x[i])
            counts = counts.write(counts.size(), j - i)
            i = j
        return values.stack(), counts.stack()

    return [f(tf.constant(v)) for v in ([1, 1, 2, 2, 2, 7], [5])]


def softmax_regression_until_it_converges(tf):
    w = tf.Variable(tf.zeros([2, 2]))

    @tf.function
    def train(x, y, limit):
        loss = tf.constant(1e9)
        steps = tf.constant(0)
        going = True
        while going and steps < limit:
            with tf.GradientTape() as tape:
                new = tf.reduce_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(y, tf.matmul(x, w))
                )
            w.assign_sub(0.5 * tape.gradient(new, w))
            going = tf.abs(loss - new) > 1e-3
            loss = new
            steps += 1
        return steps, loss

    x = tf.constant([[1.0, 0.2], [0.1, 1.0], [0.9, 0.1], [0.3, 0.8]])
    return [train(x, tf.constant([0, 1, 0, 1]), tf.constant(60)), w]


def epochs_over_batches_with_metrics(tf):
    total, count = tf.Variable(0.0), tf.Variable(0.0)
    w = tf.Variable(1.0)

    @tf.function
    def epoch(ds):
        total.assign(0.0)
        count.assign(0.0)
        for x, y in ds:
            with tf.GradientTape() as tape:
                error = tf.reduce_sum((x * w - y) ** 2)
            w.assign_sub(0.01 * tape.gradient(error, w))
            total.assign_add(error)
            count.assign_add(tf.cast(tf.size(x), tf.float32))
            if count > 4.0:
                continue
            w.assign(w * 1.0)
        return total / count

    ds = tf.data.Dataset.from_tensor_slices(
        (tf.constant([1.0, 2.0, 3.0, 4.0, 5.0]), tf.constant([2.0, 4.0, 6.0, 8.0, 10.0]))
    ).batch(2)
    return [[epoch(ds) for _ in range(3)], w]


def tokenizer_with_table(tf):
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(
            tf.constant(["the", "cat", "sat"]), tf.constant([1, 2, 3], tf.int64)
        ),
        0,
    )

    @tf.function
    def f(texts):
        words = tf.strings.split(tf.strings.lower(texts))
        ids = tf.ragged.map_flat_values(table.lookup, words)
        known = tf.ragged.boolean_mask(words, ids > 0)
        return ids.to_tensor(default_value=-1), known, tf.reduce_max(ids, axis=1)

    return f(tf.constant(["The cat", "a dog sat on the mat"]))


def memoised_fibonacci_in_a_table(tf):
    table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, -1)

    @tf.function
    def f(n):
        table.insert([0, 1], tf.constant([0, 1], tf.int64))
        i = tf.constant(2, tf.int64)
        while i <= n:
            table.insert([i], table.lookup([i - 1]) + table.lookup([i - 2]))
            i += 1
        return table.lookup([n])[0], table.size()

    return f(tf.constant(20, tf.int64))


def simpson_with_a_passed_function(tf):
    @tf.function
    def integrate(function, a, b, n):
        h = (b - a) / tf.cast(n, tf.float32)
        s = function(a) + function(b)
        for i in tf.range(1, n):
            x = a + tf.cast(i, tf.float32) * h
            s += function(x) * (4.0 if i % 2 == 1 else 2.0)
        return s * h / 3.0

    def bump(x):
        if x > 0.5:
            return x * x
        return x

    a, b = tf.constant(0.0), tf.constant(1.0)
    return [integrate(tf.sin, a, b, tf.constant(10)), integrate(bump, a, b, tf.constant(4))]


def power_iteration_with_gradient(tf):
    @tf.function
    def f(m):
        with tf.GradientTape() as tape:
            tape.watch(m)
            v = tf.ones([2, 1])
            for _ in tf.range(12):
                v = tf.matmul(m, v)
                v /= tf.norm(v)
            top = tf.matmul(v, tf.matmul(m, v), transpose_a=True)[0, 0]
        return top, tape.gradient(top, m)

    return f(tf.constant([[2.0, 1.0], [1.0, 3.0]]))


def gated_recurrent_network(tf):
    w = tf.Variable([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]])
    u = tf.Variable([[0.3, 0.1], [0.2, -0.4]])

    def cell(x, h):
        z = tf.sigmoid(tf.matmul(x, w)[:, :2] + tf.matmul(h, u))
        c = tf.tanh(tf.matmul(x, w)[:, 1:] + h)
        return z * h + (1.0 - z) * c

    @tf.function
    def f(xs, lengths):
        with tf.GradientTape() as tape:
            h = tf.zeros([tf.shape(xs)[0], 2])
            for t in tf.range(tf.shape(xs)[1]):
                new = cell(xs[:, t], h)
                h = tf.where((t < lengths)[:, None], new, h)
            loss = tf.reduce_sum(h**2)
        return loss, tape.gradient(loss, [w, u])

    xs = tf.reshape(tf.range(12.0), [2, 3, 2]) / 10.0
    return f(xs, tf.constant([3, 1]))


def stack_machine(tf):
    @tf.function
    def run(program):
        stack = tf.TensorArray(tf.int32, size=8, clear_after_read=False)
        top = tf.constant(0)
        for step in program:
            code, value = step[0], step[1]
            if code == 0:
                stack = stack.write(top, value)
                top += 1
            elif code == 1:
                a, b = stack.read(top - 1), stack.read(top - 2)
                stack = stack.write(top - 2, a + b)
                top -= 1
            elif code == 2:
                a, b = stack.read(top - 1), stack.read(top - 2)
                stack = stack.write(top - 2, a * b)
                top -= 1
            else:
                break
        return stack.read(top - 1)

    return run(tf.constant([[0, 2], [0, 3], [1, 0], [0, 4], [2, 0], [9, 0], [0, 77]]))


def shortest_rows_by_ragged_loop(tf):
    @tf.function
    def f(r):
        best = tf.constant(1 << 20)
        place = tf.constant(-1)
        i = tf.constant(0)
        for row in r:
            n = tf.size(row)
            if n == 0:
                i += 1
                continue
            if n < best:
                best, place = n, i
            i += 1
        return best, place

    return f(tf.ragged.constant([[1, 2, 3], [], [4], [5, 6]]))


def bisection_inside_vectorized_data(tf):
    @tf.function
    def root(target):
        low, high = tf.constant(0.0), tf.maximum(target, 1.0)
        while high - low > 1e-4:
            middle = (low + high) / 2.0
            if middle * middle > target:
                high = middle
            else:
                low = middle
        return low

    @tf.function
    def f(xs):
        return tf.map_fn(root, xs)

    return tf.round(f(tf.constant([2.0, 9.0, 0.25])) * 1000.0)


def nested_functions_with_state_and_branches(tf):
    class Account(tf.Module):
        def __init__(self):
            self.balance = tf.Variable(100)
            self.refused = tf.Variable(0)

        @tf.function
        def withdraw(self, amount):
            if amount > self.balance:
                self.refused.assign_add(1)
                return False
            self.balance.assign_sub(amount)
            return True

        @tf.function
        def withdraw_all(self, amounts):
            done = 0
            for a in amounts:
                if self.withdraw(a):
                    done += 1
            return done

    account = Account()
    return [
        account.withdraw_all(tf.constant([30, 80, 50, 40])),
        account.balance,
        account.refused,
    ]


def quantiles_by_sorting_and_slicing(tf):
    @tf.function
    def f(x, qs):
        ordered = tf.sort(tf.boolean_mask(x, ~tf.math.is_nan(x)))
        n = tf.cast(tf.size(ordered), tf.float32)
        out = tf.TensorArray(tf.float32, size=tf.size(qs))
        for i in tf.range(tf.size(qs)):
            place = tf.cast(tf.math.ceil(qs[i] * n), tf.int32) - 1
            out = out.write(i, ordered[tf.maximum(place, 0)])
        return out.stack()

    return f(tf.constant([3.0, float("nan"), 1.0, 2.0, 10.0]), tf.constant([0.0, 0.5, 1.0]))


def matrix_chain_by_dynamic_programming(tf):
    @tf.function
    def f(d):
        n = tf.size(d) - 1
        cost = tf.zeros([n, n], tf.int32)
        for length in tf.range(2, n + 1):
            for i in tf.range(n - length + 1):
                j = i + length - 1
                best = tf.constant(1 << 28)
                for k in tf.range(i, j):
                    c = cost[i, k] + cost[k + 1, j] + d[i] * d[k + 1] * d[j + 1]
                    best = tf.minimum(best, c)
                cost = tf.tensor_scatter_nd_update(cost, [[i, j]], [best])
        return cost[0, n - 1]

    return f(tf.constant([10, 30, 5, 60]))


def gradient_penalty(tf):
    w = tf.Variable([[0.5], [-0.3]])

    @tf.function
    def f(x):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = tf.tanh(tf.matmul(x, w)) ** 2
            g = tape.gradient(y, x)
            penalty = tf.reduce_mean((tf.norm(g, axis=1) - 1.0) ** 2)
        return penalty, outer.gradient(penalty, w)

    return f(tf.constant([[1.0, 2.0], [0.3, -0.5]]))


def implicit_layer_by_fixed_point(tf):
    @tf.custom_gradient
    def solve(a):
        x = tf.zeros_like(a)
        for _ in range(60):
            x = tf.cos(x) * a

        def grad(dy):
            return dy * tf.cos(x) / (1.0 + a * tf.sin(x))

        return x, grad

    @tf.function
    def f(a):
        with tf.GradientTape() as tape:
            tape.watch(a)
            y = solve(a)
        return y, tape.gradient(y, a)

    return f(tf.constant(0.7))


def early_stopping_with_several_returns(tf):
    @tf.function
    def f(x, limit):
        if tf.reduce_all(x < 0):
            return tf.constant("negative"), tf.constant(0)
        total = tf.constant(0)
        for i in tf.range(tf.size(x)):
            total += x[i]
            if total > limit:
                break
        if total > limit:
            return tf.strings.format("over at {}", total), total
        elif total == limit:
            return tf.constant("exact"), total
        else:
            return tf.constant("under"), total

    return [f(tf.constant(x), tf.constant(10)) for x in ([-1, -2], [5, 6, 7], [5, 5], [1, 2])]


def windows_of_a_signal(tf):
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([], tf.int32)]
    )
    def f(x, width):
        n = tf.maximum(tf.size(x) - width + 1, 0)
        out = tf.TensorArray(tf.float32, size=n, element_shape=[])
        for i in tf.range(n):
            out = out.write(i, tf.reduce_mean(x[i : i + width]))
        return out.stack()

    return [f(tf.range(6.0), tf.constant(w)) for w in (1, 3, 6)] + [f(tf.range(9.0), 4)]


def group_by_key_with_loops(tf):
    @tf.function
    def f(keys, values):
        unique, index = tf.unique(keys)
        n = tf.size(unique)
        sums = tf.zeros([n], values.dtype)
        largest = tf.fill([n], values.dtype.min)
        for i in tf.range(tf.size(keys)):
            k = index[i]
            sums = tf.tensor_scatter_nd_add(sums, [[k]], [values[i]])
            if values[i] > largest[k]:
                largest = tf.tensor_scatter_nd_update(largest, [[k]], [values[i]])
        return unique, sums, largest

    return f(tf.constant(["b", "a", "b", "c", "a"]), tf.constant([3, 9, 4, -1, 2]))


def generator_dataset_in_function(tf):
    def source():
        for k in range(5):
            yield k, [k] * k

    ds = tf.data.Dataset.from_generator(
        source,
        output_signature=(tf.TensorSpec([], tf.int32), tf.TensorSpec([None], tf.int32)),
    )

    @tf.function
    def f(ds):
        total = 0
        for k, row in ds:
            if k % 2 == 1:
                total += tf.reduce_sum(row)
        return total

    return f(ds)


def scatter_gather_pipeline_with_strings(tf):
    @tf.function
    def f(lines):
        total = 0.0
        bad = tf.TensorArray(tf.string, size=0, dynamic_size=True)
        for line in lines:
            parts = tf.strings.split(line, ":")
            if tf.size(parts) != 2:
                bad = bad.write(bad.size(), line)
                continue
            total += tf.strings.to_number(parts[1])
        return total, bad.stack()

    return f(tf.constant(["a:1.5", "oops", "b:2", "x:y:z"]))


def while_with_many_kinds_of_state(tf):
    @tf.function
    def f(n):
        state = {
            "count": tf.constant(0),
            "name": tf.constant("s"),
            "ragged": tf.ragged.constant([[1], [2, 3]]),
            "flags": (True, [tf.constant(1.5)]),
        }
        while state["count"] < n:
            state = {
                "count": state["count"] + 1,
                "name": state["name"] + "!",
                "ragged": state["ragged"] * 2,
                "flags": (not state["flags"][0], [state["flags"][1][0] / 2.0]),
            }
        return state

    return [f(tf.constant(0)), f(tf.constant(3))]
