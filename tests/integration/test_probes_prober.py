"""The prober on a real catalog: what it probes, what it reports, and what it leaves alone."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from airegistry.errors import UnavailableError
from airegistry.resources.endpoint import Endpoint, ProbeStep, Probing
from airegistry.resources.resource import Health, Resource, ResourceKind
from registry.entries import Entries
from registry.entry import Draft, content_of
from registry.feed import Feed
from registry.planning.probing import order_verdicts
from registry.probes import prober as prober_module
from registry.probes import target as target_module
from registry.probes.climb import Climb, Finding, Level, Rung
from registry.probes.guard import LEAST
from registry.probes.ladder import open_ladder
from registry.probes.prober import MAX_RUNNING, Prober
from registry.probes.sharding import Share, owner
from registry.probes.verdict import Verdict
from registry.requests import Deregistration
from registry.store.sqlite import SqliteStore
from tests.contract.stores import running_catalog
from tests.orders import batch, heartbeat, leased, model
from tests.providers import hang_before_headers, ok, provider

QUICK = 0.02
NAME = "models/a/endpoints/x"
CONNECTED = Finding(Level.GOOD, "accepts connections", reached=True)
REFUSED = Finding(Level.BAD, "refused")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Intervals that a test can wait for."""
    monkeypatch.setattr(target_module, "MIN_INTERVAL", QUICK)
    monkeypatch.setattr(prober_module, "_SHARE_INTERVAL", QUICK)


@pytest.fixture
async def catalog(tmp_path):
    store = SqliteStore(tmp_path / "data")
    async with running_catalog(store) as catalog:
        yield catalog
    await store.close()


class Walls:
    """Climbs without a network: everything can be reached but what is `down`, and nothing ends while `held`."""

    def __init__(self):
        self.down = set()
        self.probed = []
        self.running = self.most = 0
        self.open = asyncio.Event()
        self.open.set()
        self.broken = None

    async def climb(self, place, _endpoint, _highest):
        self.probed.append(place.host)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.open.wait()
        finally:
            self.running -= 1
        if self.broken:
            raise self.broken
        finding = REFUSED if place.host in self.down else CONNECTED
        return Climb((Rung(ProbeStep.CONNECT, finding, 0.0),))


@pytest.fixture
def walls():
    return Walls()


@asynccontextmanager
async def probing(catalog, climber, report=None, share=None):
    """Probe a catalog for the length of the block, and lend the prober."""

    async def write(verdicts):
        await catalog.writer.submit(order_verdicts(verdicts))

    prober = Prober(catalog, report or write, climber, share)
    running = asyncio.create_task(prober.run())
    try:
        yield prober
    finally:
        running.cancel()
        await asyncio.wait([running])
        if not running.cancelled():
            running.result()


def endpoint(id_="x", host="h", *, address="", **probing):
    spec = Endpoint(
        provider="acme",
        upstream_model="a",
        address=address or f"http://{host}",
        probing=Probing(**{"interval": QUICK, **probing}),
    )
    return Resource(name=f"models/a/endpoints/{id_}", endpoint=spec)


def status(catalog, name=NAME):
    return catalog.entries[name].resource.status


def health(catalog, name=NAME):
    return status(catalog, name) and status(catalog, name).health


async def until(fact):
    async with asyncio.timeout(20):
        while not fact():  # noqa: ASYNC110 - anything may make it true
            await asyncio.sleep(0.005)


async def rounds(walls, count=8):
    """Let so many more probes end."""
    before = len(walls.probed)
    await until(lambda: len(walls.probed) >= before + count)


async def test_what_answers_serves_and_what_stops_does_not(catalog, walls):
    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls):
        await until(lambda: health(catalog) is Health.SERVING)
        assert status(catalog).probe.step is ProbeStep.CONNECT
        walls.down.add("h")
        await until(lambda: health(catalog) is Health.NOT_SERVING)
        assert (status(catalog).probe.step, status(catalog).health_reason) == (None, "refused")
        walls.down.clear()
        await until(lambda: health(catalog) is Health.SERVING)
    assert catalog.revision == 4


