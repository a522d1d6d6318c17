"""Further members of `tf.test.TestCase`: numbers, messages, errors, threads and streams."""

# ruff: noqa: PT009  (these are the assertions of a unittest.TestCase)

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from penstock.core.device_name import DeviceSpec
from penstock.core.errors import InvalidArgumentError, OpError
from penstock.runtime.tensor import TensorLike

__all__ = ["CaseMembers", "CheckedThread"]

# How TensorFlow, and penstock, say that shapes do not go together.
_SHAPES: Final = re.compile(
    r"Incompatible shapes|[Dd]imensions must be equal|required broadcastable shapes"
    r"|incompatible|broadcast"
)


class CheckedThread:
    """A thread whose errors are raised when it is joined.

    Args:
        case: the test that it belongs to.
        target: function to run.
        args: its arguments.
        kwargs: its arguments by name.
    """

    def __init__(
        self,
        case: Any,
        target: Callable[..., Any],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        self._case = case
        self._target = target
        self._args = tuple(args)
        self._kwargs = dict(kwargs or {})
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="tf.test.checkedThread")

    def _run(self) -> None:
        try:
            self._target(*self._args, **self._kwargs)
        except BaseException as error:  # noqa: BLE001  (raised again by `join`)
            self._error = error

    def start(self) -> None:
        """Begin to run."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end.

        Raises:
            AssertionError: the function failed.
        """
        self._thread.join()
        if self._error is not None:
            self._case.fail(f"Error in checkedThread: {self._error}")

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()


