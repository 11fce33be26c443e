"""The page of examples/watch_page in a real browser: models by Watch, over gRPC-Web, from another origin, on both carriers."""

import shutil
import urllib.parse
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio
import trustme

from airegistry.client import RegistryClient
from airegistry.resources.endpoint import Endpoint
from airegistry.resources.model import Model, ModelLimits
from airegistry.resources.resource import Resource
from tests.browser import browser, chromium
from tests.open_watches import until_watches
from tests.ports import free_address
from tests.web_pages import BUILT, pages
from tests.web_servers import CARRIERS, web_registry

PAGE = BUILT / "watch_page"

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(chromium() is None, reason="no Chromium here: make chromium"),
    pytest.mark.skipif(not (PAGE / "page.js").exists(), reason="the page is not built: make web"),
]

ROWS = "[...document.querySelectorAll('#models tbody tr')].map(row => row.innerText.replace(/\\s+/g, ' ').trim())"
CHANGES = "[...document.querySelectorAll('#changes li')].map(line => line.innerText).reverse()"
STATE = "document.getElementById('state').dataset"
FAILURE = "document.getElementById('failure').innerText"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=CARRIERS)
async def registry(request, tmp_path_factory):
    async with web_registry(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chrome(tmp_path_factory):
    async with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def origin():
    with pages(PAGE) as served:
        yield served


@asynccontextmanager
async def page_of(chrome, origin, web, *, scheme="http", **options):
    """Open the page for the registry that carries gRPC-Web at an address; close it afterwards."""
    asked = urllib.parse.urlencode({"registry": f"{scheme}://{web}", "bookmarks": 1} | options)
    page = await chrome.open(f"{origin}/index.html?{asked}")
    yield page
    await page.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(chrome, origin, registry):
    """A page that shows models whose names begin with `shown-`: there are none."""
    async with RegistryClient(registry.address) as client:
        for resource in [one async for one in client.list("models")]:
            if resource.name.startswith("models/shown-"):
                await client.deregister(resource.name)
    async with page_of(chrome, origin, registry.web, prefix="models/shown-") as opened:
        await live(opened)
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def client(registry):
    async with RegistryClient(registry.address) as opened:
        yield opened


def model(name, *tasks, context=None):
    limits = None if context is None else ModelLimits(context_tokens=context)
    return Resource(f"models/shown-{name}", model=Model(display_name=name.title(), tasks=tasks, limits=limits))


def endpoint(model, provider):
    facts = Endpoint(provider=provider, upstream_model=model)
    return Resource(f"models/shown-{model}/endpoints/{provider}", endpoint=facts)


async def live(page):
    """Wait until the page shows the registry's state, and return the revision."""
    return int(await page.until(f"{STATE}.state === 'live' && {STATE}.revision"))


async def rows(page, count):
    return await page.until(f"{ROWS}.length === {count} && {ROWS}")


async def changes(page, start):
    """Return what the page says happened, with revisions as they are counted from *start*."""
    lines = [line.split(": ", 1) for line in await page.evaluate(CHANGES)]
    return [f"{int(revision) - start}: {what}" for revision, what in lines]


async def test_a_page_shows_every_change_as_it_happens(page, client):
    start = await live(page)
    await client.register([model("beta", "text-generation", context=8_192), endpoint("beta", "acme")])
    assert await rows(page, 1) == [f"Beta models/shown-beta text-generation 8,192 acme {start + 1}"]
    await client.register([model("alpha", "summarization")])
    assert (await rows(page, 2))[0] == f"Alpha models/shown-alpha summarization ? {start + 2}"
    await client.register([model("beta", "text-generation", context=32_768), endpoint("beta", "other")])
    await page.until(f"{ROWS}[1] === 'Beta models/shown-beta text-generation 32,768 acme, other {start + 3}'")
    await client.deregister("models/shown-beta")
    assert await rows(page, 1) == [f"Alpha models/shown-alpha summarization ? {start + 2}"]
    assert sorted(await changes(page, start)) == [
        "0: everything, 0 differ",
        "1: models/shown-beta added",
        "1: models/shown-beta/endpoints/acme added",
        "2: models/shown-alpha added",
        "3: models/shown-beta updated",
        "3: models/shown-beta/endpoints/other added",
        "4: models/shown-beta removed",
        "4: models/shown-beta/endpoints/acme removed",
        "4: models/shown-beta/endpoints/other removed",
    ]
    assert page.said == []


async def test_a_page_begins_with_all_there_is(chrome, origin, registry, client):
    names = [f"models/many-{number:03}" for number in range(500)]
    revision = (await client.register([Resource(name, model=Model()) for name in reversed(names)])).revision
    async with page_of(chrome, origin, registry.web, prefix="models/many-") as page:
        assert await rows(page, 500) == [f"{name} ? {revision}" for name in names]
        assert await changes(page, revision) == ["0: everything, 500 differ"]


async def test_a_page_hears_of_a_registry_where_nothing_that_it_shows_happens(page, client):
    other = await client.register([Resource("models/other", model=Model())])
    # Nothing matches: only a bookmark can tell.
    await page.until(f"{STATE}.revision === '{other.revision}'")
    assert await page.evaluate(ROWS) == []


async def test_a_page_resumes_over_a_killed_registry_and_misses_nothing(page, client, registry):
    start = await live(page)
    await client.register([model("kept", "before")])
    await rows(page, 1)

    await registry.process.kill()
    await page.until(f"{STATE}.state === 'waiting' && {FAILURE}")
    assert (await page.evaluate(ROWS))[0].startswith("Kept"), "what is known stays while the registry is away"
    await registry.start_again()
    # A client that is new here does not wait before it connects again; the page does, and meanwhile things change.
    async with RegistryClient(registry.address) as writer:
        for number in range(20):
            await writer.register([model(f"new-{number:02}")])
        await writer.deregister("models/shown-kept")

    await page.until(f"{STATE}.revision === '{start + 22}'")
    # One snapshot, and then each revision once, however the connection fared.
    assert await changes(page, start) == [
        "0: everything, 0 differ",
        "1: models/shown-kept added",
        *(f"{number + 2}: models/shown-new-{number:02} added" for number in range(20)),
        "22: models/shown-kept removed",
    ]
    assert len(await page.evaluate(ROWS)) == 20
    assert await page.evaluate(FAILURE) == ""


async def test_a_page_shows_what_differs_where_its_position_is_of_no_use(page, client, registry):
    await client.register([model("here"), model("gone"), model("other")])
    await rows(page, 3)
    await registry.process.kill()
    # Another store: it knows no token of the first one.
    shutil.rmtree(registry.folder / "registry")
    await registry.start_again()
    async with RegistryClient(registry.address) as writer:
        await writer.register([model("other", "changed"), model("new")])
    shown = await page.until(f"{ROWS}.length === 2 && {ROWS}")
    assert [row.split()[0] for row in shown] == ["New", "Other"]
    assert "FOREIGN_RESUME_TOKEN" not in await page.evaluate(FAILURE)


async def test_a_closed_tab_ends_its_watch(page, registry):
    await until_watches(registry.http, 1)
    await page.close()
    await until_watches(registry.http, 0)


async def test_over_tls_more_pages_are_live_than_a_browser_opens_connections(origin, tmp_path):
    """Without TLS browsers speak HTTP/1.1, at most six connections to a server, and a Watch has one for itself."""
    files = {f"TLS_{what}_FILE": tmp_path / f"{what.lower()}.pem" for what in ("CERT", "KEY")}
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(files["TLS_CERT_FILE"]))
    certificate.private_key_pem.write_to_path(str(files["TLS_KEY_FILE"]))
    async with (
        web_registry("envoy", tmp_path, **{name: str(path) for name, path in files.items()}) as registry,
        browser(tmp_path / "profile", "--ignore-certificate-errors") as chrome,
        AsyncExitStack() as stack,
    ):
        opened = [
            await stack.enter_async_context(page_of(chrome, origin, registry.web, scheme="https")) for _ in range(8)
        ]
        for page in opened:
            await live(page)


async def test_a_page_says_what_is_wrong_with_what_it_asks(chrome, origin, registry):
    async with page_of(chrome, origin, registry.web, bookmarks=0.1) as page:
        await page.until(f"{STATE}.state === 'failed'")
        said = await page.evaluate(FAILURE)
    assert said.startswith("INVALID_ARGUMENT: "), said
    assert "[bookmark_interval: " in said


async def test_a_page_says_that_nobody_answers(chrome, origin):
    async with page_of(chrome, origin, free_address()) as page:
        await page.until(f"{STATE}.state === 'waiting'")
        assert (await page.evaluate(FAILURE)).startswith("Unavailable: ")
