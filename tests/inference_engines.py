"""An engine that knows servers of the Open Inference Protocol, and what its streams said."""

from typing import Any

from airegistry import invoke
from airegistry.invoke.settings import EngineSettings
from airegistry.invoke.transport import TransportSettings
from airegistry.resources.endpoint import Auth, AuthMethod, Communication
from tests.catalogs import cache_of, endpoint, model
from tests.inference_servers import TOKENS

OPEN = Communication(dialect="kserve.v2", auth=Auth(AuthMethod.NONE))
TEXT = "".join(TOKENS)
# Tests look at fields that may be absent.
open_engine: Any = invoke.open_engine


def engine_for(*urls, communication=OPEN, known=None, transport=None, **facts):
    served = [
        endpoint(id_, url, priority=i, communication=communication, **facts)
        for i, (id_, url) in enumerate(zip("abc", urls, strict=False))
    ]
    settings = EngineSettings(transport=transport or TransportSettings())
    return open_engine(cache_of([model(), *served]), credentials=known, settings=settings)


async def events_of(engine, invocation, **options) -> list[Any]:
    return [event async for batch in engine.stream(invocation, **options) for event in batch]
