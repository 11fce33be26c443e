"""The gateway inside Envoy, as an ASGI application."""

from airegistry._rpc.envoy.hosting import Hosted
from gateway.program import GATEWAY

app = Hosted(GATEWAY)
