"""The ladder over gRPC, against real servers and their health services."""

import pytest
from grpc import StatusCode
from grpc_health.v1 import health_pb2

from tests.ladders import BAD, GOOD, HANDSHAKE, HEALTH, REQUEST, Health, climbed, endpoint, grpc_server

SAYS = health_pb2.HealthCheckResponse


@pytest.mark.parametrize(
    ("health", "found"),
    [
        pytest.param(Health, (HEALTH, GOOD), id="serving"),
        pytest.param(lambda: Health(SAYS.NOT_SERVING), (HANDSHAKE, BAD), id="not-serving"),
        pytest.param(lambda: Health(SAYS.UNKNOWN), (HANDSHAKE, GOOD), id="unknown"),
        pytest.param(lambda: Health(None), (HANDSHAKE, BAD), id="hangs"),
        pytest.param(lambda: Health(error=StatusCode.NOT_FOUND), (HANDSHAKE, GOOD), id="does-not-know-itself"),
        pytest.param(lambda: Health(error=StatusCode.UNAUTHENTICATED), (HANDSHAKE, GOOD), id="wants-a-credential"),
        pytest.param(lambda: Health(error=StatusCode.UNAVAILABLE), (HANDSHAKE, BAD), id="unavailable"),
        pytest.param(lambda: None, (HANDSHAKE, GOOD), id="no-health-service"),
    ],
)
async def test_what_a_grpc_server_says_of_its_health(ladder, impatient, health, found):
    async with grpc_server(health()) as place:
        step, level, reason = await climbed(ladder, endpoint(f"grpc://{place}"), HEALTH)
    assert (step, level) == found
    assert "a word of the peer" not in reason


async def test_nothing_more_is_asked_over_grpc(ladder):
    async with grpc_server(Health()) as place:
        step, level, reason = await climbed(ladder, endpoint(f"grpc://{place}"), REQUEST)
    assert (step, level) == (HEALTH, GOOD)
    assert "over HTTP only" in reason
