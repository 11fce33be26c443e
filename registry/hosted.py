"""The registry inside Envoy, as an ASGI application."""

from airegistry._rpc.envoy.hosting import Hosted
from registry.program import REGISTRY

app = Hosted(REGISTRY)
