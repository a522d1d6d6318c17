"""Public functions that are taught the types of users: `tf.experimental.dispatch_for_api`.

A public function knows nothing of this until somebody registers a type for it. Then the code of
the function object is exchanged, once, for code that asks the registered targets first. So a
function that nobody opened costs nothing more, and one that was opened is opened for all who
hold it, under whichever name they do.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

from penstock.api import arithmetic
from penstock.api.elementwise_names import ASSERTIONS, BINARY, UNARY, functions
from penstock.core.composite_tensor import CompositeTensor
from penstock.runtime.context import name_scope
from penstock.runtime.extension_type import ExtensionType
from penstock.runtime.tensor import TensorLike

__all__ = [
    "dispatch_for_api",
    "dispatch_for_binary_elementwise_apis",
    "dispatch_for_binary_elementwise_assert_apis",
    "dispatch_for_unary_elementwise_apis",
    "unregister_dispatch_for",
]

Target = Callable[..., Any]
# Whether a value is of an annotated type, and whether a composite made it so.
Match = tuple[bool, bool]
_NO: Match = (False, False)


class Targets:
    """What is asked before a public function runs.

    Args:
        api: the function.
        plain: a function that does what it did before.
    """

    def __init__(self, api: Any, plain: Target) -> None:
        self.plain = plain
        self._name = api.__name__
        self._entries: list[tuple[dict[str, Any], Target]] = []

    def add(self, signature: dict[str, Any], target: Target) -> None:
        """Send calls whose arguments are of annotated types to `target`."""
        self._entries.append((signature, target))

    def remove(self, target: Target) -> bool:
        """Forget a target; False when it was not there."""
        kept = [entry for entry in self._entries if entry[1] is not target]
        removed = len(kept) < len(self._entries)
        self._entries = kept
        return removed

    def select(self, arguments: dict[str, Any]) -> Target:
        """Return what takes a call: the target that fits its arguments, or the plain function.

        Raises:
            ValueError: several targets fit.
        """
        found: list[Target] = []
        for signature, target in self._entries:
            if target not in found and _fits(signature, arguments):
                found.append(target)
        if len(found) > 1:
            names = ", ".join(target.__name__ for target in found)
            raise ValueError(
                "Multiple dispatch targets that were registered with tf.dispatch_for_api "
                f"({names}) match the arguments to {self._name}"
            )
        return found[0] if found else self.plain


def _fits(signature: dict[str, Any], arguments: dict[str, Any]) -> bool:
    composite = False
    for name, annotation in signature.items():
        fits, by_composite = _match(arguments.get(name), annotation)
        if not fits:
            return False
        composite = composite or by_composite
    return composite


def _match(value: Any, annotation: Any) -> Match:
    if _is_union(annotation):
        for option in typing.get_args(annotation):
            found = _match(value, option)
            if found[0]:
                return found
        return _NO
    if typing.get_origin(annotation) is list:
        if not isinstance(value, (list, tuple)):
            return _NO
        (kind,) = typing.get_args(annotation)
        matches = [_match(item, kind) for item in value]
        if not all(fits for fits, _ in matches):
            return _NO
        return True, any(composite for _, composite in matches)
    if not isinstance(value, annotation):
        return _NO
    return True, isinstance(value, CompositeTensor)


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


# Functions that were opened, by identity: they are kept alive by this.
_opened: dict[int, tuple[Any, Targets]] = {}
# (types..., kind of functions) -> handler and the targets that were made for it.
_handlers: dict[tuple[Any, ...], tuple[Target, list[tuple[Targets, Target]]]] = {}


def _open(api: Any) -> Targets:
    """Exchange the code of a public function for code that asks its targets first.

    Raises:
        ValueError: it is no public function of a fixed number of parameters.
    """
    found = _opened.get(id(api))
    if found is not None:
        return found[1]
    code = getattr(api, "__code__", None)
    own = isinstance(api, types.FunctionType) and api.__module__.startswith("penstock.")
    if not own or code is None or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        raise ValueError(f"{api} does not support dispatch.")
    plain = types.FunctionType(
        code, api.__globals__, api.__name__, api.__defaults__, api.__closure__
    )
    plain.__kwdefaults__ = api.__kwdefaults__
    targets = Targets(api, plain)
    holder = f"__targets_of_{api.__name__}_{id(api)}"
    api.__globals__[holder] = targets
    api.__code__ = _entry(code, holder).replace(
        co_name=code.co_name, co_filename=code.co_filename, co_firstlineno=code.co_firstlineno
    )
    _opened[id(api)] = api, targets
    return targets


def _entry(code: types.CodeType, holder: str) -> types.CodeType:
    """Code of a function of the same parameters, which asks the targets held by `holder`."""
    count = code.co_argcount
    names = code.co_varnames[: count + code.co_kwonlyargcount]
    positional, by_name = names[:count], names[count:]
    parameters = [*positional, *(["*"] if by_name else []), *by_name]
    if code.co_posonlyargcount:
        parameters.insert(code.co_posonlyargcount, "/")
    given = ", ".join([*positional, *(f"{name}={name}" for name in by_name)])
    held = ", ".join(f"{name!r}: {name}" for name in names)
    # A code object can only take the place of one with as many free variables.
    free = [f"__free_{i}" for i in range(len(code.co_freevars))]
    use = f"        ({', '.join(free)},)\n" if free else ""
    text = (
        f"def __make({', '.join(free)}):\n"
        f"    def __entry({', '.join(parameters)}):\n"
        f"{use}"
        f"        return {holder}.select({{{held}}})({given})\n"
        "    return __entry\n"
    )
    scope: dict[str, Any] = {}
    exec(compile(text, f"{__file__} (made)", "exec"), scope)  # noqa: S102  (text made of parameter names of our own functions)
    made: types.CodeType = scope["__make"](*free).__code__
    return made


def dispatch_for_api(api: Any, *signatures: dict[Any, Any]) -> Callable[[Target], Target]:
    """Decorate a function that takes the place of a public function for some types.

    Args:
        api: the public function, such as `tf.concat`.
        signatures: dicts of parameter names to types, `List[...]` or `Union[...]` of types; a
            call goes to the decorated function when all of one dict fit, and a composite, such
            as an extension type, is among those arguments. Without any, the annotations of the
            decorated function are the signature.

    Raises:
        ValueError: `api` cannot be taught types, the decorated function has other parameters
            than `api` (it may lack `name`), or a signature names a parameter that is not there.
        TypeError: a signature is no dict.
    """
    targets = _open(api)
    parameters = inspect.signature(targets.plain)
    checked = [_checked_signature(parameters, signature) for signature in signatures]

    def decorate(dispatch_target: Target) -> Target:
        if not callable(dispatch_target):
            raise TypeError(f"Expected dispatch_target to be callable; got {dispatch_target!r}")
        target = _with_name(dispatch_target, parameters)
        _check_parameters(parameters, target)
        for signature in checked or [_from_annotations(parameters, target)]:
            targets.add(signature, target)
        return target

    return decorate


def _checked_signature(parameters: inspect.Signature, signature: Any) -> dict[str, Any]:
    if not (isinstance(signature, dict) and all(isinstance(k, (str, int)) for k in signature)):
        raise TypeError(
            "signatures must be dictionaries mapping parameter names to type annotations."
        )
    names = list(parameters.parameters)
    checked = {}
    for key, annotation in signature.items():
        name = names[key] if isinstance(key, int) and key < len(names) else key
        parameter = parameters.parameters.get(str(name))
        if parameter is None:
            raise ValueError(f"signature includes annotation for unknown parameter {name!r}.")
        if parameter.kind is parameter.KEYWORD_ONLY:
            raise ValueError(
                "Dispatch currently only supports type annotations for positional parameters; "
                f"can't handle annotation for {parameter.kind!r} parameter {name}."
            )
        checked[str(name)] = _checked_annotation(annotation)
    return checked


def _checked_annotation(annotation: Any) -> Any:
    if annotation is None:
        return type(None)
    if isinstance(annotation, type) and typing.get_origin(annotation) is None:
        return annotation
    if _is_union(annotation) or typing.get_origin(annotation) is list:
        for argument in typing.get_args(annotation):
            _checked_annotation(argument)
        return annotation
    raise ValueError(
        f"Type annotation {annotation} is not currently supported by dispatch.  Supported "
        "annotations: type objects,  List[...], and Union[...]"
    )


def _from_annotations(parameters: inspect.Signature, target: Target) -> dict[str, Any]:
    hints = {
        name: hint
        for name, hint in typing.get_type_hints(target).items()
        if name in parameters.parameters
    }
    if not hints:
        raise ValueError(
            "The dispatch_for_api decorator must be called with at least one signature, or "
            "applied to a function that has type annotations on its parameters."
        )
    return _checked_signature(parameters, hints)


def _with_name(target: Any, parameters: inspect.Signature) -> Any:
    """The target, with a parameter `name` that opens a name scope where it lacks one."""
    signature = inspect.signature(target)
    known = signature.parameters.values()
    if (
        "name" not in parameters.parameters
        or "name" in signature.parameters
        or any(parameter.kind is parameter.VAR_KEYWORD for parameter in known)
    ):
        return target
    place = list(parameters.parameters).index("name")

    def named(*args: Any, **kwargs: Any) -> Any:
        name = args[place] if place < len(args) else kwargs.pop("name", None)
        args = (*args[:place], *args[place + 1 :])
        if name is None:
            return target(*args, **kwargs)
        with name_scope(name):
            return target(*args, **kwargs)

    named.__name__ = target.__name__
    named.__doc__ = target.__doc__
    named.__annotations__ = dict(getattr(target, "__annotations__", {}))
    named.__wrapped__ = target  # type: ignore[attr-defined]
    named.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*known, parameters.parameters["name"]]
    )
    return named


def _check_parameters(parameters: inspect.Signature, target: Target) -> None:
    """Check that a target can be called as the public function is."""
    signature = inspect.signature(target)
    theirs = list(signature.parameters.values())
    kinds = [parameter.kind for parameter in theirs]
    if kinds == [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD]:
        return
    ours = [(one.name, one.kind) for one in parameters.parameters.values()]
    if ours != [(one.name, one.kind) for one in theirs]:
        raise ValueError(
            f"Dispatch function's signature {signature} does not match API's signature "
            f"{parameters}."
        )


def dispatch_for_unary_elementwise_apis(x_type: Any) -> Callable[[Target], Target]:
    """Decorate a function that does all elementwise functions of one argument for a type.

    Args:
        x_type: type of the first argument.

    Returns:
        A decorator of a function `handler(api_func, x)`, where `api_func` takes one argument
        and does what was called.

    Raises:
        ValueError: the type has a handler already.
    """
    return _elementwise("unary elementwise", UNARY, (x_type,))


def dispatch_for_binary_elementwise_apis(
    x_type: Any, y_type: Any
) -> Callable[[Target], Target]:
    """Decorate a function that does all elementwise functions of two arguments for two types.

    Args:
        x_type: type of the first argument.
        y_type: type of the second.

    Returns:
        A decorator of a function `handler(api_func, x, y)`, where `api_func` takes two
        arguments and does what was called.

    Raises:
        ValueError: the types have a handler already.
    """
    return _elementwise("binary elementwise", BINARY, (x_type, y_type))


def dispatch_for_binary_elementwise_assert_apis(
    x_type: Any, y_type: Any
) -> Callable[[Target], Target]:
    """Decorate a function that does the assertions about two values for two types.

    Args:
        x_type: type of the first argument.
        y_type: type of the second.

    Returns:
        A decorator of a function `handler(assert_func, x, y)`, where `assert_func` takes two
        arguments and asserts what was called.

    Raises:
        ValueError: the types have a handler already.
    """
    return _elementwise("binary elementwise assert", ASSERTIONS, (x_type, y_type))


def _elementwise(
    kind: str, table: dict[str, tuple[str, ...]], annotations: tuple[Any, ...]
) -> Callable[[Target], Target]:
    key = (kind, *annotations)

    def decorate(handler: Target) -> Target:
        if key in _handlers:
            shown = annotations[0] if len(annotations) == 1 else annotations
            raise ValueError(
                f"A {kind} dispatch handler ({_handlers[key][0]}) has already been registered "
                f"for {shown}."
            )
        made = []
        for api in functions(table):
            targets = _open(api)
            signature = inspect.signature(targets.plain)
            names = list(signature.parameters)[: len(annotations)]
            target = _for_handler(handler, api, names, signature)
            types_of = dict(zip(names, annotations, strict=True))
            targets.add(_checked_signature(signature, types_of), target)
            made.append((targets, target))
        _handlers[key] = handler, made
        return handler

    return decorate


def _for_handler(
    handler: Target, api: Any, names: Sequence[str], signature: inspect.Signature
) -> Target:
    """A target that gives a handler what was called, with all but the first arguments bound."""

    def target(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        name = given.pop("name", None)
        values = [given.pop(key) for key in names]

        def bound(*operands: Any) -> Any:
            return api(*operands, **given)

        if name is None:
            return handler(bound, *values)
        with name_scope(name):
            return handler(bound, *values)

    target.__name__ = f"elementwise_dispatch_target_for_{api.__name__}"
    return target


def unregister_dispatch_for(dispatch_target: Target) -> None:
    """Undo what one of the decorators of this module did.

    Raises:
        ValueError: the function was not registered by any of them.
    """
    found = False
    for _, targets in _opened.values():
        found = targets.remove(dispatch_target) or found
    for key in [key for key, (handler, _) in _handlers.items() if handler is dispatch_target]:
        for targets, target in _handlers.pop(key)[1]:
            targets.remove(target)
        found = True
    if not found:
        raise ValueError(
            f"Function {dispatch_target} was not registered using a `@dispatch_for_*` "
            "decorator."
        )


def _reflected(function: Any) -> Target:
    """An operator of an extension type on the right of a tensor: the function of both."""

    def operate(self: Any, other: Any) -> Any:
        return function(other, self) if isinstance(other, TensorLike) else NotImplemented

    return operate


# Tensors leave operators with composites to them, so that these come to the public functions.
for _operator, _function in {
    "add": arithmetic.add,
    "floordiv": arithmetic.floordiv,
    "mod": arithmetic.floormod,
    "mul": arithmetic.multiply,
    "pow": arithmetic.pow,
    "sub": arithmetic.subtract,
    "truediv": arithmetic.truediv,
}.items():
    setattr(ExtensionType, f"__r{_operator}__", _reflected(_function))
