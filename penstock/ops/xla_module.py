"""StableHLO programs inside graphs: `XlaCallModule`, which JAX writes into SavedModels.

The program of a node may leave dimensions open. For each set of input shapes it is refined to
one without, which then is called as any exported JAX function is.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import io
import re
from collections.abc import Sequence
from typing import Any, Final

import jax
import numpy as np

from penstock.core.dtypes import as_dtype
from penstock.core.errors import (
    DataLossError,
    InvalidArgumentError,
    PermissionDeniedError,
    UnimplementedError,
)
from penstock.core.tensor_shape import TensorShape
from penstock.ops.checks import NeedsValueError
from penstock.ops.table import REQUIRED, TYPE_LIST, op

Array = Any
Specs = tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]

# What programs of other systems may call: parts of XLA and of libraries of linear algebra.
_KNOWN_CALLS: Final = re.compile(
    r"(lapack_|ducc_fft|pocketfft|cu_|cusolver|cublas|hip|__gpu|SPMD|stablehlo\.|chlo\.|mhlo\.)"
    r"|(Sharding|shape_assertion|ApproxTopK|TopK|Qr|Eigh|LuDecomposition|ResizeBilinear"
    r"|ResizeNearest|ProductOfElementaryHouseholderReflectors|annotate_device_placement)$"
)
# Programs kept refined; each is small beside its compiled form.
_KEPT: Final = 128
# From this version on a program computes its open dimensions from its arguments itself.
_OLDEST_VERSION: Final = 5


def _shapes(_: Any, *, Sout: Any, **__: Any) -> tuple[TensorShape, ...]:  # noqa: N803
    return tuple(TensorShape(shape) for shape in Sout)


@op(
    "XlaCallModule",
    inputs=("args: Tin",),
    outputs=("output: Tout",),
    attrs={
        "version": REQUIRED,
        "module": REQUIRED,
        "Sout": REQUIRED,
        "Tout": TYPE_LIST,
        "Tin": TYPE_LIST,
        "dim_args_spec": (),
        "platforms": (),
        "function_list": (),
        "has_token_input_output": False,
        "disabled_checks": (),
        "use_shardy_partitioner": False,
    },
    kernel="device",
    differentiable=False,
    shape=_shapes,
)
def xla_call_module(
    args: Sequence[Array],
    *,
    version: int,
    module: bytes | str,
    Sout: Any,  # noqa: N803, ARG001  (the program tells its shapes better)
    Tout: Any,  # noqa: N803
    Tin: Any,  # noqa: N803, ARG001
    dim_args_spec: tuple[str, ...],
    platforms: tuple[str, ...],
    function_list: tuple[Any, ...],
    has_token_input_output: bool,
    disabled_checks: tuple[str, ...],  # noqa: ARG001
    use_shardy_partitioner: bool,  # noqa: ARG001
) -> Any:
    """Run a StableHLO program.

    Shape: args [...] each -> output [...] each, as the program tells.
    Dtype: output as `Tout` says.
    Errors: UnimplementedError for programs that call functions of the graph or are older than
    version 5, PermissionDeniedError for those that call unknown programs,
    InvalidArgumentError when the arguments do not fit, DataLossError when the program is
    damaged.
    """
    if function_list or dim_args_spec or has_token_input_output or version < _OLDEST_VERSION:
        raise UnimplementedError(
            "XlaCallModule must hold a program of version 5 or later that calls no functions "
            f"of the graph, got version {version} with {len(function_list)} functions"
        )
    shapes = [np.shape(value) for value in args]
    if any(not isinstance(size, int) for shape in shapes for size in shape):
        raise NeedsValueError("the program needs the shapes of its arguments")
    kinds = tuple(as_dtype(kind).np for kind in Tout)
    specs = tuple(
        (tuple(shape), np.dtype(value.dtype)) for shape, value in zip(shapes, args, strict=True)
    )
    text = module.encode() if isinstance(module, str) else module
    names = tuple(name.lower() for name in platforms) or (jax.default_backend(),)
    exported = _refined(text, specs, kinds, names)
    return tuple(exported.call(*args))


@functools.lru_cache(_KEPT)
def _refined(
    module: bytes, specs: Specs, kinds: tuple[Any, ...], platforms: tuple[str, ...]
) -> Any:
    """The program for arguments of known shapes, as an exported JAX function."""
    program, shapes = _with_shapes(module, specs, takes_platform=len(platforms) > 1)
    results = [
        jax.ShapeDtypeStruct(shape, kind) for shape, kind in zip(shapes, kinds, strict=True)
    ]

    def like(*_: Any) -> tuple[Any, ...]:
        return tuple(jax.numpy.zeros(result.shape, result.dtype) for result in results)

    # An export with the same signature; only what it runs is replaced.
    arguments = [jax.ShapeDtypeStruct(shape, kind) for shape, kind in specs]
    shell = jax.export.export(jax.jit(like, keep_unused=True), platforms=platforms)(*arguments)
    return dataclasses.replace(shell, mlir_module_serialized=program, fun_name="xla_module")


def _with_shapes(
    module: bytes, specs: Specs, *, takes_platform: bool
) -> tuple[bytes, list[tuple[int, ...]]]:
    """The program without open dimensions, and the shapes of what it gives."""
    mlir, ir, dialect = _mlir()
    with _context(), ir.Location.unknown():
        try:
            parsed = mlir.deserialize_portable_artifact(module)
        except Exception as error:
            # The parser of MLIR has no exception of its own to name.
            raise DataLossError(
                f"XlaCallModule must hold a StableHLO program, got {len(module)} bytes: {error}"
            ) from error
        _check_calls(parsed)
        _fix_arguments(parsed, specs, 1 if takes_platform else 0)
        opened = io.BytesIO()
        parsed.operation.write_bytecode(file=opened)
        try:
            closed = mlir.refine_polymorphic_shapes(opened.getvalue(), enable_shardy=True)
        except Exception as error:
            raise InvalidArgumentError(
                f"the arguments of XlaCallModule must fit its program, got shapes "
                f"{[shape for shape, _ in specs]}: {error}"
            ) from error
        refined = ir.Module.parse(closed)
        results = _main(refined).type.results
        shapes = [tuple(ir.RankedTensorType(kind).shape) for kind in results]
        version = dialect.get_current_version()
        return mlir.serialize_portable_artifact(refined, version), shapes


def _check_calls(module: Any) -> None:
    """Let a program call what is known to compute, and no address of this process.

    Raises:
        PermissionDeniedError: it calls something else.
    """
    _, ir, _ = _mlir()
    called: list[str] = []

    def note(operation: Any) -> Any:
        if operation.name == "stablehlo.custom_call":
            called.append(operation.attributes["call_target_name"].value)
        return ir.WalkResult.ADVANCE

    module.operation.walk(note)
    for target in called:
        if not _KNOWN_CALLS.match(target):
            raise PermissionDeniedError(
                f"the program of XlaCallModule calls {target!r}, which is not known to be "
                "harmless"
            )


@functools.cache
def _mlir() -> tuple[Any, Any, Any]:
    """JAX's MLIR modules, which take long to load and only such programs need."""
    return (
        importlib.import_module("jax.extend.mlir"),
        importlib.import_module("jax.extend.mlir.ir"),
        importlib.import_module("jax.extend.mlir.dialects.stablehlo"),
    )


