"""The REST calls that do what a gRPC call does, by the annotations of its method."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from google.api import annotations_pb2
from google.protobuf import descriptor_pool, json_format
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from airegistry import v1


@dataclass(frozen=True)
class Binding:
    """One way to call a method: a path template, and what of the request is the body (`*`, a field, or nothing)."""

    method: MethodDescriptor
    verb: str
    template: str
    body: str

    def __str__(self) -> str:
        return f"{self.method.name} {self.verb} {self.template}"


@dataclass(frozen=True)
class RestCall:
    verb: str
    path: str
    body: bytes | None


def our_services() -> list[ServiceDescriptor]:
    """Return every service of our protos."""
    for module in pkgutil.iter_modules(v1.__path__, f"{v1.__name__}."):
        if module.name.endswith("_service_pb2"):
            importlib.import_module(module.name)
    names = [module.name for module in pkgutil.iter_modules(v1.__path__) if module.name.endswith("_service_pb2")]
    files = [f"airegistry/v1/{name.removesuffix('_pb2')}.proto" for name in names]
    return [
        service
        for file in files
        for service in descriptor_pool.Default().FindFileByName(file).services_by_name.values()
    ]


def bindings(method: MethodDescriptor) -> Iterator[Binding]:
    """Yield every way to call *method* by REST."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    for one in (rule, *rule.additional_bindings):
        verb = one.WhichOneof("pattern")
        if verb is not None:
            yield Binding(method, verb.upper(), getattr(one, verb), one.body)


def rest_call(binding: Binding, request: Message) -> RestCall | None:
    """Return the call that says *request*; None where the binding has no place for all of it."""
    fields = json_format.MessageToDict(request)
    path, rest = _path(binding.template, fields)
    if path is None:
        return None
    if binding.body == "*":
        return RestCall(binding.verb, path, json.dumps(rest).encode())
    body = rest.pop(binding.body, None) if binding.body else None
    try:
        query = urlencode(list(_query(rest)))
    except ValueError:
        return None
    return RestCall(
        binding.verb, f"{path}?{query}" if query else path, None if body is None else json.dumps(body).encode()
    )


def _path(template: str, fields: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Fill a template, and return what it leaves of the fields."""
    variable = re.search(r"\{([\w.]+)=([^}]*)\}", template)
    rest: dict[str, Any] = json.loads(json.dumps(fields))
    if variable is None:
        return template, rest
    *parents, last = variable[1].split(".")
    holder = rest
    for parent in parents:
        holder = holder.get(parent, {})
    value = holder.pop(last, "")
    pattern = re.escape(variable[2]).replace(r"\*", "[^/]+")
    if not re.fullmatch(pattern, value):
        return None, rest
    return template.replace(variable[0], quote(value)), rest


def _query(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the parameters, or raise ValueError for what cannot be one."""
    for name, value in fields.items():
        if isinstance(value, dict):
            if name == "labels":
                raise ValueError("a map")
            yield from _query(value, f"{prefix}{name}.")
        else:
            yield from ((prefix + name, _text(one)) for one in (value if isinstance(value, list) else [value]))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        raise ValueError("a list of messages")  # noqa: TRY004 - a value that a query cannot say
    return str(value).lower() if isinstance(value, bool) else str(value)


def masked(value: Any, names: Sequence[str]) -> Any:
    """Return a JSON value without the members of these names, at any depth."""
    if isinstance(value, dict):
        return {key: masked(one, names) for key, one in value.items() if key not in names}
    return [masked(one, names) for one in value] if isinstance(value, list) else value
