"""Learned selection where the truth is known: it converges, follows, tries who is new, and leaves who is dead."""

import random
from statistics import fmean

import numpy as np
import pytest

from airegistry.learning.outcomes import reward
from airegistry.learning.replay.simulating import simulated
from airegistry.learning.replay.trials import tried
from airegistry.learning.replay.worlds import SCALE, WORLDS, Truth
from airegistry.learning.selector import SelectorSettings

BEST = {"stationary": "second", "drift": "third", "cold-start": "new", "dead-arm": "second"}
SEEDS = range(3)
SETTINGS = SelectorSettings()


def run(world, seed, rounds=1_000):
    return simulated(WORLDS[world], rounds=rounds, seed=seed, settings=SETTINGS)


def chosen(done):
    return [each.considered[each.chosen].name.rpartition("/")[2] for each in done.rounds.decisions]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("seed", SEEDS)
def test_in_the_end_the_best_gets_most_calls(world, seed):
    assert chosen(run(world, seed))[-200:].count(BEST[world]) > 0.6 * 200


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dead_one_is_left_within_a_hundred_calls(seed):
    done = run("dead-arm", seed)
    assert min(each.considered[0].propensity for each in done.rounds.decisions[250:350]) < 0.05
    assert chosen(done)[250:].count("first") < 40
    assert "first" in chosen(done)[350:]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_new_one_is_tried_within_fifty_calls(seed):
    assert "new" in chosen(run("cold-start", seed))[300:350]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_drift_is_followed(seed):
    names = chosen(run("drift", seed))
    assert names[300:500].count("second") > 0.5 * 200
    assert names[-200:].count("second") < 0.1 * 200


def test_the_same_seed_is_the_same_life():
    assert run("drift", 3, 200).rounds == run("drift", 3, 200).rounds
    assert run("drift", 3, 200).rounds != run("drift", 4, 200).rounds


def test_the_truth_is_what_comes_on_average():
    truth, rng = Truth(0.8, 0.3), random.Random(1)
    rewards = [reward(truth.outcome(rng), SCALE) or 0.0 for _ in range(20_000)]
    assert fmean(rewards) == pytest.approx(truth.expected, abs=0.01)


def test_it_is_said_where_learning_does_not_win():
    trials = tried("stationary", (), rounds=400, runs=5, seed=7, settings=SETTINGS)
    findings = {each.policy: each.finding for each in trials.trials}
    assert trials.best_arm == "always:models/m/endpoints/second"
    assert findings[trials.best_arm] == "learned is worse"
    assert findings["uniform"] == "learned is better"
    assert findings["logged"] is None


def test_a_world_that_is_none_is_answered_with_the_names():
    with pytest.raises(ValueError, match="dead-arm"):
        tried("mars", (), rounds=10, runs=2, seed=7, settings=SETTINGS)


def test_truths_are_of_who_was_there():
    done = run("cold-start", 1, 100)
    assert done.truth.shape == (100, 6)
    assert not done.truth[:30, 5].any()
    assert np.all(done.truth[30:] > 0)
