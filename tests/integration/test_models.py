"""Finding models and asking them in one line each, against real servers."""

import asyncio
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from airegistry import (
    Client,
    ModelAnswer,
    create_model_client,
    discover_model,
    find_models,
    open_embedded,
)
from airegistry.errors import (
    InvalidArgumentError,
    ModelNotFoundError,
    NoCandidateError,
    UnavailableError,
)
from airegistry.invocations.chat import FinishReason, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.usage import CostState, Usage
from airegistry.models import blocking
from airegistry.resources.endpoint import Communication
from airegistry.resources.model import Capability, ModelLimits
from airegistry.resources.prices import Price, PriceBucket, PriceList, PriceSchedule
from airegistry.resources.resource import Resource
from airegistry.resources.route import Route, RouteTarget, RouteTier
from tests.catalogs import endpoint, model
from tests.command_line import servers
from tests.planes import NOWHERE, gateway_at, registry_at, until_revision
from tests.providers import USAGE, chunk, ok, provider, stream_head

ELSEWHERE = "http://127.0.0.1:1/v1"
CHEAP, LARGE, CLOSED = "models/cheap/endpoints/a", "models/large/endpoints/b", "models/closed/endpoints/c"
PROMPT = "What is a list?"
CHAT = ("text-generation",)
ASKED, GIVEN = USAGE["prompt_tokens"], USAGE["completion_tokens"]


def costing(asked, given):
    prices = (Price(PriceBucket.INPUT_TOKENS, asked), Price(PriceBucket.OUTPUT_TOKENS, given))
    return PriceList((PriceSchedule(prices),))


def named(candidates):
    return [candidate.name for candidate in candidates]


@asynccontextmanager
async def plane(tmp_path, *resources, gateway=True):
    """A registry that holds *resources*, a gateway that has seen them, and a client of both."""
    async with registry_at(tmp_path / "r") as registry, Client(registry.address) as client:
        revision = (await client.register(resources)).revision
        if not gateway:
            yield registry.address, NOWHERE
            return
        async with gateway_at(tmp_path / "g", registry.address) as running:
            await until_revision(running.cache, revision)
            yield registry.address, running.address


def a_catalog():
    return [
        model("cheap", tasks=CHAT, limits=ModelLimits(context_tokens=8_192)),
        endpoint("a", ELSEWHERE, model="cheap", prices=costing(10**8, 10**8)),
        model(
            "large", tasks=CHAT, limits=ModelLimits(context_tokens=200_000), capabilities={"tools": Capability(True)}
        ),
        endpoint("b", ELSEWHERE, model="large", prices=costing(5 * 10**9, 5 * 10**9)),
        model("closed", tasks=CHAT),
        endpoint("c", ELSEWHERE, model="closed", communication=Communication(dialect="openai.chat")),
    ]


async def test_models_are_found_by_what_is_wanted_and_ranked_by_what_best_means(tmp_path):
    async with plane(tmp_path, *a_catalog(), gateway=False) as (registry, _):
        assert named(await find_models("chat", registry=registry, prefer="cheapest")) == [CHEAP, LARGE]
        assert named(await find_models("chat", registry=registry, max_cost_per_token="0.000001")) == [CHEAP]
        # Exactly the price passes, and a nano-USD per million tokens less does not.
        assert named(await find_models(registry=registry, max_price_per_million="0.1")) == [CHEAP]
        assert await find_models(registry=registry, max_price_per_million="0.099999999") == ()
        async with Client(registry) as client:
            best = await discover_model("chat", registry=client, min_context=100_000, capabilities="tools")
            assert best.name == LARGE
            assert len(await find_models(registry=client, any_credential=True, limit=2)) == 2


async def test_nobody_is_an_error_that_says_what_excluded_the_others(tmp_path):
    async with plane(tmp_path, *a_catalog(), gateway=False) as (registry, _):
        with pytest.raises(NoCandidateError) as nobody:
            await discover_model("chat", registry=registry, max_cost_per_token=0.000001, min_context=10_000)
        assert "no model for 'chat' is as wanted: 3 excluded: 2 context, 1 price" in str(nobody.value)
        assert nobody.value.metadata == {"context": "2", "price": "1"}
        with pytest.raises(NoCandidateError, match="what is not known is no pass"):
            await discover_model("chat", registry=registry, max_latency=5, min_reliability=0.9)
        best = await discover_model(
            "chat", registry=registry, prefer="cheapest", max_latency=5, allow_unknown="max_latency"
        )
        assert best.name == CHEAP