async def test_nothing_is_reported_while_nothing_changes(catalog, walls):
    reports = []

    async def counted(verdicts):
        await catalog.writer.submit(order_verdicts(verdicts))
        reports.append(verdicts)

    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls, counted):
        await until(lambda: reports)
        await rounds(walls)
    assert [len(verdicts) for verdicts in reports] == [1]
    assert catalog.revision == 2


async def test_what_is_registered_later_is_probed_and_what_is_gone_is_not(catalog, walls):
    async with probing(catalog, walls):
        await catalog.register(batch(model(), endpoint("x", "first"), endpoint("y", "second")))
        await until(lambda: {"first", "second"} <= set(walls.probed))
        await catalog.deregister(Deregistration(name=NAME))
        # Long enough for the prober to have heard of it.
        await rounds(walls)
        walls.probed.clear()
        await rounds(walls)
    assert set(walls.probed) == {"second"}


async def test_another_address_is_probed_instead(catalog, walls):
    await catalog.register(batch(model(), endpoint(host="old")))
    async with probing(catalog, walls):
        await rounds(walls, 1)
        await catalog.register(batch(endpoint(host="new")))
        await until(lambda: "new" in walls.probed)
        walls.probed.clear()
        await rounds(walls)
    assert set(walls.probed) == {"new"}


@pytest.mark.parametrize("change", [{"disabled": True}, {"address": ""}], ids=["opted-out", "no-address"])
async def test_an_endpoint_that_is_not_probed_any_more_shows_no_probes(catalog, walls, change):
    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls):
        await until(lambda: health(catalog) is Health.SERVING)
        resource = endpoint(disabled=change.get("disabled"))
        if "address" in change:
            resource = replace(resource, endpoint=replace(resource.endpoint, address=""))
        await catalog.register(batch(resource))
        await until(lambda: status(catalog).probe is None)
    assert health(catalog) is None


async def test_what_opted_out_while_nobody_looked_shows_no_probes_later(catalog, walls):
    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls):
        await until(lambda: health(catalog) is Health.SERVING)
    await catalog.register(batch(endpoint(disabled=True)))
    async with probing(catalog, walls):
        await until(lambda: status(catalog).probe is None)


async def test_a_holder_that_drains_is_left_alone(catalog, walls):
    await catalog.register(batch(model()))
    await catalog.register(leased(endpoint()))
    async with probing(catalog, walls):
        await until(lambda: health(catalog) is Health.SERVING)
        await catalog.heartbeat(heartbeat(NAME, health=Health.DRAINING))
        await rounds(walls)
        assert (health(catalog), status(catalog).health_reason) == (Health.DRAINING, "")


async def test_verdicts_go_on_from_what_is_shown_after_a_restart(catalog, walls):
    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls):
        await until(lambda: health(catalog) is Health.SERVING)
    async with probing(catalog, walls):
        await rounds(walls)
    assert catalog.revision == 2


async def test_endpoints_at_one_place_share_their_probes(catalog, walls):
    walls.open.clear()
    await catalog.register(batch(model(), *(endpoint(f"x{i}") for i in range(50))))
    async with probing(catalog, walls):
        await until(lambda: walls.running)
        await asyncio.sleep(10 * QUICK)
        assert len(walls.probed) == 1
        walls.open.set()
        await until(lambda: all(health(catalog, f"models/a/endpoints/x{i}") for i in range(50)))


async def test_only_so_many_probes_run_at_once(catalog, walls):
    walls.open.clear()
    await catalog.register(batch(model(), *(endpoint(f"x{i}", f"h{i}") for i in range(2 * MAX_RUNNING))))
    async with probing(catalog, walls) as prober:
        await until(lambda: walls.running == MAX_RUNNING)
        await asyncio.sleep(5 * QUICK)
        assert (walls.most, prober.tally.running) == (MAX_RUNNING, MAX_RUNNING)
        walls.open.set()
        await until(lambda: len(set(walls.probed)) == 2 * MAX_RUNNING)


