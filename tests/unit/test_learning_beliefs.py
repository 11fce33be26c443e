import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.learning.arms import Arm
from airegistry.learning.beliefs import Beliefs

A, B, SIBLING, STRANGER = (
    Arm("a", "acme", "m"), Arm("b", "acme", "m"), Arm("c", "acme", "other"), Arm("d", "else", "m"),
)  # fmt: skip


def taught(rewards, arm=A, *, every=0.0, **settings):
    beliefs = Beliefs(**settings)
    for i, reward in enumerate(rewards):
        beliefs.learn("chat", arm, reward, i * every)
    return beliefs


def test_who_was_never_tried_is_believed_to_be_anything():
    belief = Beliefs().of("chat", A, 0.0)
    assert (belief.mean, belief.count) == (0.5, 0.0)


def test_a_belief_comes_near_the_rewards():
    assert taught([0.9] * 200).of("chat", A, 0.0).mean == pytest.approx(0.9, abs=0.01)


def test_a_newcomer_is_believed_to_be_like_those_nearest_to_it_but_less_surely():
    beliefs = taught([1.0] * 100)
    known, near, provider, far = (beliefs.of("chat", arm, 0.0) for arm in (A, B, SIBLING, STRANGER))
    assert known.mean > near.mean > 0.5
    assert near.mean > far.mean > 0.5
    assert near.mean >= provider.mean >= far.mean
    assert near.count == 0
    assert known.alpha + known.beta > 10 * (near.alpha + near.beta)


def test_task_classes_learn_apart():
    assert taught([1.0] * 50).of("embeddings", A, 0.0).mean == 0.5


def test_an_attempt_counts_half_after_the_half_life():
    beliefs = taught([1.0] * 10, half_life=60.0)
    assert beliefs.of("chat", A, 60.0).count == pytest.approx(5)
    assert beliefs.of("chat", A, 6_000.0).mean == pytest.approx(0.5, abs=0.001)


def test_what_is_new_is_heard_however_much_is_known():
    beliefs = taught([1.0] * 10_000 + [0.0] * 500, most=200.0)
    assert beliefs.of("chat", A, 0.0).mean < 0.15


def test_a_correction_counts_as_little_as_what_it_corrects():
    beliefs = taught([0.8], half_life=60.0)
    before = beliefs.of("chat", A, 60.0)
    beliefs.correct("chat", A, -0.4, learned_at=0.0, at=60.0)
    after = beliefs.of("chat", A, 60.0)
    own = before.alpha - after.alpha
    assert after.count == before.count
    assert own > 0.2
    assert beliefs.of("chat", A, 60.0).alpha == pytest.approx(taught([0.4], half_life=60.0).of("chat", A, 60.0).alpha)


def test_a_correction_of_what_was_forgotten_changes_nothing():
    beliefs = Beliefs()
    beliefs.correct("chat", A, -0.4, learned_at=0.0, at=1.0)
    assert len(beliefs) == 0


def test_a_clock_that_stands_or_goes_back_forgets_nothing_and_breaks_nothing():
    beliefs = taught([1.0] * 10)
    assert beliefs.of("chat", A, -100.0).count == 10
    beliefs.learn("chat", A, 1.0, -100.0)
    assert beliefs.of("chat", A, 0.0).count == 11


def test_what_is_kept_is_bounded_and_the_oldest_goes_first():
    beliefs = Beliefs(kept=50)
    for i in range(500):
        beliefs.learn("chat", Arm(f"e{i}", f"p{i}", f"m{i}"), 1.0, 0.0)
    assert len(beliefs) == 50
    assert beliefs.of("chat", Arm("e0", "p0", "m0"), 0.0).count == 0
    assert beliefs.of("chat", Arm("e499", "p499", "m499"), 0.0).count == 1


@pytest.mark.parametrize("reward", [math.nan, -0.1, 1.1, math.inf], ids=str)
def test_what_is_no_reward_is_refused(reward):
    with pytest.raises(ValueError, match="reward"):
        Beliefs().learn("chat", A, reward, 0.0)


@given(
    st.lists(st.tuples(st.sampled_from([A, B, STRANGER]), st.floats(0, 1), st.floats(0, 1e9)), max_size=40),
    st.floats(-1, 1),
)
def test_a_belief_is_one_whatever_comes(events, difference):
    beliefs = Beliefs(kept=6, most=3.0)
    for arm, reward, at in events:
        beliefs.learn("chat", arm, reward, at)
        beliefs.correct("chat", arm, difference, learned_at=at / 2, at=at)
    for arm in (A, B, STRANGER):
        belief = beliefs.of("chat", arm, 1e9)
        assert belief.alpha >= 1
        assert belief.beta >= 1
        assert 0 < belief.mean < 1
        assert 0 <= belief.count <= 3