def _context() -> Any:
    """A context that knows the dialects of JAX's programs."""
    lowered: Any = jax.jit(lambda: 0).lower().compiler_ir("stablehlo")
    return lowered.context


def _main(module: Any) -> Any:
    for operation in module.body.operations:
        if operation.operation.name == "func.func" and operation.name.value == "main":
            return operation
    raise DataLossError("the program of XlaCallModule must have a function 'main'")


def _fix_arguments(module: Any, specs: Specs, first: int) -> None:
    """Give the arguments of the main function the shapes of a call."""
    _, ir, _ = _mlir()
    main = _main(module)
    block = main.entry_block
    if len(block.arguments) != len(specs) + first:
        raise InvalidArgumentError(
            f"the program of XlaCallModule must get {len(block.arguments) - first} arguments, "
            f"got {len(specs)}"
        )
    for argument, (shape, _) in zip(list(block.arguments)[first:], specs, strict=True):
        old = ir.RankedTensorType(argument.type)
        new = ir.RankedTensorType.get(list(shape), old.element_type)
        if old == new:
            continue
        if old.rank != len(shape) or any(
            not old.is_dynamic_dim(i) and old.get_dim_size(i) != size
            for i, size in enumerate(shape)
        ):
            raise InvalidArgumentError(
                f"an argument of XlaCallModule must have the type {old}, got shape {shape}"
            )
        argument.set_type(new)
        with ir.InsertionPoint.at_block_begin(block):
            opened = ir.Operation.create("stablehlo.convert", [old], [argument])
        argument.replace_all_uses_except(opened.result, opened)
    inputs = [argument.type for argument in block.arguments]
    kind = ir.FunctionType.get(inputs, main.type.results)
    main.attributes["function_type"] = ir.TypeAttr.get(kind)
