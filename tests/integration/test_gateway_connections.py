"""How long callers keep a connection to a gateway."""

import asyncio

import grpc
from grpc import aio

from airegistry._convert import to_pb
from airegistry.v1 import gateway_service_pb2 as pb
from airegistry.v1.gateway_service_pb2_grpc import GatewayServiceStub
from tests import providers
from tests.catalogs import chat, served
from tests.planes import gateway_knowing
from tests.providers import TOKENS, provider


async def test_an_old_connection_takes_no_more_calls_and_lets_the_running_one_end(tmp_path):
    request = pb.InvokeStreamRequest(invocation=to_pb(chat(), pb.Invocation))
    async with (
        provider(providers.paced(0.7)) as up,
        gateway_knowing(tmp_path, served(up.url), gateway_max_connection_age=0.5) as gateway,
        aio.insecure_channel(gateway.address) as channel,
    ):
        coming = aiter(GatewayServiceStub(channel).InvokeStream(request, timeout=60))
        answers = [await anext(coming)]
        async with asyncio.timeout(30):
            while (state := channel.get_state()) is grpc.ChannelConnectivity.READY:
                await channel.wait_for_state_change(state)
        # The connection was left while the provider was still speaking.
        answers += [answer async for answer in coming]
        said = [event.chat_delta.text for answer in answers for event in answer.events]
        assert "".join(said) == "".join(TOKENS)
        assert len(answers) > 2
