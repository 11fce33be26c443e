"""Which skill the words of a task fit, and in which order steps can be done."""

import pytest

from airegistry.agents.matching import best_skill
from airegistry.agents.outcome import TaskResult, of_chat
from airegistry.agents.steps import Step, check
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.chat import ChatChoice, ChatResponse, FinishReason, Message, Role
from airegistry.invocations.content import ContentBlock, MediaBlock, TextBlock
from airegistry.invocations.invocation import Settlement
from airegistry.invocations.kinds import AgentArtifact, AgentTaskState
from airegistry.resources.agent import Agent, AgentSkill

POLYGLOT = Agent(
    skills=(
        AgentSkill("translate", "Translate", "Turns a text into another language", ("language", "french")),
        AgentSkill("summarize", "Summarize", "Makes a long text short", ("digest",), ("What is this about?",)),
    )
)


@pytest.mark.parametrize(
    ("task", "skill"),
    [
        ("Translate this into French, please", "translate"),
        ("I need a translation", "translate"),
        ("TRANSLATING", "translate"),
        ("a digest of the news", "summarize"),
        ("make this short", "summarize"),
        ("paint a house", ""),
        ("", ""),
        ("trans", ""),
        ("😀 ?!", ""),
    ],
)
def test_the_words_of_a_task_find_the_skill(task, skill):
    found, fit = best_skill(task, POLYGLOT)
    assert (found, fit > 0) == (skill, bool(skill))


def test_what_a_skill_is_called_counts_more_than_what_it_is_told_by():
    assert best_skill("translate", POLYGLOT)[1] > best_skill("long", POLYGLOT)[1] > 0


def result(text="", **facts):
    content = (ContentBlock(text=TextBlock(text)),) if text else ()
    return TaskResult(AgentTaskState.COMPLETED, content, **facts)


def test_a_step_gets_the_texts_of_those_that_it_waits_for():
    step = Step("c", "{a} and {b}, not {d}", ("agents/x",), after=("a", "b"))
    assert step.worded({"a": result("one {b}"), "d": result("four")}) == "one  and , not {d}"
    assert Step("c", lambda results: results["a"].text * 2, ("x",)).worded({"a": result("one")}) == "oneone"


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([], "steps"),
        ([Step("a", "t", ())], "steps[0].by"),
        ([Step("a", "t", ("x",)), Step("a", "t", ("x",))], "steps[1].name"),
        ([Step("", "t", ("x",))], "steps[0].name"),
        ([Step("a", "t", ("x",), after=("b",))], "steps[0].after[0]"),
        ([Step("a", "t", ("x",), after=("b",)), Step("b", "t", ("x",), after=("a",))], "steps"),
        ([Step("a", "t", ("x",), after=("a",))], "steps"),
        ([Step(str(i), "t", ("x",)) for i in range(1_001)], "steps"),
    ],
    ids=["none", "nobody", "twice", "nameless", "unknown", "circle", "itself", "too-many"],
)
def test_steps_that_cannot_be_done_are_refused_before_anything_is(steps, field):
    with pytest.raises(InvalidArgumentError) as refused:
        check(steps)
    assert [violation.field for violation in refused.value.violations] == [field]


def test_a_result_is_what_was_made_else_what_was_said_else_its_data():
    data = ContentBlock(file=MediaBlock(data=b'{"n": 1}', media_type="application/json"))
    named = ContentBlock(file=MediaBlock(data=b"{}", media_type="application/json", filename="a.json"))
    words = (ContentBlock(text=TextBlock("two")), ContentBlock(text=TextBlock(" three")))
    made = (AgentArtifact("1", content=(ContentBlock(text=TextBlock("one")),)), AgentArtifact("2", content=words))
    assert result("said", artifacts=made).text == "one\ntwo three"
    assert result("said").text == "said"
    whole = result(artifacts=(AgentArtifact("1", content=(data, named)),))
    assert (whole.text, whole.data, len(whole.files)) == ('{"n": 1}', ({"n": 1},), 2)


@pytest.mark.parametrize(
    ("reason", "done"), [(FinishReason.STOP, True), (FinishReason.LENGTH, False), (FinishReason.OTHER, False)]
)
def test_a_model_in_an_agent_s_place_has_done_it_only_when_it_came_to_an_end(reason, done):
    message = Message(Role.ASSISTANT, (ContentBlock(text=TextBlock("hi")),))
    answered = of_chat(
        ChatResponse(choices=(ChatChoice(0, message, reason),)), Settlement(target="models/m/endpoints/a")
    )
    assert (answered.done, answered.text, answered.by) == (done, "hi", "models/m/endpoints/a")
