"""A call leaves nothing behind that only the garbage collector could find: it may hold a whole answer."""

import gc
from contextlib import aclosing, contextmanager, suppress
from functools import partial
from types import FrameType

import pytest

from airegistry.dialects.events.streams import EventStream
from airegistry.errors import RegistryError
from airegistry.invoke import open_engine
from airegistry.invoke.attempts.exchange import Exchange
from airegistry.invoke.attempts.running import Running
from airegistry.invoke.transport.connection import Connection
from airegistry.invoke.transport.transport import HttpReply
from tests import catalogs
from tests.faults.table import FAULTS
from tests.faults.wires import OPENAI_CHAT
from tests.providers import provider

HOLDERS = (Exchange, Running, HttpReply, Connection, EventStream, FrameType)


@contextmanager
def uncollected():
    """Lend a list that in the end has what the collector had to find."""
    found: list[object] = []
    gc.collect()
    # What finalizers of others leave is not found before the next one.
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.extend(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def everything(stream):
    async with aclosing(stream) as batches:
        async for _ in batches:
            pass


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_a_call_that_failed_leaves_no_cycle_that_holds_its_answer(fault, streamed):
    behaviours = [partial(does, OPENAI_CHAT) for does in fault.behave]
    async with provider(*behaviours) as up, open_engine(catalogs.cache_of(catalogs.served(up.url))) as engine:
        asked = catalogs.chat(policy=fault.policy)
        with uncollected() as found, suppress(RegistryError):
            await (everything(engine.stream(asked)) if streamed else engine.invoke(asked))
    assert [type(thing).__name__ for thing in found if isinstance(thing, HOLDERS)] == []


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_a_call_that_was_answered_leaves_no_cycle_at_all(streamed):
    async with provider(OPENAI_CHAT.answer) as up, open_engine(catalogs.cache_of(catalogs.served(up.url))) as engine:
        asked = catalogs.chat()
        with uncollected() as found:
            await (everything(engine.stream(asked)) if streamed else engine.invoke(asked))
    assert [type(thing).__name__ for thing in found if type(thing).__module__.startswith("airegistry")] == []
