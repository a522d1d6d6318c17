"""Converting a Python function, and the functions that it calls, with our operators."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from malt.core import ag_ctx, converter
from malt.impl import api as malt_api
from malt.impl import conversion as malt_conversion
from malt.operators import py_builtins
from malt.pyct import errors, inspect_utils

from penstock.core.user_code import Origin, note_generated
from penstock.function.autograph import operators, side_effects
from penstock.function.autograph.lambdas import ExactLambdas
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


class _Transpiler(malt_api.PyToPy, ExactLambdas):  # type: ignore[misc]
    """The converter, whose generated code calls our operators."""

    _own_locals: dict[str, Any] | None = None

    def get_extra_locals(self) -> dict[str, Any]:
        """Names that generated code sees: `ag__` with the operators."""
        if self._own_locals is None:
            names = dict(super().get_extra_locals()["ag__"].__dict__)
            names.update(operators.OPERATORS)
            names["converted_call"] = converted_call
            names["caught"] = _caught
            names["printed"] = _printed
            module = types.ModuleType("ag__")
            module.__dict__.update(names)
            self._own_locals = {"ag__": module}
        return self._own_locals

    def transform_ast(self, node: Any, ctx: Any) -> Any:
        """Convert a function's tree, with names of caught errors as plain assignments."""
        if any(isinstance(part, ast.Match) for part in ast.walk(node)):
            raise errors.UnsupportedLanguageElementError(
                "match statements are not converted; use if and elif"
            )
        own = ctx.user.options.uses(converter.Feature.BUILTIN_FUNCTIONS)
        if not own and "print" not in ctx.info.namespace:
            node = _Prints().visit(node)
        return super().transform_ast(_CaughtNames().visit(node), ctx)


class _Prints(ast.NodeTransformer):
    """`print(...)` becomes `ag__.printed(...)`, which tells that it happens once."""

    def visit_Call(self, node: ast.Call) -> Any:
        """Replace what is called."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "print":
            made = ast.parse("ag__.printed", mode="eval").body
            for part in ast.walk(made):
                if isinstance(part, ast.expr):
                    ast.copy_location(part, node.func)
            node.func = made
        return node


class _CaughtNames(ast.NodeTransformer):
    """`except E as name` becomes `except E: name = ...`; the converter knows no other names."""

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        """Take the name out of a handler."""
        self.generic_visit(node)
        if node.name is not None:
            taken = ast.parse(f"{node.name} = ag__.caught()").body[0]
            for part in ast.walk(taken):
                if isinstance(part, (ast.stmt, ast.expr)):
                    ast.copy_location(part, node)
            node.body.insert(0, taken)
            node.name = None
        return node


def _caught() -> BaseException | None:
    return sys.exc_info()[1]


def _printed(*objects: Any, **kwargs: Any) -> None:
    side_effects.watch(print, symbolic=False)
    print(*objects, **kwargs)  # noqa: T201  (the user's own print)


_transpiler = _Transpiler()

# The features of the converter that do something here.
_FEATURES = frozenset(
    {
        converter.Feature.ASSERT_STATEMENTS,
        converter.Feature.BUILTIN_FUNCTIONS,
        converter.Feature.EQUALITY_OPERATORS,
        converter.Feature.LISTS,
    }
)


def _options(features: Any = None, *, recursive: bool = True) -> Any:
    """Options of the converter with optional features: one, several, or `Feature.ALL`."""
    if features is None:
        wanted: frozenset[Any] = frozenset()
    elif isinstance(features, (list, tuple, set, frozenset)):
        wanted = frozenset(features)
    else:
        wanted = frozenset({features})
    if converter.Feature.ALL in wanted:
        wanted = _FEATURES
    wanted = (wanted & _FEATURES) | {converter.Feature.ASSERT_STATEMENTS}
    return converter.ConversionOptions(
        recursive=recursive,
        user_requested=True,
        optional_features=tuple(sorted(wanted, key=lambda feature: str(feature.value))),
    )


_OPTIONS = _options()


def convert(
    function: Callable[..., Any], features: Any = None, *, recursive: bool = True
) -> Callable[..., Any]:
    """Return a form of `function` whose control flow may depend on tensors.

    A function that cannot be converted is returned as it is, with a warning that says why.

    Args:
        function: the function.
        features: optional features of the converter.
        recursive: whether functions that it calls are converted too.
    """
    # Functions of Keras are converted where they are decorated, not where they are called.
    if is_marked(function) or _is_library(function, besides="keras"):
        return function
    options = (
        _OPTIONS if features is None and recursive else _options(features, recursive=recursive)
    )

    def converted(*args: Any, **kwargs: Any) -> Any:
        with ag_ctx.ControlStatusCtx(status=ag_ctx.Status.ENABLED, options=options):
            return _requested_call(function, args, kwargs or {}, options)

    if not isinstance(function, functools.partial):
        functools.update_wrapper(converted, function)
    setattr(converted, MARK, {})
    return converted


def to_graph(
    function: Callable[..., Any], recursive: bool, features: Any
) -> Callable[..., Any]:
    """Convert a function at once.

    Raises:
        ValueError: it cannot be converted.
    """
    target = getattr(function, "__func__", function)
    if not inspect.isfunction(target):
        own = inspect.getattr_static(type(function), "__call__", None)
        if not inspect.isfunction(own):
            raise ValueError(f"only Python functions can be converted, got {function!r}")
        return to_graph(types.MethodType(own, function), recursive, features)
    options = _options(features, recursive=recursive)
    try:
        made, _, _ = _transpiler.transform(target, converter.ProgramContext(options=options))
    except (errors.PyCTError, OSError, ValueError, SyntaxError) as error:
        raise ValueError(
            f"{function!r} cannot be converted: {_reason(target, error)}"
        ) from error
    made.__defaults__ = target.__defaults__
    made.__kwdefaults__ = target.__kwdefaults__
    setattr(made, MARK, {})
    instance = getattr(function, "__self__", None)
    return made if instance is None else types.MethodType(made, instance)


def to_code(function: Callable[..., Any], recursive: bool, features: Any) -> str:
    """The source of a function after its conversion.

    Raises:
        ValueError: it cannot be converted.
    """
    return textwrap.dedent(inspect.getsource(to_graph(function, recursive, features)))


def _is_library(function: Any, besides: str = "") -> bool:
    names = function.__globals__ if inspect.isfunction(function) else None
    # A wrapper says that it belongs to the module of what it wraps; its code does not.
    module = names.get("__name__") if names is not None else None
    module = module or getattr(function, "__module__", None) or ""
    name = module.partition(".")[0]
    return not isinstance(function, functools.partial) and (
        name in _LIBRARIES and name != besides
    )


# Functions of ours whose Python functions are traced, and may have control flow of their own.
_TAKE_FUNCTIONS = frozenset(
    {"map_fn", "scan", "foldl", "foldr", "vectorized_map", "while_loop", "cond"}
    | {"switch_case", "case"}
)


def _with_converted(
    function: Any, args: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Convert the functions among the arguments of one that traces them."""
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__name__", "")
    if name not in _TAKE_FUNCTIONS or not module.startswith("penstock."):
        return args, keywords
    return (
        tuple(convert(arg) if inspect.isfunction(arg) else arg for arg in args),
        {
            key: convert(value) if inspect.isfunction(value) else value
            for key, value in keywords.items()
        },
    )


