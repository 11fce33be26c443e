"""Clients generated for other languages, by several libraries, get what Python's stubs get: one scenario, played by each."""

import asyncio
import json
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from tests import providers
from tests.browser import browser, chromium
from tests.counting_relay import relay_to
from tests.e2e.clients import python_client
from tests.e2e.clients.programs import NODE_PROGRAM, Program, build_go, comparable, go, node
from tests.e2e.clients.scenario import steps
from tests.open_watches import until_watches
from tests.planes import gateway_at, registry_at
from tests.providers import Provider, provider
from tests.web_pages import BUILT, pages
from tests.web_proxy import web_proxy

BEHAVIOURS = {
    "good": providers.ok,
    "refused": providers.status(400, "no such thing"),
    "cut": providers.truncated,
    "hanging": providers.hang_in_the_middle,
    "silent": providers.hang_before_first_token,
}
CODES = {
    code: number
    for number, code in enumerate(
        [
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
        ]
    )
}
NODE = (node("grpc-js"), node("connect-grpc"), node("connect-grpc-web", web=True))
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="no Go here")
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not NODE_PROGRAM.exists(), reason="the clients for Node are not built: make web"
)
needs_browser = pytest.mark.skipif(
    chromium() is None or not BUILT.exists(), reason="no Chromium, or nothing built for it: make chromium web"
)


@dataclass
class Planes:
    """A registry and a gateway that know nothing, and providers; `web` addresses carry gRPC-Web."""

    registry: str
    gateway: str
    registry_http: str
    registry_web: str
    gateway_web: str
    providers: dict[str, Provider]

    @property
    def steps(self):
        return steps({name: up.url for name, up in self.providers.items()})


@asynccontextmanager
async def planes(folder):
    async with AsyncExitStack() as stack:
        ups = {name: await stack.enter_async_context(provider(how)) for name, how in BEHAVIOURS.items()}
        registry = await stack.enter_async_context(registry_at(folder, registry_probes=False))
        gateway = await stack.enter_async_context(gateway_at(folder, registry.address))
        yield Planes(
            registry.address,
            gateway.address,
            registry.http_address,
            await stack.enter_async_context(web_proxy(registry.address)),
            await stack.enter_async_context(web_proxy(gateway.address)),
            ups,
        )


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What comes of the scenario in Python."""

    async def play():
        async with planes(tmp_path_factory.mktemp("python")) as running:
            return await python_client.outcomes(running.steps, running.registry, running.gateway)

    return asyncio.run(play())


async def check_program(program, running, expected):
    addresses = (running.registry_web, running.gateway_web) if program.web else (running.registry, running.gateway)
    await check(await program.outcomes(running.steps, *addresses), expected, running)


async def check(outcomes, expected, running):
    assert [outcome["name"] for outcome in outcomes] == [outcome["name"] for outcome in expected]
    for ours, theirs in zip(outcomes, expected, strict=True):
        assert comparable(ours) == comparable(theirs)
    # What was left is left by everybody.
    async with asyncio.timeout(5):
        for name in ("hanging", "silent"):
            (peer,) = running.providers[name].seen
            await peer.gone.wait()
    # The gateway's own goes on.
    await until_watches(running.registry_http, 1)


def test_the_scenario_is_what_it_says(expected):
    by_name = {outcome["name"]: outcome for outcome in expected}
    flat = [one for step in steps(dict.fromkeys(BEHAVIOURS, "")) for one in (*step.get("then", ()), step)]
    for step in flat:
        outcome = by_name[step["name"]]
        assert outcome["code"] == CODES[step.get("code", "OK")], outcome
        if step.get("code") == "DEADLINE_EXCEEDED":
            # Whether the server says so before the client ends the call is chance.
            continue
        reasons = [detail["reason"] for detail in outcome["details"] if detail["@type"] == ERROR_INFO]
        assert reasons == ([step["reason"]] if "reason" in step else []), outcome
    assert len(by_name) == len(flat)


@needs_node
@pytest.mark.parametrize("program", NODE, ids=lambda program: program.name)
async def test_node_gets_what_python_gets(tmp_path, expected, program: Program):
    async with planes(tmp_path) as running:
        await check_program(program, running, expected)


@pytest.fixture(scope="module")
def go_program(tmp_path_factory):
    return go(build_go(tmp_path_factory.mktemp("go")))


@needs_go
async def test_go_gets_what_python_gets(tmp_path, expected, go_program):
    async with planes(tmp_path) as running:
        await check_program(go_program, running, expected)


@needs_browser
async def test_a_browser_gets_what_python_gets(tmp_path, expected):
    async with planes(tmp_path) as running, browser(tmp_path / "profile") as chrome:
        with pages(BUILT) as origin:
            page = await chrome.open(f"{origin}/scenario/index.html")
            play = f"playScenario({json.dumps(running.steps)}, 'http://{running.registry_web}', 'http://{running.gateway_web}')"
            await check(await page.evaluate(play), expected, running)


async def sent_for(program, folder):
    """Return how many bytes a program sends for a request of a megabyte that it was told to compress."""
    (step,) = [step for step in steps(dict.fromkeys(BEHAVIOURS, "")) if step["name"] == "register much"]
    async with registry_at(folder) as registry, AsyncExitStack() as stack:
        target = await stack.enter_async_context(web_proxy(registry.address)) if program.web else registry.address
        relay = await stack.enter_async_context(relay_to(target))
        (outcome,) = await program.outcomes([step], relay.address, relay.address)
    assert outcome["code"] == CODES["OK"]
    assert len(outcome["messages"][0]["resources"]) == 250
    return relay.sent


@needs_node
@pytest.mark.parametrize("program", NODE, ids=lambda program: program.name)
async def test_what_node_compresses_is_read(tmp_path, program: Program):
    assert await sent_for(program, tmp_path) < 100_000


@needs_go
async def test_what_go_compresses_is_read(tmp_path, go_program):
    assert await sent_for(go_program, tmp_path) < 100_000
