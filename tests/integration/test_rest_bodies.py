"""What bodies of the REST API may say, beside what path and parameters do."""

import pytest
import pytest_asyncio

from tests.rest_planes import plane_at

pytestmark = pytest.mark.asyncio(loop_scope="module")
MODEL = "/registry/v1/models/m"
DISCOVER = "/registry/v1/resources:discover"
# Some 200 kB, which are read beside the loop.
MANY = 1_000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(tmp_path_factory):
    async with plane_at(tmp_path_factory.mktemp("plane")) as running:
        yield running.rest["registry"]


async def answer_to(http, call, body):
    async with http.request(*call.split(), json=body) as answer:
        return answer.status, await answer.json()


async def test_what_get_answers_may_be_sent_to_patch(http):
    async with http.get(MODEL) as answer:
        resource = (await answer.json())["resource"]
    assert resource["name"] == "models/m"
    status, shown = await answer_to(http, f"PATCH {MODEL}?updateMask=labels", resource | {"labels": {"team": "search"}})
    assert (status, shown["resource"]["labels"]) == (200, {"team": "search"})


async def test_a_parameter_says_what_the_body_does_not(http):
    status, shown = await answer_to(http, f"POST {DISCOVER}?limit=1", {"query": {"requirements": {}}})
    assert (status, len(shown["candidates"])) == (200, 1)
    status, shown = await answer_to(http, f"POST {DISCOVER}?limit=0&query.requirements.task=none", {"limit": 5})
    assert (status, shown.get("candidates", [])) == (200, [])


async def test_both_may_say_the_same(http):
    status, shown = await answer_to(http, f"POST {DISCOVER}?limit=1", {"limit": 1})
    assert (status, len(shown["candidates"])) == (200, 1)


async def test_no_body_is_an_empty_one(http):
    async with http.post(DISCOVER) as answer:
        assert answer.status == 200
        assert (await answer.json())["candidates"]


async def test_a_large_body_is_read_whole(http):
    models = [
        {"name": f"models/large-{number}", "model": {"publisher": "example", "description": "x" * 100}}
        for number in range(MANY)
    ]
    status, shown = await answer_to(http, "POST /registry/v1/resources:register", {"resources": models})
    assert (status, shown["createdCount"]) == (200, MANY)
