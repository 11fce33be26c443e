"""Tasks that an object runs for as long as it is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


def start(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start *work*, which has no end of its own; that it died is logged at once, and raised by `end`."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report_death)
    return task


async def end(task: asyncio.Task[None] | None) -> None:
    """Cancel a task and wait until it is over; raise what it died of."""
    if task is None:
        return
    task.cancel()
    # Unlike awaiting the task itself, this keeps its cancellation apart from the caller's.
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def _report_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the %s died", task.get_name(), exc_info=error)
