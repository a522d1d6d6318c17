"""What classify and regress ask of a signature and of its outputs, in whichever protocol.

Source: TF Serving's `classifier.cc` and `regressor.cc`; texts and codes of errors are its own.
"""

from typing import Final

import numpy as np

from penstock.core.dtypes import DType, dtype_of_numpy
from penstock.core.errors import FailedPreconditionError, InvalidArgumentError
from penstock.serving.servable import (
    CLASSIFY_METHOD,
    REGRESS_METHOD,
    Array,
    Arrays,
    SignatureSpec,
)

INPUTS: Final = "inputs"
_ENUM_NAMES: Final = {"float32": "DT_FLOAT", "float64": "DT_DOUBLE", "float16": "DT_HALF"}
_OUTPUTS, _CLASSES, _SCORES = "outputs", "classes", "scores"


def check_classify(name: str, signature: SignatureSpec | None) -> SignatureSpec:
    """Return the signature if it classifies examples."""
    signature = _with_method(name, signature, "classification", CLASSIFY_METHOD)
    if len(signature.outputs) not in (1, 2):
        raise InvalidArgumentError(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if not {_CLASSES, _SCORES} & signature.outputs.keys():
        raise FailedPreconditionError(
            'Expected classification signature outputs to contain at least one of "classes" '
            f'or "scores". Signature has: {", ".join(signature.outputs)}'
        )
    return signature


def check_regress(name: str, signature: SignatureSpec | None) -> SignatureSpec:
    """Return the signature if it regresses examples."""
    signature = _with_method(name, signature, "regression", REGRESS_METHOD)
    if len(signature.outputs) != 1:
        raise InvalidArgumentError("Expected one output Tensor.")
    if _OUTPUTS not in signature.outputs:
        raise FailedPreconditionError("No regression outputs found in SignatureDef")
    return signature


def class_scores(outputs: Arrays, size: int) -> tuple[Array, Array]:
    """Return the classes and the scores of `size` examples; what is missing is empty or zero.

    Raises:
        InvalidArgumentError: the outputs are not [size, classes] strings and floats.
    """
    classes, scores = outputs.get(_CLASSES), outputs.get(_SCORES)
    for name, value, kind, type_name in (
        (_CLASSES, classes, np.dtype(object), "DT_STRING"),
        (_SCORES, scores, np.dtype(np.float32), "DT_FLOAT"),
    ):
        if value is None:
            continue
        if value.ndim != 2:
            raise InvalidArgumentError(
                "Expected Tensor shape: [batch_size num_classes] but got "
                f"[{','.join(map(str, value.shape))}]"
            )
        if value.dtype != kind:
            raise InvalidArgumentError(
                f"Expected {name} Tensor of {type_name}. Got: {_enum_name_of(value)}"
            )
        if len(value) != size:
            raise InvalidArgumentError(
                f"Expected {name} output batch size of {size}. Got: {len(value)}"
            )
    if classes is None and scores is not None:
        classes = np.full(scores.shape, b"", object)
    elif scores is None and classes is not None:
        scores = np.zeros(classes.shape, np.float32)
    assert classes is not None, "the signature was checked"
    assert scores is not None, "the signature was checked"
    if classes.shape != scores.shape:
        raise InvalidArgumentError(
            "Tensors class and score should match in dim_size(1). Got "
            f"{classes.shape[1]} vs. {scores.shape[1]}"
        )
    return classes, scores


def regression_values(outputs: Arrays, size: int) -> Array:
    """Return the numbers of `size` examples.

    Raises:
        InvalidArgumentError: the output is not [size] or [size, 1] floats.
    """
    value = outputs[_OUTPUTS]
    if value.ndim not in (1, 2) or value.shape[1:] not in ((), (1,)):
        raise InvalidArgumentError(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"[{','.join(map(str, value.shape))}]"
        )
    if len(value) != size:
        raise InvalidArgumentError(
            f"Input batch size did not match output batch size: {size} vs. {len(value)}"
        )
    if value.dtype != np.float32:
        raise InvalidArgumentError(
            f"Expected output Tensor of DT_FLOAT.  Got: {_enum_name_of(value)}"
        )
    return np.ascontiguousarray(value.reshape(size))


def _with_method(
    name: str, signature: SignatureSpec | None, kind: str, method: str
) -> SignatureSpec:
    if signature is None:
        raise InvalidArgumentError(f"No signature was found with the name: {name}")
    if signature.method_name != method:
        raise InvalidArgumentError(
            f"Expected {kind} signature method_name to be {method}. "
            f"Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise InvalidArgumentError("Expected one input Tensor.")
    if INPUTS not in signature.inputs:
        raise FailedPreconditionError(f"No {kind} inputs found in SignatureDef")
    return signature


def enum_name(dtype: DType | None) -> str:
    """Return the name of a type in TensorFlow's enum."""
    if dtype is None:
        return "DT_INVALID"
    return _ENUM_NAMES.get(dtype.name, f"DT_{dtype.name.upper()}")


def _enum_name_of(value: Array) -> str:
    return enum_name(dtype_of_numpy(value.dtype))