class CapturedWrites:
    """What was written to a stream.

    Args:
        path: the file that it went to.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def contents(self) -> str:
        """Return all that was written."""
        return Path(self._path).read_text(encoding="utf-8")


class CaseMembers(unittest.TestCase):
    """Assertions and tools of `tf.test.TestCase` that need no tensors."""

    __test__ = False

    def assertNear(self, f1: Any, f2: Any, err: float, msg: Any = None) -> None:  # noqa: N802
        """Fail unless two numbers differ by at most `err`."""
        one, other = float(f1), float(f2)
        if not (one == other or abs(one - other) <= err):
            suffix = "" if msg is None else f" ({msg})"
            self.fail(f"{one:f} != {other:f} +/- {err:f}{suffix}")

    def assertArrayNear(  # noqa: N802
        self, farray1: Any, farray2: Any, err: float, msg: Any = None
    ) -> None:
        """Fail unless two sequences are as long, and their numbers near."""
        self.assertEqual(len(farray1), len(farray2), msg=msg)
        for one, other in zip(farray1, farray2, strict=True):
            self.assertNear(float(one), float(other), err, msg=msg)

    def assertNDArrayNear(  # noqa: N802
        self, ndarray1: Any, ndarray2: Any, err: float, msg: Any = None
    ) -> None:
        """Fail unless two arrays have one shape, and the norm of their difference is small."""
        one, other = np.asarray(ndarray1), np.asarray(ndarray2)
        if one.shape != other.shape or not np.linalg.norm(one - other) < err:
            self.fail(msg or f"arrays must differ by less than {err}, got {one} and {other}")

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: Any = None) -> None:  # noqa: N802
        """Fail unless two names are of one device."""
        one, other = _device_name(device1), _device_name(device2)
        self.assertEqual(one, other, msg or f"Devices {one} and {other} are not equal.")

    def assertItemsEqual(self, first: Any, second: Any, msg: Any = None) -> None:  # noqa: N802
        """Fail unless two collections have the same items, in any order."""
        self.assertCountEqual(first, second, msg)

    def assertStartsWith(  # noqa: N802
        self, actual: str, expected_start: str, msg: Any = None
    ) -> None:
        """Fail unless a text begins with another."""
        if not actual.startswith(expected_start):
            suffix = "" if msg is None else f" : {msg}"
            self.fail(f"{actual!r} does not start with {expected_start!r}{suffix}")

    def assertProtoEquals(  # noqa: N802
        self,
        expected_message_maybe_ascii: Any,
        validate_message: Any,
        msg: Any = None,
        relative_tolerance: float | None = None,
    ) -> None:
        """Fail unless two messages are the same.

        Args:
            expected_message_maybe_ascii: a message, or its text.
            validate_message: the message to check.
            msg: what to say when it fails.
            relative_tolerance: by which part of them floats may differ.
        """
        expected = expected_message_maybe_ascii
        kind = type(validate_message)
        if isinstance(expected, (str, bytes)):
            expected = _parsed(expected, kind)
        if type(expected) is not kind:
            self.fail(f"Can't compare protos of type {type(expected)} and {kind}.")
        if relative_tolerance is None:
            self.assertEqual(str(expected), str(validate_message), msg)
        else:
            self._assert_fields_near(expected, validate_message, relative_tolerance, msg)

    def _assert_fields_near(self, one: Any, other: Any, tolerance: float, msg: Any) -> None:
        names = [field.name for field, _ in one.ListFields()]
        self.assertEqual(names, [field.name for field, _ in other.ListFields()], msg)
        for name in names:
            pairs = _values(getattr(one, name)), _values(getattr(other, name))
            self.assertEqual(len(pairs[0]), len(pairs[1]), msg)
            for mine, theirs in zip(*pairs, strict=True):
                if hasattr(mine, "ListFields"):
                    self._assert_fields_near(mine, theirs, tolerance, msg)
                elif isinstance(mine, float):
                    self.assertNear(mine, theirs, tolerance * abs(mine), msg)
                else:
                    self.assertEqual(mine, theirs, msg)

    def assertProtoEqualsVersion(  # noqa: N802
        self,
        expected: str,
        actual: Any,
        producer: int = 2474,
        min_consumer: int = 0,
        msg: Any = None,
    ) -> None:
        """Fail unless a graph is the expected one, in the format of a version.

        Args:
            expected: text of the graph, without its versions.
            actual: the message of the graph.
            producer: version of the format that it must be written in.
            min_consumer: oldest version that can read it.
            msg: what to say when it fails.
        """
        versions = f"versions {{ producer: {producer} min_consumer: {min_consumer} }};\n"
        self.assertProtoEquals(versions + expected, actual, msg=msg)

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(  # noqa: N802
        self, exception_type: Any, expected_err_re_or_predicate: Any
    ) -> Iterator[None]:
        """Fail unless an error is raised inside that fits.

        Args:
            exception_type: its class.
            expected_err_re_or_predicate: pattern of its text, or function that tells whether
                it fits.
        """
        fits = expected_err_re_or_predicate
        if not callable(fits):
            pattern = re.compile(fits)

            def fits(error: Any) -> bool:
                return pattern.search(str(error)) is not None

        try:
            yield
        except exception_type as error:
            if not fits(error):
                raise AssertionError(
                    f"Exception of type {type(error)}: {error} is not the expected one"
                ) from error
        else:
            self.fail(f"{exception_type.__name__} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:  # noqa: N802
        """Fail unless an `OpError` is raised inside that fits; see the assertion above."""
        return self.assertRaisesWithPredicateMatch(OpError, expected_err_re_or_predicate)

    def assertRaisesIncompatibleShapesError(  # noqa: N802
        self, exception_type: Any = InvalidArgumentError
    ) -> Any:
        """Fail unless an error about shapes that do not go together is raised inside."""
        return self.assertRaisesWithPredicateMatch(
            exception_type, lambda error: _SHAPES.search(str(error)) is not None
        )

    def checkedThread(  # noqa: N802
        self,
        target: Callable[..., Any],
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> CheckedThread:
        """Return a thread whose errors fail the test when it is joined."""
        return CheckedThread(self, target, args or (), kwargs)

    @contextlib.contextmanager
    def captureWritesToStream(self, stream: Any) -> Iterator[CapturedWrites]:  # noqa: N802
        """Send what is written to a stream inside, by Python or by C, to a file.

        Args:
            stream: a stream of a file descriptor, such as `sys.stderr`.

        Yields:
            An object whose `contents` gives what was written.
        """
        number = stream.fileno()
        handle, path = tempfile.mkstemp()
        saved = os.dup(number)
        try:
            stream.flush()
            os.dup2(handle, number)
            yield CapturedWrites(path)
            stream.flush()
        finally:
            os.dup2(saved, number)
            os.close(saved)
            os.close(handle)

    def evaluate_if_both_tensors(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Return two tensors as arrays; anything else as it is."""
        if isinstance(a, TensorLike) and isinstance(b, TensorLike):
            return a.numpy(), b.numpy()  # type: ignore[attr-defined]
        return a, b


def _values(value: Any) -> list[Any]:
    single = isinstance(value, (str, bytes, int, float)) or hasattr(value, "ListFields")
    return [value] if single else list(value)


def _parsed(text: str | bytes, kind: Any) -> Any:
    from google.protobuf import text_format  # noqa: PLC0415  (only tests of messages pay)

    return text_format.Parse(text, kind())


def _device_name(device: Any) -> str:
    if device is None or device == "":
        return ""
    text = device if isinstance(device, str) else device.to_string()
    return str(DeviceSpec.from_string(text).to_string())
