import json
from typing import Any

import pytest

from airegistry.learning.feedback import ReportFeedbackRequest
from airegistry.learning.outcomes import Outcome, Result
from airegistry.learning.records import Considered, Decision, decision_line, feedback_line, read_decisions

A, B = "models/m/endpoints/a", "models/m/endpoints/b"


def decision(call_id="id", **facts):
    known: dict[str, Any] = {
        "attempt": 1,
        "time": 1_700_000_000.125,
        "route": "routes/r",
        "task": "chat/stream",
        "policy": "thompson-1",
        "considered": (Considered(A, "acme", 12, 0.5, 0.25, propensity=0.75), Considered(B, propensity=0.25)),
        "chosen": 0,
        "outcome": Outcome(Result.OK, first_token=0.25, duration=1.5, output_tokens=3, cost_nanos=7),
        "reward": 0.8,
        "seed": 7,
    }
    return Decision(call_id, **known | facts)


def test_a_decision_survives_its_line():
    assert read_decisions([decision_line(decision())], "log") == [decision()]


def test_what_is_unknown_is_not_written():
    assert json.loads(decision_line(decision()))["candidates"][1] == {
        "name": B, "mean": 0.5, "count": 0.0, "propensity": 0.25,
    }  # fmt: skip


def test_feedback_changes_the_reward_of_the_answer_that_it_is_about():
    failed = decision(outcome=Outcome(Result.FAILED, "overloaded"), reward=0.0)
    lines = [decision_line(failed), decision_line(decision(attempt=2)), decision_line(decision("other"))]
    lines.append(feedback_line(ReportFeedbackRequest("id", accepted=False), 0.3, 1.0))
    assert [each.reward for each in read_decisions(lines, "log")] == [0.0, 0.3, 0.8]


def test_feedback_on_a_call_that_was_turned_over_is_passed_by():
    assert read_decisions([feedback_line(ReportFeedbackRequest("gone", score=1.0), 0.3, 1.0)], "log") == []


GOOD = json.loads(decision_line(decision()))


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"v":1}',
        json.dumps(GOOD | {"v": 9}),
        json.dumps(GOOD | {"chosen": 5}),
        json.dumps(GOOD | {"chosen": -1}),
        json.dumps(GOOD | {"reward": 1.5}),
        json.dumps(GOOD | {"reward": float("nan")}),
        json.dumps(GOOD | {"candidates": [{"name": A, "propensity": 0.0}]}),
        json.dumps(GOOD | {"candidates": [{"name": A, "propensity": 0.5}]}),
        json.dumps(GOOD | {"candidates": [{"name": A, "prompt": "x"}]}),
    ],
    ids=[
        "cut", "no-object", "empty", "version", "nobody", "negative", "reward", "nan", "never", "half", "unknown-field",
    ],
)  # fmt: skip
def test_a_line_that_is_no_decision_is_named(line):
    with pytest.raises(ValueError, match=r"some\.jsonl, line 2"):
        read_decisions([decision_line(decision()), line], "some.jsonl")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"v": 1', "no JSON at column 8"),
        (json.dumps({name: value for name, value in GOOD.items() if name != "seed"}), "seed is missing"),
        (json.dumps(GOOD | {"candidates": [{"name": A, "prompt": "x"}]}), "a field is unknown, or of another type"),
        (json.dumps(GOOD | {"v": 2}), "version 2 is not known"),
    ],
    ids=["cut", "missing", "unknown-field", "version"],
)
def test_what_is_wrong_with_a_line_is_said_in_words(line, said):
    with pytest.raises(ValueError, match=rf"log, line 1: not a decision: {said}$"):
        read_decisions([line], "log")
