"""The examples of docs/agents.md, run as people run them, and what they print."""

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from airegistry import Client, delegate_task
from airegistry.agents.delegating import Terms
from airegistry.invocations.kinds import AgentTaskState
from demo_backend.server import serve
from demo_backend.settings import Settings
from launcher.demo import demo_resources
from tests.planes import gateway_at, registry_at, until_revision

EXAMPLES = Path(__file__).parents[2] / "examples"
LONG = 60.0


@asynccontextmanager
async def running(name: str, *addresses: str):
    """Run an example as a process, and end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / name), *addresses, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_two_plain_agents_and_a_model_work_together(tmp_path):
    async with (
        serve(Settings(port=0, token_delay=0.0, drain=0.0)) as demo,
        registry_at(tmp_path / "r") as registry,
        gateway_at(tmp_path / "g", registry.address) as gateway,
        Client(registry.address) as client,
    ):
        await client.register(demo_resources(demo.removeprefix("http://")))
        async with running("agents_team.py", registry.address, gateway.address) as process:
            out, _ = await asyncio.wait_for(process.communicate(), LONG)
            assert process.returncode == 0
        left = [resource async for resource in client.list("agents")]
    lines = out.decode().splitlines()
    assert lines[0] == "agents/librarian says: Lambdas"
    assert lines[1].startswith("1. agents/editor: skill shorten, fit 1")
    by = {line.partition(",")[0]: line.partition("by ")[2].partition(":")[0] for line in lines[-3:]}
    assert by == {
        "page": "agents/librarian",
        "idea": "models/demo-ngram/endpoints/demo-backend",
        "short": "agents/editor",
    }
    assert left == []


async def test_an_agent_of_the_protocol_s_sdk_counts_asks_back_and_leaves(tmp_path):
    async with (
        registry_at(tmp_path / "r") as registry,
        gateway_at(tmp_path / "g", registry.address) as gateway,
        Client(registry.address, gateway=gateway.address) as client,
        running("a2a_agent.py", registry.address, gateway.address) as process,
    ):
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), LONG)
        assert line.startswith(b"agents/counter counts at ")
        await until_revision(gateway.cache, (await client.list_page("agents")).revision)
        asked = await delegate_task(client, "Count, please", skill="numbers")
        assert (asked.state, asked.text) == (AgentTaskState.INPUT_REQUIRED, "How far?")
        more = Terms(task_id=asked.task_id, context_id=asked.context_id)
        assert (await delegate_task(client, "to 3", agent=asked.by, terms=more)).text == "1 2 3 "
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), LONG) == 0
        assert [resource async for resource in client.list("agents")] == []
