"""What was measured, over several registries on one PostgreSQL: killed, cut off, and asked for the same."""

import asyncio
import json
import re
import subprocess
import sys
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager, nullcontext

import pytest

from airegistry.client import RegistryClient
from airegistry.client.analytics import AnalyticsClient
from airegistry.client.messages import LeaseRenewal
from airegistry.discovery.answers import ScorePartKind
from airegistry.errors import RegistryError, UnavailableError
from airegistry.invocations.invocation import AttemptOutcome
from airegistry.observations.observation import Observation
from airegistry.resources.agent import Agent, AgentSkill
from airegistry.resources.requirements import CredentialRequirement, DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import AgentState, Resource
from registry.app import serve
from registry.config import Config
from tests.environments import environment
from tests.orders import ME, endpoint, model
from tests.planes import carrier
from tests.postgres import holding, own_server
from tests.robustness.processes import kill

LONG = 30.0
NAME = "models/a/endpoints/x"
REPORTER = "reporter-one"
ANYBODY = DiscoverQuery(requirements=Requirements(credential=CredentialRequirement.ANY))
PLANNERS = DiscoverQuery(DiscoverTarget.AGENT, Requirements(skills=("plan",), credential=CredentialRequirement.ANY))
LOAD = ScorePartKind.LOAD
COUNTER = "SELECT FROM observation_clock FOR UPDATE"
FREE = {"REGISTRY_ADDRESS": "127.0.0.1:0", "REGISTRY_HTTP_ADDRESS": "127.0.0.1:0"}


@asynccontextmanager
async def replica(url, folder):
    config = Config(
        data_dir=folder, registry_address="127.0.0.1:0", registry_http_address="127.0.0.1:0", registry_database_url=url
    )
    async with serve(config, carrier=carrier()) as registry, AnalyticsClient(registry.address, timeout=LONG) as client:
        yield registry, client


