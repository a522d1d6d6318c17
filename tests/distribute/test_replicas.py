"""Strategies of several replicas."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import UnimplementedError


@pytest.fixture
def strategy():
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def number():
    context = tf.distribute.get_replica_context()
    return tf.cast(context.replica_id_in_sync_group, tf.float32)


def context():
    return tf.distribute.get_replica_context()


def values(result):
    return [np.asarray(value).tolist() for value in result.values]


def variable(strategy, start, **options):
    with strategy.scope():
        return tf.Variable(start, **options)


def test_a_strategy_has_a_replica_for_each_device(strategy):
    assert isinstance(strategy, tf.distribute.MirroredStrategy)
    assert strategy.num_replicas_in_sync == 2
    assert [name[-5:] for name in strategy.extended.worker_devices] == ["CPU:0", "CPU:1"]


def test_every_replica_runs_with_its_own_number(strategy):
    result = strategy.run(lambda x: (x + number(), None, "same"), args=(tf.constant(10.0),))

    assert values(result[0]) == [10, 11]
    assert result[1:] == (None, "same")
    assert strategy.experimental_local_results(result[0]) == result[0].values


@pytest.mark.parametrize("decorate", [lambda f: f, tf.function], ids=["eager", "function"])
def test_replicas_sum_what_they_have(strategy, decorate):
    @decorate
    def run():
        return strategy.run(lambda: context().all_reduce("SUM", {"a": number() + 1}))

    assert values(run()["a"]) == [3, 3]


def test_a_function_runs_on_every_replica(strategy):
    @tf.function
    def scaled(x):
        if x > 1:
            x *= number() + 1
        return context().all_reduce("MEAN", x)

    assert values(strategy.run(scaled, args=(tf.constant(2.0),))) == [3, 3]


def test_gradients_pass_sums_over_replicas(strategy):
    def gradient():
        x = number() + 1
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = context().all_reduce("SUM", x * x) * (number() + 1)
        return tape.gradient(y, x)

    # d(y0 + y1) / dx is 2x times 1 + 2.
    assert values(strategy.run(gradient)) == [6, 12]
    assert values(tf.function(lambda: strategy.run(gradient))()) == [6, 12]


def test_replicas_join_what_they_have(strategy):
    joined = strategy.run(lambda: context().all_gather(number()[None], 0))

    assert values(joined) == [[0, 1], [0, 1]]


def test_a_merge_call_happens_once_with_the_values_of_all(strategy):
    calls = []

    def merge(given, x, y):
        calls.append((given, x, y, tf.distribute.in_cross_replica_context()))
        return x

    result = strategy.run(lambda: context().merge_call(merge, args=(number(), 7)))

    ((given, x, y, crossed),) = calls
    assert (given, y, crossed) == (strategy, 7, True)
    assert values(x) == values(result) == [0, 1]


def test_replicas_that_meet_a_different_number_of_times_are_refused(strategy):
    def odd():
        return context().all_reduce("SUM", 1.0) if number() > 0 else 2.0

    with pytest.raises(RuntimeError, match="as often"):
        strategy.run(odd)


def test_an_error_of_one_replica_ends_all(strategy):
    ended = []

    def fail():
        try:
            context().all_reduce("SUM", number())
            if number() > 0:
                raise KeyError("replica 1")
            context().all_reduce("SUM", number())
        finally:
            ended.append(int(number()))

    with pytest.raises(KeyError, match="replica 1"):
        strategy.run(fail)

    assert sorted(ended) == [0, 1]


def test_replicas_do_not_meet_inside_of_a_branch(strategy):
    @tf.function
    def run(p):
        return strategy.run(
            lambda: tf.cond(p, lambda: context().all_reduce("SUM", 1.0), lambda: 2.0)
        )

    with pytest.raises(RuntimeError, match="only meet in the graph"):
        run(tf.constant(True))


def test_results_of_replicas_are_put_together(strategy):
    pairs = strategy.run(lambda: tf.range(2.0) + number())

    assert strategy.reduce("SUM", pairs, axis=None).numpy().tolist() == [1, 3]
    assert strategy.reduce("MEAN", pairs, axis=None).numpy().tolist() == [0.5, 1.5]
    assert strategy.reduce("SUM", pairs, axis=0).numpy() == 4
    assert strategy.reduce("MEAN", pairs, axis=0).numpy() == 1
    assert strategy.gather(pairs, axis=0).numpy().tolist() == [0, 1, 1, 2]
    with pytest.raises(ValueError, match="one for all of them"):
        strategy.reduce("SUM", 3.0, axis=None)


def test_a_mean_along_an_axis_counts_elements(strategy):
    parts = strategy.experimental_distribute_values_from_function(
        lambda ctx: tf.fill(
            [1 + 2 * ctx.replica_id_in_sync_group], 4.0 * ctx.num_replicas_in_sync
        )
    )

    assert strategy.reduce("MEAN", parts, axis=0).numpy() == 8


@pytest.mark.parametrize(
    ("aggregation", "wanted"), [("SUM", 3.0), ("MEAN", 1.5), ("ONLY_FIRST_REPLICA", 1.0)]
)
@pytest.mark.parametrize("decorate", [lambda f: f, tf.function], ids=["eager", "function"])
def test_copies_of_a_variable_stay_equal(strategy, decorate, aggregation, wanted):
    v = variable(strategy, 10.0, aggregation=tf.VariableAggregation[aggregation])

    def add():
        v.assign_add(number() + 1)

    @decorate
    def run():
        strategy.run(add)

    run()

    assert isinstance(v, tf.Variable)
    assert isinstance(v, tf.distribute.DistributedValues)
    assert values(v) == [10 + wanted] * 2
    v.assign(5.0)
    assert values(v) == [5, 5]
    assert (v * 2).numpy() == 10


@pytest.mark.parametrize(("aggregation", "wanted"), [("SUM", 3.0), ("MEAN", 1.5)])
def test_copies_that_are_put_together_when_they_are_read(strategy, aggregation, wanted):
    v = variable(
        strategy,
        0.0,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation[aggregation],
    )

    strategy.run(lambda: v.assign_add(number() + 1))

    assert values(v) == [1, 2]
    assert v.numpy() == wanted
    v.assign(8.0)
    assert v.numpy() == 8


def test_updates_see_the_copy_and_the_share_of_each_replica(strategy):
    v = variable(strategy, [1.0, 1.0])
    shares = strategy.experimental_distribute_values_from_function(
        lambda ctx: tf.fill([2], float(ctx.replica_id_in_sync_group))
    )

    strategy.extended.update(v, lambda copy, share: copy.assign_sub(share), args=(shares,))

    assert values(v) == [[1, 1], [0, 0]]
    assert strategy.extended.variable_created_in_scope(v)
    with pytest.raises(ValueError, match="made in the scope"):
        strategy.extended.update(tf.Variable(1.0), lambda copy: copy)


def test_variables_are_saved_once_and_restored_to_all_copies(strategy, tmp_path):
    v = variable(strategy, [1.0, 2.0])
    saved = tf.train.Checkpoint(v=v).save(str(tmp_path / "saved"))
    v.assign([0.0, 0.0])

    tf.train.Checkpoint(v=v).restore(saved)

    assert values(v) == [[1, 2], [1, 2]]
    assert [name for name, _ in tf.train.list_variables(saved) if name.startswith("v/")] == [
        "v/.ATTRIBUTES/VARIABLE_VALUE"
    ]


def test_batches_are_shared_out(strategy):
    dataset = tf.data.Dataset.range(7).map(lambda x: {"x": x, "y": (x, -x)}).batch(4)
    shared = strategy.experimental_distribute_dataset(dataset)

    elements = [(values(e["x"]), values(e["y"][1])) for e in shared]

    assert elements == [
        ([[0, 1], [2, 3]], [[0, -1], [-2, -3]]),
        ([[4, 5], [6]], [[-4, -5], [-6]]),
    ]
    assert isinstance(shared, tf.distribute.DistributedDataset)
    with pytest.raises(ValueError, match="must be batches"):
        strategy.experimental_distribute_dataset(tf.data.Dataset.range(3))


def test_elements_of_a_function_go_to_the_replicas_in_turn(strategy):
    shared = strategy.distribute_datasets_from_function(
        lambda ctx: tf.data.Dataset.range(8).batch(ctx.get_per_replica_batch_size(4))
    )

    assert [values(e) for e in shared] == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]


def test_a_function_takes_steps_over_a_shared_dataset(strategy):
    shared = strategy.experimental_distribute_dataset(tf.data.Dataset.range(10).batch(4))
    total = variable(strategy, 0, dtype=tf.int64, aggregation=tf.VariableAggregation.SUM)

    @tf.function
    def step(iterator):
        def add(x):
            total.assign_add(tf.reduce_sum(x))
            return tf.reduce_sum(x)

        return strategy.reduce("SUM", strategy.run(add, args=(next(iterator),)), axis=None)

    @tf.function
    def whole(dataset):
        found = tf.constant(0, tf.int64)
        for x in dataset:
            found += strategy.reduce("SUM", strategy.run(tf.reduce_sum, args=(x,)), axis=None)
        return found

    iterator = iter(shared)
    assert [int(step(iterator)) for _ in range(3)] == [6, 22, 17]
    assert int(total) == 45
    with pytest.raises(tf.errors.OutOfRangeError):
        step(iterator)
    assert int(whole(shared)) == 45


def test_training_on_two_replicas_is_training_on_the_whole_batch(strategy):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(8, 3)).astype(np.float32)
    y = rng.normal(size=(8, 1)).astype(np.float32)

    def steps(w, run):
        @tf.function
        def step(xs, ys):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum((xs @ w - ys) ** 2) / 8
            gradient = tape.gradient(loss, w)
            around = context()
            if strategy.num_replicas_in_sync > 1 and tf.distribute.has_strategy():
                gradient = around.all_reduce("SUM", gradient)
            w.assign_sub(0.1 * gradient)

        for _ in range(3):
            run(step)
        return np.asarray(w)

    alone = steps(tf.Variable(np.ones((3, 1), np.float32)), lambda step: step(x, y))
    halves = [
        strategy.experimental_distribute_values_from_function(
            lambda ctx, whole=whole: tf.constant(
                np.split(whole, 2)[ctx.replica_id_in_sync_group]
            )
        )
        for whole in (x, y)
    ]
    shared = variable(strategy, np.ones((3, 1), np.float32))
    together = steps(shared, lambda step: strategy.run(step, args=halves))

    np.testing.assert_allclose(together, alone, rtol=1e-5)
    np.testing.assert_array_equal(*values(shared))


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="must be different"):
        tf.distribute.MirroredStrategy(["CPU:0", "/cpu:0"])
    with pytest.raises(UnimplementedError, match="one GPU, or for several"):
        tf.distribute.MirroredStrategy(["GPU:0", "GPU:1"])


def test_replicas_do_not_start_replicas(strategy):
    with pytest.raises(RuntimeError, match="by the code of a replica"):
        strategy.run(lambda: strategy.run(number))
