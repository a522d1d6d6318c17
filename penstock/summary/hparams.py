"""Parameters of a run, for TensorBoard's table of runs.

Source: the data format of TensorBoard's plugin "hparams", version 0.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any, Final

from penstock.summary.recording import write_raw_pb
from penstock.wire import protos

_START: Final = "_hparams_/session_start_info"
_END: Final = "_hparams_/session_end_info"
_SUCCESS, _FAILURE = 1, 2


def hparams(
    values: Mapping[str, Any],
    trial_id: str | None = None,
    start_time_secs: float | None = None,
) -> Any:
    """Write the parameters of a run, to the default writer.

    Args:
        values: name -> number, text or truth value.
        trial_id: runs with one id are one trial; default: made of the values.
        start_time_secs: when the run began, default: now.

    Returns:
        Boolean scalar: whether they were written.

    Raises:
        TypeError: a value is of another kind.

    Example:
        >>> import penstock as tf
        >>> writer = tf.summary.create_file_writer("run/trial")
        >>> with writer.as_default():
        ...     written = tf.summary.experimental.hparams({"rate": 0.1, "optimizer": "adam"})
    """
    data = protos.HParamsPluginData()
    info = data.session_start_info
    for name, value in values.items():
        _write_value(info.hparams[name], name, value)
    if trial_id is None:
        text = json.dumps({key: str(values[key]) for key in sorted(values)})
        trial_id = hashlib.sha256(text.encode()).hexdigest()
    info.group_name = trial_id
    info.start_time_secs = time.time() if start_time_secs is None else start_time_secs
    return _write(_START, data)


def end_of_run(*, succeeded: bool = True, end_time_secs: float | None = None) -> Any:
    """Write that the run of the default writer is over.

    Args:
        succeeded: whether it reached its end.
        end_time_secs: when, default: now.

    Returns:
        Boolean scalar: whether it was written.
    """
    data = protos.HParamsPluginData()
    data.session_end_info.status = _SUCCESS if succeeded else _FAILURE
    now = time.time() if end_time_secs is None else end_time_secs
    data.session_end_info.end_time_secs = now
    return _write(_END, data)


def _write_value(message: Any, name: str, value: Any) -> None:
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, (int, float)):
        message.number_value = value
    elif isinstance(value, str):
        message.string_value = value
    else:
        raise TypeError(
            f"parameter {name!r} must be a number, a text or a truth value, got "
            f"{type(value).__name__}"
        )


def _write(tag: str, data: Any) -> Any:
    summary = protos.Summary()
    value = summary.value.add(tag=tag)
    value.metadata.plugin_data.plugin_name = "hparams"
    value.metadata.plugin_data.content = data.SerializeToString(deterministic=True)
    # The plugin reads the metadata alone, but wants a tensor beside it.
    value.tensor.dtype = protos.DT_FLOAT
    value.tensor.tensor_shape.SetInParent()
    value.tensor.float_val.append(0.0)
    return write_raw_pb(summary.SerializeToString(), step=0)
