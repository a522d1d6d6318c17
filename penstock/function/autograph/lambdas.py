"""Finding the source of a lambda by the columns of its code: several may share a line."""

from __future__ import annotations

import ast
import functools
import linecache
import types
from typing import Any

from malt.pyct import inspect_utils, naming, origin_info, transformer, transpiler

_Place = tuple[int, int]


class ExactLambdas(transpiler.GenericTranspiler):  # type: ignore[misc]
    """Takes the tree of a lambda from where its code says that it stands."""

    def transform_function(self, fn: Any, user_context: Any) -> Any:
        """Transform a function; one whose place is not known is looked for by its lines."""
        found = find_lambda(fn.__code__) if inspect_utils.islambda(fn) else None
        if found is None:
            return super().transform_function(fn, user_context)
        node, source = found
        code = fn.__code__
        origin_info.resolve(node, source, code.co_filename, code.co_firstlineno, 0)
        namespace = inspect_utils.getnamespace(fn)
        namer = naming.Namer(namespace)
        info = transformer.EntityInfo(
            name=namer.new_symbol(self.get_transformed_name(node), ()),
            source_code=source,
            source_file="<fragment>",
            future_features=inspect_utils.getfutureimports(fn),
            namespace=namespace,
        )
        context = transformer.Context(info, namer, user_context)
        return self.transform_ast(self._erase_arg_defaults(node), context), context


def find_lambda(code: types.CodeType) -> tuple[ast.Lambda, str] | None:
    """The tree and the text of the lambda that a code object was compiled from.

    Returns:
        None when the file cannot be read, or does not tell the lambda's place.
    """
    places = [
        ((line, column), (end, end_column))
        for line, end, column, end_column in code.co_positions()
        if line is not None
        and end is not None
        and column is not None
        and end_column is not None
        and (end, end_column) > (line, column)
    ]
    text = "".join(linecache.getlines(code.co_filename))
    if not places or not text:
        return None
    first, last = min(start for start, _ in places), max(end for _, end in places)
    fitting = [
        node
        for node in _lambdas(text)
        if node.lineno == code.co_firstlineno and _spans(node.body, first, last)
    ]
    if not fitting:
        return None
    # The innermost: what is around it spans its body too.
    node = max(fitting, key=lambda node: _start(node.body))
    names = [arg.arg for arg in _parameters(node)]
    if names != list(code.co_varnames[: len(names)]):
        return None
    source = ast.get_source_segment(text, node)
    if source is None:
        return None
    made = ast.parse(f"({source}\n)", mode="eval").body
    return (made, source) if isinstance(made, ast.Lambda) else None


def _parameters(node: ast.Lambda) -> list[ast.arg]:
    """The parameters of a lambda, in the order in which its code names them."""
    args = node.args
    found = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    return [*found, *(arg for arg in (args.vararg, args.kwarg) if arg is not None)]


@functools.lru_cache(maxsize=8)
def _lambdas(text: str) -> tuple[ast.Lambda, ...]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ()
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Lambda))


def _start(node: ast.expr) -> _Place:
    return node.lineno, node.col_offset


def _spans(node: ast.expr, first: _Place, last: _Place) -> bool:
    end = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    return _start(node) <= first and last <= end


__all__ = ["ExactLambdas", "find_lambda"]
