"""Comparisons of ways to choose, as tables, as sentences and as data; and the logs that they rest on."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airegistry.cli.tables import table
from airegistry.learning.records import Decision, read_decisions
from airegistry.learning.replay.comparing import LEAST_SIZE, Comparison, Estimate, Finding
from airegistry.learning.replay.estimators import MOST_WEIGHT
from airegistry.learning.replay.intervals import LEVEL, Interval
from airegistry.learning.replay.trials import Trial, Trials

if TYPE_CHECKING:
    from rich.table import Table

_ESTIMATES = ("IPS", "SNIPS", "DR")


def read_logs(files: Iterable[str]) -> list[Decision]:
    """Return the decisions in *files*. ValueError names the file and the line that is none."""
    decisions: list[Decision] = []
    for file in files:
        try:
            data = Path(file).read_bytes()
            text = (gzip.decompress(data) if file.endswith(".gz") else data).decode()
        except UnicodeError as error:
            raise ValueError(f"{file} is not UTF-8 text") from error
        except (EOFError, zlib.error) as error:
            raise ValueError(f"{file} is no whole gzip file") from error
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from error
        decisions += read_decisions(text.splitlines(), file)
    return decisions


def comparison_table(comparison: Comparison) -> Table:
    """Return what each way to choose would have been worth, and learned selection beside it."""
    columns = ("POLICY", *_ESTIMATES, "SIZE", "LEARNED - POLICY", "SO")
    rows = (
        (each.policy, *_estimates(each), f"{each.effective_size:.0f}", _shown(each.advantage), _said(each.finding))
        for each in comparison.estimates
    )
    return table(columns, rows, right=("SIZE",))


def comparison_lines(comparison: Comparison, decisions: int) -> Iterator[str]:
    """Yield what the numbers are, and what they say."""
    yield (
        f"{comparison.rounds} of {decisions} decisions had several candidates and an outcome that says something; "
        f"their mean reward was {_shown(comparison.reward)}."
    )
    yield _legend()
    clipped = sum(each.clipped for each in comparison.estimates)
    if clipped:
        yield f"{clipped} weights above {MOST_WEIGHT:g} were clipped."
    yield from _conclusions(((each.policy, each.finding) for each in comparison.estimates), comparison.best_arm)


def comparison_data(comparison: Comparison, decisions: int) -> dict[str, Any]:
    """Return the same as data."""
    return {
        "decisions": decisions,
        "rounds": comparison.rounds,
        "reward": _bounds(comparison.reward),
        "best_arm_in_hindsight": comparison.best_arm,
        "policies": [_estimate_data(each) for each in comparison.estimates],
    }


def trials_table(trials: Trials) -> Table:
    """Return the true value of each way to choose, and its estimates from the first run beside it."""
    columns = ("POLICY", "TRUE", "LEARNED - POLICY", "SO", *_ESTIMATES, "SIZE", "HELD")
    rows = (
        (
            each.policy,
            f"{each.truth:.3f}",
            _shown(each.advantage),
            _said(each.finding),
            *_estimates(each.estimate),
            f"{each.estimate.effective_size:.0f}",
            " ".join(f"{share:.2f}" for share in (each.ips_held, each.snips_held, each.dr_held)),
        )
        for each in trials.trials
    )
    return table(columns, rows, right=("TRUE", "SIZE"))


def trials_lines(trials: Trials) -> Iterator[str]:
    """Yield what the numbers are, and what they say."""
    yield (
        f"{trials.runs} runs of {trials.rounds} calls, a second apart, in the world {trials.world}, from seed {trials.seed}. TRUE: the "
        "reward that was to be expected, which is known here; LEARNED - POLICY: what learned selection truly had more."
    )
    yield _legend()
    yield "The estimates are of the first run; HELD: in which share of the runs their intervals hold the truth, in that order."
    yield from _conclusions(((each.policy, each.finding) for each in trials.trials), trials.best_arm)


def trials_data(trials: Trials) -> dict[str, Any]:
    """Return the same as data."""
    return {
        "world": trials.world,
        "runs": trials.runs,
        "rounds": trials.rounds,
        "seed": trials.seed,
        "best_arm": trials.best_arm,
        "policies": [_trial_data(each) for each in trials.trials],
    }


def _legend() -> str:
    return (
        f"In brackets: {LEVEL:.0%} intervals, by a studentized block bootstrap. SIZE: how many calls of its own the log is worth "
        f"for a policy; below {LEAST_SIZE:g} nothing is concluded from it."
    )


def _conclusions(findings: Iterable[tuple[str, Finding | None]], best_arm: str) -> Iterator[str]:
    """Yield the findings in words, those against learned selection as plainly as those for it."""
    known = [(policy, finding) for policy, finding in findings if finding is not None]
    for finding in Finding:
        policies = [policy for policy, found in known if found is finding]
        if policies:
            yield f"{finding.value[0].upper()}{finding.value[1:]}: {', '.join(policies)}."
    if best_arm:
        yield f"The best of the endpoints in hindsight, which nobody knows before: {best_arm}."


def _estimates(estimate: Estimate) -> tuple[str, str, str]:
    return _shown(estimate.ips), _shown(estimate.snips), _shown(estimate.dr)


def _shown(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    if math.isnan(interval.value):
        return "?"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _said(finding: Finding | None) -> str:
    return "-" if finding is None else finding.value


def _bounds(interval: Interval | None) -> dict[str, float] | None:
    if interval is None or math.isnan(interval.value):
        return None
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _estimate_data(estimate: Estimate) -> dict[str, Any]:
    return {
        "policy": estimate.policy,
        "ips": _bounds(estimate.ips),
        "snips": _bounds(estimate.snips),
        "dr": _bounds(estimate.dr),
        "effective_size": estimate.effective_size,
        "clipped": estimate.clipped,
        "advantage_of_learned": _bounds(estimate.advantage),
        "finding": None if estimate.finding is None else estimate.finding.value,
    }


def _trial_data(trial: Trial) -> dict[str, Any]:
    held = {"ips": trial.ips_held, "snips": trial.snips_held, "dr": trial.dr_held}
    return {
        "policy": trial.policy,
        "truth": trial.truth,
        "advantage_of_learned": _bounds(trial.advantage),
        "finding": None if trial.finding is None else trial.finding.value,
        "held": held,
        "first_run": _estimate_data(trial.estimate),
    }
