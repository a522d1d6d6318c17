"""Message classes from the schema tables, made when first asked for.

A table maps a file's name to its declarations. A message is a list of fields, separated by
semicolons: number, name, type. `[T]` is repeated, `{K: V}` is a map, a closing `?` is an
explicit optional and `@group` names the oneof. A type that starts with a dot is nested in the
message itself; other names are searched outwards from the file's package, as protoc does.
`enum Name` lists `VALUE=number` pairs and `service Name` lists `Method(Request) Response`, with
`stream` before a message that comes many times.

The classes live in a descriptor pool of their own: TensorFlow registers the same names in the
default pool, and two owners of one name could not be imported into one process.
"""

import re
import threading
import warnings
from typing import Any, Final

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    json_format,
    message_factory,
    text_format,
    wrappers_pb2,
)
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import DecodeError, Message

from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.wire.protos import (
    config,
    data,
    example,
    framework,
    metadata,
    raw,
    saving,
    services,
    serving,
    summary,
)

_FILES: Final[dict[str, dict[str, str]]] = {
    **framework.FILES,
    **saving.FILES,
    **config.FILES,
    **example.FILES,
    **summary.FILES,
    **data.FILES,
    **serving.FILES,
    **services.FILES,
    **metadata.FILES,
    **raw.FILES,
}
_KNOWN_FILES: Final = {
    file.DESCRIPTOR.name: file.DESCRIPTOR for file in (any_pb2, wrappers_pb2)
}
_FIELD: Final = re.compile(
    r"(\d+) (\w+) (?:\{(?P<key>\w+): (?P<value>[\w.]+)\}|(?P<list>\[)?(?P<type>[\w.]+)\]?)"
    r"(?P<optional>\?)?(?: @(?P<oneof>\w+))?"
)
_METHOD: Final = re.compile(r"(\w+)\((stream )?([\w.]+)\) (stream )?([\w.]+)")
_FIELD_TYPE: Final = descriptor_pb2.FieldDescriptorProto.Type
_SCALARS: Final = frozenset(
    name[5:].lower()
    for name in _FIELD_TYPE.keys()  # noqa: SIM118  (an enum wrapper, not a dict)
    if name not in ("TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP")
)


def _declared() -> tuple[dict[str, str], frozenset[str], dict[str, str]]:
    """File of each full name, the names that are enums, enum of each top-level value."""
    files, enums, values = {}, set(), {}
    for file, declarations in _FILES.items():
        package = declarations.get("package", "tensorflow")
        for key, text in declarations.items():
            kind, _, name = key.rpartition(" ")
            if key in ("package", "syntax"):
                continue
            full_name = f"{package}.{name}"
            files[full_name] = file
            if kind == "enum":
                enums.add(full_name)
                if "." not in name and package == "tensorflow":
                    values.update((item.split("=")[0], full_name) for item in text.split())
    for file, descriptor in _KNOWN_FILES.items():
        files.update((m.full_name, file) for m in descriptor.message_types_by_name.values())
    return files, frozenset(enums), values


_FILE_OF, _ENUMS, _ENUM_OF_VALUE = _declared()
_PACKAGES: Final = (
    "tensorflow.",
    "tensorflow.serving.",
    "tensorflow.data.",
    "tensorflow.data.experimental.",
    "google.protobuf.",
    "penstock.wire.",
)
_POOL: Final = descriptor_pool.DescriptorPool()
_LOADED: Final[set[str]] = set()
_LOCK: Final = threading.RLock()


def find(name: str) -> Any:
    """Return the message class, enum or enum value of that name.

    Args:
        name: full ("tensorflow.GraphDef") or without the package ("GraphDef").

    Raises:
        NotFoundError: no table declares the name.
    """
    if name in _ENUM_OF_VALUE:
        return find(_ENUM_OF_VALUE[name]).Value(name)
    full_name = _full_name(name)
    if full_name is None:
        raise NotFoundError(f"no message or enum named '{name}' is declared")
    _load(_FILE_OF[full_name])
    if full_name in _ENUMS:
        return EnumTypeWrapper(_POOL.FindEnumTypeByName(full_name))
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName(full_name))


