"""Calls of ops and their results as lines of JSON; both sides read it, so it imports neither.

A call names a function and gives its arguments; `call` makes it with any module that has
TensorFlow's API, and tells the results and gradients, or the classes of the error.
"""

import base64

import ml_dtypes
import numpy as np

_OWN_NAMES = {"bfloat16": np.dtype(ml_dtypes.bfloat16)}


def pack(value):
    """Turn arrays, tuples and slices into what JSON can hold."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            items = [base64.b64encode(item).decode() for item in value.ravel().tolist()]
            return {"strings": items, "shape": value.shape}
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": data, "dtype": value.dtype.name, "shape": value.shape}
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    if value is Ellipsis:
        return {"ellipsis": True}
    if isinstance(value, (list, tuple)):
        return {"list": [pack(item) for item in value]}
    return value


def unpack(message):
    """Undo `pack`; tuples come back as lists."""
    if not isinstance(message, dict):
        return message
    if "strings" in message:
        items = np.empty(len(message["strings"]), object)
        items[:] = [base64.b64decode(item) for item in message["strings"]]
        return items.reshape(message["shape"])
    if "array" in message:
        dtype = _OWN_NAMES.get(message["dtype"]) or np.dtype(message["dtype"])
        flat = np.frombuffer(base64.b64decode(message["array"]), dtype)
        return flat.reshape(message["shape"]).copy()
    if "slice" in message:
        return slice(*message["slice"])
    if "ellipsis" in message:
        return Ellipsis
    return [unpack(item) for item in message["list"]]


def _function(tf, name):
    if name == "getitem":
        return lambda x, key: x[tuple(key) if isinstance(key, list) else key]
    found = tf
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _as_tensors(tf, value):
    if isinstance(value, np.ndarray):
        return tf.constant(value)
    if isinstance(value, list) and any(isinstance(item, np.ndarray) for item in value):
        return [_as_tensors(tf, item) for item in value]
    return value


def _flat(value):
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in _flat(item)]
    return [value]


def _carries_gradient(tf, tensor):
    return tf.is_tensor(tensor) and (tensor.dtype.is_floating or tensor.dtype.is_complex)


def cotangent(shape, dtype):
    """Gradient of a result: numbers that nothing else in a call has."""
    waves = np.cos(np.arange(int(np.prod(shape))) * 0.7 + 0.3).reshape(shape)
    return waves.astype(dtype)


def _gradients(tf, tape, targets, sources):
    if not targets or not sources:
        return [None] * len(sources)
    seeds = [tf.constant(cotangent(each.shape, each.dtype.as_numpy_dtype)) for each in targets]
    try:
        gradients = tape.gradient(targets, sources, output_gradients=seeds)
    except Exception as error:  # noqa: BLE001  (the class of the error is the result)
        return type(error).__name__
    return [
        None if each is None else pack(np.asarray(tf.convert_to_tensor(each).numpy()))
        for each in gradients
    ]


def call(tf, name, arguments, attrs):
    """Call a function of `tf` eagerly.

    Returns:
        `{"outputs": [...], "gradients": [...]}` of packed arrays, with None for a gradient that
        does not exist, and the class of the error in place of the list where none can be had;
        or `{"error": [class names of the error, its own first], "text": ...}`.
    """
    try:
        inputs = [_as_tensors(tf, argument) for argument in arguments]
        keywords = {
            key: getattr(tf, value[3:]) if str(value).startswith("tf.") else value
            for key, value in attrs.items()
        }
        sources = [each for each in _flat(inputs) if _carries_gradient(tf, each)]
        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs = [
                each
                for each in _flat(_function(tf, name)(*inputs, **keywords))
                if each is not None
            ]
        targets = [each for each in outputs if _carries_gradient(tf, each)]
        return {
            "outputs": [pack(np.asarray(each.numpy())) for each in outputs],
            "gradients": _gradients(tf, tape, targets, sources),
        }
    except Exception as error:  # noqa: BLE001  (the class of the error is the result)
        return {"error": [each.__name__ for each in type(error).__mro__], "text": str(error)}
