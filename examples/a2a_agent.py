"""An agent built with the protocol's own SDK, in the registry for as long as it runs, for docs/agents.md.

pip install "a2a-sdk[grpc]"
python examples/a2a_agent.py [REGISTRY [GATEWAY]]

It counts in a stream, asks back how far when nobody says it, and stops when its task is cancelled.
"""

import asyncio
import re
import signal
import sys

from a2a.helpers import new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler, GrpcHandler
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types import a2a_pb2_grpc
from a2a.types.a2a_pb2 import AgentCapabilities, AgentCard, AgentInterface, AgentSkill
from grpc import aio

from airegistry import integrate_registry

REGISTRY, GATEWAY = "127.0.0.1:50051", "127.0.0.1:50052"


class Counting(AgentExecutor):
    """The agent itself, as its SDK wants it."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Count as far as the message says."""
        updater = TaskUpdater(event_queue, context.task_id or "", context.context_id or "")
        if context.current_task is None and context.message is not None:
            await event_queue.enqueue_event(new_task_from_user_message(context.message))
        number = re.search(r"\d+", context.get_user_input())
        if number is None:
            await updater.requires_input(updater.new_agent_message([new_text_part("How far?")]))
            return
        await updater.start_work()
        for i in range(1, int(number[0]) + 1):
            await updater.add_artifact([new_text_part(f"{i} ")], artifact_id="count", append=i > 1)
            await asyncio.sleep(0.05)
        await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Say that it stopped; the SDK has ended `execute`."""
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()


def card(url: str) -> AgentCard:
    """Describe the agent that is called at *url*."""
    return AgentCard(
        name="Counter",
        description="Counts as far as you say",
        version="1.0.0",
        supported_interfaces=[AgentInterface(url=url, protocol_binding="GRPC", protocol_version="1.0")],
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[AgentSkill(id="count", name="Count", description="Counts up", tags=["numbers"])],
    )


async def main(registry: str = REGISTRY, gateway: str = GATEWAY) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, stopped.set)
    server = aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    described = card(f"127.0.0.1:{port}")
    handler = DefaultRequestHandler(Counting(), InMemoryTaskStore(), described)
    a2a_pb2_grpc.add_A2AServiceServicer_to_server(GrpcHandler(handler), server)  # type: ignore[no-untyped-call]  # generated
    await server.start()
    async with integrate_registry(described, registry, gateway=gateway) as agent:
        print(f"{agent.name} counts at 127.0.0.1:{port}", flush=True)
        await stopped.wait()
    await server.stop(1.0)
    await handler.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
