"""The prober on a real catalog: how many probes run and how often, what fails here, and who takes which share."""

import asyncio
from dataclasses import replace

from airegistry.errors import UnavailableError
from airegistry.resources.endpoint import ProbeStep
from airegistry.resources.resource import Health
from registry.planning.probing import order_verdicts
from registry.probes.prober import MAX_RUNNING
from registry.probes.sharding import Share, owner
from registry.probes.verdict import Verdict
from registry.requests import Deregistration
from tests.orders import batch, model
from tests.probers import NAME, QUICK, Walls, endpoint, health, probing, rounds
from tests.waiting import until


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


async def test_probes_end_with_whoever_runs_them(catalog, walls):
    walls.open.clear()
    await catalog.register(batch(model(), endpoint()))
    async with probing(catalog, walls):
        await until(lambda: walls.running)
        catalog.feed.close()
    assert walls.running == 0
