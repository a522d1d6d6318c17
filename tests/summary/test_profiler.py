import pytest

import penstock as tf

profiler = tf.profiler.experimental


def test_a_profile_lies_where_tensorboard_looks_for_it(tmp_path):
    with profiler.Profile(str(tmp_path)), profiler.Trace("step", step_num=1, _r=1):
        tf.function(lambda x: x * 2.0)(tf.constant(1.0))

    assert list(tmp_path.glob("plugins/profile/*/*.xplane.pb"))


def test_a_profile_that_is_not_wanted_leaves_nothing(tmp_path):
    profiler.start(str(tmp_path), profiler.ProfilerOptions(host_tracer_level=1))
    profiler.stop(save=False)

    assert list(tmp_path.iterdir()) == []


def test_one_profile_runs_at_a_time(tmp_path):
    with pytest.raises(tf.errors.UnavailableError, match="there must be a profile"):
        profiler.stop()
    profiler.start(str(tmp_path))
    with pytest.raises(tf.errors.AlreadyExistsError, match="one profile runs at a time"):
        profiler.start(str(tmp_path))
    profiler.stop(save=False)


def test_a_profile_cannot_be_delayed(tmp_path):
    with pytest.raises(tf.errors.UnimplementedError, match="delay_ms=5"):
        profiler.start(str(tmp_path), profiler.ProfilerOptions(delay_ms=5))
