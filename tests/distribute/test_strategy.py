"""Strategies of one replica."""

import pytest

import penstock as tf
from penstock.core.errors import UnimplementedError


def test_there_is_a_strategy_where_none_was_chosen():
    strategy = tf.distribute.get_strategy()

    assert not tf.distribute.has_strategy()
    assert strategy.num_replicas_in_sync == 1
    assert not tf.distribute.in_cross_replica_context()
    assert tf.distribute.get_replica_context().replica_id_in_sync_group == 0


@pytest.mark.parametrize(
    "make",
    [
        tf.distribute.MirroredStrategy,
        lambda: tf.distribute.MirroredStrategy(["CPU:0"]),
        lambda: tf.distribute.OneDeviceStrategy("/cpu:0"),
    ],
)
def test_a_scope_makes_its_strategy_the_one_in_force(make):
    strategy = make()

    with strategy.scope() as entered:
        assert entered is strategy
        assert tf.distribute.has_strategy()
        assert tf.distribute.get_strategy() is strategy
        assert tf.distribute.in_cross_replica_context()
        assert tf.distribute.get_replica_context() is None

    assert not tf.distribute.has_strategy()


def test_run_calls_the_function_as_a_replica():
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    seen = []

    def step(x, *, scale):
        seen.append(tf.distribute.get_replica_context())
        return x * scale

    result = strategy.run(step, args=(tf.constant([1.0, 2.0]),), kwargs={"scale": 3.0})

    assert result.numpy().tolist() == [3.0, 6.0]
    assert seen[0].num_replicas_in_sync == 1
    assert seen[0].strategy is strategy


@pytest.mark.parametrize(
    ("kind", "expected"), [("SUM", 6.0), (tf.distribute.ReduceOp.MEAN, 2.0)]
)
def test_reduce_puts_the_elements_along_an_axis_together(kind, expected):
    strategy = tf.distribute.get_strategy()

    assert strategy.reduce(kind, tf.constant([1.0, 2.0, 3.0]), axis=0).numpy() == expected
    assert strategy.reduce(kind, 5.0, axis=None) == 5.0


def test_a_reduce_op_that_is_none_is_refused():
    with pytest.raises(ValueError, match="must be SUM or MEAN, got 'MAX'"):
        tf.distribute.get_strategy().reduce("MAX", 1.0)


def test_a_merge_call_runs_between_the_replicas():
    strategy = tf.distribute.MirroredStrategy()

    def merged(given, x):
        return given is strategy and tf.distribute.in_cross_replica_context(), x

    def step():
        return tf.distribute.get_replica_context().merge_call(merged, args=(4,))

    assert strategy.run(step) == (True, 4)


def test_update_calls_the_function_with_the_variable():
    variable = tf.Variable(2.0)
    extended = tf.distribute.get_strategy().extended

    with extended.colocate_vars_with(variable):
        extended.update(variable, lambda v, x: v.assign_add(x), args=(3.0,), group=False)

    assert variable.numpy() == 5.0


def test_a_dataset_made_for_a_worker_knows_the_batch_of_a_replica():
    strategy = tf.distribute.get_strategy()

    made = strategy.distribute_datasets_from_function(
        lambda context: context.get_per_replica_batch_size(32)
    )

    assert made == 32
    assert strategy.experimental_distribute_dataset("dataset") == "dataset"
    assert strategy.experimental_local_results(7) == (7,)


def test_a_strategy_chosen_for_the_process_holds_until_it_is_taken_back():
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")

    tf.distribute.experimental_set_strategy(strategy)
    try:
        assert tf.distribute.get_strategy() is strategy
        assert tf.distribute.has_strategy()
    finally:
        tf.distribute.experimental_set_strategy(None)
    assert not tf.distribute.has_strategy()


@pytest.mark.parametrize(
    "name", ["TPUStrategy", "MultiWorkerMirroredStrategy", "ParameterServerStrategy"]
)
def test_strategies_of_many_machines_say_that_they_are_missing(name):
    with pytest.raises(UnimplementedError, match=f"tf.distribute.{name} is not implemented"):
        getattr(tf.distribute, name)(None)


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="TPU:3"):
        tf.distribute.OneDeviceStrategy("TPU:3")