def is_declared(name: str) -> bool:
    """Whether `find` knows the name."""
    return name in _ENUM_OF_VALUE or _full_name(name) is not None


def names() -> list[str]:
    """Every name that can be asked for without its package."""
    found = {name.removeprefix(prefix) for name in _FILE_OF for prefix in _PACKAGES}
    return sorted({*(name for name in found if "." not in name), *_ENUM_OF_VALUE})


def pool(*files: str) -> descriptor_pool.DescriptorPool:
    """Return the descriptor pool with `files` in it, by default all of them.

    Needed by what reflects over descriptors, such as a gRPC reflection service.
    """
    for file in files or _FILES:
        _load(file)
    return _POOL


def parse(message_class: type[Message], serialized: bytes, what: str = "message") -> Any:
    """Parse bytes from outside.

    Args:
        message_class: what the bytes should be.
        serialized: the bytes.
        what: how an error calls them.

    Raises:
        DataLossError: they are not such a message.
    """
    try:
        return message_class.FromString(serialized)
    except DecodeError as error:
        raise DataLossError(
            f"{what} must be a serialized {message_class.DESCRIPTOR.full_name}, "
            f"got {len(serialized)} bytes that are none: {error}"
        ) from error


def parse_text(
    message_class: type[Message],
    text: str | bytes,
    what: str = "text",
    *,
    allow_unknown: bool = False,
) -> Any:
    """Parse the text format of a message.

    Args:
        message_class: of the message.
        text: its text.
        what: names the text in errors.
        allow_unknown: whether fields that the message does not have are passed over.

    Raises:
        InvalidArgumentError: the text does not describe such a message.
    """
    try:
        with warnings.catch_warnings():
            # An unknown escape in a string is a mistake to protoc, but Python only warns of it.
            warnings.filterwarnings("error", ".*escape", DeprecationWarning)
            return text_format.Parse(
                text,
                message_class(),
                allow_unknown_field=allow_unknown,
                descriptor_pool=pool(),
            )
    except (text_format.ParseError, UnicodeDecodeError, DeprecationWarning) as error:
        raise InvalidArgumentError(
            f"{what} must be a {message_class.DESCRIPTOR.full_name} in text format: {error}"
        ) from error


def parse_json(message_class: type[Message], text: str | bytes, what: str = "text") -> Any:
    """Parse the JSON format of a message.

    Raises:
        InvalidArgumentError: the text does not describe such a message.
    """
    try:
        return json_format.Parse(text, message_class(), descriptor_pool=pool())
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(
            f"{what} must be a {message_class.DESCRIPTOR.full_name} in JSON: {error}"
        ) from error


def _full_name(name: str) -> str | None:
    candidates = (prefix + name for prefix in ("", *_PACKAGES))
    return next((full_name for full_name in candidates if full_name in _FILE_OF), None)


def _load(file: str) -> None:
    """Add a file to the pool, after the files that it uses."""
    with _LOCK:
        if file in _LOADED:
            return
        if file in _KNOWN_FILES:
            _POOL.AddSerializedFile(_KNOWN_FILES[file].serialized_pb)
        else:
            proto = _FileBuilder(file).build()
            for needed in proto.dependency:
                _load(needed)
            _POOL.Add(proto)
        _LOADED.add(file)


