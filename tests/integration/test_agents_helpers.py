"""The SDK's helpers for agents, over a real registry and gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from airegistry import (
    AgentOrchestrator,
    Client,
    Preference,
    Step,
    TaskDistributor,
    delegate_task,
    describe_agent,
    integrate_registry,
    register_agent,
)
from airegistry.agents.delegating import Terms
from airegistry.agents.integrating import IntegratedAgent, Serving
from airegistry.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    NoCandidateError,
    OwnedByAnotherError,
    ProviderCredentialError,
    ProviderFailedError,
    RegistryError,
    TaskRejectedError,
    UnavailableError,
)
from airegistry.invocations.content import ContentBlock, MediaBlock
from airegistry.invocations.kinds import AgentTaskState
from airegistry.resources.requirements import CredentialRequirement, DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.resource import AgentState
from tests import catalogs
from tests.agents import Doing, agent_server, card
from tests.planes import gateway_at, registry_at, until_revision
from tests.providers import ok, provider

LONG = 5.0
AGENTS = DiscoverQuery(DiscoverTarget.AGENT, Requirements(credential=CredentialRequirement.ANY))


@dataclass
class Planes:
    """A registry, a gateway that follows it, and a client of both."""

    registry: Any
    gateway: Any
    client: Client
    stack: AsyncExitStack

    async def add(self, *agents: Any) -> None:
        """Register agents, and wait until the gateway knows them."""
        await self.client.register(agents)
        await self.known()

    async def integrate(self, agent: Any, **options: Any) -> IntegratedAgent:
        integration = integrate_registry(agent, self.registry.address, gateway=self.gateway.address, **options)
        integrated = await self.stack.enter_async_context(integration)
        await integrated.until_invocable()
        return integrated

    async def known(self) -> None:
        page = await self.client.list_page("agents")
        await until_revision(self.gateway.cache, page.revision)


@asynccontextmanager
async def planes(folder: Any, **settings: Any) -> AsyncIterator[Planes]:
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(registry_at(folder / "r"))
        gateway = await stack.enter_async_context(gateway_at(folder / "g", registry.address, **settings))
        client = await stack.enter_async_context(Client(registry.address, gateway=gateway.address))
        yield Planes(registry, gateway, client, stack)


class Translator:
    """An agent as somebody has it, which knows nothing of registries."""

    name = "Translator"
    description = "Turns texts into capitals"
    skills = ("translate",)

    async def run(self, text):
        for word in text.split():
            yield f"{word.upper()} "


@dataclass
class Slow:
    name: str = "Slow"
    skills: Any = ("wait",)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, _text):
        self.begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            self.ended.set()


async def until(event):
    await asyncio.wait_for(event.wait(), LONG)


async def reject(doing: Doing) -> None:
    await doing.begin()
    await doing.updater.reject(doing.message("not mine"))


async def ask_back(doing: Doing) -> None:
    if doing.context.current_task is None:
        await doing.begin()
        await doing.updater.requires_input(doing.message("How far?"))
    else:
        await doing.write(f"To {doing.text}")
        await doing.updater.complete()


# --- registering ---------------------------------------------------------------------------------------------------


async def test_an_agent_is_registered_for_as_long_as_it_lives(tmp_path):
    async with planes(tmp_path) as all_:
        agent = describe_agent("t", "grpc://127.0.0.1:1", ["translate"], max_concurrent_tasks=2)
        async with register_agent(all_.client, agent, ttl=1.0) as me:
            with me.working(), me.working():
                assert await state_of(all_, me.name, AgentState.BUSY) is AgentState.BUSY
            assert await state_of(all_, me.name, AgentState.AVAILABLE) is AgentState.AVAILABLE
            await asyncio.sleep(1.2)
            assert (await all_.client.get("agents/t")).agent is not None
        assert [resource async for resource in all_.client.list("agents")] == []


async def state_of(all_, name, wanted):
    """Return the state that the registry knows, as soon as it is the one that is *wanted*."""
    found = None
    for _ in range(100):
        status = (await all_.client.get(name)).status
        found = status.agent_state if status is not None else None
        if found is wanted:
            break
        await asyncio.sleep(0.02)
    return found


async def test_who_may_not_register_is_told_at_once(tmp_path):
    async with planes(tmp_path) as all_:
        agent = describe_agent("t", "grpc://127.0.0.1:1", ["translate"])
        async with register_agent(all_.client, agent, owner_id="owner-one"):
            with pytest.raises(OwnedByAnotherError):
                async with asyncio.timeout(LONG), register_agent(all_.client, agent, owner_id="owner-two", wait=60):
                    pass
        with pytest.raises(InvalidArgumentError, match="skills"):
            async with register_agent(all_.client, describe_agent("t", "grpc://h:1", [str(i) for i in range(200)])):
                pass


async def test_a_registry_that_is_away_is_told_in_time():
    async with Client("127.0.0.1:1") as client:
        with pytest.raises(UnavailableError):
            async with register_agent(client, describe_agent("t", "grpc://h:1", ["x"]), wait=0.3):
                pass


# --- delegating ----------------------------------------------------------------------------------------------------


async def test_a_task_goes_to_who_has_the_skill_or_the_name(tmp_path):
    async with planes(tmp_path) as all_, agent_server() as up:
        await all_.add(catalogs.agent("a", up.url))
        by_tag = await delegate_task(all_.client, "Count", skill="numbers")
        by_name = await delegate_task(all_.client, "Count", agent="a", skill="count")
    assert (by_tag.by, by_tag.done, by_tag.text) == ("agents/a", True, "One two three fo😀ur")
    assert up.seen[1].context.metadata == {"skill": "count"}
    assert by_name.settlement.attempts[0].target == "agents/a"


async def test_nobody_with_the_skill_and_nobody_named_are_errors(tmp_path):
    async with planes(tmp_path) as all_:
        with pytest.raises(NoCandidateError):
            await delegate_task(all_.client, "Count", skill="numbers")
        with pytest.raises(InvalidArgumentError, match="skill"):
            await delegate_task(all_.client, "Count")


async def test_a_conversation_goes_on_with_the_task(tmp_path):
    async with planes(tmp_path) as all_, agent_server(ask_back) as up:
        await all_.add(catalogs.agent("a", up.url))
        first = await delegate_task(all_.client, "Count", agent="a")
        assert (first.done, first.state, first.text) == (False, AgentTaskState.INPUT_REQUIRED, "How far?")
        more = Terms(task_id=first.task_id, context_id=first.context_id)
        second = await delegate_task(all_.client, "four", agent=first.by, terms=more)
    assert (second.done, second.text, second.task_id) == (True, "To four", first.task_id)


async def test_cancelling_the_call_cancels_the_task_at_the_agent(tmp_path):
    async with planes(tmp_path) as all_:
        slow = Slow()
        await all_.integrate(slow)
        running = asyncio.create_task(delegate_task(all_.client, "x", skill="wait"))
        await until(slow.begun)
        # The agent's word that it has begun is on its way to the gateway.
        await asyncio.sleep(0.2)
        running.cancel()
        await asyncio.wait([running])
        await until(slow.ended)


# --- distributing --------------------------------------------------------------------------------------------------


async def test_a_task_is_routed_by_its_words_and_the_ranking_is_explained(tmp_path):
    async with planes(tmp_path) as all_:
        await all_.add(
            describe_agent("cheap", "grpc://h:1", ["translate"], price_per_task_nanos=1),
            describe_agent("dear", "grpc://h:1", ["translate"], price_per_task_nanos=10**12),
            describe_agent("other", "grpc://h:1", ["paint"]),
        )
        distributor = TaskDistributor(all_.client, preference=Preference.CHEAPEST)
        route = await distributor.route_task("Please translate this text")
        named = await distributor.route_task("whatever", skills=["paint"])
        bounded = TaskDistributor(all_.client, requirements=Requirements(max_cost_nanos=10))
        only = await bounded.route_task("translate")
    assert [one.name for one in route.ranking] == ["agents/cheap", "agents/dear"]
    assert (route.agent, route.skill, named.agent) == ("agents/cheap", "translate", "agents/other")
    assert route.explain().startswith("1. agents/cheap: skill translate, fit 1")
    assert [one.name for one in only.ranking] == ["agents/cheap"]
    assert "excluded by price" in only.explain()


async def test_who_is_busy_comes_later_and_who_is_away_not_at_all(tmp_path):
    async with planes(tmp_path) as all_:
        first = describe_agent("a", "grpc://h:1", ["translate"])
        second = describe_agent("b", "grpc://h:1", ["translate"])
        async with register_agent(all_.client, first) as a, register_agent(all_.client, second):
            distributor = TaskDistributor(all_.client)
            assert (await distributor.route_task("translate")).agent == "agents/a"
            a.report(AgentState.BUSY)
            await state_of(all_, a.name, AgentState.BUSY)
            assert [one.name for one in (await distributor.route_task("translate")).ranking] == ["agents/b", "agents/a"]
            a.report(AgentState.DRAINING)
            await state_of(all_, a.name, AgentState.DRAINING)
            assert [one.name for one in (await distributor.route_task("translate")).ranking] == ["agents/b"]


async def test_who_says_that_it_is_loaded_comes_later_at_the_registry_and_in_the_gateway(tmp_path):
    async with planes(tmp_path) as all_:
        first = describe_agent("a", "grpc://h:1", ["translate"])
        second = describe_agent("b", "grpc://h:1", ["translate"])
        async with (
            register_agent(all_.client, first, ttl=1.5) as a,
            register_agent(all_.client, second, ttl=1.5) as b,
        ):
            distributor = TaskDistributor(all_.client)
            for busy, idle in ((a, b), (b, a)):
                busy.report(load=0.9)
                idle.report(load=0.1)
                wanted = [idle.name, busy.name]
                await ranked(distributor, all_.gateway.cache, wanted)


async def ranked(distributor, cache, wanted):
    """Wait until the registry and a gateway rank agents as wanted."""
    async with asyncio.timeout(10):
        while True:
            route = await distributor.route_task("translate")
            if (
                [one.name for one in route.ranking]
                == wanted
                == [each.name for each in cache.index.discover(AGENTS).candidates]
            ):
                return
            await asyncio.sleep(0.05)


async def test_who_takes_no_more_at_once_is_passed_by(tmp_path):
    async def waiting(doing: Doing) -> None:
        await doing.working()
        await asyncio.sleep(60)

    async with planes(tmp_path) as all_, agent_server(waiting) as a, agent_server() as b:
        # They say nothing of their state: only the distributor knows what it gave them.
        await all_.add(catalogs.agent("a", a.url, max_concurrent_tasks=1), catalogs.agent("b", b.url))
        distributor = TaskDistributor(all_.client)
        running = asyncio.create_task(distributor.delegate("x", skills=["count"]))
        await until(a.asked)
        first, second = (await distributor.route_task("x", skills=["count"])).ranking
        assert (first.name, second.name, second.running, second.full) == ("agents/b", "agents/a", 1, True)
        running.cancel()
        await asyncio.wait([running])
        first, _ = (await distributor.route_task("x", skills=["count"])).ranking
        assert (first.name, first.running) == ("agents/a", 0)


async def test_the_next_in_the_ranking_takes_what_the_first_declines(tmp_path):
    async with planes(tmp_path) as all_, agent_server(reject) as a, agent_server() as b:
        await all_.add(catalogs.agent("a", a.url), catalogs.agent("b", b.url))
        distributor = TaskDistributor(all_.client)
        assert (await distributor.delegate("count")).by == "agents/b"
        with pytest.raises(TaskRejectedError):
            await distributor.delegate("count", attempts=1)


async def test_no_agent_for_a_task_is_an_error_that_counts_why(tmp_path):
    async with planes(tmp_path) as all_:
        distributor = TaskDistributor(all_.client)
        with pytest.raises(NoCandidateError, match="none is registered"):
            await distributor.route_task("translate")
        await all_.add(describe_agent("a", "grpc://h:1", ["paint"]))
        with pytest.raises(NoCandidateError, match="1 excluded by skill") as none:
            await distributor.route_task("translate", skills=["translate"])
        assert none.value.metadata == {"skill": "1"}
        with pytest.raises(NoCandidateError, match="none of 1 agents"):
            await distributor.route_task("translate")


# --- orchestrating -------------------------------------------------------------------------------------------------


async def test_steps_run_side_by_side_and_after_each_other(tmp_path):
    both = asyncio.Barrier(2)

    class Meeting:
        name = "Meeting"
        skills = ("meet",)

        async def run(self, text):
            # Passed only by two at once.
            async with asyncio.timeout(LONG):
                await both.wait()
            return f"{text}!"

    async with planes(tmp_path) as all_:
        await all_.integrate(Meeting())
        await all_.integrate(Translator())
        outcome = await AgentOrchestrator(all_.client).run(
            [
                Step("end", "{left} {right}", ("skill:translate",), after=("left", "right")),
                Step("left", "one", ("agents/meeting",)),
                Step("right", "two", ("skill:meet",)),
            ]
        )
    assert {name: result.text.strip() for name, result in outcome.results.items()} == {
        "left": "one!",
        "right": "two!",
        "end": "ONE! TWO!",
    }


async def test_no_more_steps_at_once_than_allowed(tmp_path):
    running, most = 0, 0

    class Counting:
        name = "Counting"
        skills = ("count",)

        async def run(self, text):
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.02)
            running -= 1
            return text

    async with planes(tmp_path) as all_:
        await all_.integrate(Counting())
        steps = [Step(str(i), "x", ("skill:count",)) for i in range(6)]
        outcome = await AgentOrchestrator(all_.client, max_parallel=2).run(steps)
    assert (len(outcome.results), most) == (6, 2)


async def test_one_agent_else_another_else_a_model(tmp_path):
    async with planes(tmp_path) as all_, agent_server(reject) as a, provider(ok) as model:
        await all_.add(*catalogs.served(model.url), catalogs.agent("a", a.url))
        orchestrator = AgentOrchestrator(all_.client)
        result = await orchestrator.first_of("Count", "agents/gone", "skill:numbers", "models/m")
        assert (result.by, result.text) == ("models/m/endpoints/a", "One two three four")
        with pytest.raises(TaskRejectedError) as failed:
            await orchestrator.first_of("Count", "agents/gone", "agents/a")
    assert failed.value.metadata["step"] == "task"
    assert [note.partition(":")[0] for note in failed.value.__notes__] == ["agents/gone", "agents/a"]


async def test_a_step_that_fails_ends_the_others_and_their_tasks(tmp_path):
    async with planes(tmp_path) as all_, agent_server(reject) as a:
        slow = Slow()
        await all_.integrate(slow)
        await all_.add(catalogs.agent("a", a.url))

        def after_it_began(_results: Any) -> str:
            assert slow.begun.is_set()
            return "x"

        steps = [Step("slow", "x", ("skill:wait",)), Step("bad", "x", ("agents/a",))]
        orchestrator = AgentOrchestrator(all_.client)
        with pytest.raises(TaskRejectedError) as failed:
            await orchestrator.run(steps)
        assert failed.value.metadata["step"] == "bad"
        if slow.begun.is_set():
            await until(slow.ended)


async def test_an_optional_step_may_fail_and_the_others_go_on(tmp_path):
    async with planes(tmp_path) as all_:
        await all_.integrate(Translator())
        outcome = await AgentOrchestrator(all_.client).run(
            [
                Step("extra", "x", ("agents/gone",), optional=True),
                Step("main", "hi{extra}", ("skill:translate",), after=("extra",)),
            ]
        )
    assert outcome.results["main"].text.strip() == "HI"
    assert set(outcome.errors) == {"extra"}


async def test_an_agent_that_asks_back_is_answered_or_has_not_done_it(tmp_path):
    asked: list[str] = []

    async def answer(step: Step, result: Any) -> str:
        asked.append(f"{step.name}: {result.text}")
        return "four"

    async with planes(tmp_path) as all_, agent_server(ask_back) as up:
        await all_.add(catalogs.agent("a", up.url))
        result = await AgentOrchestrator(all_.client, answer=answer).first_of("Count", "agents/a")
        assert (result.text, asked) == ("To four", ["task: How far?"])
        with pytest.raises(FailedPreconditionError) as waits:
            await AgentOrchestrator(all_.client).first_of("Count", "agents/a")
    assert waits.value.metadata["task_state"] == "INPUT_REQUIRED"


async def test_all_steps_together_have_a_deadline(tmp_path):
    async with planes(tmp_path) as all_:
        slow = Slow()
        await all_.integrate(slow)
        with pytest.raises(DeadlineExceededError):
            await AgentOrchestrator(all_.client, deadline=0.5).first_of("x", "skill:wait")
        await until(slow.ended)


# --- integrating ---------------------------------------------------------------------------------------------------


async def test_a_plain_agent_is_found_asked_and_able_to_ask_others(tmp_path):
    translator = Translator()
    async with planes(tmp_path) as all_:
        integrated = await all_.integrate(translator, region="eu")
        counter = Slow(name="Counter", skills={"count": "Counts"})
        await all_.integrate(counter)
        found: Any = await translator.discover("count")  # type: ignore[attr-defined]  # added by the integration
        resource = await all_.client.get(integrated.name)
        done = await counter.delegate("hello you", skill="translate")  # type: ignore[attr-defined]  # the same
        assert [candidate.resource.name for candidate in found.candidates] == ["agents/counter"]
        assert resource.agent is not None
        assert (resource.agent.description, resource.agent.region) == ("Turns texts into capitals", "eu")
        assert (done.text.strip(), done.by) == ("HELLO YOU", "agents/translator")
        await all_.stack.aclose()
        assert vars(translator) == {}
        assert not hasattr(counter, "delegate")


async def test_two_of_one_kind_have_ids_of_their_own_and_one_that_comes_back_goes_on(tmp_path):
    async with planes(tmp_path) as all_:
        await all_.integrate(Translator())
        with pytest.raises(OwnedByAnotherError):
            await all_.integrate(Translator())
        second = await all_.integrate(Translator(), id_="translator-2", owner_id="owner-two")
        assert second.name == "agents/translator-2"
        # As after a crash: the first one never let go.
        again = await all_.integrate(Translator(), id_="translator-2", owner_id="owner-two")
        assert (await again.delegate("x", agent="translator-2")).text.strip() == "X"


async def test_an_agent_s_own_methods_are_not_touched(tmp_path):
    class Busy(Translator):
        __slots__ = ()

        def delegate(self):
            return "mine"

    class Frozen:
        __slots__ = ()
        name = "Frozen"
        skills = ("freeze",)

        def run(self, text):
            return text

    busy, frozen = Busy(), Frozen()
    async with planes(tmp_path) as all_:
        await all_.integrate(busy)
        integrated = await all_.integrate(frozen)
        assert busy.delegate() == "mine"
        assert not hasattr(frozen, "discover")
        assert (await integrated.delegate("x", skill="freeze")).text == "x"


async def test_an_agent_that_nobody_could_ask_is_told_why(tmp_path):
    only_http = card("https://a.example")
    only_http.supported_interfaces[0].protocol_binding = "JSONRPC"
    async with planes(tmp_path) as all_:
        integration = integrate_registry(only_http, all_.registry.address, gateway=all_.gateway.address)
        async with integration as integrated:
            await all_.known()
            with pytest.raises(NoCandidateError, match="excluded by dialect"):
                await integrated.until_invocable(wait=0.3)


async def test_a_card_of_the_protocol_s_sdk_is_registered_and_invoked(tmp_path):
    async with planes(tmp_path) as all_, agent_server() as up:
        integrated = await all_.integrate(card(up.url.removeprefix("grpc://")))
        assert integrated.name == "agents/counter"
        assert (await integrated.delegate("Count", skill="count")).text == "One two three fo😀ur"


@pytest.mark.parametrize(
    ("agent", "field"),
    [
        (object(), "agent.name"),
        (type("NoWork", (), {"name": "x", "skills": ["y"]})(), "agent"),
        (type("Two", (), {"name": "x", "skills": ["y"], "run": lambda _self, _a, _b: None})(), "agent.run"),
    ],
    ids=["nothing", "no-work", "needs-more"],
)
async def test_an_object_of_another_form_is_refused_by_what_it_lacks(tmp_path, agent, field):
    async with planes(tmp_path) as all_:
        with pytest.raises(InvalidArgumentError) as refused:
            await all_.integrate(agent)
        assert refused.value.violations[0].field == field
        assert [resource async for resource in all_.client.list("agents")] == []


async def test_what_a_plain_agent_raises_is_in_its_log_and_not_with_callers(tmp_path, caplog):
    class Breaking(Translator):
        def run(self, _text):
            raise KeyError("secret")

    async with planes(tmp_path) as all_:
        integrated = await all_.integrate(Breaking())
        with pytest.raises(ProviderFailedError, match="KeyError") as failed:
            await integrated.delegate("x", skill="translate")
    assert "secret" not in failed.value.message
    assert "secret" in caplog.text


async def test_a_plain_agent_declines_files(tmp_path):
    picture = ContentBlock(image=MediaBlock(data=b"\x89", media_type="image/png"))
    data = ContentBlock(file=MediaBlock(data=b'{"a": 1}', media_type="application/json"))
    async with planes(tmp_path) as all_:
        integrated = await all_.integrate(Translator())
        with pytest.raises(TaskRejectedError, match="no files"):
            await integrated.delegate([picture], skill="translate")
        assert (await integrated.delegate([data], skill="translate")).text.strip() == '{"A": 1}'


async def test_a_plain_agent_with_a_token_is_called_by_who_has_it(tmp_path):
    serving = Serving(token="open sesame", credential="SESAME_API_KEY")
    for known, works in (("open sesame", True), ("open barley", False)):
        async with planes(tmp_path / str(works), environment={"SESAME_API_KEY": known}) as all_:
            integrated = await all_.integrate(Translator(), serving=serving)
            call = integrated.delegate("x", skill="translate")
            if works:
                assert (await call).done
            else:
                with pytest.raises(ProviderCredentialError):
                    await call


@pytest.mark.parametrize(
    ("serving", "field"),
    [(Serving(token="x"), "serving.credential"), (Serving(address="0.0.0.0:0"), "serving.url")],
    ids=["nameless-token", "everywhere"],
)
async def test_a_serving_that_cannot_work_is_refused(tmp_path, serving, field):
    async with planes(tmp_path) as all_:
        with pytest.raises(InvalidArgumentError) as refused:
            await all_.integrate(Translator(), serving=serving)
    assert refused.value.violations[0].field == field


async def test_leaving_cancels_what_still_runs(tmp_path):
    slow = Slow()
    async with planes(tmp_path) as all_:
        async with integrate_registry(slow, all_.registry.address, gateway=all_.gateway.address):
            await all_.known()
            call = asyncio.create_task(delegate_task(all_.client, "x", skill="wait"))
            await until(slow.begun)
        assert slow.ended.is_set()
        with pytest.raises(RegistryError):
            await call
