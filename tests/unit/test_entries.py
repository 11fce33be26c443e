"""The current resources in the order of their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.resources.resource import ResourceKind
from registry.entries import Entries
from registry.entry import Entry


def entry(name, revision=1):
    return Entry(name=name, kind=ResourceKind.MODEL, revision=revision, body=b"")


def entries(*names):
    return Entries(entry(name) for name in names)


def listed(found):
    return [entry.name for entry in found]


def test_iteration_is_in_the_order_of_names():
    assert list(entries("models/b", "agents/z", "models/a")) == ["agents/z", "models/a", "models/b"]


@pytest.mark.parametrize(
    ("prefix", "after", "expected"),
    [
        pytest.param("", "", ["agents/a", "models/a", "models/a-1", "models/a/endpoints/x"], id="all"),
        pytest.param("models/", "", ["models/a", "models/a-1", "models/a/endpoints/x"], id="prefix"),
        pytest.param("models/a/", "", ["models/a/endpoints/x"], id="children-only"),
        pytest.param("models/", "models/a", ["models/a-1", "models/a/endpoints/x"], id="after-is-exclusive"),
        pytest.param("models/", "models/a-0", ["models/a-1", "models/a/endpoints/x"], id="after-one-that-is-gone"),
        pytest.param("routes/", "", [], id="nothing"),
    ],
)
def test_a_range_is_found_by_prefix_and_place(prefix, after, expected):
    found = entries("models/a", "models/a-1", "models/a/endpoints/x", "agents/a")
    assert listed(found.under(prefix, after=after)) == expected


def test_a_copy_has_the_overrides_and_leaves_the_original_alone():
    original = entries("models/a", "models/b")
    copy = original.copy_with({"models/a": None, "models/c": entry("models/c")})
    assert list(copy) == ["models/b", "models/c"]
    assert list(original) == ["models/a", "models/b"]


_names = st.sampled_from([f"models/m{i}" for i in range(60)])


@given(st.lists(st.tuples(st.lists(_names, unique=True, max_size=50), st.lists(_names, unique=True)), max_size=6))
def test_whatever_is_applied_the_order_holds(steps):
    found = Entries()
    expected: set[str] = set()
    for puts, removed in steps:
        found.apply([entry(name) for name in puts], removed)
        expected = (expected | set(puts)) - set(removed)
        assert list(found) == sorted(expected)
        assert len(found) == len(expected)