class _FileBuilder:
    """Turns one table into a FileDescriptorProto."""

    def __init__(self, file: str) -> None:
        self._declarations = _FILES[file]
        self._package = self._declarations.get("package", "tensorflow")
        self._proto = descriptor_pb2.FileDescriptorProto(
            name=file,
            package=self._package,
            syntax=self._declarations.get("syntax", "proto3"),
        )
        self._messages: dict[str, descriptor_pb2.DescriptorProto] = {}
        self._dependencies: set[str] = set()

    def build(self) -> descriptor_pb2.FileDescriptorProto:
        for key, text in self._declarations.items():
            kind, _, name = key.rpartition(" ")
            if kind == "enum":
                self._add_enum(name, text)
            elif kind == "service":
                self._add_service(name, text)
            elif key not in ("package", "syntax"):
                self._add_message(name, text)
        if self._proto.syntax == "proto2":
            # The absent syntax is how a descriptor says proto2.
            self._proto.ClearField("syntax")
        self._dependencies.discard(self._proto.name)
        self._proto.dependency.extend(sorted(self._dependencies))
        return self._proto

    def _add_enum(self, name: str, text: str) -> None:
        parent, _, short = name.rpartition(".")
        owner = self._messages[parent] if parent else self._proto
        enum = owner.enum_type.add(name=short)
        for item in text.split():
            value, _, number = item.partition("=")
            enum.value.add(name=value, number=int(number))

    def _add_service(self, name: str, text: str) -> None:
        service = self._proto.service.add(name=name)
        for method, many_in, request, many_out, response in _METHOD.findall(text):
            service.method.add(
                name=method,
                input_type="." + self._resolve(request),
                output_type="." + self._resolve(response),
                client_streaming=True if many_in else None,
                server_streaming=True if many_out else None,
            )

    def _add_message(self, name: str, text: str) -> None:
        parent, _, short = name.rpartition(".")
        if parent:
            message = self._messages[parent].nested_type.add(name=short)
        else:
            message = self._proto.message_type.add(name=short)
        self._messages[name] = message
        oneofs: dict[str, int] = {}
        optional = []
        for item in filter(None, map(str.strip, text.split(";"))):
            match = _FIELD.fullmatch(item)
            assert match, f"{name}: {item}"
            field = message.field.add(name=match[2], number=int(match[1]))
            if match["key"]:
                self._set_map(field, message, name, match)
                continue
            self._set_type(field, match["type"], name)
            repeated = match["list"] is not None
            field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            if repeated and self._proto.syntax == "proto2" and _is_packable(field.type):
                field.options.packed = True
            if match["oneof"]:
                field.oneof_index = oneofs.setdefault(match["oneof"], len(oneofs))
            elif match["optional"]:
                optional.append(field)
        for oneof in oneofs:
            message.oneof_decl.add(name=oneof)
        # Explicit optionals are oneofs of one, which must follow the written ones.
        for index, field in enumerate(optional, len(oneofs)):
            field.proto3_optional = True
            field.oneof_index = index
            message.oneof_decl.add(name="_" + field.name)

    def _set_map(
        self,
        field: descriptor_pb2.FieldDescriptorProto,
        message: descriptor_pb2.DescriptorProto,
        name: str,
        match: re.Match[str],
    ) -> None:
        entry_name = "".join(w[:1].upper() + w[1:] for w in field.name.split("_")) + "Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        for number, (part, type_name) in enumerate(
            (("key", match["key"]), ("value", match["value"])), 1
        ):
            half = entry.field.add(name=part, number=number, label=field.LABEL_OPTIONAL)
            self._set_type(half, type_name, name)
        field.label = field.LABEL_REPEATED
        field.type = field.TYPE_MESSAGE
        field.type_name = f".{self._package}.{name}.{entry_name}"

    def _set_type(
        self, field: descriptor_pb2.FieldDescriptorProto, type_name: str, message: str
    ) -> None:
        if type_name in _SCALARS:
            field.type = _FIELD_TYPE.Value(f"TYPE_{type_name.upper()}")
            return
        full_name = self._resolve(message + type_name if type_name[0] == "." else type_name)
        field.type = field.TYPE_ENUM if full_name in _ENUMS else field.TYPE_MESSAGE
        field.type_name = "." + full_name

    def _resolve(self, name: str) -> str:
        """Full name of a type, searched from the package outwards."""
        scope = self._package
        while True:
            full_name = f"{scope}.{name}" if scope else name
            if full_name in _FILE_OF:
                self._dependencies.add(_FILE_OF[full_name])
                return full_name
            assert scope, f"{self._proto.name}: {name}"
            scope = scope.rpartition(".")[0]


def _is_packable(field_type: int) -> bool:
    proto = descriptor_pb2.FieldDescriptorProto
    return field_type not in (proto.TYPE_STRING, proto.TYPE_BYTES, proto.TYPE_MESSAGE)
