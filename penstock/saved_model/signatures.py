"""Signatures: functions of named tensors that give named tensors, as servers call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.core.tensor_shape import TensorShape
from penstock.core.type_spec import TensorSpec
from penstock.function.concrete_function import ConcreteFunction
from penstock.function.polymorphic import Function
from penstock.runtime.trackable import Trackable
from penstock.saved_model import constants

_DEFAULT_ATTRIBUTE: Final = "_default_save_signature"


class SignatureFunction(Trackable):
    """One signature that is to be saved.

    Args:
        concrete: the trace that it calls.
        key: name of the signature.

    Raises:
        ValueError: its inputs or outputs cannot be named.
    """

    def __init__(self, concrete: ConcreteFunction, key: str) -> None:
        self.concrete = concrete
        named = _named_inputs(concrete, key)
        # As the arguments of the trace stand, and as callers give them: by their names.
        self.input_order = list(named)
        self.inputs = {name: named[name] for name in sorted(named)}
        self.outputs = _named_outputs(concrete, key)

    @property
    def output_order(self) -> list[str]:
        """Names of the outputs in the order in which the signature's function gives them."""
        return sorted(self.outputs)


class SavedSignatures(Trackable):
    """The signatures of a model that is saved, as its child."""

    def __init__(self, signatures: Mapping[str, SignatureFunction]) -> None:
        self.signatures = dict(signatures)

    def _trackable_children(
        self, save_type: str = "checkpoint", **kwargs: Any
    ) -> dict[str, Any]:
        return dict(self.signatures)


def canonical_signatures(children: Mapping[str, Any], signatures: Any) -> SavedSignatures:
    """Turn the argument `signatures` of `save` into signatures.

    Args:
        children: children of the object that is saved; without signatures its own function
            may serve.
        signatures: a function, or a dict of them.

    Raises:
        ValueError: something is no function, or has no signature.
    """
    if signatures is None:
        found = _default_function(children)
        signatures = {} if found is None else found
    if not isinstance(signatures, Mapping):
        signatures = {constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signatures}
    result = {}
    for key, function in signatures.items():
        if key == constants.INIT_OP_SIGNATURE_KEY:
            raise ValueError(f"the signature key {key!r} is reserved")
        result[key] = SignatureFunction(_concrete(function, key), key)
    return SavedSignatures(result)


def _concrete(function: Any, key: str) -> ConcreteFunction:
    if isinstance(function, ConcreteFunction):
        return function
    if isinstance(function, Function) and function.input_signature is not None:
        return function.get_concrete_function()
    raise ValueError(
        "Expected a TensorFlow function for which to generate a signature, but got "
        f"{function} for {key!r}. Only `tf.functions` with an input signature or concrete "
        "functions can be used as a signature."
    )


def _default_function(children: Mapping[str, Any]) -> Any:
    """The object's own function that serves when no signatures are given, or None."""
    own = children.get(_DEFAULT_ATTRIBUTE)
    if isinstance(own, (Function, ConcreteFunction)):
        return own
    candidates = []
    for child in children.values():
        stated = isinstance(child, Function) and child.input_signature is not None
        if stated or isinstance(child, ConcreteFunction):
            concrete = _concrete(child, "")
            if _can_be_signature(concrete):
                candidates.append(concrete)
    return candidates[0] if len(candidates) == 1 else None


def _can_be_signature(concrete: ConcreteFunction) -> bool:
    try:
        signature = SignatureFunction(concrete, "")
    except ValueError:
        return False
    # Servers ask for outputs: without any there is nothing to run.
    return bool(signature.outputs)


def argument_names(concrete: ConcreteFunction) -> list[str]:
    """Names of the flat tensor arguments of a trace, as users gave them."""
    if concrete.arg_keywords is not None:
        return list(concrete.arg_keywords)
    symbols = concrete.graph.inputs[: concrete._argument_count]
    nodes = [symbol.graph_node for symbol in symbols]
    names = [str(getattr(node, "user_name", None) or node.name) for node in nodes]
    if len(set(names)) == len(names):
        return names
    # Several tensors of one argument: the nodes' own names differ.
    return [node.name for node in nodes]


def _named_inputs(concrete: ConcreteFunction, key: str) -> dict[str, TensorSpec]:
    names = argument_names(concrete)
    if len(set(names)) != len(names):
        raise ValueError(
            f"Got non-unique argument names for SavedModel signature {key!r}: {names}"
        )
    symbols = concrete.graph.inputs[: concrete._argument_count]
    return {
        name: TensorSpec(symbol.shape, symbol.dtype, name)
        for name, symbol in zip(names, symbols, strict=True)
    }


def _named_outputs(concrete: ConcreteFunction, key: str) -> dict[str, TensorSpec]:
    outputs = concrete.structured_outputs
    if isinstance(outputs, Mapping):
        named = dict(outputs)
    elif isinstance(outputs, (list, tuple)):
        named = {f"output_{i}": item for i, item in enumerate(outputs)}
    elif outputs is None:
        named = {}
    else:
        named = {"output_0": outputs}
    result = {}
    for name, spec in named.items():
        if not isinstance(name, str):
            raise ValueError(  # noqa: TRY004  (TensorFlow's class)
                f"the outputs of signature {key!r} must be named by text, got {name!r}"
            )
        if not isinstance(spec, TensorSpec):
            raise ValueError(  # noqa: TRY004  (TensorFlow's class)
                f"signature {key!r} must give tensors, a list of tensors or a dict of tensors, "
                f"got {spec!r} for {name!r}"
            )
        result[name] = TensorSpec(TensorShape(spec.shape), spec.dtype, name)
    return result
