"""What is counted and billed, against what llama-server itself says that it did."""

import pytest

from airegistry.invocations.usage import CostState
from tests import catalogs
from tests.e2e.real_models.asking import Ask
from tests.e2e.real_models.llama import REMEMBERING, llama_server
from tests.e2e.real_models.over_grpc import invocation
from tests.e2e.real_models.scene import DIALECTS, scene, served, serving

pytestmark = pytest.mark.parametrize("dialect", DIALECTS)


async def test_what_the_server_had_read_before_is_counted_apart_and_once(files, tmp_path, dialect):
    async with llama_server(files, tmp_path, *REMEMBERING) as server, scene(tmp_path, served(server)) as ready:
        first, second = [
            (await ready.grpc.invoke(invocation(Ask(dialect, prompt="word " * 100, max_tokens=4)))).settlement.usage
            for _ in range(2)
        ]
    assert first.input_tokens > 100
    assert not first.cache_read_tokens
    assert second.cache_read_tokens > 100
    assert second.input_tokens + second.cache_read_tokens == first.input_tokens


async def test_tokens_that_are_billed_are_those_that_were_made(endless, tmp_path, dialect):
    priced = [catalogs.model(), serving("m", endless, dialect, prices=catalogs.PRICES)]
    async with scene(tmp_path, priced) as ready:
        before = await endless.tokens_made()
        whole = (await ready.grpc.invoke(invocation(Ask("m", max_tokens=20)))).settlement
        events = [event async for event in ready.grpc.invoke_stream(invocation(Ask("m", max_tokens=20)))]
        made = await endless.tokens_made() - before
    streamed = events[-1].end.settlement
    assert whole.usage.output_tokens + streamed.usage.output_tokens == made == 40
    for bill in (whole, streamed):
        assert bill.cost.state is CostState.KNOWN
        assert bill.cost.nanos == bill.usage.input_tokens * 1_000 + bill.usage.output_tokens * 2_000