@contextmanager
def process(url, folder):
    """Run a registry as a process of its own; yield it and its address."""
    settings = FREE | {"DATA_DIR": str(folder), "REGISTRY_DATABASE_URL": url, "REGISTRY_OBSERVATIONS_GATHER": "0.3"}
    started = subprocess.Popen(
        [sys.executable, "-m", "registry"],
        env=environment(**settings, LOG_FORMAT="json"),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    with started.stderr as log:
        try:
            found = re.search(r"gRPC on (\S+) ", json.loads(log.readline())["event"])
            assert found is not None
            yield started, found[1]
        finally:
            started.kill()
            started.wait()


async def register(registry):
    async with RegistryClient(registry.address) as client:
        await client.register([model(), endpoint()])


def report(client, number):
    attempt = Observation(NAME, outcome=AttemptOutcome.OK, duration=number / 3)
    return client.report_usage([attempt], reporter_id=REPORTER, batch_number=number)


async def until_counted(client, number):
    """Send a batch as a reporter does: again until it is answered."""
    async with asyncio.timeout(LONG):
        while True:
            try:
                return await report(client, number)
            except UnavailableError:
                await asyncio.sleep(0.1)


async def reach(client, epoch):
    """Return what is measured as of *epoch* or later."""
    async with asyncio.timeout(LONG):
        while True:
            read = await client.get_performance([NAME])
            if read.observation_epoch >= epoch:
                return read
            await asyncio.sleep(0.05)


async def test_a_batch_counts_once_when_its_replica_is_killed_before_the_answer(database_url, tmp_path):
    async with replica(database_url, tmp_path) as (registry, client):
        await register(registry)
        outcomes = []
        # Before the commit, about then, and after it.
        for number, delay in enumerate((0.05, 0.28, 0.33, LONG), 1):
            with process(database_url, tmp_path / str(number)) as (killed, address):
                # However late the first one is killed, it has not counted yet.
                held = holding(database_url, COUNTER) if number == 1 else nullcontext()
                async with AnalyticsClient(address, timeout=LONG) as doomed, held:
                    first = asyncio.create_task(report(doomed, number))
                    await asyncio.wait([first], timeout=delay)
                    kill(killed.pid)
                    try:
                        outcomes.append((await asyncio.wait_for(first, LONG)).counted)
                    except RegistryError:
                        outcomes.append(None)
            again = await until_counted(client, number)
            assert again.replayed == (again.counted == 0)
            read = await reach(client, again.observation_epoch)
            assert read.performances[0].windows[-1].attempts == number
        assert outcomes[0] is None, "the first one was killed before it could answer"
        assert outcomes[-1] == 1, "the last one had answered"


async def test_replicas_answer_alike_at_one_epoch(database_url, tmp_path):
    async with AsyncExitStack() as stack:
        every = [await stack.enter_async_context(replica(database_url, tmp_path / str(place))) for place in range(2)]
        await register(every[0][0])
        last = 0
        for number in range(1, 9):
            last = max(last, (await until_counted(every[number % 2][1], number)).observation_epoch)
        read = [await reach(client, last) for _, client in every]
        while read[0].observation_epoch != read[1].observation_epoch:
            # A tick came in between.
            last = max(one.observation_epoch for one in read)
            read = [await reach(client, last) for _, client in every]
        assert read[0] == read[1]
        assert read[0].performances[0].windows[-1].attempts == 8
        assert every[0][0].catalog.revision == every[1][0].catalog.revision == 1


async def test_discover_gives_the_same_order_everywhere_at_one_epoch(database_url, tmp_path):
    async with AsyncExitStack() as stack:
        every = [await stack.enter_async_context(replica(database_url, tmp_path / str(place))) for place in range(2)]
        registries = [await stack.enter_async_context(RegistryClient(one.address)) for one, _ in every]
        await registries[0].register([model(), *(endpoint(id_) for id_ in "xyz")])
        for number in range(1, 6):
            slow = Observation(
                "models/a/endpoints/x", outcome=AttemptOutcome.OK, duration=60.0, time_to_first_token=30.0
            )
            await every[number % 2][1].report_usage([slow] * 50, reporter_id=REPORTER, batch_number=number)
        async with asyncio.timeout(LONG):
            while True:
                one, two = [await registry.discover(ANYBODY) for registry in registries]
                if one.observation_epoch == two.observation_epoch >= 5:
                    break
                await asyncio.sleep(0.05)
        assert [(each.resource, each.score) for each in one.candidates] == [
            (each.resource, each.score) for each in two.candidates
        ]
        assert len(one.candidates) == 3


async def test_agents_are_ranked_by_the_load_of_their_heartbeats_alike_everywhere(database_url, tmp_path):
    async with AsyncExitStack() as stack:
        every = [await stack.enter_async_context(replica(database_url, tmp_path / str(place))) for place in range(2)]
        registries = [await stack.enter_async_context(RegistryClient(one.address)) for one, _ in every]
        pair = [
            Resource(name=f"agents/{id_}", agent=Agent(skills=(AgentSkill(id="plan", name="Plan"),))) for id_ in "ab"
        ]
        await registries[0].register(pair, owner_id=ME, lease_ttl=30)
        for busy, idle in (pair, pair[::-1]):
            # Each speaks to another replica.
            for client, agent, load in zip(registries, (busy, idle), (0.9, 0.1), strict=True):
                beat = LeaseRenewal(agent.name, agent_state=AgentState.AVAILABLE, load=load)
                (result,) = (await client.heartbeat([beat], owner_id=ME)).results
                assert result.error is None
            one, two = await alike(registries, [idle.name, busy.name])
            assert [(each.resource, each.score) for each in one.candidates] == [
                (each.resource, each.score) for each in two.candidates
            ]
            values = [part.value for each in one.candidates for part in each.score.parts if part.kind is LOAD]
            assert values == pytest.approx([0.9, 0.1])


async def alike(registries, names):
    """Return the answers of all, once they are as of one revision and one epoch, and name these in order."""
    async with asyncio.timeout(LONG):
        while True:
            answers = [await registry.discover(PLANNERS) for registry in registries]
            seen = {
                (each.revision, each.observation_epoch, *(one.resource.name for one in each.candidates))
                for each in answers
            }
            if len(seen) == 1 and seen.pop()[2:] == tuple(names):
                return answers
            await asyncio.sleep(0.05)


async def test_the_lane_tells_what_another_replica_was_told(database_url, tmp_path):
    async with AsyncExitStack() as stack:
        every = [await stack.enter_async_context(replica(database_url, tmp_path / str(place))) for place in range(2)]
        await register(every[0][0])
        async with aclosing(every[1][1].watch_performance()) as updates:
            assert (await asyncio.wait_for(anext(updates), LONG)).snapshot
            await until_counted(every[0][1], 1)
            # One that tells of no name says how far it is.
            while not (update := await asyncio.wait_for(anext(updates), LONG)).performances:
                pass
            assert [(one.name, one.windows[0].attempts) for one in update.performances] == [(NAME, 1)]


async def test_discover_goes_on_while_the_database_is_away_and_reports_count_once_after(tmp_path):
    with own_server() as server:
        async with replica(server.url(), tmp_path) as (registry, client), RegistryClient(registry.address) as asking:
            await asking.register([model(), endpoint()])
            await until_counted(client, 1)
            await asyncio.to_thread(server.kill)
            waiting = asyncio.create_task(report(client, 2))
            found = await asking.discover(ANYBODY)
            assert len(found.candidates) == 1
            assert (await client.get_performance([NAME])).performances[0].windows[0].attempts == 1
            with pytest.raises(UnavailableError) as refused:
                await waiting
            assert refused.value.retry_after
            await asyncio.to_thread(server.start)
            epoch = (await until_counted(client, 2)).observation_epoch
            assert (await reach(client, epoch)).performances[0].windows[-1].attempts == 2
