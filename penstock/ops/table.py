"""The table of ops: rows, and the decorators that fill it.

A row is made where its kernel is written. Everything that must know an op (eager execution,
graphs, gradients, raw_ops, GraphDef, reference pages) reads the table.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from penstock.core.dtypes import as_dtype
from penstock.core.errors import UnimplementedError

Kernel = Callable[..., Any]
KernelKind = Literal["both", "device", "host"]


class _Required:
    """Marks an attr without default."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Final = _Required()

# Above this many input elements an eager call is compiled, if its shapes come again, instead of
# run by numpy. Below, numpy was quicker than a compiled computation for all cheap ops.
DEFAULT_HOST_LIMIT: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class ArgDef:
    """One input or output of an op, parsed from the text of its OpDef.

    `type_attr` names the attr that holds its dtype, or is a dtype's name. A list is either
    `number_attr` tensors of one dtype, or one tensor per dtype of the list attr
    `type_list_attr`.
    """

    name: str
    type_attr: str
    number_attr: str | None = None
    type_list_attr: str | None = None

    @property
    def is_list(self) -> bool:
        """Whether the argument is a list of tensors."""
        return self.number_attr is not None or self.type_list_attr is not None


# Dtypes that stand in texts of arguments in place of the name of an attr.
_FIXED_TYPES: Final = frozenset(
    {"bool", "string", "half", "float", "double", "complex64", "complex128"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)

_ARG = re.compile(r"^\s*(\w+)\s*:\s*(?:(\w+)\s*\*\s*)?(?:Ref\()?(\w+)\)?\s*$")


def _parse(text: str, list_attrs: Iterable[str]) -> ArgDef:
    match = _ARG.match(text)
    if match is None:
        raise ValueError(f"an argument must read 'name: T' or 'name: N * T', got {text!r}")
    name, number, kind = match.groups()
    if number is None and kind in list_attrs:
        return ArgDef(name, kind, type_list_attr=kind)
    return ArgDef(name, kind, number_attr=number)


@dataclass(eq=False, slots=True)
class OpDef:
    """One row of the table. Field names follow TensorFlow's `OpDef` message.

    Args:
        name: TensorFlow's op name.
        inputs: texts `"a: T"` of TensorFlow's op definition, in order.
        outputs: likewise.
        device: kernel that JAX can trace, or None.
        host: numpy kernel, or None.
        attrs: name -> default value, `REQUIRED` where there is none.
        constant_inputs: names of the inputs whose values a compiler must know.
        stateful: whether the op has effects or reads state, so that it is never folded or
            dropped.
        differentiable: False when no output ever has a gradient.
        shape: "same", "broadcast", a function of input specs, or None (abstract evaluation
            tells).
        reads, writes: names of resource inputs that are variables. The kernel gets the values
            of those in `reads` in place of their handles (None for the others) and returns
            its outputs followed by the new values of those in `writes`.
        host_limit: number of input elements up to which the numpy kernel always serves eager
            calls; with more, it serves those whose shapes have not come often.
        constant_rule: function of attrs that gives the constant positions, where they vary.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    device: Kernel | None
    host: Kernel | None
    attrs: dict[str, Any] = field(default_factory=dict)
    constant_inputs: frozenset[str] = frozenset()
    stateful: bool = False
    differentiable: bool = True
    shape: str | Callable[..., Any] | None = None
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    host_limit: int = DEFAULT_HOST_LIMIT
    constant_rule: Callable[[Mapping[str, Any]], tuple[int, ...]] | None = None
    gradient: Callable[..., Any] | None = None
    doc: str = ""
    input_args: tuple[ArgDef, ...] = ()
    output_args: tuple[ArgDef, ...] = ()
    constant_positions: tuple[int, ...] = ()
    has_list_input: bool = False
    type_groups: tuple[tuple[int, ...], ...] = ()
    fixed_types: tuple[tuple[int, Any], ...] = ()
    single_output: bool = True
    list_output: bool = False
    defaults_suffice: bool = True
    quick: bool = False
    index_positions: frozenset[int] = frozenset()
    variable_positions: tuple[int, ...] = ()
    write_positions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        lists = _type_list_attrs(self.attrs)
        self.input_args = tuple(_parse(text, lists) for text in self.inputs)
        self.output_args = tuple(_parse(text, lists) for text in self.outputs)
        names = [arg.name for arg in self.input_args]
        unknown = self.constant_inputs - set(names)
        if unknown:
            raise ValueError(f"{self.name} has no input {sorted(unknown)[0]!r}")
        self.constant_positions = tuple(
            i for i, name in enumerate(names) if name in self.constant_inputs
        )
        self.has_list_input = any(arg.is_list for arg in self.input_args)
        self.single_output = len(self.output_args) == 1 and not self.output_args[0].is_list
        self.list_output = len(self.output_args) == 1 and self.output_args[0].is_list
        self.defaults_suffice = not any(value is REQUIRED for value in self.attrs.values())
        self.type_groups = self._group_by_type()
        self.fixed_types = tuple(
            (i, as_dtype(arg.type_attr).np)
            for i, arg in enumerate(self.input_args)
            if arg.type_attr in _FIXED_TYPES and not arg.is_list
        )
        accessed = {*self.reads, *self.writes}
        self.variable_positions = tuple(i for i, name in enumerate(names) if name in accessed)
        self.write_positions = tuple(names.index(name) for name in self.writes)
        self.note_quick()
        shared = {i for group in self.type_groups for i in group}
        # Inputs with a type attr of their own that is not fixed: axes, sizes, permutations.
        self.index_positions = frozenset(
            i
            for i, arg in enumerate(self.input_args)
            if i > 0 and i not in shared and arg.type_attr.startswith(("T", "I"))
        )

    def note_quick(self) -> None:
        """Note whether eager calls can take the short way: numpy, one output, plain inputs."""
        self.quick = (
            self.host is not None
            and self.single_output
            and not self.has_list_input
            and not self.variable_positions
            and self.output_args[0].type_attr not in ("resource", "variant")
        )

    def _group_by_type(self) -> tuple[tuple[int, ...], ...]:
        """Positions of single inputs that must have one dtype, for each shared type attr."""
        groups: dict[str, list[int]] = {}
        for i, arg in enumerate(self.input_args):
            if not arg.is_list:
                groups.setdefault(arg.type_attr, []).append(i)
        return tuple(tuple(group) for group in groups.values() if len(group) > 1)

    def constants(self, attrs: Mapping[str, Any]) -> tuple[int, ...]:
        """Positions of the inputs whose values a compiler must know."""
        if self.constant_rule is not None:
            return self.constant_rule(attrs)
        return self.constant_positions

    @property
    def input_names(self) -> tuple[str, ...]:
        """Argument names without their type: `"a: T"` -> `"a"`."""
        return tuple(arg.name for arg in self.input_args)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Result names without their type."""
        return tuple(arg.name for arg in self.output_args)

    @property
    def kernel(self) -> Kernel:
        """The device kernel, or the host one where there is no other."""
        kernel = self.device or self.host
        if kernel is None:
            raise UnimplementedError(f"op {self.name!r} has no kernel")
        return kernel

    def flat_constants(
        self, attrs: Mapping[str, Any], lengths: Sequence[int | None] | None
    ) -> tuple[int, ...]:
        """Like `constants`, as positions in the flat list of inputs."""
        positions = self.constants(attrs)
        if not positions or lengths is None or not self.has_list_input:
            return positions
        if self.constant_rule is not None:
            return positions
        flat: list[int] = []
        start = 0
        for i, length in enumerate(lengths):
            count = 1 if length is None else length
            if i in positions:
                flat.extend(range(start, start + count))
            start += count
        return tuple(flat)

    def complete(self, attrs: Mapping[str, Any]) -> dict[str, Any]:
        """Add the defaults to `attrs` and refuse what the op does not know."""
        full = {**self.attrs, **attrs}
        if len(full) != len(self.attrs):
            unknown = sorted(set(full) - set(self.attrs))[0]
            raise UnimplementedError(
                f"op {self.name!r} has no attr {unknown!r}; it has {sorted(self.attrs)}"
            )
        for name, value in full.items():
            if value is REQUIRED:
                raise TypeError(f"op {self.name!r} needs the attr {name!r}")
        return full

    def pack(self, flat: Sequence[Any], lengths: Sequence[int | None] | None) -> Sequence[Any]:
        """Group a flat list of inputs by argument; `lengths` holds None for a single one."""
        if lengths is None or not self.has_list_input:
            return flat
        packed: list[Any] = []
        start = 0
        for length in lengths:
            if length is None:
                packed.append(flat[start])
                start += 1
            else:
                packed.append(tuple(flat[start : start + length]))
                start += length
        return packed


def _type_list_attrs(attrs: Mapping[str, Any]) -> set[str]:
    """Names of attrs that are lists of dtypes: those written with `TYPE_LIST` as default."""
    return {name for name, default in attrs.items() if default is TYPE_LIST}


class _Inferred:
    """Marks an attr whose value follows from the inputs: a dtype list, or a length."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


# Default of an attr that lists the dtypes of a list argument ("components: Toutput_types").
# On input lists the value is filled in from the tensors given; on output lists the caller
# gives it.
TYPE_LIST: Final = _Inferred("TYPE_LIST")

_TABLE: dict[str, OpDef] = {}
_FAMILIES: Final = (
    "array",
    "filling",
    "joining",
    "slicing",
    "padding",
    "reordering",
    "layout",
    "matrix_diag",
    "selection",
    "unique",
    "math",
    "arithmetic",
    "comparison",
    "complex",
    "cast",
    "special",
    "bessel",
    "reduction",
    "scan",
    "counting",
    "sequence",
    "sobol",
    "linalg",
    "factorization",
    "solving",
    "matrix_functions",
    "einsum",
    "nn",
    "conv",
    "conv_gradients",
    "depthwise",
    "morphology",
    "normalization",
    "pooling",
    "fractional",
    "isotonic",
    "loss",
    "ctc",
    "recurrent",
    "gather_scatter",
    "random",
    "sampling",
    "random_stateful",
    "random_generator",
    "candidate_sampling",
    "image",
    "image_color",
    "image_transform",
    "image_boxes",
    "image_codec",
    "distorted_box",
    "box_proposals",
    "string",
    "string_numbers",
    "string_hash",
    "string_codec",
    "unicode",
    "sparse",
    "sparse_math",
    "sparse_matrix",
    "sparse_cross",
    "sparse_count",
    "sparse_serialize",
    "sets",
    "ragged",
    "ragged_variant",
    "segment",
    "sparse_segment",
    "partition",
    "edit_distance",
    "sort",
    "signal",
    "fake_quant",
    "quantize",
    "bitwise",
    "control_flow",
    "tensor_list",
    "tensor_list_gradients",
    "resource",
    "training",
    "handles",
    "script",
    "audio",
    "clock",
    "placeholder",
    "lookup",
    "queue",
    "mutex",
    "parsing",
    "sequence_parsing",
    "decoding",
    "io",
    "summary",
    "dataset",
    "debug",
    "xla_module",
    "stack",
    "tensor_array",
    "checkpoint_files",
    "grad",
)


def op(
    name: str,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    attrs: Mapping[str, Any] | None = None,
    kernel: KernelKind = "both",
    constant_inputs: Sequence[str] = (),
    stateful: bool = False,
    differentiable: bool = True,
    shape: str | Callable[..., Any] | None = None,
    reads: Sequence[str] = (),
    writes: Sequence[str] = (),
    host_limit: int = DEFAULT_HOST_LIMIT,
    constant_rule: Callable[[Mapping[str, Any]], tuple[int, ...]] | None = None,
) -> Callable[[Kernel], Kernel]:
    """Add the decorated kernel to the table under `name`.

    Args:
        name: TensorFlow's op name.
        inputs: TensorFlow's input texts, e.g. `"a: T"` or `"values: N * T"`.
        outputs: TensorFlow's output texts.
        attrs: attr -> default; `REQUIRED` for none, `TYPE_LIST` for a list of dtypes.
        kernel: "both" (numpy and jax), "device" (jax only) or "host" (numpy only).
        constant_inputs: names of inputs whose values the compiler must know.
        stateful: never folded, dropped or merged.
        differentiable: False when no output ever has a gradient.
        shape: see `OpDef`.
        reads: variables whose values the kernel gets, see `OpDef`.
        writes: variables that the kernel gives new values, see `OpDef`.
        host_limit: see `OpDef`.
        constant_rule: see `OpDef`.
    """

    def add(function: Kernel) -> Kernel:
        if name in _TABLE:
            raise ValueError(f"op {name!r} stands in the table already")
        _TABLE[name] = OpDef(
            name=name,
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            device=None if kernel == "host" else function,
            host=None if kernel == "device" else function,
            attrs=dict(attrs or {}),
            constant_inputs=frozenset(constant_inputs),
            stateful=stateful,
            differentiable=differentiable,
            shape=shape,
            reads=tuple(reads),
            writes=tuple(writes),
            host_limit=host_limit,
            constant_rule=constant_rule,
            doc=function.__doc__ or "",
        )
        return function

    return add


def host_kernel(name: str, *, limit: int = DEFAULT_HOST_LIMIT) -> Callable[[Kernel], Kernel]:
    """Add a numpy kernel to the row `name`, which has a device kernel already.

    Args:
        name: the op.
        limit: number of input elements up to which it serves eager calls.
    """

    def add(function: Kernel) -> Kernel:
        row = _TABLE[name]
        row.host = function
        row.host_limit = limit
        row.note_quick()
        return function

    return add


def device_kernel(name: str) -> Callable[[Kernel], Kernel]:
    """Add a JAX kernel to the row `name`, which has a host kernel already."""

    def add(function: Kernel) -> Kernel:
        _TABLE[name].device = function
        return function

    return add


def gradient(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give the rows `names` a gradient rule made of ops.

    The rule is called as `rule(g, *output_gradients)`; see
    `penstock.runtime.backprop.GradientContext`. A gradient is None where nothing flows back
    into that output. It returns one Tensor, IndexedSlices or None per flat input.
    """

    def add(rule: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            _TABLE[name].gradient = rule
        return rule

    return add


def lookup(name: str) -> OpDef:
    """Return the row of `name`.

    Raises:
        UnimplementedError: no op of that name; the message offers the nearest name.
    """
    try:
        return _TABLE[name]
    except KeyError:
        pass
    load()
    try:
        return _TABLE[name]
    except KeyError:
        import difflib  # noqa: PLC0415  (only the error path pays for it)

        near = difflib.get_close_matches(name, _TABLE, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnimplementedError(
            f"no op named {name!r} among {len(_TABLE)} ops{hint}"
        ) from None


def has(name: str) -> bool:
    """Whether an op of that name has a row."""
    if name not in _TABLE:
        load()
    return name in _TABLE


def rows() -> Iterator[OpDef]:
    """All rows, sorted by name."""
    load()
    return iter([_TABLE[name] for name in sorted(_TABLE)])


@functools.cache
def load() -> None:
    """Import every family of ops."""
    for family in _FAMILIES:
        module = f"penstock.ops.{family}"
        if importlib.util.find_spec(module) is not None:
            importlib.import_module(module)
