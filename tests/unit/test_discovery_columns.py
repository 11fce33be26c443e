import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.discovery.columns.journal import Journal
from airegistry.discovery.columns.marks import MarkColumns
from airegistry.discovery.columns.masks import count_of, mask_at, rows_of, widened
from airegistry.discovery.columns.name_order import NameOrder
from airegistry.discovery.columns.row_set import RowSet
from airegistry.discovery.columns.table import Table
from airegistry.discovery.evidence.case import NO_CASE
from airegistry.discovery.evidence.judging import judge
from airegistry.discovery.rows.endpoint import endpoint_facts
from airegistry.discovery.rows.model import model_facts
from airegistry.discovery.rows.row import Mark
from airegistry.resources.resource import Resource

AT = datetime(2026, 1, 1, tzinfo=UTC)


@given(st.lists(st.booleans(), max_size=70))
def test_a_mask_has_the_rows_it_is_made_of(values):
    rows = [row for row, value in enumerate(values) if value]
    mask = mask_at(rows, len(values))
    assert mask.tolist() == values
    assert rows_of(mask).tolist() == rows_of(widened(mask, len(values) + 9)).tolist() == rows
    assert count_of(mask) == len(rows)


@pytest.mark.parametrize("most", [40, 3_000, 100_000], ids=str)
def test_a_set_of_rows_has_those_that_were_added_and_not_removed_however_many_they_are(most):
    rng, rows, expected = random.Random(most), RowSet(), set[int]()
    for step in range(6_000):
        row = rng.randrange(most)
        if row in expected:
            expected.remove(row)
            rows.remove(row)
        elif len(expected) < most // 2:
            expected.add(row)
            rows.add(row)
        if step % 97 == 0 or step > 5_990:
            assert len(rows) == len(expected)
            assert rows_of(rows.mask(most)).tolist() == sorted(expected)
            assert [each for each in range(0, most, 31) if rows.has(each)] == sorted(expected & set(range(0, most, 31)))


def test_a_row_keeps_the_marks_it_was_given_last_when_there_are_more_than_fit_into_16_bits():
    marks = MarkColumns(70_000)
    for row in range(70_000):
        marks.add_row()
        marks.write(row, frozenset({(Mark.MODEL, f"m{row}"), (Mark.TASK, "t")}))
    marks.write(69_999, frozenset({(Mark.MODEL, "m0")}))
    assert rows_of(marks.rows(Mark.MODEL, "m0")).tolist() == [0, 69_999]
    assert count_of(marks.rows(Mark.MODEL, "m69999")) == 0
    assert "m69999" not in marks.texts(Mark.MODEL)
    assert count_of(marks.rows(Mark.TASK, "t")) == 69_999


@given(st.lists(st.text("ab", max_size=6), unique=True), st.data())
def test_numbers_sort_as_names_do(names, data):
    order = NameOrder()
    numbers: dict[str, int] = {}
    for name in names:
        numbers |= order.add(name)
        assert dict(order.numbers()) == numbers
    for name in data.draw(st.lists(st.sampled_from(names), unique=True)) if names else ():
        order.remove(name)
        del numbers[name]
    assert sorted(numbers, key=lambda name: numbers[name]) == sorted(numbers)
    assert dict(order.numbers()) == numbers


ASCENDING = [f"m{number:05}" for number in range(5_000)]


@pytest.mark.parametrize(
    "names",
    [ASCENDING, ASCENDING[::-1], random.Random(3).sample(ASCENDING, 5_000), ["a", "z", *ASCENDING]],
    ids=["ascending", "descending", "at-random", "between-two"],
)
def test_many_names_keep_their_order_and_few_change_with_a_new_one(names):
    order, numbers, changed = NameOrder(), dict[str, int](), 0
    for name in names:
        fresh = dict(order.add(name))
        numbers |= fresh
        changed += len(fresh)
    assert sorted(numbers, key=numbers.__getitem__) == sorted(names)
    assert dict(order.numbers()) == numbers
    assert changed < 50 * len(names)
    for name in names[::2]:
        order.remove(name)
    assert [name for name, _ in order.numbers()] == sorted(names[1::2])


def test_a_journal_tells_what_came_after_a_position():
    journal = Journal()
    journal.add(1)
    position = journal.position
    journal.add(2)
    journal.add(3)
    assert journal.since(position) == [2, 3]
    assert journal.since(journal.position) == []


@pytest.mark.parametrize(
    "cut", [Journal.cut, lambda journal: [journal.add(1) for _ in range(5_000)]], ids=["cut", "full"]
)
def test_a_reader_that_the_journal_left_behind_is_told(cut):
    journal = Journal()
    journal.add(1)
    position = journal.position
    cut(journal)
    assert journal.since(position) is None
    assert journal.since(journal.position) == []


def test_marks_that_no_row_has_any_more_are_forgotten():
    table, facts = Table(), endpoint_facts(Resource(name="models/m/endpoints/e"), model_facts(None, AT), AT)
    table.put("models/m/endpoints/e", facts, judge(NO_CASE))
    assert any(table.marks.texts(kind) for kind in Mark)
    table.remove("models/m/endpoints/e")
    assert not any(table.marks.texts(kind) for kind in Mark)
    assert (len(table), count_of(table.present)) == (0, 0)