async def test_no_change_brings_a_probe_before_its_interval_is_over(catalog, walls):
    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls):
        await until(lambda: walls.probed)
        await catalog.register(batch(endpoint(interval=3600)))
        await asyncio.sleep(10 * QUICK)
        walls.probed.clear()
        for i in range(5):
            await catalog.register(batch(replace(endpoint(interval=3600), labels={"i": str(i)})))
            await asyncio.sleep(2 * QUICK)
    assert walls.probed == []


async def test_a_change_while_a_probe_runs_starts_no_second_one(catalog, walls):
    walls.open.clear()
    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls):
        await until(lambda: walls.running)
        await catalog.register(batch(replace(endpoint(), labels={"a": "b"})))
        await asyncio.sleep(10 * QUICK)
    assert walls.probed == ["h"]


async def test_a_probe_that_ends_after_its_endpoint_leaves_nothing_behind(catalog, walls):
    walls.open.clear()
    await catalog.register(batch(model(), endpoint(), endpoint("y", "other")))
    async with probing(catalog, walls) as prober:
        await until(lambda: walls.running == 2)
        await catalog.deregister(Deregistration(name=NAME))
        await asyncio.sleep(QUICK)
        walls.open.set()
        await rounds(walls)
        assert set(prober._guard._streaks) == {"other:80"}


async def test_what_was_found_gone_before_does_not_look_like_us(catalog, walls):
    walls.down = {f"h{i}" for i in range(LEAST + 2)}
    await catalog.register(batch(model(), *(endpoint(f"x{i}", f"h{i}") for i in range(2 * LEAST))))
    entries = [catalog.entries[f"models/a/endpoints/x{i}"] for i in range(LEAST + 2)]
    gone = [Verdict(one.name, one.resource.uid, Health.NOT_SERVING, "refused", None) for one in entries]
    await catalog.writer.submit(order_verdicts(gone))
    async with probing(catalog, walls) as prober:
        await rounds(walls, 10 * LEAST)
        assert prober.tally.done["bad"]
        assert not prober.tally.done["unbelieved"]


async def test_when_all_is_out_of_reach_at_once_nothing_is_called_down(catalog, walls, caplog):
    names = [f"models/a/endpoints/x{i}" for i in range(2 * LEAST)]
    await catalog.register(batch(model(), *(endpoint(f"x{i}", f"h{i}", interval=0.3) for i in range(2 * LEAST))))
    async with probing(catalog, walls) as prober:
        await until(lambda: all(health(catalog, name) is Health.SERVING for name in names))
        revision = catalog.revision
        walls.down = {f"h{i}" for i in range(2 * LEAST)}
        await until(prober.tally.guarding)
        done = prober.tally.done["unbelieved"]
        await until(lambda: prober.tally.done["unbelieved"] >= done + 5 * 2 * LEAST)
        assert catalog.revision == revision
        walls.down = {"h0"}
        await until(lambda: health(catalog, names[0]) is Health.NOT_SERVING)
        assert not prober.tally.guarding()
    assert [record.levelname for record in caplog.records if "at once" in record.message] == ["WARNING"]


async def test_a_report_that_fails_is_made_again(catalog, walls):
    calls = []

    async def flaky(verdicts):
        calls.append(verdicts)
        if len(calls) == 1:
            raise UnavailableError("no database")
        await catalog.writer.submit(order_verdicts(verdicts))

    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls, flaky):
        await until(lambda: health(catalog) is Health.SERVING)


async def test_a_probe_that_breaks_here_is_made_again(catalog, walls, caplog):
    walls.broken = ZeroDivisionError("ours")
    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls) as prober:
        await until(lambda: prober.tally.done["failed"])
        walls.broken = None
        await until(lambda: health(catalog) is Health.SERVING)
    assert "a probe of h:80 failed" in caplog.text


class Shown:
    """A catalog that changes at once, without giving anybody a turn."""

    def __init__(self, *resources):
        self.entries = Entries(map(entry_of, resources))
        self.feed = Feed(after=1)

    def leap(self, put, removed):
        """Change, and tell nobody what."""
        self.entries.apply([entry_of(put)], [removed])
        self.feed.replace(self.feed.newest + 10, ())


