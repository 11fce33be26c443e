"""A progress bar on standard error for work that takes a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airegistry.cli.session import Session


@contextmanager
def progress(session: Session, title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar for as long as the block runs, and yield what moves it: `advance(done, in_all)`.

    Nothing is shown where standard error is not a terminal.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=session.notes, disable=not session.notes.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, in_all: bar.update(task, completed=done, total=in_all)
