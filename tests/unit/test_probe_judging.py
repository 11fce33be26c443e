"""What is believed of an endpoint, from what its probes found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.resources.endpoint import ProbeStep
from airegistry.resources.resource import Health, Probe, ResourceStatus
from registry.probes.climb import MAX_REASON_BYTES, SLOW, SLOWLY, Climb, Finding, Level, Outcome, Rung
from registry.probes.judging import BETTER_AFTER, WORSE_AFTER, Judgement, judge, shown

GOOD = Outcome(Level.GOOD, 1, "good")
POOR = Outcome(Level.POOR, 1, "poor")
BAD = Outcome(Level.BAD, 0, "bad")


def judged(*outcomes, known=None):
    judgement = known or Judgement()
    for outcome in outcomes:
        judgement = judge(judgement, outcome)
    return judgement


def climb(*rungs):
    return Climb(
        tuple(Rung(step, finding, seconds) for step, (finding, seconds) in zip(ProbeStep, rungs, strict=False))
    )


WORKED = Finding(Level.GOOD, "works", reached=True)


def test_nothing_is_believed_at_first():
    assert Judgement().health is None


@pytest.mark.parametrize(
    ("outcomes", "health"),
    [
        pytest.param([GOOD], None, id="one-good"),
        pytest.param([GOOD, GOOD], Health.SERVING, id="two-good"),
        pytest.param([BAD, BAD], None, id="two-bad"),
        pytest.param([BAD, BAD, BAD], Health.NOT_SERVING, id="three-bad"),
        pytest.param([POOR, GOOD], Health.DEGRADED, id="poor-and-good"),
        pytest.param([BAD, GOOD, BAD, GOOD], None, id="on-and-off"),
        pytest.param([BAD, BAD, GOOD, GOOD], Health.SERVING, id="good-in-the-end"),
    ],
)
def test_the_first_verdict(outcomes, health):
    assert judged(*outcomes).health is health


@pytest.mark.parametrize(
    ("outcomes", "health"),
    [
        pytest.param([BAD, BAD], Health.SERVING, id="two-bad"),
        pytest.param([BAD, BAD, GOOD, BAD, BAD], Health.SERVING, id="never-three-in-a-row"),
        pytest.param([BAD, BAD, BAD], Health.NOT_SERVING, id="three-bad"),
        pytest.param([BAD, POOR, BAD], Health.DEGRADED, id="three-not-good"),
        pytest.param([POOR, POOR, POOR], Health.DEGRADED, id="three-poor"),
        pytest.param([POOR, POOR, POOR, BAD, BAD, BAD], Health.NOT_SERVING, id="from-bad-to-worse"),
        pytest.param([BAD, BAD, BAD, GOOD], Health.NOT_SERVING, id="one-good"),
        pytest.param([BAD, BAD, BAD, GOOD, GOOD], Health.SERVING, id="two-good"),
        pytest.param([BAD, BAD, BAD, GOOD, POOR], Health.DEGRADED, id="no-worse-than-poor"),
        pytest.param([BAD, BAD, BAD, GOOD, BAD, GOOD], Health.NOT_SERVING, id="on-and-off"),
    ],
)
def test_who_served_is_judged_by_several_probes(outcomes, health):
    assert judged(GOOD, GOOD, *outcomes).health is health


def test_the_reason_is_that_of_the_level():
    reasons = [Outcome(Level.BAD, 0, "first"), POOR, Outcome(Level.BAD, 0, "last")]
    assert judged(GOOD, GOOD, *reasons).reason == "poor"


def test_a_step_is_lost_after_three_probes_and_won_after_two():
    higher, lower = Outcome(Level.GOOD, 3, ""), Outcome(Level.GOOD, 2, "")
    known = judged(higher, higher)
    assert [judged(*[lower] * n, known=known).step for n in (1, 2, 3)] == [3, 3, 2]
    known = judged(lower, lower)
    assert [judged(*[higher] * n, known=known).step for n in (1, 2)] == [2, 3]


def test_who_takes_over_goes_on_from_what_is_shown():
    status = ResourceStatus(health=Health.NOT_SERVING, health_reason="no", probe=Probe(ProbeStep.CONNECT))
    known = shown(status)
    assert (known.health, known.step, known.reason) == (Health.NOT_SERVING, 1, "no")
    assert judge(known, GOOD).health is Health.NOT_SERVING


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(None, id="nothing-shown"),
        pytest.param(ResourceStatus(health=Health.SERVING), id="only-reported"),
        pytest.param(ResourceStatus(health=Health.DRAINING, probe=Probe(ProbeStep.CONNECT)), id="draining"),
    ],
)
def test_what_is_shown_by_others_is_no_judgement(status):
    assert shown(status) == Judgement()


def test_a_verdict_without_a_step_says_that_not_even_the_first_worked():
    verdict = judged(BAD, BAD, BAD).verdict("models/a/endpoints/x", "u")
    assert (verdict.health, verdict.step, verdict.health_reason) == (Health.NOT_SERVING, None, "bad")


@given(st.lists(st.sampled_from([GOOD, POOR, BAD]), max_size=30))
def test_no_change_without_enough_probes_in_a_row(outcomes):
    known = Judgement()
    for i, outcome in enumerate(outcomes):
        before, known = known, judge(known, outcome)
        if known.level is before.level or before.level is None or known.level is None:
            continue
        if known.level > before.level:
            assert all(one.level > before.level for one in outcomes[i - WORSE_AFTER + 1 : i + 1])
        else:
            assert all(one.level < before.level for one in outcomes[i - BETTER_AFTER + 1 : i + 1])


def test_a_probe_means_no_more_than_an_endpoint_allows():
    bad = Finding(Level.BAD, "no TLS")
    probe = climb((WORKED, 0.1), (bad, 0.1))
    assert probe.outcome(ProbeStep.CONNECT) == Outcome(Level.GOOD, 1, "works")
    assert probe.outcome(ProbeStep.HANDSHAKE) == Outcome(Level.BAD, 1, "no TLS")


def test_a_step_that_could_not_tell_does_not_count_as_reached():
    unsure = Finding(Level.GOOD, "has no health call")
    assert climb((WORKED, 0), (WORKED, 0), (unsure, 0), (WORKED, 0)).outcome(ProbeStep.HEALTH).step == 2
    assert climb((WORKED, 0), (WORKED, 0), (unsure, 0), (WORKED, 0)).outcome(ProbeStep.REQUEST).step == 4


def test_a_slow_answer_is_poor_for_those_who_wait_for_it():
    probe = climb((WORKED, 0.1), (WORKED, SLOW))
    assert probe.outcome(ProbeStep.CONNECT).level is Level.GOOD
    assert probe.outcome(ProbeStep.HANDSHAKE) == Outcome(Level.POOR, 2, SLOWLY)


def test_a_reason_fits_into_a_status():
    reason = climb((Finding(Level.BAD, "ä\n" * 2000), 0)).outcome(ProbeStep.CONNECT).reason
    assert len(reason.encode()) <= MAX_REASON_BYTES
    assert "\n" not in reason
