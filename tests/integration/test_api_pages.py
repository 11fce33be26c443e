import json
from typing import Any

import aiohttp
import pytest

from tests.planes import CARRIER, gateway_at, registry_at

PLANES: dict[str, Any] = {"registry": registry_at, "gateway": gateway_at}


@pytest.mark.parametrize("plane", list(PLANES))
async def test_the_pages_of_a_server_are_beside_its_api_too(tmp_path, plane):
    async with PLANES[plane](tmp_path) as running, aiohttp.ClientSession(f"http://{running.http_address}") as http:
        async with http.get(f"/{plane}/v1/openapi.json") as answer:
            assert (answer.status, answer.content_type) == (200, "application/json")
            assert json.loads(await answer.read())["info"]["title"] == f"AI Registry: {plane}"
        async with http.get("/health") as page, http.get(f"/{plane}/v1/health") as same:
            assert (page.status, same.status) == (200, 200)
            assert (await page.json())["status"] == (await same.json())["status"] == "SERVING"
        async with http.get(f"/{plane}/v1/metrics") as answer:
            assert answer.content_type == "text/plain"
            assert "# TYPE airegistry_" in await answer.text()


@pytest.mark.skipif(CARRIER != "aio", reason="the other carrier offers REST")
@pytest.mark.parametrize("plane", list(PLANES))
async def test_a_call_by_rest_where_there_is_none_is_told_who_offers_it(tmp_path, plane):
    async with PLANES[plane](tmp_path) as running, aiohttp.ClientSession(f"http://{running.http_address}") as http:
        for call in (http.get(f"/{plane}/v1/models"), http.post(f"/{plane}/v1/resources:discover", json={})):
            async with call as answer:
                assert (answer.status, answer.content_type) == (501, "application/json")
                shown = await answer.json()
            assert (shown["code"], shown["details"][0]["reason"]) == (12, "UNIMPLEMENTED")
            assert "--carrier envoy" in shown["message"]
