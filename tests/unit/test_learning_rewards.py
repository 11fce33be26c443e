import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.invocations.chat import Tool
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.invocations.invocation import Invocation
from airegistry.learning.arms import Arm
from airegistry.learning.feedback import ReportFeedbackRequest, merged, validate_feedback
from airegistry.learning.outcomes import Outcome, Result, RewardScale, reward
from airegistry.learning.recent import RecentCall, RecentCalls
from airegistry.learning.tasks import task_class
from tests.catalogs import asked, chat

SCALE = RewardScale(first_token=1.0, duration=10.0, cost_nanos=100.0)
CALL = RecentCall("chat", Arm("a"), Outcome(Result.OK), 0.75, 0.0)


@pytest.mark.parametrize(
    ("facts", "quality", "worth"),
    [
        ({"first_token": 0.0, "cost_nanos": 0}, None, 1.0),
        ({"first_token": 1.0, "cost_nanos": 0}, None, 0.875),
        ({"first_token": 1.0, "cost_nanos": 100}, None, 0.75),
        ({"first_token": 1.0, "duration": 99.0}, None, 0.75),
        ({"duration": 10.0}, None, 0.75),
        ({}, None, 0.75),
        ({"first_token": 1.0}, 0.0, 0.25),
        ({"first_token": 1.0}, 0.5, 0.5),
    ],
    ids=["at-once", "half-as-fast", "half-of-both", "first-token-counts", "whole", "unknown", "useless", "middling"],
)
def test_an_answer_is_worth_what_the_formula_says(facts, quality, worth):
    assert reward(Outcome(Result.OK, **facts), SCALE, quality) == pytest.approx(worth)


def test_a_failure_is_worth_nothing_and_silence_is_no_reward():
    assert reward(Outcome(Result.FAILED, first_token=0.1), SCALE) == 0.0
    assert reward(Outcome(Result.SILENT, first_token=0.1), SCALE) is None


@given(
    st.none() | st.floats(0, 1e12), st.none() | st.floats(0, 1e12), st.none() | st.integers(0, 2**63), st.floats(0, 1)
)
def test_a_reward_is_always_from_0_to_1(first_token, duration, cost, quality):
    outcome = Outcome(Result.OK, first_token=first_token, duration=duration, cost_nanos=cost)
    assert 0 <= (reward(outcome, RewardScale(), quality) or 0.0) <= 1


def feedback(**said):
    return ReportFeedbackRequest("id", **said)


@pytest.mark.parametrize(
    ("said", "quality"),
    [
        ({"score": 0.25}, 0.25),
        ({"accepted": True}, 1.0),
        ({"retried": True}, 0.0),
        ({"schema_valid": False, "accepted": True}, 0.5),
        ({}, None),
    ],
    ids=["score", "accepted", "retried", "both", "nothing"],
)
def test_quality_is_the_mean_of_what_was_said(said, quality):
    assert feedback(**said).quality == quality


def test_what_is_said_again_replaces_and_the_rest_stays():
    known = merged(feedback(score=0.2, accepted=True), feedback(score=0.9))
    assert (known.score, known.accepted, known.retried) == (0.9, True, None)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (feedback(score=math.nan), "score"),
        (feedback(score=1.5), "score"),
        (feedback(score=-0.1), "score"),
        (feedback(score=math.inf), "score"),
        (feedback(), "score"),
        (ReportFeedbackRequest("", score=0.5), "call_id"),
        (ReportFeedbackRequest("x" * 200, score=0.5), "call_id"),
    ],
    ids=["nan", "above", "below", "endless", "nothing", "no-id", "long-id"],
)
def test_bad_feedback_names_its_field(bad, field):
    assert [violation.field for violation in validate_feedback(bad)] == [field]
    assert validate_feedback(feedback(score=0.0)) == []


def test_calls_of_late_are_few_and_expire():
    calls = RecentCalls(kept=3, expiry=60.0)
    for id_ in "abcde":
        calls.note(id_, CALL)
    assert len(calls) == 3
    assert calls.get("a", 0.0) is None
    assert calls.get("e", 60.0) is CALL
    assert calls.get("e", 60.1) is None


@pytest.mark.parametrize(
    ("invocation", "stream", "expected"),
    [
        (chat(), True, "chat/stream"),
        (chat(), False, "chat/whole"),
        (chat(chat=asked(tools=(Tool(name="t"),))), False, "chat-tools/whole"),
        (chat(chat=asked("word " * 10_000)), True, "chat-long/stream"),
        (Invocation(model="m", embeddings=EmbeddingsRequest()), False, "embeddings/whole"),
        (Invocation(model="m"), False, "any/whole"),
    ],
    ids=["stream", "whole", "tools", "long", "embeddings", "unsaid"],
)
def test_calls_are_put_into_classes(invocation, stream, expected):
    assert task_class(invocation, stream=stream) == expected
