"""The prober on a real catalog: what it probes, what it reports, and what it leaves alone."""

from dataclasses import replace

import pytest

from airegistry.resources.endpoint import ProbeStep
from airegistry.resources.resource import Health, ResourceKind
from registry.entries import Entries
from registry.entry import Draft, content_of
from registry.feed import Feed
from registry.planning.probing import order_verdicts
from registry.probes.guard import LEAST
from registry.probes.ladder import open_ladder
from registry.probes.verdict import Verdict
from registry.requests import Deregistration
from tests.orders import batch, heartbeat, leased, model
from tests.probers import NAME, endpoint, health, probing, rounds, status
from tests.providers import hang_before_headers, ok, provider
from tests.waiting import until


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


async def test_a_real_endpoint_is_judged_by_a_real_ladder(catalog):
    async with provider(ok) as running, open_ladder() as ladder, probing(catalog, ladder):
        await catalog.register(batch(model(), endpoint(address=running.url, max_step=ProbeStep.HANDSHAKE)))
        await until(lambda: health(catalog) is Health.SERVING)
        assert (status(catalog).probe.step, status(catalog).health_reason) == (ProbeStep.HANDSHAKE, "answers in HTTP")
        running.behave(hang_before_headers)
