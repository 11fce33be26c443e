"""What REST refuses: always with a status in JSON, which names what is wrong."""

import re

import pytest
import pytest_asyncio

from airegistry._rpc.carrier import PATH_FIELDS
from tests.rest_calls import bindings
from tests.rest_cases import RPCS
from tests.rest_planes import plane_at

pytestmark = pytest.mark.asyncio(loop_scope="module")
REGISTER = "POST /registry/v1/resources:register"
MODEL = "/registry/v1/models/m"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(tmp_path_factory):
    async with plane_at(tmp_path_factory.mktemp("plane")) as running:
        yield running.rest["registry"]


async def answer_to(http, call, body=None):
    async with http.request(*call.split(), data=body) as answer:
        assert answer.content_type == "application/json"
        return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("call", "field"),
    [
        pytest.param(f"GET {MODEL}?name=models/other", "name", id="get"),
        pytest.param(f"GET {MODEL}?consistency.level=CONSISTENCY_LEVEL_ANY&name=agents/w", "name", id="not-the-first"),
        pytest.param(f"GET {MODEL}?%6Eame=agents/w", "name", id="encoded"),
        pytest.param(f"DELETE {MODEL}?name=agents/w&validateOnly=true", "name", id="delete"),
        pytest.param("GET /registry/v1/models?collection=agents", "collection", id="list"),
        pytest.param(f"PATCH {MODEL}?resource.name=agents/w&updateMask=labels", "resource.name", id="update"),
        pytest.param(f"PATCH {MODEL}?updateMask=labels&resource%2Ename=agents/w", "resource.name", id="encoded-dot"),
        pytest.param("GET /registry/v1/agents/w:stats?name=models/m/endpoints/here", "name", id="stats"),
    ],
)
async def test_no_parameter_says_again_what_the_path_says(http, call, field):
    status, shown = await answer_to(http, call)
    assert (status, shown["code"]) == (400, 3)
    (violation,) = shown["details"][1]["fieldViolations"]
    assert violation["field"] == field


@pytest.mark.parametrize(
    ("call", "field"),
    [
        pytest.param("GET /registry/v1/resources:discover?http_body.data=e30=", "http_body.data", id="get"),
        pytest.param("GET /registry/v1/models?pageSize=1&http_body.data=e30=", "http_body.data", id="not-the-first"),
        pytest.param("POST /registry/v1/resources:register?http_body.data=e30=", "http_body.data", id="post"),
        pytest.param(f"PATCH {MODEL}?http_body.content_type=a/b", "http_body.content_type", id="its-type"),
        pytest.param("GET /registry/v1/resources:watch?http_body", "http_body", id="stream"),
        pytest.param("GET /registry/v1/models?http%5Fbody.data=e30=", None, id="encoded"),
    ],
)
async def test_the_body_is_no_parameter(http, call, field):
    status, shown = await answer_to(http, call)
    assert (status, shown["code"]) == (400, 3)
    assert field is None or shown["details"][1]["fieldViolations"][0]["field"] == field


async def test_a_value_may_say_what_it_likes(http):
    status, shown = await answer_to(
        http, "GET /registry/v1/models?filter=%22name=a%22%20!=%20%22%26name=b%20http_body%22&pageSize=1"
    )
    assert (status, shown["totalSize"]) == (200, 1)


async def test_the_fields_that_paths_say_are_those_of_the_annotations():
    templates = [one.template for method in RPCS.values() for one in bindings(method)]
    assert {field for template in templates for field in re.findall(r"\{([\w.]+)=", template)} == set(PATH_FIELDS)


@pytest.mark.parametrize(
    ("call", "body", "named"),
    [
        pytest.param(REGISTER, b"", "resources", id="no-body"),
        pytest.param(REGISTER, b"[]", "must be an object", id="a-list"),
        pytest.param(REGISTER, b"{} {}", "no JSON", id="two-bodies"),
        pytest.param(REGISTER, b'{"requestId": "\xff"}', "no JSON", id="no-text"),
        pytest.param(REGISTER, b'{"a":' * 300 + b"1" + b"}" * 300, "", id="deep"),
        pytest.param(REGISTER, b'{"leaseTtl": "1"}', "lease_ttl", id="duration"),
        pytest.param(
            REGISTER, b'{"resources": [{"model": {"limits": {"contextTokens": 1e30}}}]}', "context_tokens", id="number"
        ),
        pytest.param(
            REGISTER, b'{"resources": [{"model": {"lifecycle": {"stage": "NOPE"}}}]}', "lifecycle.stage", id="enum"
        ),
        pytest.param(REGISTER, b'{"resources": [{"model": {}, "route": {}}]}', "resources[0].route", id="oneof"),
        pytest.param(REGISTER, b'{"resources": [{"model": {"limit": {}}}]}', "resources[0].model.limit", id="misspelt"),
        pytest.param(f"PATCH {MODEL}?updateMask=labels", b'{"lables": {}}', "resource.lables", id="misspelt-update"),
        pytest.param("POST /registry/v1/resources:discover?limit=5", b'{"limit": 6}', "limit", id="said-otherwise"),
        pytest.param("POST /registry/v1/resources:discover?query.target=x", b"{}", "query.target", id="parameter"),
        pytest.param(
            "POST /registry/v1/resources:discover?query.requirements.task=%ff", b"{}", "DiscoverRequest", id="no-utf-8"
        ),
        pytest.param("GET /registry/v1/models?pageSize=", None, "page_size", id="no-value"),
        pytest.param("GET /registry/v1/models?labels.a=b", None, "LabelsEntry", id="map"),
        pytest.param("GET /registry/v1/models/a%00b", None, "name", id="zero-in-a-name"),
        pytest.param("GET /registry/v1/models/a%2Fb", None, "name", id="slash-in-a-name"),
        pytest.param(f"PATCH {MODEL}?updateMask=labels", b'{"name": "models/other"}', "name", id="another-name"),
        pytest.param(f"PATCH {MODEL}?updateMask=nope", b"{}", "update_mask", id="mask"),
        pytest.param(f"DELETE {MODEL}?validateOnly=maybe", None, "validate_only", id="boolean"),
    ],
)
async def test_a_bad_request_is_told_what_is_bad(http, call, body, named):
    status, shown = await answer_to(http, call, body)
    assert (status, shown["code"]) == (400, 3)
    assert named in shown["message"]
    assert shown["details"][0]["reason"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    "call", [f"PUT {MODEL}", "GET /registry/v1/nothing", "POST /registry/v1/models", "GET /registry/v1//models"]
)
async def test_what_is_no_path_is_not_found(http, call):
    status, shown = await answer_to(http, call)
    assert (status, shown["details"][0]["reason"]) == (404, "NOT_FOUND")
