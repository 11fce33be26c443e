"""What verdicts change in what is shown, and how they are reported."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from airegistry.backoff import Backoff
from airegistry.errors import UnavailableError
from airegistry.resources.endpoint import Endpoint, ProbeStep
from airegistry.resources.model import Model
from airegistry.resources.resource import Health, Liveness, Probe, Resource, ResourceKind, ResourceStatus
from registry.entries import Entries
from registry.entry import Draft, content_of
from registry.leases import Leases
from registry.planning.plan import State
from registry.planning.probing import order_verdicts
from registry.probes.reporting import AT_ONCE, Reporter
from registry.probes.verdict import Verdict, restate

NAME = "models/a/endpoints/x"
NOW = datetime(2025, 1, 2, tzinfo=UTC)
BEFORE = datetime(2025, 1, 1, tzinfo=UTC)
SERVING = Verdict(NAME, "u", Health.SERVING, "works", ProbeStep.CONNECT)
DOWN = Verdict(NAME, "u", Health.NOT_SERVING, "refused", None)
WITHDRAWN = Verdict(NAME, "u", None, "", None)
SHOWN = ResourceStatus(
    health=Health.SERVING, health_reason="works", health_time=BEFORE, probe=Probe(ProbeStep.CONNECT, BEFORE)
)
LEASED = ResourceStatus(liveness=Liveness.LIVE, lease_ttl=30.0)


def restated(status, verdict):
    shown = restate(status, verdict, NOW)
    assert shown is not None
    return shown


def test_the_first_verdict_is_shown_with_its_time():
    assert restate(None, SERVING, NOW) == ResourceStatus(
        health=Health.SERVING, health_reason="works", health_time=NOW, probe=Probe(ProbeStep.CONNECT, NOW)
    )


def test_the_same_verdict_changes_nothing():
    assert restate(SHOWN, replace(SERVING, health_reason="other words"), NOW) == SHOWN


def test_another_step_leaves_the_health_and_its_time():
    shown = restate(SHOWN, replace(SERVING, step=ProbeStep.HANDSHAKE), NOW)
    assert shown == replace(SHOWN, probe=Probe(ProbeStep.HANDSHAKE, NOW))


def test_another_health_leaves_the_step_and_its_time():
    shown = restate(SHOWN, replace(SERVING, health=Health.DEGRADED, health_reason="slow"), NOW)
    assert shown == replace(SHOWN, health=Health.DEGRADED, health_reason="slow", health_time=NOW)


@pytest.mark.parametrize("liveness", [None, *Liveness])
def test_draining_is_never_overridden(liveness):
    draining = replace(LEASED, liveness=liveness, health=Health.DRAINING)
    shown = restate(draining, SERVING, NOW)
    assert shown == replace(draining, probe=Probe(ProbeStep.CONNECT, NOW))


def test_what_the_holder_reports_stands_while_its_lease_lives():
    reported = replace(LEASED, health=Health.SERVING, health_time=BEFORE)
    assert restate(reported, DOWN, NOW) == replace(reported, probe=Probe(None, NOW))
    suspect = replace(reported, liveness=Liveness.SUSPECT)
    assert restated(suspect, DOWN).health is Health.NOT_SERVING


def test_a_lease_alone_does_not_keep_a_verdict_off():
    shown = restated(LEASED, DOWN)
    assert (shown.health, shown.liveness, shown.lease_ttl) == (Health.NOT_SERVING, Liveness.LIVE, 30.0)


def test_a_withdrawn_verdict_leaves_nothing_behind():
    assert restate(SHOWN, WITHDRAWN, NOW) == ResourceStatus(health_time=NOW)
    assert restate(ResourceStatus(probe=Probe()), WITHDRAWN, NOW) is None


def test_what_others_said_stays_when_probes_end():
    reported = replace(LEASED, health=Health.DEGRADED)
    assert restate(replace(reported, probe=Probe()), WITHDRAWN, NOW) == reported
    assert restate(reported, WITHDRAWN, NOW) == reported


def entry_of(resource, kind=ResourceKind.ENDPOINT):
    return Draft(resource, kind, content_of(resource)).at(1)


def planned(*verdicts, status=None, uid="u"):
    endpoint = entry_of(Resource(name=NAME, uid=uid, endpoint=Endpoint(address="http://a"), status=status))
    model = entry_of(Resource(name="models/a", uid="u", model=Model()), ResourceKind.MODEL)
    state = State(Entries([endpoint, model]), 1, Leases([], NOW.timestamp), NOW.timestamp)
    order = order_verdicts(verdicts)
    plan = order.decide(state)
    return plan, order.answer(1, plan.facts, ())


def test_an_order_writes_what_changes():
    plan, names = planned(SERVING)
    (change,) = plan.write.changes
    assert names == (NAME,)
    assert change.new.resource.status == replace(SHOWN, health_time=NOW, probe=Probe(ProbeStep.CONNECT, NOW))
    assert change.new.resource.update_time == NOW
    assert plan.touched == {NAME}


@pytest.mark.parametrize(
    ("verdict", "options"),
    [
        pytest.param(SERVING, {"status": SHOWN}, id="nothing-new"),
        pytest.param(SERVING, {"uid": "another"}, id="registered-anew"),
        pytest.param(replace(SERVING, name="models/a/endpoints/gone"), {}, id="gone"),
        pytest.param(replace(SERVING, name="models/a"), {}, id="no-endpoint"),
    ],
)
def test_an_order_with_nothing_to_say_writes_nothing(verdict, options):
    plan, names = planned(verdict, **options)
    assert (plan.write.empty, names) == (True, ())


class Catalog:
    """Takes reports up to *count* verdicts, and refuses the first *refusals*."""

    def __init__(self, count, refusals=0):
        self.taken = []
        self.full = asyncio.Event()
        self._count = count
        self._refusals = refusals

    async def take(self, verdicts):
        if self._refusals:
            self._refusals -= 1
            raise UnavailableError("no database")
        self.taken.append(verdicts)
        if sum(map(len, self.taken)) >= self._count:
            self.full.set()


async def reported(catalog, *verdicts):
    reporter = Reporter(catalog.take, Backoff(first=0.001, most=0.001))
    for verdict in verdicts:
        reporter.add(verdict)
    running = asyncio.create_task(reporter.run())
    async with asyncio.timeout(10):
        await catalog.full.wait()
    # Whatever comes beyond that would come now.
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])


def named(count):
    return [replace(SERVING, name=f"models/a/endpoints/e{i}") for i in range(count)]


async def test_verdicts_are_reported_together_up_to_a_bound():
    catalog = Catalog(AT_ONCE + 1)
    await reported(catalog, *named(AT_ONCE + 1))
    assert list(map(len, catalog.taken)) == [AT_ONCE, 1]


async def test_only_the_latest_verdict_is_reported():
    catalog = Catalog(1)
    await reported(catalog, SERVING, DOWN)
    assert catalog.taken == [(DOWN,)]


async def test_what_was_not_written_is_reported_again_after_the_others():
    catalog = Catalog(AT_ONCE + 1, refusals=1)
    verdicts = named(AT_ONCE + 1)
    await reported(catalog, *verdicts)
    assert catalog.taken[0][0] == verdicts[-1]
    assert sorted(v.name for batch in catalog.taken for v in batch) == sorted(v.name for v in verdicts)


async def test_another_error_is_not_hidden():
    async def broken(_verdicts):
        raise ZeroDivisionError

    reporter = Reporter(broken)
    reporter.add(SERVING)
    with pytest.raises(ZeroDivisionError):
        await reporter.run()
