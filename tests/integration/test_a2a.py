"""Agents through the engine: agents on loopback that are built with the protocol's own SDK."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from a2a.helpers import new_data_part, new_raw_part, new_text_message, new_url_part
from a2a.types.a2a_pb2 import TaskState
from a2a.utils.errors import ContentTypeNotSupportedError

from airegistry import invoke
from airegistry.errors import (
    DeadlineExceededError,
    NoCandidateError,
    ProviderConnectionError,
    ProviderCredentialError,
    ProviderError,
    ProviderFailedError,
    ProviderRejectedError,
    TaskCanceledError,
    TaskRejectedError,
    TruncatedAnswerError,
    UnsupportedFieldError,
)
from airegistry.invocations.chat import ChatRequest, FinishReason, Message, Role
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock
from airegistry.invocations.invocation import AttemptOutcome, Invocation
from airegistry.invocations.kinds import AgentArtifact, AgentTaskRequest, AgentTaskState
from airegistry.invocations.tasks import assemble_task
from airegistry.invocations.usage import Cost, CostState
from airegistry.invoke.transport import TransportSettings
from airegistry.resources import agent as resources
from airegistry.resources.endpoint import Auth, AuthMethod
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.requirements import DiscoverQuery, DiscoverTarget, Requirements
from airegistry.resources.route import RoutePolicy, RouteTarget, RouteTier
from tests.agents import TOKENS, Doing, agent_server, counting
from tests.catalogs import agent, asked, cache_of, chat, credentials, route, served
from tests.certificates import Authorities
from tests.providers import Peer, ok, provider
from tests.robustness.proxy import Proxy, proxy

TEXT = "".join(TOKENS)
ONCE = RoutePolicy(max_attempts=1)
LONG = 5.0
"""Seconds within which anything here happens on a busy machine."""
open_engine: Any = invoke.open_engine


def text(words):
    return ContentBlock(text=TextBlock(words))


def task(model="agents/a", words="Count to four", **facts):
    policy, query = facts.pop("policy", None), facts.pop("query", None)
    request = AgentTaskRequest(**{"content": (text(words),), **facts})
    return Invocation(model="" if query else model, query=query, agent_task=request, policy=policy)


def engine_for(*runnings, known=None, **facts):
    agents = [agent(id_, running.url, **facts) for id_, running in zip("abc", runnings, strict=False)]
    return open_engine(cache_of(agents), credentials=known)


async def events_of(engine, invocation, **options) -> list[Any]:
    async with aclosing(engine.stream(invocation, **options)) as batches:
        return [event async for batch in batches for event in batch]


def text_of(events):
    return "".join(event.chat_delta.text or "" for event in events if event.chat_delta is not None)


async def until(event):
    await asyncio.wait_for(event.wait(), LONG)


async def waiting(doing: Doing) -> None:
    await doing.working()
    await asyncio.sleep(60)


# --- answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [True, False], ids=["streams", "does-not-stream"])
async def test_a_conversation_is_answered_whole_and_in_pieces_alike(streams):
    capabilities = resources.AgentCapabilities(streaming=streams)
    async with agent_server() as up, engine_for(up, capabilities=capabilities) as engine:
        answered = await engine.invoke(chat("agents/a"))
        events = await events_of(engine, chat("agents/a"))
    (choice,) = answered.output.choices
    assert (answered.output.text, choice.finish_reason) == (TEXT, FinishReason.STOP)
    assert text_of(events) == TEXT
    assert len([event for event in events if event.chat_delta and event.chat_delta.text]) == len(TOKENS)
    assert answered.settlement.target == events[-1].end.settlement.target == "agents/a"
    assert answered.output.extra["a2a"]["state"] == events[-1].end.extra["a2a"]["state"] == "COMPLETED"


async def test_a_task_says_how_it_stands_and_what_was_made():
    async def work(doing: Doing) -> None:
        await doing.working("Counting")
        await doing.write(*TOKENS)
        await doing.updater.complete(doing.message("There you are"))

    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(task())
        events = await events_of(engine, task())
    pieces = [event.agent_task for event in events if event.agent_task is not None]
    states = [piece.state for piece in pieces]
    assert list(dict.fromkeys(states)) == [
        AgentTaskState.SUBMITTED,
        AgentTaskState.WORKING,
        AgentTaskState.COMPLETED,
    ]
    assert (text("Counting"),) in [piece.content for piece in pieces]
    output = answered.output
    assert (output.state, output.content) == (AgentTaskState.COMPLETED, (text("There you are"),))
    assert output.artifacts == (AgentArtifact("answer", "Answer", (text(TEXT),)),)
    streamed = assemble_task(pieces)
    assert (streamed.state, streamed.content, streamed.artifacts) == (output.state, output.content, output.artifacts)
    assert output.task_id == up.seen[0].context.task_id
    assert output.context_id == up.seen[0].context.context_id


async def test_an_agent_that_answers_at_once_has_no_task():
    async def work(doing: Doing) -> None:
        await doing.queue.enqueue_event(new_text_message("Hello!", context_id=doing.context.context_id))

    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(chat("agents/a"))
        done = await engine.invoke(task())
    assert answered.output.text == "Hello!"
    assert (done.output.state, done.output.content) == (AgentTaskState.COMPLETED, (text("Hello!"),))


async def test_what_is_said_on_the_way_is_thinking():
    async def work(doing: Doing) -> None:
        await doing.working("Let me see")
        await doing.write("Four")
        await doing.updater.complete()

    for streams in (True, False):
        capabilities = resources.AgentCapabilities(streaming=streams)
        async with agent_server(work) as up, engine_for(up, capabilities=capabilities) as engine:
            answered = await engine.invoke(chat("agents/a"))
        thought, said = answered.output.choices[0].message.content
        assert (thought.thinking.text, said.text.text) == ("Let me see", "Four")


async def test_files_pictures_and_json_go_both_ways():
    picture, data = b"\x89PNG\r\n", b'{"rows":[1,2.5,null]}'
    seen: list[Any] = []

    async def work(doing: Doing) -> None:
        seen.extend(doing.context.message.parts)
        await doing.working()
        parts = [
            new_raw_part(picture, media_type="image/png", filename="a.png"),
            new_data_part({"rows": [1, 2.5, None]}),
            new_url_part("https://files.example/b.pdf", media_type="application/pdf"),
        ]
        await doing.updater.add_artifact(parts, artifact_id="made")
        await doing.updater.complete()

    content = (
        text("Look"),
        ContentBlock(image=MediaBlock(data=picture, media_type="image/png", filename="a.png")),
        ContentBlock(file=MediaBlock(data=data, media_type="application/json")),
        ContentBlock(file=MediaBlock(url="https://files.example/b.pdf", media_type="application/pdf")),
    )
    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(task(content=content))
        said = await engine.invoke(chat("agents/a"))
    kinds = [part.WhichOneof("content") for part in seen[:4]]
    assert kinds == ["text", "raw", "data", "url"]
    assert (seen[1].raw, seen[1].media_type, seen[1].filename) == (picture, "image/png", "a.png")
    assert [number.number_value for number in seen[2].data.struct_value.fields["rows"].list_value.values] == [1, 2.5, 0]
    assert answered.output.artifacts[0].content == content[1:]
    assert said.output.choices[0].message.content == content[1:]


async def test_a_big_artifact_arrives_whole():
    big = b"\x00\xff" * 4_000_000

    async def work(doing: Doing) -> None:
        await doing.working()
        await doing.updater.add_artifact([new_raw_part(big, media_type="application/zip")], artifact_id="zip")
        await doing.updater.complete()

    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(task())
    assert answered.output.artifacts[0].content[0].file.data == big


# --- a conversation ------------------------------------------------------------------------------------------------


async def asking_back(doing: Doing) -> None:
    """Ask what is missing first, as agents do."""
    if doing.context.current_task is None:
        await doing.begin()
        await doing.updater.requires_input(doing.message("How far?"))
    else:
        await doing.updater.start_work()
        await doing.write(f"To {doing.text}")
        await doing.updater.complete()


async def test_a_question_back_is_no_clean_end_and_its_answer_goes_to_the_same_task():
    async with agent_server(asking_back) as up, engine_for(up) as engine:
        first = await engine.invoke(chat("agents/a"))
        (choice,) = first.output.choices
        assert (first.output.text, choice.finish_reason) == ("How far?", FinishReason.OTHER)
        assert choice.upstream_finish_reason == "TASK_STATE_INPUT_REQUIRED"
        second = await engine.invoke(chat("agents/a", chat=asked("four", extra=first.output.extra)))
    assert second.output.text == "To four"
    ids = [(doing.context.task_id, doing.context.context_id) for doing in up.seen]
    assert ids[0] == ids[1]


async def test_a_task_that_waits_for_its_caller_says_so():
    async with agent_server(asking_back) as up, engine_for(up) as engine:
        first = (await engine.invoke(task())).output
        assert (first.state, first.content) == (AgentTaskState.INPUT_REQUIRED, (text("How far?"),))
        second = (await engine.invoke(task(words="five", task_id=first.task_id, context_id=first.context_id))).output
    assert (second.state, second.task_id) == (AgentTaskState.COMPLETED, first.task_id)
    assert second.artifacts[0].content == (text("To five"),)


async def test_credentials_that_an_agent_wants_are_said_to_the_caller():
    async def work(doing: Doing) -> None:
        await doing.begin()
        await doing.updater.requires_auth(doing.message("Log in"))

    async with agent_server(work) as up, engine_for(up) as engine:
        answered = await engine.invoke(chat("agents/a"))
        events = await events_of(engine, task())
    (choice,) = answered.output.choices
    assert (choice.finish_reason, choice.upstream_finish_reason) == (FinishReason.OTHER, "TASK_STATE_AUTH_REQUIRED")
    assert events[-2].agent_task.state is AgentTaskState.AUTH_REQUIRED


async def test_a_task_that_has_ended_is_referred_to():
    async with agent_server() as up, engine_for(up) as engine:
        first = await engine.invoke(chat("agents/a"))
        await engine.invoke(chat("agents/a", chat=asked("and on", extra=first.output.extra)))
    one, two = (doing.context.message for doing in up.seen)
    assert list(two.reference_task_ids) == [one.task_id]
    assert (two.task_id != one.task_id, two.context_id) == (True, one.context_id)


async def test_earlier_turns_are_not_sent_again_and_the_caller_is_told():
    async with agent_server() as up, engine_for(up) as engine:
        first = await engine.invoke(chat("agents/a"))
        turns = (
            Message(Role.USER, (text("Say something"),)),
            Message(Role.ASSISTANT, (text(TEXT),)),
            Message(Role.USER, (text("and on"),)),
        )
        request = ChatRequest(messages=turns, extra=first.output.extra)
        again = await engine.invoke(chat("agents/a", chat=request))
    assert up.seen[1].text == "and on"
    assert [warning.path for warning in again.settlement.warnings] == ["chat.messages"]


async def test_the_skill_and_facts_for_the_agent_come_with_the_task():
    async with agent_server() as up, engine_for(up) as engine:
        await engine.invoke(task(skill="count", metadata={"deadline": "noon"}, accepted_output_modes=("text/plain",)))
    (doing,) = up.seen
    assert doing.context.metadata == {"skill": "count", "deadline": "noon"}
    assert list(doing.context.configuration.accepted_output_modes) == ["text/plain"]
    assert doing.metadata["a2a-version"] == "1.0"


async def test_a_tenant_is_named():
    async with agent_server() as up:
        interface = resources.AgentInterface(up.url, "GRPC", "1.0", tenant="acme")
        async with engine_for(up, interfaces=(interface,)) as engine:
            await engine.invoke(task())
    assert up.seen[0].context.tenant == "acme"


# --- endings that are errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (TaskState.TASK_STATE_FAILED, ProviderFailedError),
        (TaskState.TASK_STATE_REJECTED, TaskRejectedError),
        (TaskState.TASK_STATE_CANCELED, TaskCanceledError),
    ],
    ids=["failed", "rejected", "canceled"],
)
async def test_a_task_that_was_not_done_is_an_error_in_the_agent_s_words(state, error):
    async def work(doing: Doing) -> None:
        await doing.working()
        await doing.write("half")
        await doing.updater.update_status(state, doing.message("no such number, key sk-12345678abcdef"))

    for streams in (True, False):
        capabilities = resources.AgentCapabilities(streaming=streams)
        async with agent_server(work) as up, engine_for(up, capabilities=capabilities) as engine:
            for invocation in (chat("agents/a"), task()):
                with pytest.raises(error) as failed:
                    await engine.invoke(invocation)
                assert "no such number" in failed.value.message
                assert "sk-12345678" not in failed.value.message
                assert failed.value.metadata["task_id"] == up.seen[-1].context.task_id
                with pytest.raises(error):
                    await events_of(engine, invocation)


async def test_who_declines_a_task_is_passed_by_and_who_has_it_cancelled_ends_it():
    async def decline(doing: Doing) -> None:
        await doing.begin()
        await doing.updater.reject()

    async def cancel(doing: Doing) -> None:
        await doing.begin()
        await doing.updater.cancel()

    query = DiscoverQuery(DiscoverTarget.AGENT, Requirements(skills=("count",)))
    async with agent_server(decline) as a, agent_server() as b, engine_for(a, b) as engine:
        answered = await engine.invoke(task(query=query))
    assert [attempt.outcome for attempt in answered.settlement.attempts] == [AttemptOutcome.ERROR, AttemptOutcome.OK]
    assert answered.settlement.target == "agents/b"
    async with agent_server(cancel) as a, agent_server() as b, engine_for(a, b) as engine:
        with pytest.raises(TaskCanceledError):
            await engine.invoke(task(query=query))
    assert b.seen == []


async def test_an_agent_that_stops_before_its_task_has_no_clean_end():
    async def work(doing: Doing) -> None:
        await doing.working()
        await doing.write("half")

    async with agent_server(work) as up, engine_for(up) as engine:
        for invocation in (chat("agents/a", policy=ONCE), task(policy=ONCE)):
            with pytest.raises(TruncatedAnswerError):
                await engine.invoke(invocation)


async def test_an_agent_that_breaks_is_an_error_of_its_own():
    async def work(doing: Doing) -> None:
        await doing.begin()
        raise RuntimeError("bug")

    async with agent_server(work) as up, engine_for(up) as engine:
        with pytest.raises(ProviderError):
            await engine.invoke(task(policy=ONCE))


async def test_what_an_agent_refuses_is_not_sent_to_another_one():
    async def work(_doing: Doing) -> None:
        raise ContentTypeNotSupportedError("no pictures, please")

    query = DiscoverQuery(DiscoverTarget.AGENT)
    for streams in (True, False):
        capabilities = resources.AgentCapabilities(streaming=streams)
        async with (
            agent_server(work) as a,
            agent_server() as b,
            engine_for(a, b, capabilities=capabilities) as engine,
        ):
            with pytest.raises(ProviderRejectedError, match="no pictures") as refused:
                await engine.invoke(task(query=query))
            assert refused.value.metadata["code"] == "CONTENT_TYPE_NOT_SUPPORTED"
            assert b.seen == []


async def test_a_task_that_the_agent_does_not_know_is_the_caller_s_fault():
    async with agent_server() as up, engine_for(up) as engine:
        with pytest.raises(ProviderRejectedError) as refused:
            await engine.invoke(task(task_id="gone"))
        assert refused.value.metadata["code"] == "TASK_NOT_FOUND"
        assert engine.breakers.state("agents/a").value == "closed"


# --- who goes away -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("invocation", [chat("agents/a"), task()], ids=["chat", "task"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_a_caller_who_goes_away_has_the_task_cancelled_at_the_agent(invocation, stream):
    async with agent_server(waiting) as up, engine_for(up) as engine:
        call = events_of(engine, invocation) if stream else engine.invoke(invocation)
        running = asyncio.create_task(call)
        await until(up.asked)
        # The agent has said that it works, and that is on its way.
        await asyncio.sleep(0.2)
        running.cancel()
        await asyncio.wait([running])
        await until(up.cancelled)
    assert up.cancels == [up.seen[0].context.task_id]


async def test_a_caller_who_leaves_in_the_middle_has_the_task_cancelled():
    async def work(doing: Doing) -> None:
        await doing.working()
        await doing.write("One")
        await asyncio.sleep(60)

    async with agent_server(work) as up, engine_for(up) as engine:
        async with aclosing(engine.stream(chat("agents/a"))) as batches:
            async for batch in batches:
                if text_of(batch):
                    break
        await until(up.cancelled)


async def test_a_task_that_has_ended_or_waits_is_not_cancelled():
    async with agent_server() as up, agent_server(asking_back) as other, engine_for(up, other) as engine:
        await engine.invoke(task())
        await events_of(engine, chat("agents/a"))
        await engine.invoke(task("agents/b"))
    assert up.cancels == other.cancels == []


async def test_a_deadline_is_the_task_s_end():
    async with agent_server(waiting) as up, engine_for(up) as engine:
        with pytest.raises(DeadlineExceededError):
            await engine.invoke(task(), deadline=0.5)
        await until(up.cancelled)
        assert len(up.seen) == 1


async def test_a_silent_agent_is_not_taken_for_a_slow_model():
    """Of an agent only the times that somebody set count."""

    async def work(doing: Doing) -> None:
        await doing.working()
        await asyncio.sleep(0.4)
        await doing.write("Four")
        await doing.updater.complete()

    settings = invoke.EngineSettings(policy=RoutePolicy(first_token_timeout=0.2, idle_timeout=0.2))
    async with agent_server(work) as up:
        async with open_engine(cache_of([agent("a", up.url)]), settings=settings) as engine:
            assert text_of(await events_of(engine, chat("agents/a"))) == "Four"
        impatient = RoutePolicy(first_token_timeout=0.2, max_attempts=1)
        async with engine_for(up) as engine:
            with pytest.raises(ProviderError):
                await events_of(engine, chat("agents/a", policy=impatient))


# --- agents that fail ----------------------------------------------------------------------------------------------


async def test_an_agent_that_dies_before_it_said_anything_is_replaced():
    dying = asyncio.Event()

    async def die(doing: Doing) -> None:
        await doing.begin()
        dying.set()
        await asyncio.sleep(60)

    query = DiscoverQuery(DiscoverTarget.AGENT, Requirements(skills=("numbers",)))
    async with agent_server(die) as a, agent_server() as b, engine_for(a, b) as engine:
        call = asyncio.create_task(events_of(engine, Invocation(query=query, chat=asked())))
        await until(dying)
        await a.kill()
        events = await call
    assert text_of(events) == TEXT
    assert events[-1].end.settlement.target == "agents/b"


async def test_an_agent_that_dies_in_the_middle_of_its_answer_is_an_error():
    async def half(doing: Doing) -> None:
        await doing.working()
        await doing.write("One")
        await asyncio.sleep(60)

    got: list[Any] = []

    async def collect(engine: Any, invocation: Invocation, network: Proxy) -> None:
        async with aclosing(engine.stream(invocation)) as batches:
            async for batch in batches:
                got.extend(batch)
                await asyncio.to_thread(network.cut)

    async with agent_server(half) as a, agent_server() as b:
        with proxy(a.url.removeprefix("grpc://")) as network:
            agents = [agent("a", f"grpc://{network.address}"), agent("b", b.url)]
            async with open_engine(cache_of(agents)) as engine:
                with pytest.raises(ProviderConnectionError):
                    await collect(engine, Invocation(query=DiscoverQuery(DiscoverTarget.AGENT), chat=asked()), network)
                # Only the connection broke: what nobody hears of any more is not left running.
                await until(a.cancelled)
    assert text_of(got) == "One"
    assert b.seen == []


async def test_nobody_is_asked_who_is_away_once_that_is_known():
    query = DiscoverQuery(DiscoverTarget.AGENT)
    async with agent_server() as a, agent_server() as b, engine_for(a, b) as engine:
        await a.kill()
        for _ in range(12):
            answered = await engine.invoke(task(query=query))
            assert answered.settlement.target == "agents/b"
        answered = await engine.invoke(task(query=query))
        assert len(answered.settlement.attempts) == 1
        explained = engine.explain(task(query=query))
    assert [(e.reason.name, e.names) for e in explained.exclusions] == [("BREAKER", ("agents/a",))]


async def test_a_wrong_key_is_an_error_of_the_credential_and_never_shown():
    async with agent_server(key="the-key") as up:
        facts = {"auth": None, "credential": "AGENT_API_KEY"}
        async with engine_for(up, known=credentials(AGENT_API_KEY="the-key"), **facts) as engine:
            assert (await engine.invoke(chat("agents/a"))).output.text == TEXT
        for streams in (True, False):
            capabilities = resources.AgentCapabilities(streaming=streams)
            known = credentials(AGENT_API_KEY="wrong-one")
            async with engine_for(up, known=known, capabilities=capabilities, **facts) as engine:
                with pytest.raises(ProviderCredentialError) as refused:
                    await engine.invoke(chat("agents/a"))
                assert "wrong-one" not in str(refused.value)


async def test_an_agent_whose_card_has_no_grpc_is_explained_and_not_asked():
    others = (
        resources.AgentInterface("https://a.example/rpc", "JSONRPC", "1.0"),
        resources.AgentInterface("https://a.example:443", "GRPC", "0.3"),
        resources.AgentInterface("https://a.example/path", "GRPC", "1.0"),
    )
    async with open_engine(cache_of([agent("a", interfaces=others)])) as engine:
        for invocation in (task(), task(query=DiscoverQuery(DiscoverTarget.AGENT))):
            explained = engine.explain(invocation)
            assert [(e.reason.name, e.names) for e in explained.exclusions] == [("DIALECT", ("agents/a",))]
            with pytest.raises(NoCandidateError, match="dialect"):
                await engine.invoke(invocation)


async def test_what_a2a_cannot_say_is_refused_with_its_path():
    system = ChatRequest(messages=(Message(Role.SYSTEM, (text("Be brief"),)), Message(Role.USER, (text("hi"),))))
    async with agent_server() as up, engine_for(up) as engine:
        with pytest.raises(UnsupportedFieldError, match=r"chat\.messages\[0\]"):
            await engine.invoke(chat("agents/a", chat=system))
    assert up.seen == []


# --- one engine ----------------------------------------------------------------------------------------------------


async def test_a_task_has_its_price():
    each = PriceList((PriceSchedule(prices=(Price(PriceBucket.AGENT_TASKS, 250),)),))
    async with agent_server() as up, engine_for(up, prices=each) as engine:
        answered = await engine.invoke(task())
        told = (await engine.invoke(chat("agents/a"))).settlement
    assert answered.settlement.cost == told.cost == Cost(CostState.KNOWN, 250)
    assert answered.settlement.usage is None


async def test_as_many_tasks_as_an_agent_takes_at_once():
    query = DiscoverQuery(DiscoverTarget.AGENT)
    async with agent_server(waiting) as a, agent_server() as b:
        agents = [agent("a", a.url, max_concurrent_tasks=1), agent("b", b.url)]
        async with open_engine(cache_of(agents)) as engine:
            first = asyncio.create_task(engine.invoke(task(query=query)))
            await until(a.asked)
            answered = await engine.invoke(task(query=query))
            assert answered.settlement.target == "agents/b"
            assert [e.reason.name for e in engine.explain(task(query=query)).exclusions] == ["LIMIT"]
            first.cancel()
            await asyncio.wait([first])


async def test_a_route_leads_to_agents_and_on_to_a_model():
    tiers = (RouteTier((RouteTarget(agent="agents/a"),)), RouteTier((RouteTarget(model="models/m"),)))
    async with agent_server() as up, provider(ok) as model:
        resources_ = [*served(model.url), agent("a", up.url), route("r", tiers=tiers)]
        async with open_engine(cache_of(resources_)) as engine:
            assert (await engine.invoke(chat("r"))).settlement.target == "agents/a"
            await up.kill()
            answered = await engine.invoke(chat("r"))
    assert answered.settlement.target == "models/m/endpoints/a"
    assert answered.settlement.route == "routes/r"


async def test_no_second_attempt_beside_an_agent_and_no_agent_beside_another():
    async def slow(doing: Doing) -> None:
        await asyncio.sleep(0.3)
        await counting(doing)

    async def late(peer: Peer) -> None:
        await asyncio.sleep(0.3)
        await ok(peer)

    often, seldom = 1_000_000, 1
    hedged = RoutePolicy(hedge_delay=0.05)
    async with agent_server(slow) as up, provider(late) as model:
        routes = [
            route(id_, tiers=(RouteTier((RouteTarget(agent="agents/a", weight=a), RouteTarget("models/m", weight=m))),))
            for id_, a, m in (("a", often, seldom), ("b", seldom, often))
        ]
        settings = invoke.EngineSettings(hedge_share=1.0)
        async with open_engine(
            cache_of([*served(model.url), agent("a", up.url), *routes]), settings=settings
        ) as engine:
            assert (await engine.invoke(chat("routes/a", policy=hedged))).settlement.target == "agents/a"
            assert model.seen == []
            assert (await engine.invoke(chat("routes/b", policy=hedged))).settlement.target == "models/m/endpoints/a"
            assert len(up.seen) == 1


# --- TLS -----------------------------------------------------------------------------------------------------------


async def test_an_agent_behind_tls_is_called_when_its_certificate_is_trusted(tmp_path):
    authorities = Authorities(tmp_path)
    trusting = invoke.EngineSettings(transport=TransportSettings(ca_file=authorities.ca_file))
    async with agent_server(tls=authorities.grpc_server()) as up:
        # As a card may write it.
        cache = cache_of([agent("a", up.url.replace("grpcs://", "https://"))])
        async with open_engine(cache, settings=trusting) as engine:
            assert (await engine.invoke(task())).output.state is AgentTaskState.COMPLETED
        async with open_engine(cache) as engine:
            with pytest.raises(ProviderConnectionError, match="not trusted"):
                await engine.invoke(task(policy=ONCE))


async def test_who_goes_away_from_an_agent_behind_mutual_tls_has_the_task_cancelled(tmp_path):
    """The request to cancel proves who sends it as the first one did."""
    authorities = Authorities(tmp_path)
    authorities.key_pair("good-pair")
    trusting = invoke.EngineSettings(transport=TransportSettings(ca_file=authorities.ca_file))
    facts = {"auth": Auth(AuthMethod.MTLS), "credential": "good-pair"}
    async with agent_server(waiting, tls=authorities.grpc_server(mutual=True)) as up:
        cache, known = cache_of([agent("a", up.url, **facts)]), authorities.credentials()
        async with open_engine(cache, credentials=known, settings=trusting) as engine:
            with pytest.raises(DeadlineExceededError):
                await engine.invoke(task(), deadline=1.0)
            await until(up.cancelled)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
async def test_who_goes_away_before_the_agent_said_a_word_has_the_task_cancelled_with_the_first(stream):
    begun = asyncio.Event()

    async def late(doing: Doing) -> None:
        begun.set()
        await asyncio.sleep(0.4)
        await doing.working()
        await asyncio.sleep(60)

    async with agent_server(late) as up, engine_for(up) as engine:
        running = asyncio.create_task(events_of(engine, task()) if stream else engine.invoke(task()))
        await until(begun)
        running.cancel()
        # The caller goes at once; the agent is told when there is something to tell.
        async with asyncio.timeout(0.3):
            await asyncio.wait([running])
        assert not up.cancelled.is_set()
        await until(up.cancelled)


async def test_an_agent_that_never_says_a_word_is_not_waited_for_without_an_end():
    async def silent(_doing: Doing) -> None:
        await asyncio.sleep(60)

    async with agent_server(silent) as up, asyncio.timeout(2 * LONG):
        async with engine_for(up) as engine:
            running = asyncio.create_task(engine.invoke(task()))
            await until(up.asked)
            running.cancel()
            await asyncio.wait([running])
        # Closing waits for what nobody else waits for, and that is bounded.
        assert up.cancels == []
