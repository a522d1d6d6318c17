"""What a new version does before anybody may ask it: recorded requests, and all batch sizes.

Source: TF Serving's "SavedModel warmup": PredictionLog messages in a TFRecord file.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from penstock.core import dtypes
from penstock.core.errors import InvalidArgumentError, OpError, UnimplementedError
from penstock.serving.servable import (
    DEFAULT_SIGNATURE,
    Array,
    Arrays,
    Servable,
    SignatureSpec,
)
from penstock.wire import protos
from penstock.wire.records import RecordReader
from penstock.wire.tensors import make_ndarray

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_RECORDS = 1000

_log = logging.getLogger("penstock.serving")


def warm_up(servable: Servable, path: Path) -> dict[str, Arrays]:
    """Run the requests that were saved with a model.

    Args:
        path: folder of the version.

    Returns:
        The inputs of the last request of each signature.

    Raises:
        OpError: a record is damaged, of a kind that is not supported, or the model refuses it.
    """
    latest: dict[str, Arrays] = {}
    for count, requests in enumerate(read_requests(path), 1):
        if count > MAX_RECORDS:
            raise InvalidArgumentError(
                f"'{path / FILE}' must have at most {MAX_RECORDS} warm-up requests"
            )
        for name, inputs in requests:
            signature = servable.signatures.get(name)
            if signature is None:
                raise InvalidArgumentError(
                    f"warm-up request {count} of '{path / FILE}' is for the signature "
                    f"'{name}', which the model does not have"
                )
            signature.check(inputs)
            servable.run(name, inputs)
            latest[name] = inputs
    return latest


def warm_up_sizes(
    servable: Servable,
    sizes: Sequence[int],
    samples: Mapping[str, Arrays],
    is_wanted: Callable[[str], bool] = lambda _: True,
) -> int:
    """Run signatures once with each number of rows.

    Rows are those of a recorded request where there is one; otherwise zeros and empty strings
    have to do, and a model that refuses them is left as it is.

    Args:
        sizes: numbers of rows, rising.
        samples: inputs of a recorded request by signature.
        is_wanted: tells which signatures are run, by name.

    Returns:
        How many runs there were.
    """
    done = 0
    for name, signature in servable.signatures.items():
        if not (signature.is_batchable and is_wanted(name)):
            continue
        row = _row(signature, samples.get(name))
        if row is None:
            continue
        for size in sizes:
            inputs = {key: np.repeat(value, size, axis=0) for key, value in row.items()}
            try:
                servable.run(name, inputs)
            except OpError as error:
                _log.debug("%s: '%s' is not warmed up: %s", servable.name, name, error)
                break
            done += 1
    return done


def read_requests(path: Path) -> Iterator[list[tuple[str, dict[str, Array]]]]:
    """Yield what each recorded request runs, if there are any: signatures with their inputs."""
    file = path / FILE
    if not file.is_file():
        return
    with RecordReader(file) as records:
        for record in records:
            log = protos.parse(protos.PredictionLog, record, f"a record of '{file}'")
            kind = log.WhichOneof("log_type")
            if kind == "predict_log":
                request = log.predict_log.request
                inputs = {k: make_ndarray(v, what=f"'{k}'") for k, v in request.inputs.items()}
                specs = [request.model_spec]
            elif kind in ("classify_log", "regress_log"):
                request = getattr(log, kind).request
                inputs = {"inputs": _examples(request.input)}
                specs = [request.model_spec]
            elif kind == "multi_inference_log":
                request = log.multi_inference_log.request
                inputs = {"inputs": _examples(request.input)}
                specs = [task.model_spec for task in request.tasks]
            else:
                raise UnimplementedError(f"warm-up requests of kind '{kind}' in '{file}'")
            yield [(spec.signature_name or DEFAULT_SIGNATURE, inputs) for spec in specs]


def _row(signature: SignatureSpec, sample: Arrays | None) -> dict[str, Array] | None:
    """One row of inputs for a signature, or `None` when there can be none."""
    if sample is not None:
        return {name: value[:1] for name, value in sample.items()}
    row = {}
    for name, info in signature.inputs.items():
        if info.dtype is None or info.dims is None or None in info.dims[1:]:
            return None
        shape = (1, *(size or 0 for size in info.dims[1:]))
        if info.dtype is dtypes.string:
            row[name] = np.full(shape, b"", object)
        else:
            row[name] = np.zeros(shape, info.dtype.np)
    return row


def _examples(message: Any) -> Array:
    if message.WhichOneof("kind") == "example_list_with_context":
        listed = message.example_list_with_context
        context = listed.context.SerializeToString()
    else:
        listed, context = message.example_list, b""
    # Two serialized messages in a row read as one, in which the later features win.
    serialized = [context + example.SerializeToString() for example in listed.examples]
    examples = np.empty(len(serialized), object)
    examples[:] = serialized
    return examples
