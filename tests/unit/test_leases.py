"""Who holds what, until when, and when so many are overdue that it is not believed."""

import pytest

from airegistry.resources.resource import Liveness
from registry.leases import Due, Lease, Leases

ME, OTHER = "owner-me", "owner-other"
NAME = "agents/a"
START = 1000.0


def held(lease=None, at=START):
    return Leases([lease or Lease(NAME, ME, 10.0, START)], lambda: at)


def test_a_live_lease_keeps_others_out_and_not_its_holder():
    assert held().held_by_another(NAME, OTHER)
    assert held().held_by_another(NAME, "")
    assert not held().held_by_another(NAME, ME)


@pytest.mark.parametrize(
    ("after", "kept_out"), [pytest.param(9.99, True, id="alive"), pytest.param(10, False, id="ran-out")]
)
def test_a_lease_keeps_others_out_for_its_time_to_live(after, kept_out):
    assert held(at=START + after).held_by_another(NAME, OTHER) is kept_out


def test_a_lease_that_is_renewed_when_it_is_written_keeps_others_out():
    assert held(Lease(NAME, ME, 10.0)).held_by_another(NAME, OTHER)


def test_nobody_holds_what_has_no_lease():
    leases = Leases((), lambda: START)
    assert leases.get(NAME) is None
    assert not leases.held_by_another(NAME, "")


@pytest.mark.parametrize("liveness", [pytest.param(one, id=one.name.lower()) for one in Liveness])
def test_a_renewal_ends_every_doubt(liveness):
    renewed = Lease(NAME, ME, 10.0, START, liveness, seq=7, load=0.1).renewed(0.5)
    assert renewed == Lease(NAME, ME, 10.0, None, Liveness.LIVE, seq=7, load=0.5)


def test_a_renewal_that_reports_no_load_forgets_the_old_one():
    assert Lease(NAME, ME, 10.0, load=0.9).renewed().load is None


@pytest.mark.parametrize(
    ("overdue", "total", "preserving"),
    [
        pytest.param(0, 0, False, id="nothing"),
        pytest.param(9, 12, False, id="few-overdue"),
        pytest.param(10, 12, True, id="most-of-a-few"),
        pytest.param(15, 100, False, id="exactly-the-share"),
        pytest.param(16, 100, True, id="more-than-the-share"),
        pytest.param(100, 10_000, False, id="a-small-share-of-many"),
    ],
)
def test_nothing_ends_when_a_large_share_and_not_just_a_few_are_overdue(overdue, total, preserving):
    assert Due(overdue=overdue, total=total).preserving is preserving
