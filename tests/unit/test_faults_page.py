"""The page about faults says what the tests of the faults check, row by row."""

from pathlib import Path

import pytest

from tests.faults import page

PAGE = (Path(__file__).resolve().parents[2] / "docs/faults.md").read_text("utf-8")


def table_after(heading):
    """Return the rows of the first table after a heading."""
    _, _, rest = PAGE.partition(f"\n{heading}\n")
    lines = iter(rest.splitlines())
    rows = [next(line for line in lines if line.startswith("|"))]
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(line)
    return rows[2:]


@pytest.mark.parametrize(
    ("heading", "rows"),
    [
        pytest.param("### A provider that fails", page.fault_rows(), id="faults"),
        pytest.param("### How an error is said", page.status_rows(), id="statuses"),
    ],
)
def test_the_page_has_the_rows_that_the_table_of_faults_gives(heading, rows):
    assert table_after(heading) == rows
