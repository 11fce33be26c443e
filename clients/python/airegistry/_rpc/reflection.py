"""gRPC server reflection, v1 and v1alpha: clients learn the services without a proto file.

The installed package has only v1alpha. The two versions are equal but for the package name, so v1 is derived from it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from google.rpc import code_pb2
from grpc_reflection.v1alpha import reflection_pb2

from airegistry._rpc.call import Call
from airegistry._rpc.service import Service, service

_V1 = "grpc.reflection.v1.ServerReflection"
_V1_ALPHA = "grpc.reflection.v1alpha.ServerReflection"


def reflection_services(names: Iterable[str]) -> tuple[Service, Service]:
    """Serve the descriptors of the services called *names*, and of reflection itself, by both versions."""
    pool = descriptor_pool.Default()
    _add_v1(pool)
    every = sorted({*names, _V1, _V1_ALPHA})
    return _reflection(pool.FindServiceByName(_V1), every), _reflection(pool.FindServiceByName(_V1_ALPHA), every)


def _reflection(descriptor: ServiceDescriptor, names: list[str]) -> Service:
    response = message_factory.GetMessageClass(descriptor.methods[0].output_type)
    return service(descriptor, _Reflection(response, names))


def _add_v1(pool: descriptor_pool.DescriptorPool) -> None:
    try:
        pool.FindServiceByName(_V1)
    except KeyError:
        pool.AddSerializedFile(_v1_file().SerializeToString())


def _v1_file() -> descriptor_pb2.FileDescriptorProto:
    alpha = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(alpha)
    text = text_format.MessageToString(alpha).replace("grpc.reflection.v1alpha", "grpc.reflection.v1")
    file = text_format.Parse(text, descriptor_pb2.FileDescriptorProto())
    file.name = "grpc/reflection/v1/reflection.proto"
    return file


class _Reflection:
    """One version of reflection; *response* is that version's response message."""

    def __init__(self, response: type[Any], names: list[str]) -> None:
        self._response = response
        self._names = names
        self._pool = descriptor_pool.Default()

    async def server_reflection_info(self, requests: AsyncIterator[Any], _call: Call) -> AsyncIterator[Any]:
        async for request in requests:
            response = self._response(valid_host=request.host)
            response.original_request.CopyFrom(request)
            try:
                self._answer(request, response)
            except KeyError:
                response.error_response.error_code = code_pb2.NOT_FOUND
                response.error_response.error_message = "not found"
            yield response

    def _answer(self, request: Any, response: Any) -> None:
        match request.WhichOneof("message_request"):
            case "list_services":
                for name in self._names:
                    response.list_services_response.service.add(name=name)
            case "file_by_filename":
                _add_files(response, self._pool.FindFileByName(request.file_by_filename))
            case "file_containing_symbol":
                _add_files(response, self._file_of(request.file_containing_symbol))
            case "file_containing_extension":
                wanted = request.file_containing_extension
                message = self._pool.FindMessageTypeByName(wanted.containing_type)
                extension = self._pool.FindExtensionByNumber(message, wanted.extension_number)
                _add_files(response, self._pool.FindFileContainingSymbol(extension.full_name))
            case "all_extension_numbers_of_type":
                message = self._pool.FindMessageTypeByName(request.all_extension_numbers_of_type)
                numbers = response.all_extension_numbers_response
                numbers.base_type_name = message.full_name
                numbers.extension_number.extend(sorted(e.number for e in self._pool.FindAllExtensions(message)))
            case _:
                response.error_response.error_code = code_pb2.INVALID_ARGUMENT
                response.error_response.error_message = "nothing was asked"

    def _file_of(self, symbol: str) -> FileDescriptor:
        """Return the file of a symbol; KeyError when there is none."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            # The pool knows no methods, which grpcurl describes too.
            service, _, method = symbol.rpartition(".")
            descriptor = self._pool.FindServiceByName(service)
            if method not in descriptor.methods_by_name:
                raise
            return descriptor.file


def _add_files(response: Any, file: FileDescriptor) -> None:
    """Answer with *file* and all that it imports: some clients do not ask for the imports."""
    files: dict[str, FileDescriptor] = {}
    waiting = [file]
    while waiting:
        file = waiting.pop()
        if file.name not in files:
            files[file.name] = file
            waiting.extend(file.dependencies)
    response.file_descriptor_response.file_descriptor_proto.extend(f.serialized_pb for f in files.values())
