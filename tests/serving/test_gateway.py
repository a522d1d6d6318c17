"""The way of a call through middleware, manager and engine."""

import asyncio
import math

import numpy as np
import pytest

from penstock.core.errors import (
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from penstock.serving.batching_parameters import BatchingParameters
from penstock.serving.call import REST, Call, ModelSpec
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.gateway import Gateway
from penstock.serving.manager import Manager
from penstock.serving.servable import SignatureSpec
from tests.serving.fakes import FakeLoader, FakeSource, doubler, tensor

NAME = "serving_default"


class Recorder:
    """Middleware that writes down what it sees, and raises where it is told to."""

    def __init__(self, log, name="", error_in=None, error=None):
        self.log = log
        self.name = name
        self.error_in = error_in
        self.error = error

    def _note(self, hook):
        self.log.append(f"{self.name}{hook}")
        if hook == self.error_in:
            raise self.error

    def admit(self, call):
        self._note("admit")

    def check(self, call, signature, inputs):
        self._note("check")
        assert signature.inputs.keys() == inputs.keys()

    def done(self, call):
        self._note(f"done {call.status}" if self.error_in != "done" else "done")


@pytest.fixture
def model():
    return doubler("m", 3)


@pytest.fixture
def manager(model):
    executor = Executor()
    manager = Manager(
        [FakeSource("m", 3)],
        FakeLoader(lambda name, version: model),
        lambda servable: Engine(servable, executor),
    )
    manager.start()
    yield manager
    manager.stop()
    executor.close()


def rows(*values):
    return {"x": np.array([[v, v] for v in values], np.float32)}


class Positive:
    """Refuses rows that are not above zero, and remembers how many rows it was shown."""

    def __init__(self):
        self.shown = []
        self.refused = []

    def accepts(self, call, signature, inputs):
        assert signature.inputs.keys() == inputs.keys()
        self.shown.append(len(inputs["x"]))
        return bool((inputs["x"] > 0).all())

    def check(self, call, signature, inputs):
        assert signature.inputs.keys() == inputs.keys()
        if not (inputs["x"] > 0).all():
            self.refused.append(call)
            raise InvalidArgumentError("rows must be above zero")


def ask_together(model, positive, batching, *inputs):
    """Ask for several rows in one turn of the loop; what became of each, and the calls."""
    executor = Executor(inline_below_s=10)
    calls = [Call(REST, "Predict", ModelSpec("m")) for _ in inputs]

    async def main():
        manager = Manager(
            [FakeSource("m", 3)],
            FakeLoader(lambda name, version: model),
            lambda servable: Engine(servable, executor, batching),
        )
        manager.start()
        gateway = Gateway(manager, [positive])

        async def one(call, each):
            with gateway.open(call) as opened:
                return await opened.run(NAME, each)

        try:
            tasks = [one(call, each) for call, each in zip(calls, inputs, strict=True)]
            return await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            manager.stop()

    try:
        return asyncio.run(main()), calls
    finally:
        executor.close()


def test_rows_of_a_batch_are_checked_together(model):
    positive = Positive()

    answers, _ = ask_together(model, positive, BatchingParameters(4), rows(1), rows(2, 3))

    assert positive.shown == [4]
    np.testing.assert_array_equal(answers[0]["y"], [[2, 2]])
    np.testing.assert_array_equal(answers[1]["y"], [[4, 4], [6, 6]])


def test_wrong_rows_of_a_batch_are_refused_and_the_others_still_share_a_call(model):
    positive = Positive()

    answers, calls = ask_together(
        model, positive, BatchingParameters(8), rows(1), rows(2, -3), rows(4), rows(-5)
    )

    assert model.calls == [{"x": (2, 2)}]
    np.testing.assert_array_equal(answers[0]["y"], [[2, 2]])
    np.testing.assert_array_equal(answers[2]["y"], [[8, 8]])
    for number in (1, 3):
        assert isinstance(answers[number], InvalidArgumentError)
        assert answers[number].message == "rows must be above zero"
    assert positive.refused == [calls[1], calls[3]]
    assert [call.status for call in calls] == [
        "OK",
        "INVALID_ARGUMENT",
        "OK",
        "INVALID_ARGUMENT",
    ]
    assert [call.rows for call in calls] == [1, 0, 1, 0]


def test_rows_are_checked_without_batching_and_beyond_the_largest_batch(model):
    for batching in (None, BatchingParameters(2)):
        positive = Positive()

        answers, _ = ask_together(model, positive, batching, rows(1, 2, -3), rows(4, 5, 6))

        assert isinstance(answers[0], InvalidArgumentError)
        assert len(positive.refused) == 1
        np.testing.assert_array_equal(answers[1]["y"], [[8, 8], [10, 10], [12, 12]])


def test_no_wrong_row_reaches_the_model_when_all_are_wrong(model):
    answers, _ = ask_together(model, Positive(), BatchingParameters(4), rows(-1), rows(-2))

    assert model.calls == []
    assert all(isinstance(each, InvalidArgumentError) for each in answers)


def ask(manager, *middleware, inputs=None, name="m", signature=NAME, call=None):
    call = call or Call(REST, "Predict", ModelSpec(name))

    async def main():
        with Gateway(manager, middleware).open(call) as opened:
            return await opened.run(signature, rows(1) if inputs is None else inputs)

    return asyncio.run(main())


def test_middleware_sees_a_call_in_order_and_in_reverse_order_at_the_end(manager):
    log = []

    outputs = ask(manager, Recorder(log, "a "), Recorder(log, "b "))

    np.testing.assert_array_equal(outputs["y"], [[2, 2]])
    assert log == ["a admit", "b admit", "a check", "b check", "b done OK", "a done OK"]


def test_middleware_needs_no_method(manager):
    assert ask(manager, object())["y"].shape == (1, 2)


def test_a_call_that_is_not_admitted_reaches_no_model(manager, model):
    log = []

    with pytest.raises(PermissionDeniedError):
        ask(manager, Recorder(log, error_in="admit", error=PermissionDeniedError("no")))

    assert model.calls == []
    assert log == ["admit", "done PERMISSION_DENIED"]


def test_inputs_that_a_check_refuses_reach_no_model(manager, model):
    log = []

    with pytest.raises(InvalidArgumentError, match="no"):
        ask(manager, Recorder(log, error_in="check", error=InvalidArgumentError("no")))

    assert model.calls == []
    assert log == ["admit", "check", "done INVALID_ARGUMENT"]


def test_a_failing_done_takes_nobody_the_answer(manager, caplog):
    log = []

    outputs = ask(
        manager, Recorder(log, "a "), Recorder(log, error_in="done", error=ValueError("broken"))
    )

    np.testing.assert_array_equal(outputs["y"], [[2, 2]])
    assert log[-1] == "a done OK"
    assert "broken" in caplog.text


def test_the_call_hears_how_it_went(manager):
    call = Call(REST, "Predict", ModelSpec("m"), keep=True)

    outputs = ask(manager, call=call, inputs=rows(1, 2))

    assert (call.version, call.signature_name, call.rows, call.status) == (3, NAME, 2, "OK")
    assert (call.batch_size, call.padded_size) == (2, 2)
    assert call.compute_s > 0
    assert call.outputs == outputs
    assert math.isfinite(call.start)


def test_a_model_that_is_not_served_is_missed_when_it_is_needed(manager):
    log = []
    call = Call(REST, "Predict", ModelSpec("nobody"))

    with pytest.raises(NotFoundError, match="nobody"):
        ask(manager, Recorder(log), call=call)

    assert call.status == "NOT_FOUND"
    assert log == ["admit", "done NOT_FOUND"]


def test_a_version_stays_until_its_last_call_has_ended(manager):
    with Gateway(manager).open(Call(REST, "Predict", ModelSpec("m"))) as opened:
        assert opened.signature("") is opened.servable.signatures[NAME]
        version = opened.version
        manager.stop()

        assert version.state == "UNLOADING"
    assert version.state == "END"


def test_calls_for_other_things_are_admitted_too(manager):
    log = []
    call = Call(REST, "GetModelStatus", ModelSpec("m"))

    with Gateway(manager, [Recorder(log)]).admin(call) as admitted:
        assert admitted.call is call

    assert log == ["admit", "done OK"]


@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        (
            {"x": np.ones((1, 3), np.float32)},
            r"'x' must be float32\[\?, 2\], got float32\[1, 3\]",
        ),
        ({"x": np.ones(2, np.float32)}, r"'x' must be float32\[\?, 2\], got float32\[2\]"),
        ({"x": np.ones((1, 2))}, r"'x' must be float32\[\?, 2\], got elements of type float64"),
        ({}, r"Missing but required: \{x\}"),
        (rows(1) | {"z": np.ones(1)}, r"Sent extra: \{z\}"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_before_they_run(manager, model, inputs, text):
    with pytest.raises(InvalidArgumentError, match=text):
        ask(manager, inputs=inputs)

    assert model.calls == []


def test_a_scalar_is_no_row(manager):
    with pytest.raises(
        InvalidArgumentError, match=r"must be float32\[\?, 2\], got float32\[\]"
    ):
        ask(manager, inputs={"x": np.float32(1)[...]})


def test_a_scalar_does_not_pass_for_a_row_without_dimensions():
    spec = SignatureSpec({"x": tensor("float32", None)}, {"y": tensor("float32", None)})

    with pytest.raises(InvalidArgumentError, match=r"must be float32\[\?\], got float32\[\]"):
        spec.check({"x": np.array(1, np.float32)})
