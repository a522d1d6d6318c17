"""Errors with status codes. Expected values: TensorFlow 2.21 and TF Serving's HTTP table."""

import pickle

import pytest

from penstock.core import errors
from penstock.core.errors import InvalidArgumentError, NotFoundError, OpError

# class, code, HTTP status
TABLE = [
    ("CancelledError", 1, 499),
    ("UnknownError", 2, 500),
    ("InvalidArgumentError", 3, 400),
    ("DeadlineExceededError", 4, 504),
    ("NotFoundError", 5, 404),
    ("AlreadyExistsError", 6, 409),
    ("PermissionDeniedError", 7, 403),
    ("ResourceExhaustedError", 8, 429),
    ("FailedPreconditionError", 9, 400),
    ("AbortedError", 10, 409),
    ("OutOfRangeError", 11, 400),
    ("UnimplementedError", 12, 501),
    ("InternalError", 13, 500),
    ("UnavailableError", 14, 503),
    ("DataLossError", 15, 500),
    ("UnauthenticatedError", 16, 401),
]
each_row = pytest.mark.parametrize(("name", "code", "http"), TABLE)


@each_row
def test_every_class_has_its_code_and_statuses(name, code, http):
    cls = getattr(errors, name)
    error = cls("what must hold")

    assert issubclass(cls, OpError)
    assert error.error_code == code
    assert errors.exception_type_from_error_code(code) is cls
    assert errors.error_code_from_exception_type(cls) == code
    assert errors.http_status(code) == errors.HTTP_STATUS[code] == http
    assert getattr(errors, errors.GRPC_STATUS[code]) == code
    assert type(errors.from_code(code, "text")) is cls


@each_row
def test_every_error_survives_pickling(name, code, http):
    error = getattr(errors, name)({"name": "n"}, object, "text", {"key": b"value"})

    again = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own bytes)

    assert type(again) is type(error)
    assert (again.message, again.error_code) == ("text", code)
    assert again.node_def == {"name": "n"}
    assert again.experimental_payloads == {"key": b"value"}
    assert again.op is None


def test_one_argument_is_the_message():
    error = InvalidArgumentError("axis must be below 2, got 3")

    assert error.message == str(error) == "axis must be below 2, got 3"
    assert error.node_def is None
    assert error.op is None
    assert error.experimental_payloads == {}
    assert repr(error) == "InvalidArgumentError('axis must be below 2, got 3')"


def test_tensorflows_three_arguments_are_understood():
    error = InvalidArgumentError("node", "op", "text", {"key": b"value"})

    assert (error.node_def, error.op, error.message) == ("node", "op", "text")
    assert error.experimental_payloads == {"key": b"value"}


def test_tensorflows_names_of_the_arguments_are_understood():
    error = NotFoundError(node_def=None, op=None, message="text")
    mixed = NotFoundError(None, None, message="text")

    assert error.message == mixed.message == "text"
    assert error.error_code == 5


def test_the_base_class_takes_its_code_after_the_message():
    error = OpError(None, None, "text", 8)

    assert error.error_code == 8
    assert OpError("text").error_code == errors.UNKNOWN
    assert pickle.loads(pickle.dumps(error)).error_code == 8  # noqa: S301  (our own bytes)


def test_an_error_can_be_made_again_with_its_own_code():
    error = InvalidArgumentError("node", "op", "text", 3)

    again = type(error)(error.node_def, error.op, "more text", error.error_code)

    assert (again.message, again.error_code) == ("more text", errors.INVALID_ARGUMENT)


def test_unknown_codes_are_told_apart():
    with pytest.raises(KeyError):
        errors.exception_type_from_error_code(99)
    with pytest.raises(KeyError):
        errors.exception_type_from_error_code(errors.OK)
    assert type(errors.from_code(99, "text")) is errors.UnknownError
    assert errors.http_status(99) == 500
    assert errors.error_code_from_exception_type(ValueError) == errors.UNKNOWN


def test_graph_errors_are_pythons_own_kinds():
    assert issubclass(errors.OperatorNotAllowedInGraphError, TypeError)
    assert issubclass(errors.InaccessibleTensorError, ValueError)
    assert not issubclass(errors.InaccessibleTensorError, OpError)


def test_every_code_has_both_statuses():
    codes = set(range(17))

    assert set(errors.HTTP_STATUS) == codes
    assert set(errors.GRPC_STATUS) == codes
