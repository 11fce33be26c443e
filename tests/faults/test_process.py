"""A gateway as a process of its own: what hostile answers do to its memory, and which certificates it takes."""

import asyncio
import datetime as dt
import itertools
import json
import re
import ssl
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
import trustme
from grpc import aio

from airegistry.snapshots import Snapshot, SnapshotFile
from tests import catalogs
from tests.envoys import ask_admin
from tests.faults.calling import Ask, Callers
from tests.faults.judging import ANSWERED, as_it_ends
from tests.faults.misbehaving import PIECE, bomb, endless, endless_error, healthy
from tests.faults.over_grpc import GRPC
from tests.faults.over_http import HTTP
from tests.faults.ways import CARRIERS
from tests.faults.wires import JSON, OPENAI_CHAT, Wire
from tests.planes import NOWHERE
from tests.ports import free_address
from tests.providers import Peer, Provider, provider
from tests.robustness.processes import Server, gateway_process

pytestmark = [pytest.mark.alone, pytest.mark.asyncio(loop_scope="module")]

BIG = 100_000_000
ROOM = 56 * 2**20
"""How much more memory than at rest: a whole answer of 32 MiB or an item of 16 MiB, in the pieces in which it came."""
STREAMING = 24 * 2**20
"""How much more while an answer only passes through."""
LEAK = 8 * 2**20
ANSWER = partial(healthy, OPENAI_CHAT)
measured = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's account of memory")


class Apart:
    """A gateway that knows one provider for each kind of caller, and nothing else."""

    def __init__(self, up: Provider, callers: Callers, server: Server) -> None:
        self.up = up
        self.callers = callers
        self.numbers = itertools.count()
        self._status = Path(f"/proc/{server.pid}/status")
        self._forget = Path(f"/proc/{server.pid}/clear_refs")
        self._admin = server.admin

    def memory(self, field: str = "VmRSS") -> int:
        (kilobytes,) = re.findall(rf"{field}:\s+(\d+) kB", self._status.read_text())
        return 1024 * int(kilobytes)

    async def in_use(self) -> int:
        """The memory without the pages that Envoy's allocator has free: it keeps them for later, more or fewer."""
        if self._admin is None:
            return self.memory()
        told = json.loads(await ask_admin(self._admin, "/memory"))
        return self.memory() - int(told["pageheap_free"]) - int(told["total_thread_cache"])

    def forget_peak(self) -> None:
        self._forget.write_text("5")


def resources_at(url):
    """Return a model for each call of a test, so that no call meets the breaker of another."""
    names = ["healthy", *(f"m{number}" for number in range(200))]
    return [one for name in names for one in (catalogs.model(name), catalogs.endpoint(name, url, model=name))]


