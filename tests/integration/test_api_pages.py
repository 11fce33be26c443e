import json
from typing import Any

import aiohttp
import pytest

from tests.planes import gateway_at, registry_at

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
