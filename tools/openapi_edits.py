"""What is made of the generator's OpenAPI documents: one for each server, with names for people, true of Envoy's transcoder.

The generator describes another transcoder's streams, numbers operations and parameters, and cannot know of the pages that
no RPC stands behind.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_STREAM = "Stream result of "
_STATUS = {"$ref": "#/components/schemas/google.rpc.Status"}
_ID = "[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?"
_SINGULAR = {"models": "model", "endpoints": "endpoint", "agents": "agent", "routes": "route"}
# What a path is about, as a part of an operation's name; RPCs that are about anything need none.
_NOUNS = {
    "models": "Models",
    "models/{}": "Model",
    "models/{}/endpoints": "Endpoints",
    "models/{}/endpoints/{}": "Endpoint",
    "agents": "Agents",
    "agents/{}": "Agent",
    "agents/{}/models": "AgentModels",
    "routes": "Routes",
    "routes/{}": "Route",
}
_ERROR = "What went wrong, as docs/rest.md says; `details` has exactly one `google.rpc.ErrorInfo`."
_STREAMED = (
    "A stream of these, one in each line; server-sent events when asked with `Accept: text/event-stream`. "
    "When it breaks off after the first one, the last one has `error` alone."
)


@dataclass(frozen=True)
class Edits:
    """What no proto says of a server's document."""

    title: str
    description: str
    prefix: str


def merged(documents: Sequence[Json]) -> Json:
    """Make one document of several; a path belongs to one of them, and equal names mean the same."""
    whole: Json = {"paths": {}, "components": {"schemas": {}}, "tags": []}
    for one in documents:
        if both := whole["paths"].keys() & one["paths"].keys():
            raise ValueError(f"more than one document has {sorted(both)}")
        schemas = one["components"]["schemas"]
        if unlike := [
            name for name, schema in whole["components"]["schemas"].items() if schemas.get(name, schema) != schema
        ]:
            raise ValueError(f"the documents disagree about {sorted(unlike)}")
        whole["paths"] |= one["paths"]
        whole["components"]["schemas"] |= schemas
        whole["tags"] += one["tags"]
    return whole


def edited(document: Json, edits: Edits, enums: Mapping[str, Mapping[str, str]]) -> Json:
    """Return a document as it is committed; *enums* are the comments of their values."""
    schemas = {name: _told(schema, enums.get(name, {})) for name, schema in document["components"]["schemas"].items()}
    paths: Json = {}
    for path, item in document["paths"].items():
        # Those that differ in a parameter's name alone are one path.
        paths.setdefault(_named(path), {}).update(item)
    for path, item in paths.items():
        for method, operation in item.items():
            _edit_operation(operation, path.removeprefix(edits.prefix), method)
    _name_operations(paths, edits.prefix)
    whole = {
        "openapi": "3.1.0",
        "info": {
            "title": edits.title,
            "description": f"{edits.description} docs/rest.md has an example of every path.",
            "version": "v1",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [*document["tags"], {"name": "Pages", "description": "What no RPC stands behind."}],
        "paths": paths | _pages(edits.prefix),
        "components": {"schemas": dict(sorted(schemas.items()))},
    }
    unwrapped: Json = _unwrapped(whole)
    return unwrapped


def _told(schema: Json, values: Mapping[str, str]) -> Json:
    """Let the description of an enum say what each of its values means."""
    told = "\n".join(f"- `{name}`: {' '.join(comment.split())}" for name, comment in values.items() if comment)
    return {**schema, "description": f"{schema['description']}\n\n{told}"} if told else schema


def _named(path: str) -> str:
    """Name the parameters by what they stand for: `models/{name}` becomes `models/{model}`."""
    return re.sub(r"(\w+)/\{[^}]*\}", lambda match: f"{match[1]}/{{{_SINGULAR[match[1]]}}}", path)


def _edit_operation(operation: Json, path: str, method: str) -> None:
    kept = [one for one in operation.get("parameters", ()) if one["in"] == "query" and not one["name"].endswith("]")]
    if parameters := [*_path_parameters(path, method), *kept]:
        operation["parameters"] = parameters
    operation["responses"]["default"]["description"] = _ERROR
    content = operation["responses"]["200"]["content"]["application/json"]
    if content["schema"].get("title", "").startswith(_STREAM):
        message = content["schema"]["properties"]["result"]
        schema = {"allOf": [message, {"type": "object", "properties": {"error": _STATUS}}]}
        operation["responses"]["200"] = {
            "description": _STREAMED,
            "content": {kind: {"schema": schema} for kind in ("application/x-ndjson", "text/event-stream")},
        }


def _path_parameters(path: str, method: str) -> Iterator[Json]:
    for name in re.findall(r"\{(\w+)\}", path):
        # A List takes `-` for all models.
        of_all = name == "model" and path.endswith("/endpoints") and method == "get"
        yield {
            "name": name,
            "in": "path",
            "description": f"The id of the {name}{', or `-` for those of all models' if of_all else ''}.",
            "required": True,
            "schema": {"type": "string", "pattern": f"^(-|{_ID})$" if of_all else f"^{_ID}$"},
        }


def _name_operations(paths: Json, prefix: str) -> None:
    """Give each operation a name that stays when another path is added."""
    operations = [(path, method, one) for path, item in paths.items() for method, one in item.items()]
    for path, _, operation in operations:
        verb, rest = re.fullmatch(r"([A-Z][a-z]+)(\w*)", operation["operationId"].split("_")[1]).groups()  # type: ignore[union-attr]  # RPCs have such names
        about = re.sub(r"\{\w+\}", "{}", path.removeprefix(prefix)).partition(":")[0]
        operation["operationId"] = f"{verb.lower()}{_NOUNS.get(about, '')}{rest}"
    counts = Counter(operation["operationId"] for _, _, operation in operations)
    for _, method, operation in operations:
        if counts[operation["operationId"]] > 1 and method == "get":
            operation["operationId"] += "ByGet"


def _pages(prefix: str) -> Json:
    health = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "enum": ["SERVING", "NOT_SERVING"]}},
    }
    answers = {
        "200": _answer("It serves.", "application/json", health),
        "503": _answer("It does not serve.", "application/json", health),
    }
    metrics = {"200": _answer("The metrics as Prometheus reads them.", "text/plain", {"type": "string"})}
    own = {"200": _answer("This document.", "application/json", {"type": "object", "required": ["openapi"]})}
    return {
        f"{prefix}health": _page("health", "Whether this process serves.", answers),
        f"{prefix}metrics": _page("metrics", "What this process counts and measures.", metrics),
        f"{prefix}openapi.json": _page("openapi", "Describes this API.", own),
    }


def _page(name: str, summary: str, responses: Json) -> Json:
    return {"get": {"tags": ["Pages"], "summary": summary, "operationId": name, "responses": responses}}


def _answer(description: str, kind: str, schema: Json) -> Json:
    return {"description": description, "content": {kind: {"schema": schema}}}


def _unwrapped(value: Any) -> Any:
    """Join the lines of paragraphs: the protos are wrapped, and who shows the document wraps anew."""
    if isinstance(value, dict):
        return {
            key: re.sub(r"(?<!\n)\n(?!\n|\s*[-*] )", " ", one)
            if key in {"description", "summary"} and isinstance(one, str)
            else _unwrapped(one)
            for key, one in value.items()
        }
    return [_unwrapped(one) for one in value] if isinstance(value, list) else value
