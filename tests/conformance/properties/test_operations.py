"""Calls of the ops that programs use most, with arguments of all kinds, against TensorFlow.

Compared are values, dtypes, shapes, gradients, and whether an argument is refused. TensorFlow
refuses with TypeError, ValueError or InvalidArgumentError, depending on where an argument is
looked at: these three count as one.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

import penstock as tf
from tests.conformance.properties import messages
from tests.conformance.properties.operations import OPERATIONS
from tests.conformance.properties.peer import PYTHON, Peer

pytestmark = pytest.mark.peer

_REFUSALS = {"TypeError", "ValueError", "InvalidArgumentError"}
# The op exists with this dtype, but no kernel for a CPU: there is nothing to compare with.
_NO_KERNEL = {"NotFoundError", "UnimplementedError"}
_TOLERANCE = {
    "float16": 4e-3,
    "bfloat16": 2e-2,
    "float32": 1e-5,
    "float64": 1e-9,
    "complex64": 1e-5,
    "complex128": 1e-9,
}


@pytest.fixture(scope="module")
def peer():
    if PYTHON is None:
        pytest.skip("PENSTOCK_PEER_PYTHON names no Python that has TensorFlow")
    running = Peer(PYTHON)
    yield running
    running.close()


def _same(expected, got, slack=1.0):
    expected, got = messages.unpack(expected), messages.unpack(got)
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    tolerance = _TOLERANCE.get(expected.dtype.name)
    if tolerance is None:
        np.testing.assert_array_equal(got, expected)
        return
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    tolerance *= slack
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(
            got.astype(wide), expected.astype(wide), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize("name", OPERATIONS)
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_calls_give_what_tensorflow_gives(peer, name, data):
    arguments, attrs = data.draw(OPERATIONS[name])
    expected = peer.call(name, arguments, attrs)
    assert expected is not None, "TensorFlow ended"
    assume(not _NO_KERNEL & set(expected.get("error", ())))

    got = messages.call(tf, name, arguments, attrs)

    if "error" in expected:
        event("refused")
        assert "error" in got, f"TensorFlow refuses: {expected['text']}"
        classes = set(got["error"])
        assert expected["error"][0] in classes or classes & _REFUSALS & {
            *expected["error"],
            *_REFUSALS,
        }
        return
    assert "error" not in got, got.get("text")
    assert len(got["outputs"]) == len(expected["outputs"])
    for one, other in zip(expected["outputs"], got["outputs"], strict=True):
        _same(one, other)
    if isinstance(expected["gradients"], str):
        return  # TensorFlow's rules lack empty arrays here and there, and dilated windows
    for one, other in zip(expected["gradients"], got["gradients"], strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            _same(one, other, slack=10)
