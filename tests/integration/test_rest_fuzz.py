"""Whatever REST is sent, it answers with the message or with a status, and never by failing."""

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings

from tests.rest_planes import plane_at
from tests.rest_strategies import calls

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plane(tmp_path_factory):
    async with plane_at(tmp_path_factory.mktemp("plane")) as running:
        yield running


async def check(http, sent):
    async with http.request(sent.verb, sent.path, params=sent.query, data=sent.body) as answer:
        assert answer.status < 500
        assert answer.content_type == "application/json"
        shown = await answer.json()
    if answer.status == 200:
        assert "code" not in shown
        return
    assert shown.keys() == {"code", "message", "details"}
    assert shown["message"]
    assert shown["details"][0]["reason"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sent=calls("registry"))
async def test_the_registry_answers_whatever_it_is_sent(plane, sent):
    await check(plane.rest["registry"], sent)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sent=calls("gateway"))
async def test_the_gateway_answers_whatever_it_is_sent(plane, sent):
    await check(plane.rest["gateway"], sent)
