"""The OpenAPI documents say what the servers do: their paths are there, and requests and answers are as they describe them."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator

from tests.rest_calls import rest_call
from tests.rest_cases import HERE, WAYS
from tests.rest_planes import by_rest, plane_at

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = {name: json.loads((ROOT / name / "openapi.json").read_text()) for name in ("registry", "gateway")}
IDS = {"model": "m", "endpoint": HERE.rpartition("/")[2], "agent": "w", "route": "r"}
OPERATIONS = [
    pytest.param(verb.upper(), path, id=f"{verb.upper()} {path}")
    for document in DOCUMENTS.values()
    for path, item in document["paths"].items()
    for verb in item
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plane(tmp_path_factory):
    async with plane_at(tmp_path_factory.mktemp("plane")) as running:
        yield running


def operation(verb, path):
    """What the document of a server says of a call."""
    (found,) = [
        item[verb.lower()]
        for template, item in DOCUMENTS[path.split("/")[1]]["paths"].items()
        if verb.lower() in item and re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/:]+", re.escape(template)), path)
    ]
    return found


def problems(schema, value, server):
    """What is wrong with *value*, members that the schema does not name among it."""
    schemas = DOCUMENTS[server]["components"]["schemas"]
    strict = {name: _closed(one) for name, one in schemas.items()}
    validator = Draft202012Validator({**_closed(schema), "components": {"schemas": strict}})
    return [f"{'.'.join(map(str, error.path))}: {error.message}"[:300] for error in validator.iter_errors(value)]


def _closed(schema):
    """Refuse members that an object's schema does not name."""
    if "properties" in schema and "additionalProperties" not in schema:
        return {**schema, "additionalProperties": False}
    return schema


@pytest.mark.parametrize(("verb", "path"), OPERATIONS)
async def test_every_path_is_there(plane, verb, path):
    path = re.sub(r"\{(\w+)\}", lambda match: IDS[match[1]], path)
    session = plane.rest[path.split("/")[1]]
    query = "?validateOnly=true" if verb in {"DELETE", "PATCH"} else ""
    body = b"{}" if verb in {"POST", "PATCH"} else None
    async with session.request(verb, path + query, data=body) as answer:
        assert answer.status in {200, 400, 404}
        if answer.status != 200:
            assert "Could not resolve" not in (await answer.json())["message"]


async def test_a_path_that_is_in_no_document_is_not_there(plane):
    async with plane.rest["registry"].get("/registry/v1/nothing") as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, 5)


@pytest.mark.parametrize(("binding", "case"), WAYS)
async def test_requests_and_answers_are_as_described(plane, binding, case):
    call = rest_call(binding, case.again or case.request)
    assert call is not None
    where = urlsplit(call.path)
    server = where.path.split("/")[1]
    described = operation(call.verb, where.path)
    answered = await by_rest(plane.session(binding), binding, case)
    refused = isinstance(answered, dict) and "code" in answered
    told = {one["name"] for one in described.get("parameters", ())}
    assert {name for name, _ in parse_qsl(where.query)} <= told
    if refused:
        assert problems({"$ref": "#/components/schemas/google.rpc.Status"}, answered, server) == []
        return
    if call.body is not None:
        (asked,) = described["requestBody"]["content"].values()
        assert problems(asked["schema"], json.loads(call.body), server) == []
    schema = next(iter(described["responses"]["200"]["content"].values()))["schema"]
    if not binding.method.server_streaming:
        assert problems(schema, answered, server) == []
        return
    # The other part of it is the error that a stream may end with.
    message = schema["allOf"][0]
    assert [found for one in answered for found in problems(message, one, server)] == []


@pytest.mark.parametrize("page", ["registry/v1/health", "registry/v1/openapi.json", "gateway/v1/health"])
async def test_pages_are_as_described(plane, page):
    server = page.split("/")[0]
    async with plane.rest[server].get(f"/{page}") as answer:
        content = operation("GET", f"/{page}")["responses"][str(answer.status)]["content"]
        schema = {**content[answer.content_type]["schema"], "additionalProperties": True}
        assert problems(schema, await answer.json(), server) == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"revision": 1}, id="a-number-for-a-string"),
        pytest.param({"more": 1}, id="a-member-that-it-does-not-name"),
        pytest.param({"resource": {"model": {"tasks": "x"}}}, id="a-string-for-a-list"),
        pytest.param({"resource": {"model": {}, "route": {}}}, id="two-of-which-there-is-one"),
    ],
)
async def test_what_is_not_described_is_seen(answer):
    assert problems({"$ref": "#/components/schemas/airegistry.v1.GetResponse"}, answer, "registry")
