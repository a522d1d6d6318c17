import pytest

import penstock as tf


@pytest.fixture
def make(tmp_path):
    def make(**arguments):
        checkpoint = tf.train.Checkpoint(value=tf.Variable(0.0))
        return tf.train.CheckpointManager(
            checkpoint, tmp_path, **{"max_to_keep": 1, "keep_best": 1, **arguments}
        )

    return make


def numbers(folder):
    return sorted(int(p.name.split("-")[1].split(".")[0]) for p in folder.glob("*.index"))


def test_the_best_is_kept_beside_the_newest(make, tmp_path):
    manager = make()
    for loss in (0.3, 0.1, 0.2, 0.4):
        manager.save(metric=loss)

    assert numbers(tmp_path) == [2, 4]
    assert manager.best_metric == 0.1
    assert manager.best_checkpoint.endswith("ckpt-2")


def test_large_metrics_may_be_good(make, tmp_path):
    manager = make(best_mode="max", keep_best=2)
    for accuracy in (0.3, 0.9, 0.2, 0.8, 0.1):
        manager.save(metric=accuracy)

    assert numbers(tmp_path) == [2, 4, 5]


def test_a_manager_made_again_knows_the_best(make):
    make().save(metric=0.2)

    again = make()

    assert again.best_metric == 0.2
    again.save(checkpoint_number=2, metric=0.5)
    assert again.best_checkpoint.endswith("ckpt-1")


def test_what_is_no_number_is_never_best(make):
    manager = make()
    manager.save(metric=float("nan"))
    manager.save()

    assert manager.best_checkpoint is None


def test_a_damaged_file_is_refused(make, tmp_path):
    (tmp_path / "ckpt.best.json").write_text("[1]")

    with pytest.raises(tf.errors.DataLossError, match=r"ckpt\.best\.json"):
        make()


@pytest.mark.parametrize("wrong", [{"best_mode": "least"}, {"keep_best": -1}])
def test_arguments_out_of_range_are_refused(make, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**wrong)