async def test_an_empty_registry_says_that_it_is_empty(tmp_path):
    async with registry_at(tmp_path) as registry:
        with pytest.raises(NoCandidateError, match="holds no endpoint"):
            await discover_model(registry=registry.address)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("max_latency", -1), ("capabilities", "toolz"), ("filter", "model.famly == 'x'"), ("limit", 1_000)],
)
async def test_what_the_registry_refuses_names_the_argument(argument, value, tmp_path):
    async with plane(tmp_path, *a_catalog(), gateway=False) as (registry, _):
        with pytest.raises(InvalidArgumentError) as refused:
            await find_models("chat", registry=registry, **{argument: value})
        assert [violation.field.partition("[")[0] for violation in refused.value.violations] == [argument]


@asynccontextmanager
async def asked_through(kind, tmp_path, *resources):
    """What a model client asks through: a gateway, or an engine in this process."""
    if kind == "gateway":
        async with plane(tmp_path, *resources) as (_, gateway):
            yield gateway
    else:
        async with plane(tmp_path, *resources, gateway=False) as (registry, _), open_embedded(registry) as here:
            yield here


def served_by(url):
    return [
        model("talker", tasks=CHAT, original_ids=("Vendor/Talker-1",), aliases=("chatty",)),
        endpoint("p", url, model="talker", prices=costing(3 * 10**9, 15 * 10**9)),
        Resource(name="routes/support", route=Route(tiers=(RouteTier(targets=(RouteTarget(model="models/talker"),)),))),
    ]


THROUGH = pytest.mark.parametrize("kind", ["gateway", "embedded"])


@THROUGH
async def test_an_answer_has_its_text_who_gave_it_and_its_exact_cost(kind, tmp_path):
    async with (
        provider(ok) as upstream,
        asked_through(kind, tmp_path, *served_by(upstream.url)) as gateway,
        create_model_client("talker", gateway=gateway) as talker,
    ):
        answer = await talker.query(PROMPT, system="Be short.", max_output_tokens=16)
        assert isinstance(answer, ModelAnswer)
        assert str(answer) == answer.text != ""
        assert answer.by == "models/talker/endpoints/p"
        assert answer.usage == Usage(input_tokens=ASKED, output_tokens=GIVEN)
        assert answer.cost == Decimal(ASKED * 3 + GIVEN * 15) / 10**6
        assert answer.cost_state is CostState.KNOWN


@THROUGH
async def test_a_streamed_answer_comes_in_pieces_and_ends_with_the_same_account(kind, tmp_path):
    async with (
        provider(ok) as upstream,
        asked_through(kind, tmp_path, *served_by(upstream.url)) as gateway,
        create_model_client("talker", gateway=gateway) as talker,
    ):
        whole = await talker.query(PROMPT)
        async with talker.stream(PROMPT) as stream:
            with pytest.raises(RuntimeError, match="not whole yet"):
                _ = stream.answer
            pieces = [piece async for piece in stream]
        assert len(pieces) > 1
        assert "".join(pieces) == stream.answer.text == whole.text
        assert (stream.answer.usage, stream.answer.cost) == (whole.usage, whole.cost)
        assert stream.answer.chat.choices[0].finish_reason is FinishReason.STOP


@THROUGH
@pytest.mark.parametrize(
    "name", ["talker", "chatty", "support", "routes/support", "Vendor/Talker-1", "p/Vendor/Talker-1"]
)
async def test_a_model_is_called_by_any_name_that_a_gateway_knows(kind, name, tmp_path):
    async with (
        provider(ok) as upstream,
        asked_through(kind, tmp_path, *served_by(upstream.url)) as gateway,
        create_model_client(name, gateway=gateway) as talker,
    ):
        assert (await talker.query(PROMPT)).by == "models/talker/endpoints/p"


@THROUGH
async def test_errors_are_those_of_a_call(kind, tmp_path):
    async with asked_through(kind, tmp_path, *a_catalog()) as gateway:
        async with create_model_client("no-such-model", gateway=gateway) as nobody:
            with pytest.raises(ModelNotFoundError):
                await nobody.query(PROMPT)
            with pytest.raises(ModelNotFoundError):
                await anext(nobody.stream(PROMPT))
        async with create_model_client("closed", gateway=gateway) as closed:
            with pytest.raises(NoCandidateError):
                await closed.query(PROMPT)


async def test_what_was_found_is_asked_by_itself_and_a_conversation_goes_on(tmp_path):
    async with provider(ok) as upstream, plane(tmp_path, *served_by(upstream.url)) as (registry, gateway):
        best = await discover_model("chat", registry=registry)
        async with create_model_client(best, gateway=gateway) as talker:
            assert talker.model == "models/talker/endpoints/p"
            said = [(Role.USER, PROMPT), (Role.ASSISTANT, "A list is mutable."), (Role.USER, "And a tuple?")]
            turns = [Message(role, (ContentBlock(text=TextBlock(text)),)) for role, text in said]
            assert (await talker.query(turns, system="Be short.")).text
        sent = upstream.seen[-1].body["messages"]
        assert [turn["role"] for turn in sent] == ["system", "user", "assistant", "user"]