@asynccontextmanager
async def gateway_apart(folder, resources):
    """Run a gateway in a process of its own; it has *resources* from its last life."""
    SnapshotFile(folder / "gateway" / "snapshot").save(Snapshot(1, "", tuple(resources)))
    grpc = free_address()
    settings = {"GATEWAY_START_WAIT": "0.1", "GATEWAY_CONNECT_TIMEOUT": "1"}
    async with (
        gateway_process(folder, NOWHERE, grpc, **settings) as server,
        aio.insecure_channel(grpc) as channel,
        aiohttp.ClientSession(f"http://{server.http_address}") as session,
    ):
        yield server, Callers(channel, session)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def apart(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gateway")
    async with provider(ANSWER) as up, gateway_apart(folder, resources_at(up.url)) as (server, callers):
        yield Apart(up, callers, server)


async def large(wire: Wire, peer: Peer) -> None:
    """Send 100 MB: one whole answer, or the tokens of a good one."""
    if not peer.body.get("stream"):
        await peer.head(200, {"content-type": JSON, "content-length": str(BIG)})
        await peer.send(b'{"id": "')
        for _ in range(BIG // len(PIECE)):
            await peer.send(PIECE)
        return
    await wire.some(peer, 0)
    token = wire.token("x" * 4_000)
    for _ in range(BIG // len(token)):
        await peer.send(token)
    await peer.send(wire.closing + wire.mark)


WHOLE, STREAM = ({"invoke", "chat-completions-whole"}, {"invoke-stream", "chat-completions-stream"})
HOSTILE = [
    pytest.param(large, WHOLE, "MALFORMED_ANSWER", ROOM, id="100-MB-whole"),
    pytest.param(large, STREAM, "", STREAMING, id="100-MB-of-tokens"),
    pytest.param(endless, WHOLE, "MALFORMED_ANSWER", ROOM, id="endless-whole"),
    pytest.param(endless, STREAM, "MALFORMED_ANSWER", ROOM, id="endless-item"),
    pytest.param(endless_error, WHOLE | STREAM, "PROVIDER_FAILED", STREAMING, id="endless-error"),
    pytest.param(bomb, WHOLE | STREAM, "MALFORMED_ANSWER", ROOM, id="gzip-bomb"),
]


@measured
@pytest.mark.parametrize(("misbehaviour", "by", "reason", "room"), HOSTILE)
async def test_an_answer_without_bounds_takes_no_more_memory_than_it_may(apart, misbehaviour, by, reason, room):
    after = []
    for _ in range(3):
        for carrier in (one for one in CARRIERS if one.id in by):
            apart.up.behave(partial(misbehaviour, OPENAI_CHAT))
            rest = apart.memory()
            apart.forget_peak()
            got = await carrier.call(apart.callers, Ask(f"m{next(apart.numbers)}"))
            assert (got.reason, got.whole) == (reason, not reason)
            assert apart.memory("VmHWM") - rest < room
            apart.up.behave(ANSWER)
            as_it_ends(await carrier.call(apart.callers, Ask("healthy")), ANSWERED)
        after.append(await apart.in_use())
    assert after[-1] - after[0] < LEAK


@measured
async def test_a_caller_that_does_not_read_holds_the_provider_and_not_the_answer(apart):
    """The windows of two connections and the gateway's own buffers are all that may fill."""
    sent = 0

    async def pouring(peer: Peer) -> None:
        nonlocal sent
        await OPENAI_CHAT.some(peer, 0)
        token = OPENAI_CHAT.token("x" * 4_000)
        while True:
            await peer.send(token)
            sent += len(token)

    apart.up.behave(pouring)
    rest = apart.memory()
    body = {"model": f"m{next(apart.numbers)}", "messages": [{"role": "user", "content": "Go"}], "stream": True}
    async with apart.callers.http.post("/v1/chat/completions", json=body) as reply:
        await reply.content.readany()
        before = -1
        async with asyncio.timeout(30):
            while sent != before:
                before = sent
                await asyncio.sleep(0.5)
        assert apart.memory() - rest < STREAMING


def tls_of(issuer, host, **facts):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issuer.issue_cert(host, **facts).configure_cert(context)
    return context


async def test_only_a_certificate_that_is_trusted_in_force_and_of_that_host_is_taken(tmp_path, monkeypatch):
    known, stranger = trustme.CA(), trustme.CA()
    known.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    contexts = {
        "good": tls_of(known, "127.0.0.1"),
        "unknown": tls_of(stranger, "127.0.0.1"),
        "expired": tls_of(known, "127.0.0.1", not_after=past),
        "elsewhere": tls_of(known, "example.com"),
    }
    async with (
        provider(ANSWER, tls=contexts["good"]) as good,
        provider(ANSWER, tls=contexts["unknown"]) as unknown,
        provider(ANSWER, tls=contexts["expired"]) as expired,
        provider(ANSWER, tls=contexts["elsewhere"]) as elsewhere,
    ):
        ups = {"good": good, "unknown": unknown, "expired": expired, "elsewhere": elsewhere}
        resources = [
            one
            for name, up in ups.items()
            for one in (catalogs.model(name), catalogs.endpoint(name, up.url, model=name))
        ]
        async with gateway_apart(tmp_path, resources) as (_, callers):
            got = {name: [await one.call(callers, Ask(name)) for one in (GRPC[0], HTTP[1])] for name in ups}
    assert all(one.whole for one in got.pop("good"))
    assert {one.reason for each in got.values() for one in each} == {"PROVIDER_CONNECTION"}
    assert [len(up.seen) for up in ups.values()] == [2, 0, 0, 0]