def _requested_call(
    function: Any, args: tuple[Any, ...], keywords: dict[str, Any], options: Any
) -> Any:
    """Call a function that was asked to be converted, in whatever library it is."""
    if inspect.isfunction(function) and _is_library(function):
        made = _converted(function, function, options)
        if made is not None:
            with side_effects.running(function, args):
                return made(*args, **keywords)
    return converted_call(function, args, keywords or None, options=options)


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
    side_effects.watch(function, any(operators.is_symbolic(item) for item in args))
    builtin = _builtin(function, args, keywords, caller_fn_scope)
    if builtin is not _NOT_BUILTIN:
        return builtin
    if not options.internal_convert_user_code:
        return function(*args, **keywords)
    if not _wants_conversion(function):
        args, keywords = _with_converted(function, args, keywords)
        return function(*args, **keywords)
    target, full = _target(function, args)
    if target is None:
        return function(*args, **keywords)
    made = _converted(target, function, options)
    if made is None:
        return function(*args, **keywords)
    with side_effects.running(target, full):
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


def _converted(target: Any, function: Any, options: Any) -> Any:
    code = getattr(target, "__code__", None)
    if code is None or code in _failed or is_marked(target):
        return None
    if inspect.getmodule(target) is None and "site-packages" in code.co_filename:
        return None
    try:
        if inspect.getmodule(target) is None:
            # What `eval` and `exec` made has neither a module nor a source that could be read.
            raise ValueError("it belongs to no module")
        made, _, lines = _transpiler.transform(
            target, converter.ProgramContext(options=options)
        )
    except (errors.PyCTError, OSError, ValueError, SyntaxError, AssertionError) as error:
        # The converter asserts what it has not thought of.
        _warn(code, function, _reason(target, error))
        return None
    _note_lines(made.__code__.co_filename, lines)
    return made


_noted: set[str] = set()


def _note_lines(filename: str, lines: Any) -> None:
    """Say which lines of the user the lines of a converted function come from."""
    if filename in _noted:
        return
    _noted.add(filename)
    note_generated(
        filename,
        {
            place.lineno: Origin(origin.loc.filename, origin.loc.lineno, origin.function_name)
            for place, origin in lines.items()
            if origin.loc.filename and origin.function_name
        },
    )


def _reason(target: Any, error: Exception) -> str:
    """Why a function cannot be converted, and the two ways out."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, errors.UnsupportedLanguageElementError):
        return text
    code = target.__code__
    where = code.co_filename
    if where.startswith("<") or not Path(where).exists():
        text = f"its source cannot be read, because it comes from {where} and not from a file"
        if where == "<stdin>":
            text = "its source cannot be read, because it was typed at the Python prompt"
    return (
        f"{text}. Two ways out: define it in a file, or write its control flow with tf.cond "
        "and tf.while_loop"
    )


def _warn(code: Any, function: Any, reason: str) -> None:
    _failed.add(code)
    name = getattr(function, "__qualname__", repr(function))
    warnings.warn(
        f"AutoGraph could not convert {name} and runs it as it is: {reason}. "
        "Decorate it with tf.autograph.experimental.do_not_convert to silence this",
        stacklevel=2,
    )
