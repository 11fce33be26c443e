import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.learning.arms import Arm
from airegistry.learning.beliefs import Belief
from airegistry.learning.matching import chances, floored
from airegistry.learning.selector import MOST_ARMS, Selector, SelectorSettings

ARMS = [Arm(name, name, "m") for name in "abc"]
RATES = {"a": 0.9, "b": 0.6, "c": 0.3}
CRITICAL = 22.5
"""Chi-square with 6 degrees of freedom exceeds this once in a thousand."""


def selector(seed=7, **settings):
    return Selector(SelectorSettings(**settings), random.Random(seed))


def played(rounds, seed=7, rates=RATES, **settings):
    """Return the selector after *rounds* of calls, one each second, and who was chosen."""
    chooser, luck, chosen = selector(seed, **settings), random.Random(seed + 1), []
    for at in range(rounds):
        arm = chooser.choose("chat", ARMS, at).arm
        chosen.append(arm.name)
        chooser.beliefs.learn("chat", arm, float(luck.random() < rates[arm.name]), at)
    return chooser, chosen


def test_chances_are_those_of_draws_from_the_beliefs():
    beliefs = [Belief(5, 2), Belief(3, 3), Belief(450, 50), Belief(440, 60), Belief(1, 1), Belief(1, 400)]
    rng = np.random.default_rng(1)
    draws = np.stack([rng.beta(belief.alpha, belief.beta, 200_000) for belief in beliefs])
    frequencies = np.bincount(draws.argmax(axis=0), minlength=len(beliefs)) / 200_000
    assert chances(beliefs) == pytest.approx(frequencies, abs=0.004)


def test_equal_beliefs_have_equal_chances():
    assert chances([Belief(3, 4)] * 5) == pytest.approx([0.2] * 5)


beta = st.builds(Belief, st.floats(1, 600), st.floats(1, 600))


@given(st.lists(st.tuples(beta, st.floats(0, 1)), min_size=1, max_size=64), st.floats(0.001, 1))
def test_propensities_are_probabilities_and_none_is_below_its_floor(rows, exploration):
    shares = [share for _, share in rows]
    propensities = floored(chances([belief for belief, _ in rows]), shares, exploration)
    assert propensities.sum() == pytest.approx(1)
    assert propensities.min() >= exploration / len(rows) * (1 - 1e-9)


@pytest.mark.parametrize("keyed", [False, True], ids=["drawn", "by-key"])
def test_choices_are_as_frequent_as_their_propensities(keyed):
    chooser, _ = played(30)
    arms = [*ARMS, *(Arm(name, name, "m") for name in "defg")]
    expected = chooser.weigh("chat", arms, 30.0).propensities
    counts = dict.fromkeys((arm.name for arm in arms), 0)
    for i in range(20_000):
        counts[chooser.choose("chat", arms, 30.0, key=f"user-{i}" if keyed else "").arm.name] += 1
    pairs = zip(counts.values(), expected, strict=True)
    assert sum((seen - 20_000 * p) ** 2 / (20_000 * p) for seen, p in pairs) < CRITICAL


def test_a_choice_says_how_likely_it_was():
    chooser, _ = played(50)
    choice = chooser.choose("chat", ARMS, 50.0)
    assert choice.propensity == chooser.weigh("chat", ARMS, 50.0).propensities[choice.chosen]


def test_the_best_gets_most_calls():
    _, chosen = played(600)
    assert chosen[300:].count("a") > 0.85 * 300


def test_the_same_seed_makes_the_same_choices_and_another_makes_others():
    assert played(200, seed=3)[1] == played(200, seed=3)[1]
    assert played(200, seed=3)[1] != played(200, seed=4)[1]


def test_a_dead_one_is_left_within_thirty_calls_and_still_looked_at():
    chooser, _ = played(500)
    for at in range(500, 530):
        arm = chooser.choose("chat", ARMS, at).arm
        chooser.beliefs.learn("chat", arm, 0.0 if arm.name == "a" else RATES[arm.name], at)
    propensities = chooser.weigh("chat", ARMS, 530.0).propensities
    assert propensities[0] >= 0.05 / 3
    later = [chooser.choose("chat", ARMS, 600.0).arm.name for _ in range(1_000)]
    assert later.count("a") > 0


@pytest.mark.parametrize("seed", range(5))
def test_a_newcomer_is_tried_within_fifty_calls(seed):
    chooser, _ = played(500, seed=seed)
    arms = [*ARMS, Arm("new", "new", "m")]
    names = []
    for at in range(500, 550):
        arm = chooser.choose("chat", arms, at).arm
        names.append(arm.name)
        chooser.beliefs.learn("chat", arm, 0.9, at)
    assert "new" in names


def test_who_comes_back_gets_only_its_share_but_never_less_than_the_floor():
    chooser, _ = played(500)
    full = chooser.weigh("chat", ARMS, 500.0).propensities
    tenth = chooser.weigh("chat", ARMS, 500.0, [0.1, 1.0, 1.0]).propensities
    assert full[0] > 0.9
    assert tenth[0] < full[0]
    assert min(chooser.weigh("chat", ARMS, 500.0, [0.0, 0.0, 0.0]).propensities) == pytest.approx(1 / 3)


def test_a_key_finds_the_same_arm_again():
    chooser, _ = played(20)
    first = {key: chooser.choose("chat", ARMS, 20.0, key=str(key)).arm for key in range(50)}
    assert first == {key: chooser.choose("chat", ARMS, 20.0, key=str(key)).arm for key in range(50)}
    assert len({arm.name for arm in first.values()}) > 1


def test_only_the_first_of_very_many_are_weighed():
    many = [Arm(f"e{i}") for i in range(1_000)]
    weighing = selector().weigh("chat", many, 0.0, [1.0] * 1_000)
    assert len(weighing.arms) == MOST_ARMS
    assert sum(weighing.propensities) == pytest.approx(1)


def test_the_version_changes_with_every_setting():
    others = (SelectorSettings(half_life=60.0), SelectorSettings(exploration=0.1), SelectorSettings(most=9.0))
    assert len({settings.version for settings in (SelectorSettings(), *others)}) == 4
