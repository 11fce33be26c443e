"""Decisions and what became of them, as lines of a log: names and numbers, nothing of what a call says."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from airegistry.discovery.naming import parent_of
from airegistry.learning.arms import Arm
from airegistry.learning.feedback import ReportFeedbackRequest
from airegistry.learning.outcomes import Outcome, Result
from airegistry.learning.selector import Choice

VERSION = 1
_DIGITS = 7
_OUTCOME = ("error", "first_token", "duration", "input_tokens", "output_tokens", "cost_nanos")
_SAID = ("score", "accepted", "retried", "schema_valid")


@dataclass(frozen=True, slots=True)
class Considered:
    """A candidate as it was known before the choice; None is unknown."""

    name: str
    provider: str = ""
    price_nanos: int | None = None
    score: float | None = None
    first_token: float | None = None
    mean: float = 0.5
    count: float = 0.0
    propensity: float = 1.0

    @property
    def arm(self) -> Arm:
        """Whom it stands for."""
        return Arm(self.name, self.provider, parent_of(self.name))


@dataclass(frozen=True, slots=True)
class Decision:
    """One choice among candidates in their static order, and what became of it. `time` is in seconds since 1970."""

    call_id: str
    attempt: int
    time: float
    route: str
    task: str
    policy: str
    considered: tuple[Considered, ...]
    chosen: int
    outcome: Outcome
    seed: int
    reward: float | None = None

    @property
    def propensity(self) -> float:
        """How likely the choice was."""
        return self.considered[self.chosen].propensity


def weighed(choice: Choice, known: Iterable[Considered]) -> tuple[Considered, ...]:
    """Return what was *known* of the arms of a choice, with what was believed of them."""
    weighing = choice.weighing
    return tuple(
        replace(one, mean=belief.mean, count=belief.count, propensity=propensity)
        for one, belief, propensity in zip(known, weighing.beliefs, weighing.propensities, strict=True)
    )


def decision_line(decision: Decision) -> str:
    """Return a decision as one line of JSON."""
    outcome = {"result": decision.outcome.result.value, **_set(decision.outcome, _OUTCOME)}
    return _line(
        {
            "v": VERSION,
            "call_id": decision.call_id,
            "attempt": decision.attempt,
            "time": round(decision.time, 3),
            "route": decision.route,
            "task": decision.task,
            "policy": decision.policy,
            "seed": decision.seed,
            "candidates": [_set(one, Considered.__slots__) for one in decision.considered],
            "chosen": decision.chosen,
            "outcome": outcome,
            "reward": _short(decision.reward),
        }
    )


def feedback_line(feedback: ReportFeedbackRequest, reward: float, time: float) -> str:
    """Return what somebody said of a call, all of it that is known, as one line of JSON."""
    said = _set(feedback, _SAID)
    return _line(
        {"v": VERSION, "call_id": feedback.call_id, "time": round(time, 3), "feedback": said, "reward": _short(reward)}
    )


def read_decisions(lines: Iterable[str], path: str) -> list[Decision]:
    """Return the decisions of a log, with their last rewards. ValueError names the line of *path* that is none."""
    decisions: list[Decision] = []
    answered: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line, parse_constant=_no_number)
            if "feedback" in data:
                place = answered.get(data["call_id"])
                if place is not None:
                    decisions[place] = replace(decisions[place], reward=_share(data["reward"]))
                continue
            decisions.append(decision := _decision(data))
        except (ValueError, TypeError, KeyError, IndexError) as error:
            raise ValueError(f"{path}, line {number}: not a decision: {_problem(error)}") from error
        if decision.outcome.answered:
            answered[decision.call_id] = len(decisions) - 1
    return decisions


def _problem(error: Exception) -> str:
    match error:
        case json.JSONDecodeError():
            return f"no JSON at column {error.colno}"
        case KeyError():
            return f"{error.args[0]} is missing"
        case ValueError():
            return str(error)
    return "a field is unknown, or of another type"


def _decision(data: Mapping[str, Any]) -> Decision:
    if data["v"] != VERSION:
        raise ValueError(f"version {data['v']} is not known")
    outcome = dict(data["outcome"])
    decision = Decision(
        call_id=str(data["call_id"]),
        attempt=int(data["attempt"]),
        time=float(data["time"]),
        route=str(data["route"]),
        task=str(data["task"]),
        policy=str(data["policy"]),
        considered=tuple(Considered(**one) for one in data["candidates"]),
        chosen=int(data["chosen"]),
        outcome=Outcome(Result(outcome.pop("result")), **outcome),
        reward=None if data["reward"] is None else _share(data["reward"]),
        seed=int(data["seed"]),
    )
    _check(decision)
    return decision


def _check(decision: Decision) -> None:
    if not 0 <= decision.chosen < len(decision.considered):
        raise ValueError("chosen is none of the candidates")
    shares = [one.propensity for one in decision.considered]
    if not all(0 < share <= 1 for share in shares) or not math.isclose(sum(shares), 1, rel_tol=1e-4):
        raise ValueError("the propensities of the candidates are no probabilities")


def _share(value: Any) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"a reward must be from 0 to 1, not {value}")
    return float(value)


def _set(value: object, names: Iterable[str]) -> dict[str, Any]:
    known = ((name, getattr(value, name)) for name in names)
    return {name: _short(one) for name, one in known if one is not None and one != ""}


def _short(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _line(data: Mapping[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
