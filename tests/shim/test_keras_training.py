"""Keras models train, answer and are kept on penstock."""

import threading

import numpy as np
import pytest

import penstock as tf
from penstock.function.polymorphic import Function

# Keras' own variables have an `__array__` that numpy 2 warns of, and datasets that shuffle
# themselves are told so.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning"),
]

RNG = np.random.default_rng(3)
INPUTS = RNG.normal(size=(48, 6)).astype(np.float32)
LABELS = RNG.integers(0, 3, (48,)).astype(np.int32)


def model(**options):
    keras = tf.keras
    keras.utils.set_random_seed(1)
    made = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dropout(0.2, seed=1),
            keras.layers.Dense(3),
        ]
    )
    made.compile(
        keras.optimizers.Adam(0.05),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **options,
    )
    return made


def losses(made, **options):
    record = made.fit(
        INPUTS, LABELS, batch_size=16, epochs=2, shuffle=False, verbose=0, **options
    )
    return record.history["loss"]


@pytest.fixture(scope="module")
def expected():
    """Losses of the plain model."""
    return losses(model())


@pytest.fixture
def traces(monkeypatch):
    """Functions traced while the test runs."""
    made = []
    original = Function._trace

    def trace(self, *args):
        concrete = original(self, *args)
        made.append(concrete)
        return concrete

    monkeypatch.setattr(Function, "_trace", trace)
    return made


def test_the_train_step_is_one_computation_between_the_iterator_and_its_result(traces):
    made = model()

    losses(made)
    losses(made)

    (step,) = [each for each in traces if each.name == "multi_step_on_iterator"]
    program = step.function.program
    assert [node.row.name for node in program.host_nodes()] == [
        "IteratorGetNext",
        "OptionalFromValue",
    ]
    (plan,) = program._plans.values()
    assert [segment.on_device for segment in plan] == [False, True, False]


@pytest.mark.parametrize(
    "options",
    [{"jit_compile": True}, {"run_eagerly": True}, {"steps_per_execution": 2}],
    ids=str,
)
def test_all_ways_to_run_give_the_same_losses(options, expected):
    np.testing.assert_allclose(losses(model(**options)), expected, rtol=1e-5)


def test_single_batches_train_as_fit_does(expected):
    made = model()

    found = [
        np.mean(
            [
                made.train_on_batch(INPUTS[i : i + 16], LABELS[i : i + 16])[0]
                for i in range(0, 48, 16)
            ]
        )
        for _ in range(2)
    ]

    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_dataset_with_callbacks_trains_as_arrays_do(expected, tmp_path):
    keras = tf.keras
    data = tf.data.Dataset.from_tensor_slices((INPUTS, LABELS)).batch(16).prefetch(1)
    made = model()

    record = made.fit(
        data,
        epochs=2,
        verbose=0,
        validation_data=data,
        callbacks=[
            keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True),
            keras.callbacks.EarlyStopping(patience=3),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        ],
    )

    np.testing.assert_allclose(record.history["loss"], expected, rtol=1e-5)
    best = keras.models.load_model(tmp_path / "best.keras")
    scores = best.evaluate(data, verbose=0)
    assert scores[0] == pytest.approx(min(record.history["val_loss"]), rel=1e-5)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3


def test_a_saved_model_answers_as_before(tmp_path):
    made = model()
    losses(made)

    made.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")

    np.testing.assert_array_equal(
        loaded.predict(INPUTS, verbose=0), made.predict(INPUTS, verbose=0)
    )
    assert int(loaded.optimizer.iterations) == 6


def test_a_fit_that_fails_leaves_the_model_usable():
    made = model()

    with pytest.raises(ValueError, match="expected axis -1"):
        made.fit(INPUTS[:, :4], LABELS, verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be in"):
        made.fit(INPUTS, LABELS + 9, verbose=0)

    assert np.isfinite(losses(made)).all()
    assert made.predict(INPUTS, verbose=0).shape == (48, 3)


def test_threads_that_predict_at_once_all_get_the_answer():
    made = model()
    expected = made.predict(INPUTS, verbose=0)
    answers = [None] * 8

    def ask(i):
        answers[i] = made.predict(INPUTS, verbose=0)

    threads = [threading.Thread(target=ask, args=(i,), name=f"asker {i}") for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for answer in answers:
        np.testing.assert_array_equal(answer, expected)


def test_half_precision_trains_with_a_scaled_loss():
    keras = tf.keras
    made = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, activation="relu", dtype="mixed_float16"),
            keras.layers.Dense(1, dtype="float32"),
        ]
    )
    optimizer = keras.mixed_precision.LossScaleOptimizer(keras.optimizers.SGD(0.05))
    made.compile(optimizer, "mse")
    target = INPUTS.sum(axis=1, keepdims=True)

    record = made.fit(INPUTS, target, epochs=4, verbose=0)

    assert made.layers[0].compute_dtype == "float16"
    assert record.history["loss"][-1] < record.history["loss"][0]
