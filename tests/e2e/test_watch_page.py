"""The page of examples/watch_page in a real browser: models by Watch, over gRPC-Web, from another origin."""

import urllib.parse
import urllib.request
from contextlib import asynccontextmanager

import pytest

from airegistry.client import RegistryClient
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model, ModelLimits
from airegistry.resources.resource import Resource
from tests.browser import browser, chromium
from tests.open_watches import until_watches
from tests.planes import registry_at
from tests.ports import free_address
from tests.robustness.processes import registry_process
from tests.web_pages import BUILT, pages
from tests.web_proxy import web_proxy

PAGE = BUILT / "watch_page"

pytestmark = [
    pytest.mark.skipif(chromium() is None, reason="no Chromium here: make chromium"),
    pytest.mark.skipif(not (PAGE / "page.js").exists(), reason="the page is not built: make web"),
]

ROWS = "[...document.querySelectorAll('#models tbody tr')].map(row => row.innerText.replace(/\\s+/g, ' ').trim())"
CHANGES = "[...document.querySelectorAll('#changes li')].map(line => line.innerText).reverse()"
STATE = "document.getElementById('state').dataset"
FAILURE = "document.getElementById('failure').innerText"


@asynccontextmanager
async def page_of(registry, folder, **options):
    """Open the page for the registry at an address."""
    with pages(PAGE) as origin:
        asked = urllib.parse.urlencode({"registry": f"http://{registry}", "bookmarks": 1} | options)
        async with browser(folder / "profile") as running:
            page = await running.open(f"{origin}/index.html?{asked}")
            yield page


@asynccontextmanager
async def page_of_a_registry(folder, **options):
    """Run a registry and show it; yield the page once it is live, a client, and the registry."""
    async with (
        registry_at(folder) as registry,
        web_proxy(registry.address) as address,
        RegistryClient(registry.address) as client,
        page_of(address, folder, **options) as page,
    ):
        await live(page)
        yield page, client, registry


def model(name, *tasks, context=None):
    limits = None if context is None else ModelLimits(context_tokens=context)
    return Resource(f"models/{name}", model=Model(display_name=name.title(), tasks=tasks, limits=limits))


def endpoint(model, provider):
    return Resource(f"models/{model}/endpoints/{provider}", endpoint=Endpoint(provider=provider, upstream_model=model))


async def live(page):
    """Wait until the page shows the registry's state, and return the revision."""
    return int(await page.until(f"{STATE}.state === 'live' && {STATE}.revision"))


async def rows(page, count):
    return await page.until(f"{ROWS}.length === {count} && {ROWS}")


async def test_a_page_shows_every_change_as_it_happens(tmp_path):
    async with page_of_a_registry(tmp_path) as (page, client, _):
        await client.register([model("beta", "text-generation", context=8_192), endpoint("beta", "acme")])
        assert await rows(page, 1) == ["Beta models/beta text-generation 8,192 acme 1"]
        await client.register([model("alpha", "summarization")])
        assert (await rows(page, 2))[0] == "Alpha models/alpha summarization ? 2"
        await client.register([model("beta", "text-generation", context=32_768), endpoint("beta", "other")])
        await page.until(f"{ROWS}[1] === 'Beta models/beta text-generation 32,768 acme, other 3'")
        await client.deregister("models/beta")
        assert await rows(page, 1) == ["Alpha models/alpha summarization ? 2"]
        assert await page.evaluate(f"{CHANGES}.length") == 9
        assert sorted(await page.evaluate(CHANGES)) == [
            "0: everything, 0 differ",
            "1: models/beta added",
            "1: models/beta/endpoints/acme added",
            "2: models/alpha added",
            "3: models/beta updated",
            "3: models/beta/endpoints/other added",
            "4: models/beta removed",
            "4: models/beta/endpoints/acme removed",
            "4: models/beta/endpoints/other removed",
        ]
        assert page.said == []


async def test_a_page_begins_with_all_there_is(tmp_path):
    async with registry_at(tmp_path) as registry, RegistryClient(registry.address) as client:
        await client.register([model(f"m-{number:03}") for number in reversed(range(500))])
        async with web_proxy(registry.address) as address, page_of(address, tmp_path) as page:
            shown = await rows(page, 500)
            assert shown == [f"M-{number:03} models/m-{number:03} ? 1" for number in range(500)]
            assert await page.evaluate(CHANGES) == ["1: everything, 500 differ"]


async def test_a_page_hears_of_a_registry_where_nothing_that_it_shows_happens(tmp_path):
    async with page_of_a_registry(tmp_path, prefix="models/none") as (page, client, _):
        await client.register([model("other")])
        # Nothing matches: only a bookmark can tell.
        await page.until(f"{STATE}.revision === '1'")
        assert await page.evaluate(ROWS) == []


async def test_a_page_resumes_over_a_killed_registry_and_misses_nothing(tmp_path):
    at = free_address()
    async with (
        registry_process(tmp_path, at) as process,
        web_proxy(at) as address,
        RegistryClient(at) as client,
        page_of(address, tmp_path) as page,
    ):
        await live(page)
        await client.register([model("kept", "before")])
        await rows(page, 1)

        await process.kill()
        await page.until(f"{STATE}.state === 'waiting' && {FAILURE}")
        assert (await page.evaluate(ROWS))[0].startswith("Kept"), "what is known stays while the registry is away"
        await process.start()
        # A client that is new here does not wait before it connects again; the page does, and meanwhile things change.
        async with RegistryClient(at) as writer:
            for number in range(20):
                await writer.register([model(f"new-{number:02}")])
            await writer.deregister("models/kept")

        await page.until(f"{STATE}.revision === '22'")
        # One snapshot, and then each revision once, however the connection fared.
        assert await page.evaluate(CHANGES) == [
            "0: everything, 0 differ",
            "1: models/kept added",
            *(f"{number + 2}: models/new-{number:02} added" for number in range(20)),
            "22: models/kept removed",
        ]
        assert len(await page.evaluate(ROWS)) == 20
        assert await page.evaluate(FAILURE) == ""


async def test_a_closed_tab_ends_its_watch(tmp_path):
    async with page_of_a_registry(tmp_path) as (page, _, registry):
        await until_watches(registry.http_address, 1)
        await page.close()
        await until_watches(registry.http_address, 0)


async def test_a_page_says_what_is_wrong_with_what_it_asks(tmp_path):
    async with (
        registry_at(tmp_path) as registry,
        web_proxy(registry.address) as address,
        page_of(address, tmp_path, bookmarks=0.1) as page,
    ):
        await page.until(f"{STATE}.state === 'failed'")
        said = await page.evaluate(FAILURE)
        assert said.startswith("INVALID_ARGUMENT: "), said
        assert "[bookmark_interval: " in said


async def test_a_page_says_that_nobody_answers(tmp_path):
    async with page_of(free_address(), tmp_path) as page:
        await page.until(f"{STATE}.state === 'waiting'")
        assert (await page.evaluate(FAILURE)).startswith("Unavailable: ")
