"""What is said about a dataset."""

import pytest

import penstock as tf
from tests.data.contents import Dataset, contents


def _options(**values):
    options = tf.data.Options()
    for name, value in values.items():
        setattr(options, name, value)
    return options


def test_options_set_later_replace_earlier_ones():
    threads = tf.data.Options()
    threads.threading.private_threadpool_size = 3
    dataset = (
        Dataset.range(3)
        .with_options(_options(deterministic=False, dataset_name="a"))
        .map(lambda x: x)
        .with_options(threads)
        .with_options(_options(dataset_name="b"))
    )

    options = dataset.options()

    assert options.deterministic is False
    assert options.threading.private_threadpool_size == 3
    assert options.dataset_name == "b"
    assert Dataset.range(3).options() == tf.data.Options()


def test_options_do_not_change_the_elements():
    dataset = Dataset.range(3).with_options(_options(deterministic=False))

    assert contents(dataset.batch(2)) == [[0, 1], [2]]
    assert len(dataset) == 3


def test_unset_options_are_none_or_a_default():
    options = tf.data.Options()

    assert options.deterministic is None
    assert options.autotune.enabled is None
    policy = options.experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.AUTO


def test_unknown_options_and_wrong_types_are_refused():
    options = tf.data.Options()

    with pytest.raises(AttributeError, match="Cannot set the property foo on Options"):
        options.foo = 1
    with pytest.raises(AttributeError, match="foo on OptimizationOptions"):
        options.experimental_optimization.foo = True
    with pytest.raises(TypeError, match="deterministic"):
        options.deterministic = "a"
    with pytest.raises(AttributeError, match="no attribute 'foo'"):
        _ = options.foo


def test_older_names_mean_the_same():
    options = _options(experimental_deterministic=False)

    assert options.deterministic is False
    assert options.experimental_threading is options.threading


def test_options_of_a_dataset_cannot_be_changed():
    options = Dataset.range(3).with_options(_options(deterministic=True)).options()

    with pytest.raises(ValueError, match="with_options"):
        options.deterministic = False
    with pytest.raises(ValueError, match="with_options"):
        options.threading.private_threadpool_size = 3


def test_options_merge_and_compare():
    one, two = _options(deterministic=True), _options(dataset_name="a")

    merged = one.merge(two)

    assert (merged.deterministic, merged.dataset_name) == (True, "a")
    assert merged != one
    assert one.merge(tf.data.Options()) == one
    with pytest.raises(TypeError, match="incompatible"):
        one.merge(3)


def test_options_given_to_a_dataset_are_copied():
    options = _options(deterministic=True)
    dataset = Dataset.range(3).with_options(options)

    options.deterministic = False

    assert dataset.options().deterministic is True


def test_apply_calls_a_function_of_the_dataset():
    assert contents(Dataset.range(2).apply(lambda dataset: dataset.repeat(2))) == [0, 1, 0, 1]
    with pytest.raises(TypeError, match="transformation_func"):
        Dataset.range(2).apply(lambda _: 3)


def test_the_number_of_elements_can_be_asserted():
    def asserted(count, expected):
        dataset = Dataset.range(count).filter(lambda _: True)
        return dataset.apply(tf.data.experimental.assert_cardinality(expected))

    assert contents(asserted(3, 3)) == [0, 1, 2]
    assert len(asserted(3, 3)) == 3
    with pytest.raises(tf.errors.FailedPreconditionError, match="at least 3 elements"):
        contents(asserted(5, 2))
    with pytest.raises(tf.errors.FailedPreconditionError, match="only 3 elements"):
        contents(asserted(3, 5))
