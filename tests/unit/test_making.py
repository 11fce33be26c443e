"""Values that are made quickly are what the usual way makes of them."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, replace
from inspect import signature
from typing import Any

import pytest

from airegistry._making import quickly_made


@quickly_made
@dataclass(frozen=True, slots=True)
class Quick:
    name: str
    count: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usual:
    name: str
    count: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)


WAYS: list[Any] = [
    pytest.param(("a",), {}, id="defaults"),
    pytest.param(("a", 2, {"b": "c"}), {}, id="by-place"),
    pytest.param((), {"labels": {}, "name": "a"}, id="by-name"),
]


@pytest.mark.parametrize(("args", "named"), WAYS)
def test_every_field_has_what_the_usual_way_gives_it(args, named):
    quick, usual = Quick(*args, **named), Usual(*args, **named)
    assert type(quick) is Quick
    assert repr(quick) == repr(usual).replace("Usual", "Quick")
    assert quick == Quick(*args, **named)


@pytest.mark.parametrize(("args", "named"), [((), {}), (("a", 1, {}, 0), {}), (("a",), {"odd": 1})], ids=str)
def test_what_the_usual_way_refuses_is_refused(args, named):
    for made in (Quick, Usual):
        with pytest.raises(TypeError):
            made(*args, **named)


def test_a_value_is_frozen():
    value: Any = Quick("a")
    with pytest.raises(FrozenInstanceError):
        value.name = "b"
    with pytest.raises(FrozenInstanceError):
        del value.name


def test_no_two_values_share_what_a_factory_makes():
    assert Quick("a").labels is not Quick("a").labels


def test_values_are_replaced_copied_and_pickled():
    value = Quick("a", 2, {"b": "c"})
    assert replace(value, count=3) == Quick("a", 3, {"b": "c"})
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value  # noqa: S301 - what was pickled in this line


def test_the_signature_names_the_same_fields():
    assert list(signature(Quick).parameters) == list(signature(Usual).parameters)


def test_a_value_keeps_the_class_that_it_was_asked_for():
    class Heir(Quick):
        __slots__ = ()

    assert type(Heir("a")) is Heir


def test_what_is_made_of_more_than_its_fields_is_refused():
    @dataclass(frozen=True, slots=True)
    class Named:
        name: str = field(default="", kw_only=True)

    @dataclass(frozen=True, slots=True)
    class Checked:
        name: str = ""

        def __post_init__(self) -> None:
            """Check."""

    for cls in (Named, Checked):
        with pytest.raises(TypeError, match="not made of its fields alone"):
            quickly_made(cls)
