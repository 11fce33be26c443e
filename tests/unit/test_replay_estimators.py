"""The estimates of a replay against truths that are known, over many logs."""

import math

import numpy as np
import pytest

from airegistry.learning.outcomes import Outcome, Result
from airegistry.learning.records import Considered, Decision
from airegistry.learning.replay.comparing import Finding, compare
from airegistry.learning.replay.estimators import MOST_WEIGHT, expected, terms
from airegistry.learning.replay.intervals import interval
from airegistry.learning.replay.policies import NAMES, policy
from airegistry.learning.replay.rounds import rounds_of
from airegistry.learning.selector import SelectorSettings

ARMS = tuple(f"models/m/endpoints/{id_}" for id_ in "abc")
MEANS = np.array([0.8, 0.6, 0.3])
SHARES = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]])
LOGS, ROUNDS = 150, 300
KINDS = ("ips", "snips", "dr")


def a_log(seed, rounds=ROUNDS, shares=SHARES, means=MEANS):
    """Return a log in which two kinds of rounds, with propensities of their own, take turns."""
    rng = np.random.default_rng(seed)
    decisions = []
    for i in range(rounds):
        known = shares[i % len(shares)]
        chosen = int(rng.choice(len(known), p=known))
        considered = tuple(
            Considered(name, price_nanos=10 - place, first_token=1.0 + place, propensity=float(share))
            for place, (name, share) in enumerate(zip(ARMS, known, strict=False))
        )
        reward = float(rng.random() < means[chosen])
        decisions.append(
            Decision(str(i), 1, float(i), "", "chat", "p", considered, chosen, Outcome(Result.OK), seed, reward)
        )
    return rounds_of(decisions)


def values(rounds, name, seed=0):
    known = terms(rounds, policy(name, SelectorSettings())(rounds), expected(rounds))
    return {
        "ips": interval(known.weighted, seed),
        "snips": interval(known.weighted, seed, known.weights),
        "dr": interval(known.doubly_robust, seed),
    }


TRUTHS = {f"always:{ARMS[0]}": 0.8, f"always:{ARMS[2]}": 0.3, "uniform": float(MEANS.mean()), "logged": 0.0}
TRUTHS["logged"] = float((SHARES @ MEANS).mean())


@pytest.fixture(scope="module")
def estimates():
    logs = [a_log(seed) for seed in range(LOGS)]
    return {name: [values(rounds, name, seed) for seed, rounds in enumerate(logs)] for name in TRUTHS}


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_holds_the_truth_about_as_often_as_it_says(estimates, name, kind):
    held = np.mean([each[kind].holds(TRUTHS[name]) for each in estimates[name]])
    assert 0.90 <= held <= 0.99


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_estimate_is_right_on_average(estimates, name, kind):
    errors = np.array([each[kind].value - TRUTHS[name] for each in estimates[name]])
    assert abs(errors.mean()) < 3.5 * errors.std() / math.sqrt(LOGS) + 1e-9


def test_a_model_makes_the_estimate_of_what_was_rarely_tried_surer(estimates):
    rare = estimates[f"always:{ARMS[0]}"]
    widths = {kind: np.mean([each[kind].high - each[kind].low for each in rare]) for kind in KINDS}
    assert widths["dr"] < 0.8 * widths["ips"]


def test_what_was_done_is_estimated_by_what_came_of_it():
    rounds = a_log(1)
    known = values(rounds, "logged")
    assert known["ips"].value == pytest.approx(rounds.rewards.mean())
    assert known["ips"] == known["snips"]


def test_weights_are_clipped_and_counted():
    rare = np.array([[0.998, 0.001, 0.001]])
    rounds = a_log(3, rounds=5_000, shares=rare)
    known = terms(rounds, policy(f"always:{ARMS[2]}", SelectorSettings())(rounds), expected(rounds))
    assert known.weights.max() == MOST_WEIGHT
    assert known.clipped == (rounds.chosen == 2).sum() > 0


def found(names, **facts):
    comparison = compare(a_log(5, **facts), names, settings=SelectorSettings(), seed=7)
    return {each.policy: each.finding for each in comparison.estimates}


def test_it_says_plainly_what_is_better_worse_the_same_or_unknown():
    alike = np.array([0.5, 0.5, 0.5])
    good, bad = f"always:{ARMS[0]}", f"always:{ARMS[2]}"
    assert found([good, bad], rounds=1_500) == {good: Finding.WORSE, bad: Finding.BETTER}
    assert found(["uniform"], rounds=1_500, means=alike) == {"uniform": Finding.NO_DIFFERENCE}
    assert found([bad], rounds=60) == {bad: Finding.TOO_LITTLE}


def test_nothing_is_concluded_of_who_was_never_tried():
    comparison = compare(a_log(5, shares=np.array([[0.999999, 1e-6]])), ["uniform", f"always:{ARMS[1]}"],
                         settings=SelectorSettings(), seed=7)  # fmt: skip
    never = comparison.estimates[1]
    assert never.finding is Finding.TOO_LITTLE
    assert math.isnan(never.snips.value)
    assert never.effective_size == 0


def test_policies_choose_whom_they_are_named_after():
    rounds = a_log(1, rounds=10)
    chosen = {name: policy(name, SelectorSettings())(rounds)[0].tolist() for name in
              ("discovery", "cheapest", "fastest", f"always:{ARMS[1]}", "always:nobody")}  # fmt: skip
    assert chosen["discovery"] == chosen["fastest"] == chosen["always:nobody"] == [1, 0, 0]
    assert chosen["cheapest"] == [0, 0, 1]
    assert chosen[f"always:{ARMS[1]}"] == [0, 1, 0]


def test_learned_selection_is_replayed_with_other_settings_by_what_came_before():
    rounds = a_log(1, rounds=400)
    matrix = policy("thompson", SelectorSettings(exploration=0.3))(rounds)
    assert matrix[0] == pytest.approx([1 / 3] * 3, abs=1e-6)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(400))
    assert matrix.min() >= 0.3 / 3 * 0.999
    assert matrix[-50:, 0].mean() > 0.5


def test_the_model_of_a_round_knows_nothing_of_it():
    rounds = a_log(1, rounds=50)
    changed = rounds_of([*rounds.decisions[:-1], a_log(2, rounds=50).decisions[-1]])
    assert (expected(rounds)[-1] == expected(changed)[-1]).all()


def test_an_unknown_policy_is_answered_with_the_names():
    with pytest.raises(ValueError, match="cheapest"):
        policy("best", SelectorSettings())
    assert "thompson" in NAMES


def test_an_interval_of_too_little_is_nothing():
    assert math.isnan(interval(np.array([1.0]), 1).low)
    assert math.isnan(interval(np.array([0.98, 0.99, 0.98, 0.97, 0.99, 0.98]), 1).low)
    assert math.isnan(interval(np.array([]), 1).value)
