"""A loaded model behind checks and batches."""

import asyncio

import numpy as np
import pytest

from penstock.core.errors import InternalError
from penstock.serving.batcher import BatchingParameters
from penstock.serving.call import REST, Call, ModelSpec
from penstock.serving.engine import Engine
from penstock.serving.executor import Executor
from penstock.serving.servable import SignatureSpec
from tests.serving.fakes import FunctionServable, doubler, tensor


def outputs_of(servable, *inputs, batching=None, signature="serving_default"):
    """What the engine answers to requests that come together."""
    executor = Executor()

    async def main():
        engine = Engine(servable, executor, batching)
        call = Call(REST, "Predict", ModelSpec("double"))
        runs = (engine.run(signature, each, call) for each in inputs)
        return await asyncio.gather(*runs, return_exceptions=True)

    try:
        return asyncio.run(main())
    finally:
        executor.close()


def rows(*values):
    return {"x": np.array([[v, v] for v in values], np.float32)}


def test_each_request_runs_alone_without_batching():
    servable = doubler()

    first, second = outputs_of(servable, rows(1), rows(2, 3))

    assert servable.calls == [{"x": (1, 2)}, {"x": (2, 2)}]
    np.testing.assert_array_equal(first["y"], [[2, 2]])
    np.testing.assert_array_equal(second["y"], [[4, 4], [6, 6]])


def test_requests_share_calls_with_batching():
    servable = doubler()

    first, second = outputs_of(servable, rows(1), rows(2, 3), batching=BatchingParameters(4))

    assert servable.calls == [{"x": (4, 2)}]
    np.testing.assert_array_equal(first["y"], [[2, 2]])
    np.testing.assert_array_equal(second["y"], [[4, 4], [6, 6]])


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        ({"n": tensor("int64")}, {"y": tensor("int64")}),
        ({"n": tensor("int64", None)}, {"y": tensor("int64")}),
        ({"n": tensor("int64", 2)}, {"y": tensor("int64", None)}),
        ({}, {"y": tensor("int64", None)}),
    ],
    ids=["scalars", "scalar output", "fixed rows", "no inputs"],
)
def test_signatures_without_free_rows_are_never_batched(inputs, outputs):
    assert not SignatureSpec(inputs, outputs).is_batchable


def test_an_unknown_signature_is_refused():
    (error,) = outputs_of(doubler(), rows(1), signature="nope")

    assert error.message == 'Serving signature name: "nope" not found in signature def'


def test_a_model_that_breaks_gives_an_internal_error():
    spec = doubler().signatures

    def fail(inputs):
        raise KeyError("w")

    (error,) = outputs_of(FunctionServable(spec, {"serving_default": fail}), rows(1))

    assert isinstance(error, InternalError)
    assert error.message == "the model failed: KeyError: 'w'"
