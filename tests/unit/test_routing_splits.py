"""Which arm of a split a caller is on, and who moves when shares change."""

import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.invocations.chat import ChatRequest
from airegistry.invocations.embeddings import EmbeddingsRequest
from airegistry.invocations.invocation import Invocation
from airegistry.resources.route import Split, SplitArm
from airegistry.routing import splits
from airegistry.routing.splits import PPM

CALLERS = [f"user-{i}" for i in range(4_000)]
RNG = random.Random(1)


def split(*shares, sticky_by="user"):
    return Split(tuple(SplitArm(f"arm-{i}", share, "models/m") for i, share in enumerate(shares)), sticky_by)


def arms(split, route="routes/r"):
    """Return the arm of each caller; empty for the route's own tiers."""
    found = {caller: splits.arm_of(route, split, caller, RNG) for caller in CALLERS}
    return {caller: arm.name if arm is not None else "" for caller, arm in found.items()}


def shares_of(assigned):
    return {name: count / len(CALLERS) for name, count in Counter(assigned.values()).items()}


def moves(before, after):
    return {(before[caller], after[caller]) for caller in before if before[caller] != after[caller]}


def test_each_arm_gets_its_share():
    found = shares_of(arms(split(100_000, 300_000)))
    assert found["arm-0"] == pytest.approx(0.1, abs=0.02)
    assert found["arm-1"] == pytest.approx(0.3, abs=0.02)
    assert found[""] == pytest.approx(0.6, abs=0.02)


def test_callers_without_a_key_are_assigned_anew_each_time_by_share():
    one = split(250_000)
    found = Counter(splits.arm_of("routes/r", one, "", RNG) is not None for _ in range(4_000))
    assert found[True] / 4_000 == pytest.approx(0.25, abs=0.03)


def test_another_process_assigns_the_same():
    program = (
        "import random\n"
        "from airegistry.resources.route import Split, SplitArm\n"
        "from airegistry.routing.splits import arm_of\n"
        "one = Split((SplitArm('a', 300_000, 'models/m'), SplitArm('b', 300_000, 'models/m')), 'user')\n"
        "found = (arm_of('routes/r', one, f'user-{i}', random.Random()) for i in range(200))\n"
        "print(''.join(arm.name if arm else '-' for arm in found))\n"
    )
    runs = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    }
    assert len(runs) == 1
    assert set(next(iter(runs)).strip()) == set("ab-")


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        pytest.param((0, 0), (10_000, 0), {("", "arm-0")}, id="begins"),
        pytest.param((10_000, 200_000), (300_000, 200_000), {("", "arm-0")}, id="first-grows"),
        pytest.param((300_000, 10_000), (300_000, 600_000), {("", "arm-1")}, id="second-grows"),
        pytest.param((300_000, 200_000), (100_000, 200_000), {("arm-0", "")}, id="first-shrinks"),
        pytest.param((500_000, 500_000), (700_000, 300_000), {("arm-1", "arm-0")}, id="one-from-the-other"),
        pytest.param((100_000, 100_000), (100_000, 100_000, 300_000), {("", "arm-2")}, id="third-joins"),
        pytest.param((50_000,) * 4, (50_000, 50_000, 200_000, 50_000), {("", "arm-2")}, id="third-grows"),
        pytest.param((700_000,), (1_000_000,), {("", "arm-0")}, id="takes-all"),
    ],
)
def test_a_growing_arm_moves_only_callers_into_it(before, after, allowed):
    assert moves(arms(split(*before)), arms(split(*after))) == allowed


@given(st.lists(st.integers(0, 250_000), min_size=1, max_size=4), st.integers(0, PPM))
def test_a_change_of_the_last_arm_touches_no_other(others, share):
    share = min(share, PPM - sum(others))
    before, after = split(*others, 0), split(*others, share)
    for caller in CALLERS[:50]:
        was, now = (splits.arm_of("routes/r", one, caller, RNG) for one in (before, after))
        assert now == after.arms[-1] or (was and was.name) == (now and now.name)


@given(st.lists(st.integers(0, PPM), min_size=1, max_size=8))
def test_the_parts_of_the_line_are_as_large_as_the_shares_and_never_overlap(sizes):
    left, sizes = PPM, [*sizes]
    for i, size in enumerate(sizes):
        sizes[i] = min(size, left)
        left -= sizes[i]
    parts = splits._layout(split(*sizes).arms)
    assert all(one[1] <= other[0] for one, other in pairwise(parts))
    got: Counter[str] = Counter()
    for first, end, arm in parts:
        got[arm.name] += end - first
    assert [got[f"arm-{i}"] for i in range(len(sizes))] == sizes


def test_two_routes_try_out_on_different_callers():
    one, other = arms(split(100_000)), arms(split(100_000), route="routes/other")
    both = sum(one[caller] == other[caller] == "arm-0" for caller in CALLERS)
    assert both / len(CALLERS) < 0.03


@pytest.mark.parametrize(
    ("sticky_by", "invocation", "key"),
    [
        pytest.param("user", Invocation(chat=ChatRequest(user="u")), "u", id="user"),
        pytest.param("user", Invocation(embeddings=EmbeddingsRequest(user="u")), "u", id="user-of-embeddings"),
        pytest.param("user", Invocation(sticky_key="s"), "", id="no-user"),
        pytest.param("session", Invocation(sticky_key="s"), "s", id="session"),
        pytest.param("label:team", Invocation(labels={"team": "t"}), "t", id="label"),
        pytest.param("label:team", Invocation(labels={"other": "t"}), "", id="no-such-label"),
        pytest.param("", Invocation(sticky_key="s"), "", id="nothing"),
    ],
)
def test_what_keeps_a_caller_on_an_arm(sticky_by, invocation, key):
    assert splits.key_of(split(1, sticky_by=sticky_by), invocation) == key
