import json
import re
from pathlib import Path

import pytest
from google.api import annotations_pb2
from openapi_spec_validator import validate

from airegistry.v1 import analytics_service_pb2, gateway_service_pb2, registry_service_pb2

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = {name: json.loads((ROOT / name / "openapi.json").read_text()) for name in ("registry", "gateway")}
SERVICES = {
    "registry": [
        registry_service_pb2.DESCRIPTOR.services_by_name["RegistryService"],
        analytics_service_pb2.DESCRIPTOR.services_by_name["AnalyticsService"],
    ],
    "gateway": [gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"]],
}
PAGES = {"health", "metrics", "openapi.json"}
servers = pytest.mark.parametrize("server", list(DOCUMENTS))


def bindings(server):
    """The methods and paths that the annotations name, without the names of what varies, and whether they stream."""
    for service in SERVICES[server]:
        for method in service.methods:
            rule = method.GetOptions().Extensions[annotations_pb2.http]
            for one in (rule, *rule.additional_bindings):
                verb = one.WhichOneof("pattern") or ""
                yield verb, _shape(getattr(one, verb)), method.server_streaming


def _shape(path):
    """`/v1/{name=models/*}` and `/v1/models/{model}` alike become `/v1/models/*`."""
    return re.sub(r"\{\w+\}", "*", re.sub(r"\{[\w.]+=([^}]*)\}", r"\1", path))


def operations(document):
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            yield verb, path, operation


@servers
def test_the_document_is_valid(server):
    validate(DOCUMENTS[server])


@servers
def test_every_path_of_every_rpc_is_in_it_and_nothing_else_but_pages(server):
    prefix = f"/{server}/v1/"
    described = [(verb, _shape(path)) for verb, path, _ in operations(DOCUMENTS[server])]
    named = [(verb, path) for verb, path, _ in bindings(server)]
    assert sorted(described) == sorted([*named, *(("get", prefix + page) for page in PAGES)])


@servers
def test_streams_are_marked_as_such(server):
    streams = {(verb, path) for verb, path, streams in bindings(server) if streams}
    marked = {
        (verb, _shape(path))
        for verb, path, operation in operations(DOCUMENTS[server])
        if set(operation["responses"]["200"]["content"]) == {"application/x-ndjson", "text/event-stream"}
    }
    assert streams == marked != set()


@servers
def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(server):
    described = [operation for _, _, operation in operations(DOCUMENTS[server])]
    names = [operation["operationId"] for operation in described]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z][A-Za-z]+", name) for name in names)
    assert all(operation["summary"] and operation["tags"] for operation in described)


@servers
def test_every_parameter_of_a_path_is_told_by_its_own_name(server):
    for _, path, operation in operations(DOCUMENTS[server]):
        told = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
        assert told == re.findall(r"\{(\w+)\}", path)


@servers
def test_every_field_says_what_it_is(server):
    silent = [
        f"{name}.{field}"
        for name, schema in DOCUMENTS[server]["components"]["schemas"].items()
        for field, property_ in schema.get("properties", {}).items()
        if "description" not in property_
    ]
    assert silent == []


@servers
def test_every_value_of_an_enum_says_what_it_means(server):
    enums = [schema for schema in DOCUMENTS[server]["components"]["schemas"].values() if "enum" in schema]
    assert enums
    for schema in enums:
        told = re.findall(r"^- `(\w+)`: \S", schema["description"], re.MULTILINE)
        assert told == schema["enum"]