def entry_of(resource):
    return Draft(resource, ResourceKind.ENDPOINT, content_of(resource)).at(1)


async def test_a_prober_that_was_overtaken_reads_everything_anew(walls):
    async def nobody(_verdicts):
        pass

    shown = Shown(endpoint("x", "first"), endpoint("y", "second"))
    async with probing(shown, walls, nobody):
        await until(lambda: {"first", "second"} <= set(walls.probed))
        shown.leap(endpoint("z", "third"), NAME)
        await until(lambda: "third" in walls.probed)
        walls.probed.clear()
        await rounds(walls)
    assert set(walls.probed) == {"second", "third"}


async def test_replicas_share_the_addresses_and_take_over_from_one_that_is_gone(catalog):
    await catalog.register(batch(model(), *(endpoint(f"x{i}", f"h{i}") for i in range(20))))
    live = ["one", "two"]
    first, second = Walls(), Walls()
    async with probing(catalog, second, share=Share("two", lambda: live)):
        async with probing(catalog, first, share=Share("one", lambda: live)):
            await until(lambda: len({*first.probed, *second.probed}) == 20)
            assert set(first.probed).isdisjoint(second.probed)
            assert first.probed
        live.remove("one")
        await until(lambda: len(set(second.probed)) == 20)
        live.append("one")
        await asyncio.sleep(5 * QUICK)
        await until(lambda: not second.running)
        second.probed.clear()
        await rounds(second)
        assert set(second.probed).isdisjoint(first.probed)


async def test_a_replica_that_takes_over_does_not_go_by_what_it_knew_before(catalog, walls):
    live = ["two"]
    host = next(host for host in map("h{}".format, range(99)) if owner(f"{host}:80", ["one", "two"]) == "one")
    walls.down.add(host)
    await catalog.register(batch(model(), endpoint(host=host)))
    async with probing(catalog, walls, share=Share("two", lambda: live)):
        await until(lambda: health(catalog) is Health.NOT_SERVING)
        live.append("one")
        await asyncio.sleep(5 * QUICK)
        walls.down.clear()
        serving = Verdict(NAME, catalog.entries[NAME].resource.uid, Health.SERVING, "works", ProbeStep.CONNECT)
        await catalog.writer.submit(order_verdicts([serving]))
        revision = catalog.revision
        live.remove("one")
        await rounds(walls)
    assert catalog.revision == revision


async def test_the_tally_counts_what_was_found(catalog, walls):
    walls.down.add("down")
    await catalog.register(batch(model(), endpoint("x", "up"), endpoint("y", "down")))
    async with probing(catalog, walls) as prober:
        assert prober.tally.by_health() == {"serving": 0, "degraded": 0, "not_serving": 0, "unknown": 0}
        await until(lambda: health(catalog, "models/a/endpoints/y") is Health.NOT_SERVING)
        await until(lambda: prober.tally.by_health()["serving"])
    assert prober.tally.by_health() == {"serving": 1, "degraded": 0, "not_serving": 1, "unknown": 0}
    assert prober.tally.done["good"] >= 2
    assert prober.tally.done["bad"] >= 3
    assert prober.tally.running == 0


async def test_a_real_endpoint_is_judged_by_a_real_ladder(catalog):
    async with provider(ok) as running, open_ladder() as ladder, probing(catalog, ladder):
        await catalog.register(batch(model(), endpoint(address=running.url, max_step=ProbeStep.HANDSHAKE)))
        await until(lambda: health(catalog) is Health.SERVING)
        assert (status(catalog).probe.step, status(catalog).health_reason) == (ProbeStep.HANDSHAKE, "answers in HTTP")
        running.behave(hang_before_headers)


async def test_probes_end_with_whoever_runs_them(catalog, walls):
    walls.open.clear()
    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls):
        await until(lambda: walls.running)
        catalog.feed.close()
    assert walls.running == 0
