"""Which objects are agents, and how their work is called."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from airegistry.agents.describing import describe_agent, describe_card, id_of
from airegistry.agents.shapes import card_of, told_by
from airegistry.agents.work import WrongResultError, pieces_of, work_of
from airegistry.errors import InvalidArgumentError
from airegistry.resources.agent import AgentSkill
from airegistry.resources.endpoint import AuthMethod
from airegistry.resources.prices import PriceBucket
from airegistry.resources.validation import validate
from tests.agents import card


class Plain:
    name = "Word Counter"
    skills: Any = ("Count words",)

    def run(self, text):
        return text


def of(**facts):
    agent = Plain()
    for name, value in facts.items():
        setattr(agent, name, value)
    return agent


@dataclass
class Skill:
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("skills", "first"),
    [
        (["Count words"], AgentSkill("count-words", "Count words")),
        ({"Count words": "Counts"}, AgentSkill("count-words", "Count words", "Counts")),
        ({"Count words": print}, AgentSkill("count-words", "Count words")),
        ([{"id": "cw", "name": "Count", "tags": ["n"]}], AgentSkill("cw", "Count", tags=("n",))),
        ([Skill("Count words", "Counts", ("n",))], AgentSkill("count-words", "Count words", "Counts", ("n",))),
        ((AgentSkill("x", "X"),), AgentSkill("x", "X")),
    ],
    ids=["names", "descriptions", "functions", "mappings", "objects", "ours"],
)
def test_skills_may_be_told_in_many_ways(skills, first):
    assert told_by(of(skills=skills))["skills"] == (first,)


def test_capabilities_are_skills_where_there_are_none():
    assert told_by(of(skills=None, capabilities=["sum"]))["skills"] == (AgentSkill("sum", "sum"),)


@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        ({"name": ""}, ["agent.name"]),
        ({"name": 7}, ["agent.name"]),
        ({"skills": ()}, ["agent.skills"]),
        ({"skills": "count"}, ["agent.skills"]),
        ({"skills": [7]}, ["agent.skills"]),
        ({"skills": 7}, ["agent.skills"]),
        ({"name": None, "skills": None, "version": 1.0}, ["agent.version", "agent.name", "agent.skills"]),
    ],
    ids=["empty", "number", "no-skill", "one-text", "numbers", "no-list", "several"],
)
def test_what_an_object_lacks_is_named(facts, fields):
    with pytest.raises(InvalidArgumentError) as refused:
        told_by(of(**facts))
    assert [violation.field for violation in refused.value.violations] == fields


def test_a_card_is_found_on_what_has_one():
    described = card()
    assert card_of(described) is described
    assert card_of(of(agent_card=described)) is described
    assert card_of(of(card="a playing card")) is None


def test_a_card_is_the_agent_that_it_describes():
    resource = describe_card(card("127.0.0.1:5000"), region="eu")
    agent = resource.agent
    assert agent is not None
    assert (resource.name, agent.display_name, agent.version, agent.region) == (
        "agents/counter",
        "Counter",
        "1.2.3",
        "eu",
    )
    assert agent.interfaces[0].url == "grpc://127.0.0.1:5000"
    assert agent.skills == (AgentSkill("count", "Count", "Counts", ("numbers",)),)
    assert agent.auth is not None
    assert agent.auth.method is AuthMethod.NONE
    assert agent.capabilities is not None
    assert agent.capabilities.streaming
    assert validate(resource, path="agent") == []


def test_an_address_without_a_scheme_has_tls_anywhere_but_here():
    described: list[Any] = [describe_card(card(url)).agent for url in ("a.example:443", "localhost:1", "https://b")]
    urls = [agent.interfaces[0].url for agent in described]
    assert urls == ["grpcs://a.example:443", "grpc://localhost:1", "https://b"]


def test_something_else_is_no_card():
    with pytest.raises(InvalidArgumentError, match=r"lf\.a2a\.v1\.AgentCard"):
        describe_card({"name": "x"})


def test_an_agent_is_described_in_a_line():
    resource = describe_agent("t", "grpc://h:1", ["Translate"], price_per_task_nanos=5, description="d")
    agent = resource.agent
    assert agent is not None
    assert agent.prices is not None
    assert agent.prices.schedules[0].prices[0].bucket is PriceBucket.AGENT_TASKS
    assert validate(resource, path="agent") == []
    held = describe_agent("t", "grpc://h:1", ["x"], credential="T_API_KEY").agent
    assert held is not None
    assert held.auth is None


@pytest.mark.parametrize(("name", "id_"), [("Ünï Agent!", "n-agent"), ("a" * 300, "a" * 128), ("  X.y_z ", "x.y_z")])
def test_names_become_ids(name, id_):
    assert id_of(name) == id_


def test_a_name_without_letters_is_no_id():
    with pytest.raises(InvalidArgumentError):
        id_of("😀")


# --- work ----------------------------------------------------------------------------------------------------------


async def given(method, text="a b"):
    return [piece async for piece in pieces_of(method, text)]


def plainly(text):
    return text.upper()


async def later(text):
    await asyncio.sleep(0)
    return text.upper()


def piecewise(text):
    yield from text.upper().split()


async def piecewise_later(text):
    for piece in text.upper().split():
        yield piece


class Called:
    async def __call__(self, text):
        return text.upper()


@pytest.mark.parametrize(
    ("method", "pieces"),
    [
        (plainly, ["A B"]),
        (later, ["A B"]),
        (piecewise, ["A", "B"]),
        (piecewise_later, ["A", "B"]),
        (Called(), ["A B"]),
        (lambda _text: piecewise_later("a b"), ["A", "B"]),
        (lambda _text: None, []),
        (lambda _text: {"n": 1}, [{"n": 1}]),
        (lambda _text: [1], [[1]]),
        (lambda _text: b"\0", [b"\0"]),
    ],
)
async def test_work_of_any_form_gives_its_pieces(method, pieces):
    assert await given(method) == pieces


async def test_something_that_is_no_answer_is_an_error():
    with pytest.raises(WrongResultError, match="object"):
        await given(lambda _text: object())


async def test_plain_work_does_not_hold_the_others_up():
    seen: list[threading.Thread] = []
    await given(lambda _text: seen.append(threading.current_thread()))
    assert seen != [threading.main_thread()]


class Handles:
    def handle(self, text):
        return text

    def process(self, _text):
        raise AssertionError


def test_the_first_name_that_is_there_is_the_work():
    agent = Handles()
    assert work_of(agent) == agent.handle
    assert work_of(object()) is None
    called = Called()
    assert work_of(called) is called


def test_work_that_needs_more_than_a_text_is_refused():
    class Two:
        def run(self, text, tools):
            return text, tools

    class Keyword:
        def run(self, text, *, tools):
            return text, tools

    class Nothing:
        def run(self):
            return ""

    class Fine:
        def run(self, text, tools=None, **more):
            return text, tools, more

    for agent in (Two(), Keyword(), Nothing()):
        with pytest.raises(InvalidArgumentError, match=r"agent\.run"):
            work_of(agent)
    assert work_of(Fine()) is not None
