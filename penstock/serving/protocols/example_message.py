"""TF Serving's classify, regress and multi-inference messages.

Source: TF Serving's `classifier.cc`, `regressor.cc`, `multi_inference.cc` and `util.cc`; texts
and codes of errors are its own.
"""

from collections.abc import Mapping
from typing import Any, Final

from penstock.core.errors import InvalidArgumentError, UnimplementedError
from penstock.serving.protocols.tasks import (
    check_classify,
    check_regress,
    class_scores,
    regression_values,
)
from penstock.serving.servable import (
    CLASSIFY_METHOD,
    DEFAULT_SIGNATURE,
    REGRESS_METHOD,
    Array,
    Arrays,
    Servable,
    SignatureSpec,
)
from penstock.wire import protos
from penstock.wire.tensors import array_to_proto, as_objects

_CHECKS: Final = {CLASSIFY_METHOD: check_classify, REGRESS_METHOD: check_regress}


def examples_of(message: Any) -> Array:
    """Return the examples of an Input as serialized messages, each with the shared context.

    Raises:
        InvalidArgumentError: there are none.
    """
    kind = message.WhichOneof("kind")
    listed = getattr(message, kind) if kind else None
    if listed is None or not listed.examples:
        raise InvalidArgumentError("Input is empty.")
    # Two serialized messages in a row read as one, in which the later features win.
    context = listed.context.SerializeToString() if hasattr(listed, "context") else b""
    return as_objects(context + each.SerializeToString() for each in listed.examples)


def find_task(servable: Servable, name: str, method: str) -> SignatureSpec:
    """Return the signature of a classify or regress request.

    Raises:
        OpError: there is none, or it is of another kind.
    """
    check = _CHECKS.get(method)
    if check is None:
        raise UnimplementedError(f"Unsupported signature method_name: {method}")
    return check(name, servable.signatures.get(name))


def find_tasks(request: Any, servable: Servable) -> list[tuple[str, str]]:
    """Return signature and method of each task of a multi-inference request.

    Raises:
        InvalidArgumentError: two tasks are for the same signature or for different models,
            or a signature does not fit.
        UnimplementedError: a method is neither classify nor regress.
    """
    model = request.tasks[0].model_spec.name if request.tasks else ""
    found: list[tuple[str, str]] = []
    for task in request.tasks:
        if not task.model_spec.name:
            raise InvalidArgumentError("Found ModelSpec with an empty model name.")
        if task.model_spec.name != model:
            raise InvalidArgumentError(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if any(name == other for other, _ in found):
            raise InvalidArgumentError(f"Duplicate evaluation of signature: {name}")
        if name not in servable.signatures:
            raise InvalidArgumentError(f"Requested signature not found in model graph: {name}")
        find_task(servable, name, task.method_name)
        found.append((name, task.method_name))
    return found


def fill_result(message: Any, method: str, outputs: Arrays, size: int) -> None:
    """Write outputs into a ClassificationResult or a RegressionResult.

    Raises:
        InvalidArgumentError: they are not of the form that the method needs.
    """
    if method == REGRESS_METHOD:
        for value in regression_values(outputs, size).tolist():
            message.regressions.add(value=value)
        return
    labels, scores = class_scores(outputs, size)
    for row in range(size):
        listed = message.classifications.add()
        for label, score in zip(labels[row], scores[row].tolist(), strict=True):
            # A label that is no text cannot stand in a string field of the message.
            listed.classes.add(label=_text(label), score=score)


def _text(label: Any) -> str:
    try:
        return bytes(label).decode()
    except UnicodeDecodeError:
        raise InvalidArgumentError("output 'classes' holds bytes that are not UTF-8") from None


def metadata_message(name: str, version: int, signatures: Mapping[str, SignatureSpec]) -> Any:
    """Return the answer of a metadata request: the signatures as TensorFlow's SignatureDefs."""
    found = protos.SignatureDefMap()
    for key, signature in signatures.items():
        definition = found.signature_def[key]
        definition.method_name = signature.method_name
        for alias, value in signature.defaults.items():
            definition.defaults[alias].CopyFrom(array_to_proto(value, as_content=False))
        for side, infos in (
            (definition.inputs, signature.inputs),
            (definition.outputs, signature.outputs),
        ):
            for alias, info in infos.items():
                each = side[alias]
                each.name = info.name
                each.dtype = 0 if info.dtype is None else info.dtype.as_datatype_enum
                if info.dims is None:
                    each.tensor_shape.unknown_rank = True
                else:
                    each.tensor_shape.SetInParent()
                    for dim in info.dims:
                        each.tensor_shape.dim.add(size=-1 if dim is None else dim)
    answer = protos.GetModelMetadataResponse()
    answer.model_spec.name = name
    answer.model_spec.version.value = version
    answer.metadata["signature_def"].Pack(found)
    return answer
