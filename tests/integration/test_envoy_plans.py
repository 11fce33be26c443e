"""Envoy takes whatever a plan can say."""

from pathlib import Path

import pytest

from airegistry._rpc.edge import RateLimit, Tls
from tests.envoys import plan, validate

GATEWAY = ("airegistry.v1.GatewayService",)
REGISTRY = ("airegistry.v1.RegistryService", "airegistry.v1.AnalyticsService")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"services": REGISTRY}, id="registry"),
        pytest.param({"services": GATEWAY, "pages": ("/gateway/v1/openapi.json",)}, id="gateway"),
        pytest.param({"services": (), "compression": False}, id="bare"),
        pytest.param(
            {
                "addresses": ("[::1]:0", "127.0.0.1:0"),
                "reuse_port": True,
                "cors_origins": ("*", "https://a.example:8443"),
                "access_log": "-",
                "rate_limit": RateLimit(0.5, 3),
                "max_connection_age": 1800.25,
            },
            id="everything",
        ),
        pytest.param({"tls": Tls(Path("/tls/a.crt"), Path("/tls/a.key"), Path("/tls/ca.pem"))}, id="tls"),
    ],
)
async def test_a_plan_is_taken(tmp_path, changes):
    assert await validate(plan(tmp_path, **changes)) == ""


async def test_what_is_no_configuration_is_noticed_here(tmp_path):
    assert "app" in await validate(plan(tmp_path, app="nothing"))
