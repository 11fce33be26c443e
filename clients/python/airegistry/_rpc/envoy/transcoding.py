"""REST out of the descriptors of our services, by Envoy's gRPC-JSON transcoder."""

from __future__ import annotations

import base64
import importlib
import pkgutil
from collections.abc import Iterator, Sequence

from google.api import annotations_pb2, http_pb2, httpbody_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2, status_pb2

from airegistry import v1
from airegistry._rpc.asgi.last_words import ERROR_FIELD
from airegistry._rpc.carrier import API_PAGES
from airegistry._rpc.envoy.configuration import Json, filter_name, http_options
from airegistry._rpc.envoy.plan import Plan
from airegistry._rpc.rest.requests import BODY_FIELD, BODY_NAME, body_of, give_body

TRANSCODER = filter_name("grpc_json_transcoder")
_ERROR_TYPE = f".{status_pb2.Status.DESCRIPTOR.full_name}"


def transcoder(plan: Plan, *, event_stream: bool = False) -> Json:
    """Return the transcoder's options; streams are server-sent events with *event_stream*, else lines of JSON."""
    style = "stream_sse_style_delimited" if event_stream else "stream_newline_delimited"
    return http_options(
        "grpc_json_transcoder.v3.GrpcJsonTranscoder",
        {
            "services": list(plan.services),
            "proto_descriptor_bin": base64.b64encode(descriptors(plan.services)).decode(),
            "print_options": {style: True},
            # What the route says about a path goes on to count when the path has become that of the RPC.
            "match_incoming_request_route": True,
            "convert_grpc_status": True,
            # As forms and most clients write a space.
            "query_param_unescape_plus": True,
            "request_validation_options": {
                "reject_unknown_method": True,
                "reject_unknown_query_parameters": True,
                "reject_binding_body_field_collisions": True,
            },
            "max_request_body_size": plan.max_rest_request_bytes,
            "max_response_body_size": plan.max_rest_answer_bytes,
        },
    )


def descriptors(services: Sequence[str]) -> bytes:
    """Return the serialized FileDescriptorSet of *services* and of the details of errors, what is depended on first.

    Bodies are no messages in it, but bytes, which go on as they are: see `airegistry._rpc.rest.requests`.
    """
    files: dict[str, FileDescriptorProto] = {}
    found = [_service(name) for name in services]
    details = (error_details_pb2.DESCRIPTOR, status_pb2.DESCRIPTOR, httpbody_pb2.DESCRIPTOR)
    for file in (*(service.file for service in found), *details):
        _add(file, files)
    for service in found:
        for method in service.methods:
            if method.server_streaming:
                _give_error(method, files)
            if body_of(method) is not None:
                _pass_on_body(method, files)
    return FileDescriptorSet(file=_ordered(files)).SerializeToString()


def rest_prefixes(services: Sequence[str]) -> list[str]:
    """Return what the paths of the REST API begin with (`/registry/v1/`)."""
    return sorted({_prefix(path) for name in services for method in _service(name).methods for path in _paths(method)})


def api_pages(services: Sequence[str]) -> list[str]:
    """Return the paths below those prefixes that are pages, and no RPC's."""
    return [prefix + page for prefix in rest_prefixes(services) for page in API_PAGES]


def stream_paths(services: Sequence[str]) -> list[str]:
    """Return the paths that answer with streams."""
    methods = [method for name in services for method in _service(name).methods if method.server_streaming]
    return sorted(path for method in methods for path in _paths(method))


def _service(name: str) -> ServiceDescriptor:
    # The pool knows what was imported.
    for module in pkgutil.iter_modules(v1.__path__, f"{v1.__name__}."):
        if module.name.endswith("_service_pb2"):
            importlib.import_module(module.name)
    return descriptor_pool.Default().FindServiceByName(name)


def _add(file: FileDescriptor, files: dict[str, FileDescriptorProto]) -> None:
    if file.name in files:
        return
    for needed in file.dependencies:
        _add(needed, files)
    files[file.name] = FileDescriptorProto.FromString(file.serialized_pb)


def _give_error(method: MethodDescriptor, files: dict[str, FileDescriptorProto]) -> None:
    """Let the answers of a stream have an `error`: its HTTP status was sent long ago when it fails after the first."""
    file = files[method.output_type.file.name]
    message = _message(method.output_type, file)
    if _has(message, ERROR_FIELD):
        return
    message.field.add(
        name="error",
        json_name="error",
        number=ERROR_FIELD,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
        type=FieldDescriptorProto.TYPE_MESSAGE,
        type_name=_ERROR_TYPE,
    )
    _need(status_pb2.DESCRIPTOR, file)


def _pass_on_body(method: MethodDescriptor, files: dict[str, FileDescriptorProto]) -> None:
    """Let the body of a method over HTTP be a field of bytes, whatever it was."""
    service = next(
        one for one in files[method.containing_service.file.name].service if one.name == method.containing_service.name
    )
    rule = next(one for one in service.method if one.name == method.name).options.Extensions[annotations_pb2.http]
    bindings = list(_bindings(method))
    for one in bindings:
        if one.body:
            one.body = BODY_NAME
    # Whether the body is passed on the first of them says, for all.
    first = next(one for one in bindings if one.body)
    rule.CopyFrom(first)
    rule.additional_bindings.extend(one for one in bindings if one is not first)
    file = files[method.input_type.file.name]
    message = _message(method.input_type, file)
    if not _has(message, BODY_FIELD):
        give_body(message)
        _need(httpbody_pb2.DESCRIPTOR, file)


def _message(descriptor: Descriptor, file: FileDescriptorProto) -> DescriptorProto:
    return next(one for one in file.message_type if one.name == descriptor.name)


def _has(message: DescriptorProto, number: int) -> bool:
    return any(field.number == number for field in message.field)


def _need(needed: FileDescriptor, file: FileDescriptorProto) -> None:
    if needed.name not in file.dependency:
        file.dependency.append(needed.name)


def _ordered(files: dict[str, FileDescriptorProto]) -> list[FileDescriptorProto]:
    placed: dict[str, FileDescriptorProto] = {}

    def place(file: FileDescriptorProto) -> None:
        if file.name not in placed:
            for name in file.dependency:
                place(files[name])
            placed[file.name] = file

    for file in files.values():
        place(file)
    return list(placed.values())


def _paths(method: MethodDescriptor) -> Iterator[str]:
    for one in _bindings(method):
        if path := _path(one):
            yield path


def _bindings(method: MethodDescriptor) -> Iterator[http_pb2.HttpRule]:
    """Yield copies of the ways over HTTP to a method."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    for one in (rule, *rule.additional_bindings):
        alone = http_pb2.HttpRule()
        alone.CopyFrom(one)
        alone.ClearField("additional_bindings")
        yield alone


def _path(rule: http_pb2.HttpRule) -> str:
    pattern = rule.WhichOneof("pattern")
    if pattern is None or pattern == "custom":
        return rule.custom.path
    path: str = getattr(rule, pattern)
    return path


def _prefix(path: str) -> str:
    return "/".join(path.split("/")[:3]) + "/"
