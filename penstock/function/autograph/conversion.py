"""Converting a Python function, and the functions that it calls, with our operators."""

from __future__ import annotations

import functools
import inspect
import types
import warnings
from collections.abc import Callable
from typing import Any

from malt.core import ag_ctx, converter
from malt.impl import api as malt_api
from malt.impl import conversion as malt_conversion
from malt.operators import py_builtins
from malt.pyct import errors, inspect_utils

from penstock.function.autograph import operators
from penstock.function.autograph.marks import MARK, is_marked

# Code of libraries runs as it is: it was written with graphs in mind, or knows nothing of them.
_LIBRARIES = frozenset(
    {
        "penstock",
        "tensorflow",
        "keras",
        "jax",
        "numpy",
        "malt",
        "ml_dtypes",
        "optree",
        "scipy",
        "sklearn",
        "pandas",
        "matplotlib",
        "PIL",
        "absl",
        "pytest",
        "_pytest",
        "hypothesis",
        "typing",
        "contextlib",
        "functools",
        "itertools",
        "threading",
        "logging",
        "collections",
        "copy",
        "inspect",
        "random",
        "math",
        "os",
        "pathlib",
        "time",
        "unittest",
        "warnings",
        "weakref",
    }
)


class _Transpiler(malt_api.PyToPy):  # type: ignore[misc]
    """The converter, whose generated code calls our operators."""

    _own_locals: dict[str, Any] | None = None

    def get_extra_locals(self) -> dict[str, Any]:
        """Names that generated code sees: `ag__` with the operators."""
        if self._own_locals is None:
            names = dict(super().get_extra_locals()["ag__"].__dict__)
            names.update(
                {
                    name: getattr(operators, name)
                    for name in (
                        "if_stmt",
                        "if_exp",
                        "while_stmt",
                        "for_stmt",
                        "not_",
                        "and_",
                        "or_",
                        "eq",
                        "not_eq",
                        "assert_stmt",
                    )
                }
            )
            names["converted_call"] = converted_call
            module = types.ModuleType("ag__")
            module.__dict__.update(names)
            self._own_locals = {"ag__": module}
        return self._own_locals


_transpiler = _Transpiler()
_OPTIONS = converter.ConversionOptions(
    recursive=True,
    user_requested=True,
    optional_features=(converter.Feature.ASSERT_STATEMENTS,),
)


def convert(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a form of `function` whose control flow may depend on tensors.

    A function that cannot be converted is returned as it is, with a warning that says why.
    """
    if is_marked(function) or _is_library(function):
        return function

    @functools.wraps(function)
    def converted(*args: Any, **kwargs: Any) -> Any:
        with ag_ctx.ControlStatusCtx(status=ag_ctx.Status.ENABLED, options=_OPTIONS):
            return converted_call(function, args, kwargs or None, options=_OPTIONS)

    setattr(converted, MARK, {})
    return converted


def _is_library(function: Any) -> bool:
    module = getattr(function, "__module__", None) or ""
    return module.partition(".")[0] in _LIBRARIES


def converted_call(
    function: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any] | None,
    caller_fn_scope: Any = None,
    options: Any = None,
) -> Any:
    """Call `function` from converted code, converting it first where that makes sense."""
    options = options if options is not None else caller_fn_scope.callopts
    keywords = kwargs or {}
    if isinstance(function, functools.partial):
        merged = {**function.keywords, **keywords}
        return converted_call(
            function.func, (*function.args, *args), merged, caller_fn_scope, options
        )
    builtin = _builtin(function, args, keywords, caller_fn_scope)
    if builtin is not _NOT_BUILTIN:
        return builtin
    if not _wants_conversion(function):
        return function(*args, **keywords)
    target, full = _target(function, args)
    if target is None:
        return function(*args, **keywords)
    made = _converted(target, function)
    if made is None:
        return function(*args, **keywords)
    return made(*full, **keywords)


_NOT_BUILTIN = object()


def _builtin(function: Any, args: Any, keywords: dict[str, Any], scope: Any) -> Any:
    if not inspect_utils.isbuiltin(function):
        return _NOT_BUILTIN
    if function is eval:
        return py_builtins.eval_in_original_context(function, args, scope)
    if function is super:
        return py_builtins.super_in_original_context(function, args, scope)
    if function is globals:
        return py_builtins.globals_in_original_context(scope)
    if function is locals:
        return py_builtins.locals_in_original_context(scope)
    try:
        own = operators.BUILTINS.get(function)
    except TypeError:
        own = None
    return (own or function)(*args, **keywords)


def _wants_conversion(function: Any) -> bool:
    if ag_ctx.control_status_ctx().status == ag_ctx.Status.DISABLED:
        return False
    if is_marked(function) or _is_library(function) or _is_library(type(function)):
        return False
    return not malt_conversion.is_unsupported(function)


def _target(function: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """The plain function behind a callable, and the arguments for it."""
    if inspect.ismethod(function):
        return function.__func__, (function.__self__, *args)
    if inspect.isfunction(function):
        return function, args
    own = inspect.getattr_static(type(function), "__call__", None)
    if inspect.isfunction(own) and not _is_library(own):
        return own, (function, *args)
    return None, args


_failed: set[Any] = set()


def _converted(target: Any, function: Any) -> Any:
    code = getattr(target, "__code__", None)
    if code is None or code in _failed or is_marked(target):
        return None
    if inspect.getmodule(target) is None:
        # What `eval` made has neither a module nor a source that could be read.
        if "site-packages" not in code.co_filename:
            _warn(code, function, "it belongs to no module; define it in a file")
        return None
    try:
        made, _, _ = _transpiler.transform(target, converter.ProgramContext(options=_OPTIONS))
    except errors.UnsupportedLanguageElementError as error:
        _warn(code, function, str(error))
        return None
    except (errors.PyCTError, OSError, ValueError, SyntaxError) as error:
        _warn(
            code,
            function,
            f"{error or type(error).__name__}; its source must be in a file to be read: "
            "define it there, or use tf.cond and tf.while_loop",
        )
        return None
    return made


def _warn(code: Any, function: Any, reason: str) -> None:
    _failed.add(code)
    name = getattr(function, "__qualname__", repr(function))
    warnings.warn(
        f"AutoGraph could not convert {name} and runs it as it is: {' '.join(reason.split())}. "
        "Decorate it with tf.autograph.experimental.do_not_convert to silence this",
        stacklevel=2,
    )
