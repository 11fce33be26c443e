"""Clients generated for other languages, by several libraries, on both carriers: one scenario, and one outcome for all."""

import asyncio
import json
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests import providers
from tests.browser import browser, chromium
from tests.counting_relay import relay_to
from tests.e2e.clients import python_client
from tests.e2e.clients.programs import NODE_PROGRAM, build_go, comparable, go, node
from tests.e2e.clients.scenario import steps
from tests.open_watches import until_watches
from tests.planes import gateway_at, registry_at
from tests.providers import Provider, provider
from tests.web_pages import BUILT, pages
from tests.web_servers import CARRIERS, WebServer, web_gateway, web_registry

# Go compiles all that its program is made of, where it never did before.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

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
REFERENCE = "reference"

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="no Go here")
needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not NODE_PROGRAM.exists(), reason="the clients for Node are not built: make web"
)
needs_browser = pytest.mark.skipif(
    chromium() is None or not BUILT.exists(), reason="no Chromium, or nothing built for it: make chromium web"
)


@dataclass
class Planes:
    """A registry and a gateway that know nothing, and providers."""

    registry: WebServer
    gateway: WebServer
    providers: dict[str, Provider]

    def steps(self, by):
        return steps({name: up.url for name, up in self.providers.items()}, by)

    async def check(self, outcomes, by, reference):
        """See that a client got what the reference got, and that nobody works on for it."""
        for ours, theirs in zip(comparable(outcomes, by), reference, strict=True):
            assert ours == theirs
        async with asyncio.timeout(30):
            for name in ("hanging", "silent"):
                await self.providers[name].seen[-1].gone.wait()
        # The gateway's own goes on.
        await until_watches(self.registry.http, 1)


async def open_providers(stack):
    return {name: await stack.enter_async_context(provider(how)) for name, how in BEHAVIOURS.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=CARRIERS)
async def planes(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    async with AsyncExitStack() as stack:
        ups = await open_providers(stack)
        registry = await stack.enter_async_context(web_registry(request.param, folder, REGISTRY_PROBES="false"))
        gateway = await stack.enter_async_context(web_gateway(request.param, folder, registry.address))
        yield Planes(registry, gateway, ups)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outcomes_in_python(tmp_path_factory):
    """What comes of the scenario in Python, with servers in this process."""
    folder = tmp_path_factory.mktemp("python")
    async with AsyncExitStack() as stack:
        urls = {name: up.url for name, up in (await open_providers(stack)).items()}
        registry = await stack.enter_async_context(registry_at(folder, registry_probes=False))
        gateway = await stack.enter_async_context(gateway_at(folder, registry.address))
        return await python_client.outcomes(steps(urls, REFERENCE), registry.address, gateway.address)


@pytest.fixture(scope="module")
def reference(outcomes_in_python):
    return comparable(outcomes_in_python, REFERENCE)


@pytest.fixture(scope="module")
def go_program(tmp_path_factory):
    return go(build_go(tmp_path_factory.mktemp("go")))


async def test_the_scenario_is_what_it_says(outcomes_in_python):
    by_name = {outcome["name"]: outcome for outcome in outcomes_in_python}
    asked = steps(dict.fromkeys(BEHAVIOURS, ""), REFERENCE)
    flat = [one for step in asked for one in (*step.get("then", ()), step)]
    assert list(by_name) == [step["name"] for step in flat]
    for step in flat:
        outcome = by_name[step["name"]]
        assert outcome["code"] == CODES[step.get("code", "OK")], outcome
        if step.get("code") == "DEADLINE_EXCEEDED":
            # Whether the server says so before the client ends the call is chance.
            continue
        reasons = [detail["reason"] for detail in outcome["details"] if detail["@type"] == ERROR_INFO]
        assert reasons == ([step["reason"]] if "reason" in step else []), outcome


async def test_python_gets_the_same_from_processes(planes, reference):
    outcomes = await python_client.outcomes(planes.steps("python"), planes.registry.address, planes.gateway.address)
    await planes.check(outcomes, "python", reference)


async def check_program(program, planes, reference):
    by = f"by-{program.name}"
    at = (planes.registry.web, planes.gateway.web) if program.web else (planes.registry.address, planes.gateway.address)
    await planes.check(await program.outcomes(planes.steps(by), *at), by, reference)


@needs_node
@pytest.mark.parametrize("program", NODE, ids=lambda program: program.name)
async def test_node_gets_what_python_gets(planes, reference, program):
    await check_program(program, planes, reference)


@needs_go
async def test_go_gets_what_python_gets(planes, reference, go_program):
    await check_program(go_program, planes, reference)


@needs_browser
async def test_a_browser_gets_what_python_gets(planes, reference, tmp_path):
    asked = json.dumps(planes.steps("a-browser"))
    async with browser(tmp_path) as chrome:
        with pages(BUILT) as origin:
            page = await chrome.open(f"{origin}/scenario/index.html")
            played = f"playScenario({asked}, 'http://{planes.registry.web}', 'http://{planes.gateway.web}')"
            await planes.check(await page.evaluate(played), "a-browser", reference)


async def sent_for(program, registry):
    """Return how many bytes a program sends for a request of a megabyte that it was told to compress."""
    (step,) = [step for step in steps(dict.fromkeys(BEHAVIOURS, ""), "") if step["name"] == "register much"]
    async with relay_to(registry.web if program.web else registry.address) as relay:
        (outcome,) = await program.outcomes([step], relay.address, relay.address)
    assert outcome["code"] == CODES["OK"], outcome
    assert len(outcome["messages"][0]["resources"]) == 250
    return relay.sent


@needs_node
@pytest.mark.parametrize("program", NODE, ids=lambda program: program.name)
async def test_what_node_compresses_is_read(planes, program):
    assert await sent_for(program, planes.registry) < 100_000


@needs_go
async def test_what_go_compresses_is_read(planes, go_program):
    assert await sent_for(go_program, planes.registry) < 100_000
