"""Learned selection as the gateway's settings have it: what it learns by, its log, and the file that turns it off."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from airegistry._rpc.metrics import Metrics
from airegistry._rpc.process import end
from airegistry.invoke.selection import Journal, LearnedSelection, LearnedSettings
from airegistry.learning.outcomes import RewardScale
from airegistry.learning.selector import SelectorSettings
from gateway.clocks import Clocks
from gateway.config import Config
from gateway.learning_metrics import JournalMetrics

LOG = "decisions.jsonl"
OFF = "learning-off"


def open_learning(
    config: Config,
    folder: Path,
    metrics: Metrics,
    tasks: asyncio.TaskGroup,
    stack: AsyncExitStack,
    clocks: Clocks,
) -> LearnedSelection | None:
    """Return what learns, for as long as *stack* is open; None where nothing may be learned."""
    if not config.gateway_learning:
        return None
    # Whoever wants to turn it off finds the place for the file.
    folder.mkdir(parents=True, exist_ok=True)
    journal = None
    if config.gateway_learning_log_bytes:
        journal = Journal(
            folder / LOG, most_bytes=config.gateway_learning_log_bytes, files=config.gateway_learning_log_files
        )
        metrics.register(JournalMetrics(journal))
        stack.push_async_callback(journal.flush)
        stack.push_async_callback(end, tasks.create_task(journal.run()))
    return LearnedSelection(
        _settings(config), now=clocks.monotonic, clock=clocks.wall, journal=journal, off=folder / OFF
    )


def _settings(config: Config) -> LearnedSettings:
    return LearnedSettings(
        selector=SelectorSettings(
            half_life=config.gateway_learning_half_life, exploration=config.gateway_learning_exploration
        ),
        scale=RewardScale(
            first_token=config.gateway_learning_first_token,
            duration=config.gateway_learning_duration,
            cost_nanos=config.gateway_learning_cost_nanos,
        ),
        seed=config.gateway_learning_seed,
    )
