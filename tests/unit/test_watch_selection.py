import pytest

from airegistry.errors import InvalidArgumentError
from airegistry.resources.resource import ResourceKind
from registry.entries import Entries
from registry.entry import Entry
from registry.history import Event
from registry.rpc.requests import WatchFilter
from registry.rpc.selection import EventType, open_selection


def entry(name, revision=1):
    return Entry(name=name, kind=ResourceKind.MODEL, revision=revision, body=b"")


class Unsearchable(Entries):
    """Entries of which some may be looked up, but not all."""

    def under(self, *_arguments, **_options):
        raise AssertionError("all entries were gone through")


def test_names_are_looked_up_and_come_in_order():
    entries = Unsearchable([entry(f"models/{name}") for name in "abcd"])
    selection = open_selection(WatchFilter(names=("models/d", "models/x", "models/b")))
    assert [found.name for found in selection.among(entries)] == ["models/b", "models/d"]


def test_what_happens_to_others_is_nothing_to_a_selection_of_names():
    selection = open_selection(WatchFilter(names=("models/a",)))
    assert selection.change(Event(2, "models/b", None, entry("models/b", 2))) is None
    there = entry("models/a", 2)
    assert selection.change(Event(2, "models/a", None, there)) == (EventType.ADDED, there)
    assert selection.change(Event(3, "models/a", there, None)) == (EventType.REMOVED, there)


def test_equal_filters_have_equal_keys_whatever_their_order_and_others_do_not():
    names = [f"models/m{number}" for number in range(100)]
    one = open_selection(WatchFilter(names=tuple(names))).key
    assert open_selection(WatchFilter(names=tuple(reversed(names)))).key == one
    assert open_selection(WatchFilter(names=tuple(names[1:]))).key != one
    assert open_selection(WatchFilter(capabilities=tuple(names[:32]))).key != one


@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_keys_are_short_however_long_the_filter(count):
    names = tuple(f"models/{'m' * 120}{number}" for number in range(count))
    assert len(open_selection(WatchFilter(names=names)).key) <= 256


@pytest.mark.parametrize(
    ("names", "field"),
    [
        pytest.param(("models/a", ""), "filter.names[1]", id="empty"),
        pytest.param(("models/",), "filter.names[0]", id="prefix"),
        pytest.param(tuple(f"models/{number}" for number in range(1_001)), "filter.names", id="too-many"),
    ],
)
def test_what_is_no_name_is_refused(names, field):
    with pytest.raises(InvalidArgumentError) as caught:
        open_selection(WatchFilter(names=names))
    assert [violation.field for violation in caught.value.violations] == [field]
