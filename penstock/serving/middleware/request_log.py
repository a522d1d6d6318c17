"""Samples of requests and answers as PredictionLog records, as TF Serving's logging does it.

The files are TFRecord: they can be read with `tf.data`, looked at with `penstock inspect`, and
put beside a model as its warm-up requests.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from penstock.core import metrics
from penstock.core.errors import InvalidArgumentError
from penstock.monitor.background import Background
from penstock.monitor.rotation import RotatingFile, Rotation
from penstock.serving.call import OK, Call
from penstock.serving.protocols.example_message import fill_result
from penstock.serving.protocols.predict_message import set_spec
from penstock.serving.servable import CLASSIFY_METHOD, REGRESS_METHOD, Arrays
from penstock.wire import protos
from penstock.wire.records import frame
from penstock.wire.tensors import array_to_proto

SUFFIX: Final = ".tfrecord"
_WAITING: Final = 1024
_TASKS: Final = {"Classify": CLASSIFY_METHOD, "Regress": REGRESS_METHOD}
# One call of these runs several signatures, of which only the last one is at hand afterwards.
_NOT_LOGGED: Final = frozenset({"MultiInference"})


@dataclass(frozen=True, slots=True)
class RequestLogConfig:
    """What is written of the requests of one model.

    Args:
        filename_prefix: folder and beginning of the names.
        sampling_rate: share of the requests, from 0 to 1.
        rotation: when a file is finished.
    """

    filename_prefix: Path
    sampling_rate: float
    rotation: Rotation = field(default_factory=Rotation)

    def __post_init__(self) -> None:
        if not 0 <= self.sampling_rate <= 1:
            raise InvalidArgumentError(
                f"sampling_rate must be from 0 to 1, got {self.sampling_rate:g}"
            )


class RequestLog:
    """Middleware that writes samples of requests and their answers.

    Args:
        configs: by model.
        now: seconds since 1970.
        draw: gives numbers from 0 up to 1.
    """

    def __init__(
        self,
        configs: Mapping[str, RequestLogConfig],
        now: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._rates = {n: c.sampling_rate for n, c in configs.items() if c.sampling_rate > 0}
        self._files = {
            name: RotatingFile(c.filename_prefix, SUFFIX, c.rotation, now)
            for name, c in configs.items()
        }
        self._now = now
        self._draw = draw
        self._background: Background[tuple[Call, float]] = Background(
            self._write, "penstock-request-log", most=_WAITING, idle=self._finish_old
        )

    def admit(self, call: Call) -> None:
        """Decide whether the call is a sample."""
        rate = self._rates.get(call.spec.name)
        if rate is not None and self._draw() < rate and call.api not in _NOT_LOGGED:
            call.keep = True
            if call.notes is None:
                call.notes = {}
            call.notes["logged"] = True

    def done(self, call: Call) -> None:
        """Queue a sample."""
        if not call.keep or call.notes is None or "logged" not in call.notes:
            return
        if call.status != OK or call.inputs is None or call.outputs is None:
            return
        if not self._background.put((call, self._now())):
            metrics.REQUEST_LOG_DROPPED.labels(call.spec.name).increment()

    def close(self) -> None:
        """Write what is queued, and finish the files."""
        self._background.close()
        for file in self._files.values():
            file.finish()

    def _finish_old(self) -> None:
        for file in self._files.values():
            file.finish_old()

    def _write(self, samples: Sequence[tuple[Call, float]]) -> None:
        for call, seconds in samples:
            name = call.spec.name
            status = OK
            try:
                record = self.record(call, seconds)
                self._files[name].write(frame(record))
            except Exception:
                status = "INTERNAL"
                raise
            finally:
                metrics.REQUEST_LOG_COUNT.labels(name, status).increment()

    def record(self, call: Call, seconds: float) -> bytes:
        """Return a sample as a serialized PredictionLog."""
        assert call.inputs is not None
        assert call.outputs is not None
        assert call.version is not None
        name, version, signature = call.spec.name, call.version, call.signature_name
        log = protos.PredictionLog()
        metadata = log.log_metadata
        set_spec(metadata.model_spec, name, version, signature)
        metadata.sampling_config.sampling_rate = self._rates[name]
        metadata.timestamp_secs = int(seconds)
        if call.identity is not None:
            metadata.request_origin = call.identity.name
        method = _TASKS.get(call.api)
        if method is not None:
            part = log.classify_log if method == CLASSIFY_METHOD else log.regress_log
            size = _add_examples(part.request, call.inputs)
            fill_result(part.response.result, method, call.outputs, size)
        else:
            part = log.predict_log
            _fill(part.request.inputs, call.inputs)
            _fill(part.response.outputs, call.outputs)
        set_spec(part.request.model_spec, name, version, signature)
        set_spec(part.response.model_spec, name, version, signature)
        return bytes(log.SerializeToString())


def _fill(field: Any, arrays: Arrays) -> None:
    for name, value in arrays.items():
        field[name].CopyFrom(array_to_proto(np.asarray(value)))


def _add_examples(request: Any, inputs: Arrays) -> int:
    serialized = next(iter(inputs.values())).ravel().tolist()
    for each in serialized:
        request.input.example_list.examples.add().MergeFromString(each)
    return len(serialized)
