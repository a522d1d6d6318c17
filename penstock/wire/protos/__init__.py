"""TensorFlow's protobuf messages, in a descriptor pool of our own.

Every message, enum and enum value is an attribute of this module under TensorFlow's name:
`protos.GraphDef`, `protos.DataType`, `protos.DT_FLOAT`. `find` also takes full names, which
are needed where two packages share one. Field names and numbers, and so the bytes, are
TensorFlow's.

Example:
    >>> from penstock.wire import protos
    >>> node = protos.NodeDef(name="y", op="Neg", input=["x"])
    >>> protos.NodeDef.FromString(node.SerializeToString()).op
    'Neg'
"""

import importlib
from typing import Any, Final

_FUNCTIONS: Final = ("find", "names", "parse", "parse_json", "parse_text", "pool")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    # google.protobuf takes a tenth of a second to import, which only those pay who read files.
    build = importlib.import_module("penstock.wire.protos.build")
    if name in _FUNCTIONS:
        value = getattr(build, name)
    elif build.is_declared(name):
        value = build.find(name)
    else:
        raise AttributeError(f"module '{__name__}' has no message, enum or value '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    build = importlib.import_module("penstock.wire.protos.build")
    return [*_FUNCTIONS, *build.names()]
