"""Writes the public names of TensorFlow: run with TensorFlow, it prints the ledger.

One line a name: without `tf.`, then its kind (function, class, module or constant), and
for functions and classes the parameters as `name`, `name=default`, `*name` or `**name`. Methods
and attributes of classes follow their class as `Class.name`.
"""

import __future__

import enum
import inspect
import re
import sys
import types

import tensorflow as tf

# Rooms that a TensorFlow 2 program does not use, and raw_ops, which follows from the op table.
LEFT_OUT = {"compat.v1", "compat.v2", "estimator", "tpu", "raw_ops", "keras", "mlir", "tools"}
# Keras' own names, which `tf.keras` answers.
KERAS = {"initializers", "losses", "metrics", "optimizers"}
PLAIN = (bool, int, float, str, bytes, type(None))


def default_text(value):
    if isinstance(value, tf.DType):
        return f"tf.{value.name}"
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, (*PLAIN, tuple, list, dict)):
        text = repr(value)
        return text if "<" not in text else "..."
    return "..."


def signature_text(value):
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return "?"
    parts = []
    starred = False
    for parameter in signature.parameters.values():
        name = parameter.name
        if parameter.kind is parameter.VAR_POSITIONAL:
            starred = True
            name = f"*{name}"
        elif parameter.kind is parameter.VAR_KEYWORD:
            name = f"**{name}"
        elif parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            parts.append("*")
        if parameter.default is not parameter.empty:
            name = f"{name}={default_text(parameter.default)}"
        parts.append(name)
    return "(" + ", ".join(parts) + ")"


def members(value):
    """Public names that a class adds to those of its public bases."""
    if issubclass(value, (enum.Enum, Exception)):
        return ""
    found = []
    for member in sorted(dir(value)):
        owner = next(base for base in value.__mro__ if member in vars(base))
        public = getattr(owner, "_tf_api_names", None) or owner is value
        if member.startswith("_") or not public or owner is not value:
            # What a private base adds counts as the class's own.
            hidden = owner.__module__.startswith("tensorflow") and not public
            if member.startswith("_") or not hidden:
                continue
        found.append(member)
    return "".join(f" {member}" for member in found)


def walk(module, prefix, seen):
    for name in sorted(dir(module)):
        full = f"{prefix}{name}"
        if (
            name.startswith("_")
            or full in LEFT_OUT
            or full in KERAS
            or hasattr(__future__, name)
        ):
            continue
        try:
            value = getattr(module, name)
        except AttributeError:
            continue
        if isinstance(value, types.ModuleType):
            if "/_api/v2/" not in (value.__file__ or "") or id(value) in seen:
                continue
            yield f"{full} module"
            yield from walk(value, f"{full}.", seen | {id(value)})
        elif inspect.isclass(value):
            yield f"{full} class {signature_text(value)}{members(value)}"
        elif callable(value):
            yield f"{full} function {signature_text(value)}"
        else:
            yield f"{full} constant"


def main():
    print(f"# Public names of TensorFlow {tf.__version__}; tests/conformance/ledger writes it.")
    lines = set(walk(tf, "", set()))
    # Addresses differ from run to run, and no default is one.
    sys.stdout.writelines(re.sub(r" at 0x[0-9a-f]+", "", line) + "\n" for line in sorted(lines))


main()
