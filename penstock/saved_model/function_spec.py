"""The parameters of a saved Python function, and how a call binds to them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.core.errors import UnimplementedError
from penstock.saved_model.structured_value import can_encode, decode, encode
from penstock.wire import protos

_NO_DEFAULT: Final = object()


@dataclass(slots=True)
class FunctionSpec:
    """Parameters of a function, without the instance of a method.

    Fields are those of `inspect.getfullargspec`; `defaults` are of the last positional ones.
    """

    args: list[str] = field(default_factory=list)
    varargs: str | None = None
    varkw: str | None = None
    defaults: tuple[Any, ...] = ()
    kwonlyargs: list[str] = field(default_factory=list)
    kwonlydefaults: dict[str, Any] = field(default_factory=dict)
    input_signature: Any = None
    jit_compile: bool | None = None

    @classmethod
    def of_function(
        cls, function: Callable[..., Any], input_signature: Any, jit_compile: bool | None
    ) -> FunctionSpec:
        """The spec of a Python function; bound methods come without their instance."""
        try:
            parameters = list(inspect.signature(function).parameters.values())
        except (TypeError, ValueError):
            return cls(varargs="args", varkw="kwargs", input_signature=input_signature)
        spec = cls(input_signature=input_signature, jit_compile=jit_compile)
        for parameter in parameters:
            if parameter.kind is parameter.VAR_POSITIONAL:
                spec.varargs = parameter.name
            elif parameter.kind is parameter.VAR_KEYWORD:
                spec.varkw = parameter.name
            elif parameter.kind is parameter.KEYWORD_ONLY:
                spec.kwonlyargs.append(parameter.name)
                if parameter.default is not parameter.empty:
                    spec.kwonlydefaults[parameter.name] = parameter.default
            else:
                spec.args.append(parameter.name)
                if parameter.default is not parameter.empty:
                    spec.defaults = (*spec.defaults, parameter.default)
        return spec

    # -- messages -------------------------------------------------------------------------

    @classmethod
    def from_proto(cls, message: Any) -> FunctionSpec:
        """Read a FunctionSpec message."""
        full = decode(message.fullargspec)._asdict()
        args = list(full.get("args") or [])
        jit = message.jit_compile
        try:
            signature = decode(message.input_signature)
        except UnimplementedError:
            # The traces tell what they take; those that can be read stay usable.
            signature = None
        return cls(
            args=args[1:] if message.is_method else args,
            varargs=full.get("varargs"),
            varkw=full.get("varkw"),
            defaults=tuple(full.get("defaults") or ()),
            kwonlyargs=list(full.get("kwonlyargs") or []),
            kwonlydefaults=dict(full.get("kwonlydefaults") or {}),
            input_signature=signature,
            jit_compile={1: True, 2: False}.get(jit),
        )

    def to_proto(self) -> Any:
        """Write a FunctionSpec message; defaults that have no form in it are left out."""
        defaults = tuple(value if can_encode(value) else None for value in self.defaults)
        kwonly = {k: v for k, v in self.kwonlydefaults.items() if can_encode(v)}
        message = protos.FunctionSpec(
            input_signature=encode(self.input_signature),
            jit_compile={True: 1, False: 2, None: 0}[self.jit_compile],
        )
        target = message.fullargspec.named_tuple_value
        target.name = "FullArgSpec"
        for key, value in (
            ("args", list(self.args)),
            ("varargs", self.varargs),
            ("varkw", self.varkw),
            ("defaults", defaults or None),
            ("kwonlyargs", list(self.kwonlyargs)),
            ("kwonlydefaults", kwonly or None),
            ("annotations", {}),
        ):
            target.values.add(key=key).value.CopyFrom(encode(value))
        return message

    # -- calls ----------------------------------------------------------------------------

    def bind(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give a call its canonical form: all positional parameters, then keyword-only ones.

        Raises:
            TypeError: the call does not fit the parameters.
        """
        given = dict(kwargs)
        values = list(args[: len(self.args)])
        rest = args[len(self.args) :]
        if rest and self.varargs is None:
            raise TypeError(
                f"the function takes {len(self.args)} positional arguments "
                f"({', '.join(self.args)}), got {len(args)}"
            )
        first_default = len(self.args) - len(self.defaults)
        for i in range(len(values), len(self.args)):
            name = self.args[i]
            if name in given:
                values.append(given.pop(name))
            elif i >= first_default:
                values.append(self.defaults[i - first_default])
            else:
                raise TypeError(f"missing a required argument: {name!r}")
        named = {}
        for name in self.kwonlyargs:
            value = given.pop(name, self.kwonlydefaults.get(name, _NO_DEFAULT))
            if value is not _NO_DEFAULT:
                named[name] = value
        if given and self.varkw is None:
            unknown = sorted(given)[0]
            what = "multiple values for" if unknown in self.args else "an unexpected"
            raise TypeError(f"got {what} argument {unknown!r}")
        return (*values, *rest), {**named, **given}
