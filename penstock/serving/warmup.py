"""Recorded requests that a new version answers before anybody else may ask it.

Source: TF Serving's "SavedModel warmup": PredictionLog messages in a TFRecord file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.serving.servable import DEFAULT_SIGNATURE, Array, Servable
from penstock.wire import protos
from penstock.wire.records import RecordReader
from penstock.wire.tensors import make_ndarray

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_RECORDS = 1000


def warm_up(servable: Servable, path: Path) -> int:
    """Run the requests that were saved with a model.

    Args:
        path: folder of the version.

    Returns:
        How many there were.

    Raises:
        OpError: a record is damaged, of a kind that is not supported, or the model refuses it.
    """
    count = 0
    for name, inputs in read_requests(path):
        count += 1
        if count > MAX_RECORDS:
            raise InvalidArgumentError(
                f"'{path / FILE}' must have at most {MAX_RECORDS} warm-up requests"
            )
        signature = servable.signatures.get(name)
        if signature is None:
            raise InvalidArgumentError(
                f"warm-up request {count} of '{path / FILE}' is for the signature '{name}', "
                "which the model does not have"
            )
        signature.check(inputs)
        servable.run(name, inputs)
    return count


def read_requests(path: Path) -> Iterator[tuple[str, dict[str, Array]]]:
    """Yield the signature and the inputs of each recorded request, if there are any."""
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
            elif kind in ("classify_log", "regress_log"):
                request = getattr(log, kind).request
                inputs = {"inputs": _examples(request.input)}
            else:
                raise UnimplementedError(f"warm-up requests of kind '{kind}' in '{file}'")
            yield request.model_spec.signature_name or DEFAULT_SIGNATURE, inputs


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