async def speak_and_wait(peer):
    await stream_head(peer)
    await peer.event(chunk({"content": "well"}))
    await peer.until_gone()


@THROUGH
async def test_leaving_a_stream_early_ends_the_call(kind, tmp_path):
    async with (
        provider(speak_and_wait) as upstream,
        asked_through(kind, tmp_path, *served_by(upstream.url)) as gateway,
        create_model_client("talker", gateway=gateway) as talker,
    ):
        async with talker.stream(PROMPT) as stream:
            assert await anext(stream) == "well"
        await asyncio.wait_for(upstream.seen[0].gone.wait(), 5)


@pytest.mark.parametrize(
    ("prompt", "options", "said"),
    [
        pytest.param(" ", {}, "prompt: must not be empty", id="empty-prompt"),
        pytest.param(3, {}, "prompt: must be a text", id="prompt"),
        pytest.param([], {}, "prompt: must be a text", id="no-messages"),
        pytest.param("x", {"deadline": -1}, "deadline: ", id="negative-deadline"),
        pytest.param("x", {"deadline": 0}, "deadline: ", id="no-time"),
        pytest.param("x", {"deadline": float("nan")}, "deadline: ", id="nan-deadline"),
        pytest.param("x", {"max_output_tokens": "16"}, "max_output_tokens: must be a whole number", id="text"),
        pytest.param("x", {"temperature": True}, "temperature: must be a number", id="bool"),
        pytest.param("x", {"max_output_tokens": 0}, "max_output_tokens: ", id="what-the-gateway-refuses"),
    ],
)
async def test_a_wrong_question_is_refused_by_the_name_of_what_is_wrong(prompt, options, said, tmp_path):
    async with (
        asked_through("embedded", tmp_path, *a_catalog()) as here,
        create_model_client("cheap", gateway=here) as cheap,
    ):
        with pytest.raises(InvalidArgumentError) as refused:
            await cheap.query(prompt, **options)
        assert said in str(refused.value)


async def test_an_unknown_option_names_the_nearest():
    async with create_model_client("cheap") as cheap:
        with pytest.raises(TypeError, match="'max_tokens'; did you mean 'max_output_tokens'"):
            await cheap.query(PROMPT, max_tokens=3)


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_a_client_is_of_something_that_has_a_name(name):
    with pytest.raises(InvalidArgumentError, match="model: "):
        create_model_client(name)


async def test_an_embedded_engine_that_hears_of_no_registry_says_so():
    with pytest.raises(UnavailableError, match=r"registry at 127\.0\.0\.1:1 has told nothing"):
        async with open_embedded(NOWHERE, wait=0.2):
            pass


def test_scripts_without_an_event_loop_find_and_ask(tmp_path):
    with servers(tmp_path) as running:
        running.run("register", "-f", "-", given=DEMO.format(url=running.demo))
        running.until_gateway_knows()
        assert named(blocking.find_models("chat", registry=running.registry)) == ["models/demo/endpoints/here"]
        best = blocking.discover_model("chat", registry=running.registry, max_cost_per_token=0)
        with blocking.create_model_client(best, gateway=running.gateway) as demo:
            answer = demo.query(PROMPT, max_output_tokens=8)
            assert answer.cost == Decimal(0)
            assert answer.usage is not None
            assert answer.usage.output_tokens == 8
            with demo.stream(PROMPT, max_output_tokens=8) as stream:
                assert "".join(stream) == stream.answer.text != ""
            with demo.stream(PROMPT, max_output_tokens=8) as left:
                next(left)
            assert demo.query(PROMPT, max_output_tokens=8).text


DEMO = """
- name: models/demo
  model: {{tasks: [text-generation]}}
- name: models/demo/endpoints/here
  endpoint:
    provider: here
    address: {url}/v1
    upstream_model: demo-ngram
    communication: {{dialect: openai.chat, auth: {{method: none}}}}
    prices: {{schedules: [{{prices: [{{bucket: input_tokens, usd: "0"}}, {{bucket: output_tokens, usd: "0"}}]}}]}}
"""


async def test_blocking_calls_inside_an_event_loop_say_what_to_do():
    with pytest.raises(RuntimeError, match="await what airegistry itself exports"):
        blocking.discover_model("chat")
    with pytest.raises(RuntimeError, match="await what airegistry itself exports"):
        blocking.create_model_client("cheap").query(PROMPT)
