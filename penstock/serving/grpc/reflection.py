"""gRPC's reflection service, by which tools learn what can be asked here.

Source: `reflection.proto` of gRPC, versions v1 and v1alpha, which differ in their name only.
"""

from collections.abc import AsyncIterator, Collection, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError

from penstock.core.errors import INVALID_ARGUMENT, NOT_FOUND, InternalError
from penstock.serving.grpc.method import Method, Stream, Streaming, streaming
from penstock.wire import protos

_PACKAGES: Final = ("grpc.reflection.v1", "grpc.reflection.v1alpha")
SERVICES: Final = tuple(f"{package}.ServerReflection" for package in _PACKAGES)


class ReflectionApi:
    """Describes services and their messages.

    Args:
        services: that the server has.
    """

    def __init__(self, services: Collection[str]) -> None:
        self._services = sorted({*services, *SERVICES})

    def methods(self) -> dict[str, Method]:
        """Return the methods by their paths."""
        return {
            f"/{package}.ServerReflection/ServerReflectionInfo": streaming(self._info(package))
            for package in _PACKAGES
        }

    def _info(self, package: str) -> Streaming:
        async def info(stream: Stream) -> AsyncIterator[bytes]:
            asked_class = protos.find(f"{package}.ServerReflectionRequest")
            answer_class = protos.find(f"{package}.ServerReflectionResponse")
            async for message in stream.messages():
                try:
                    asked = asked_class.FromString(message)
                except DecodeError:
                    raise InternalError("the body must be a ServerReflectionRequest") from None
                answer = answer_class(valid_host=asked.host)
                answer.original_request.CopyFrom(asked)
                self._answer(asked, answer)
                yield bytes(answer.SerializeToString())

        return info

    def _answer(self, asked: Any, answer: Any) -> None:
        pool = protos.pool()
        kind = asked.WhichOneof("message_request")
        try:
            if kind == "list_services":
                for name in self._services:
                    answer.list_services_response.service.add(name=name)
            elif kind == "file_by_filename":
                _add_files(answer, pool.FindFileByName(asked.file_by_filename))
            elif kind == "file_containing_symbol":
                _add_files(answer, _file_of(pool, asked.file_containing_symbol))
            elif kind == "all_extension_numbers_of_type":
                name = asked.all_extension_numbers_of_type
                pool.FindMessageTypeByName(name)
                answer.all_extension_numbers_response.base_type_name = name
            elif kind == "file_containing_extension":
                # None of these messages has any.
                raise KeyError(asked.file_containing_extension.containing_type)
            else:
                answer.error_response.error_code = INVALID_ARGUMENT
                answer.error_response.error_message = "the request asks for nothing"
        except KeyError as error:
            answer.error_response.error_code = NOT_FOUND
            answer.error_response.error_message = f"not found: {error.args[0]}"


def _file_of(pool: Any, symbol: str) -> Any:
    try:
        return pool.FindFileContainingSymbol(symbol)
    except KeyError:
        # A method is no symbol to the pool, but it is one to the protocol.
        service, _, method = symbol.rpartition(".")
        found = pool.FindServiceByName(service)
        if method not in found.methods_by_name:
            raise
        return found.file


def _add_files(answer: Any, file: Any) -> None:
    for each in _with_dependencies(file, set()):
        answer.file_descriptor_response.file_descriptor_proto.append(each.serialized_pb)


def _with_dependencies(file: Any, seen: set[str]) -> Iterator[Any]:
    if file.name in seen:
        return
    seen.add(file.name)
    yield file
    for needed in file.dependencies:
        yield from _with_dependencies(needed, seen)
