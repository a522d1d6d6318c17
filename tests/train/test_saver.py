import numpy as np
import pytest

import penstock as tf

Saver = tf.compat.v1.train.Saver


def test_values_come_back_by_name(tmp_path):
    a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable(3, name="b")
    path = Saver([a, b]).save(None, str(tmp_path / "model"), global_step=7)
    a.assign([0.0, 0.0])
    b.assign(0)

    Saver({"a": a, "b": b}).restore(None, path)

    assert path.endswith("model-7")
    np.testing.assert_array_equal(a.numpy(), [1, 2])
    assert b.numpy() == 3
    assert tf.train.list_variables(path) == [("a", [2]), ("b", [])]
    assert tf.train.latest_checkpoint(tmp_path) == path


def test_checkpoints_by_name_restore_objects(tmp_path):
    a = tf.Variable(1.0, name="a")
    path = Saver([a]).save(None, str(tmp_path / "model"))
    other = tf.Variable(0.0, name="a")

    tf.train.Checkpoint(anything=other).restore(path).assert_consumed()

    assert other.numpy() == 1


def test_old_checkpoints_go(tmp_path):
    saver = Saver([tf.Variable(1.0, name="a")], max_to_keep=2)
    for step in range(4):
        saver.save(None, str(tmp_path / "model"), global_step=step)

    assert [path[-1] for path in saver.last_checkpoints] == ["2", "3"]
    assert len(list(tmp_path.glob("*.index"))) == 2


def test_one_of_every_so_many_hours_stays(tmp_path):
    now = [0.0]
    saver = Saver(
        [tf.Variable(1.0, name="a")],
        max_to_keep=1,
        keep_checkpoint_every_n_hours=1,
        clock=lambda: now[0],
    )
    for hour in (0.1, 1.5, 1.6, 1.7):
        now[0] = hour * 3600
        saver.save(None, str(tmp_path / "model"), global_step=int(hour * 10))

    assert sorted(p.stem for p in tmp_path.glob("*.index")) == ["model-15", "model-17"]


def test_numbers_are_padded_when_asked(tmp_path):
    saver = Saver([tf.Variable(1.0, name="a")], pad_step_number=True)

    assert saver.save(None, str(tmp_path / "m"), global_step=3).endswith("m-00000003")


def test_a_value_is_reshaped_when_asked(tmp_path):
    path = Saver([tf.Variable([1.0, 2.0], name="a")]).save(None, str(tmp_path / "m"))
    column = tf.Variable([[0.0], [0.0]], name="a")

    with pytest.raises(tf.errors.InvalidArgumentError, match="must have shape"):
        Saver([column]).restore(None, path)
    Saver([column], reshape=True).restore(None, path)

    np.testing.assert_array_equal(column.numpy(), [[1], [2]])


def test_what_is_missing_is_named(tmp_path):
    path = Saver([tf.Variable(1.0, name="a")]).save(None, str(tmp_path / "m"))

    with pytest.raises(tf.errors.NotFoundError, match="lacks 1 of 1 variables, first 'b'"):
        Saver([tf.Variable(1.0, name="b")]).restore(None, path)
    with pytest.raises(ValueError, match="not a valid checkpoint"):
        Saver([tf.Variable(1.0, name="a")]).restore(None, str(tmp_path / "none"))


def test_variables_must_be_given_and_have_names_of_their_own():
    with pytest.raises(RuntimeError, match="var_list"):
        Saver()
    with pytest.raises(ValueError, match="same name: a"):
        Saver([tf.Variable(1.0, name="a"), tf.Variable(2.0, name="a")])
    with pytest.raises(ValueError, match="No variables"):
        Saver([])
