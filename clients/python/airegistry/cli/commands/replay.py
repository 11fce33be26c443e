"""`replay`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli.failures import ExitCode
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from airegistry.learning.replay.comparing import Comparison
    from airegistry.learning.replay.trials import Trials
    from airegistry.learning.selector import SelectorSettings

_DEFAULTS = (7, 1_000, 20)


def replay(
    context: typer.Context,
    *,
    logs: Annotated[
        list[str] | None,
        typer.Argument(help="Logs of decisions, the oldest first; also compressed (.gz).", metavar="[LOG]..."),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help="What to compare: logged, discovery, cheapest, fastest, uniform, always:ENDPOINT, thompson. "
            "Default: all but thompson, with each endpoint.",
        ),
    ] = None,
    generate: Annotated[
        str | None,
        typer.Option(
            help="Calls of which the truth is known in place of a log: stationary, drift, cold-start or dead-arm.",
            metavar="WORLD",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="What everything is drawn by.")] = _DEFAULTS[0],
    rounds: Annotated[int, typer.Option(min=10, max=100_000, help="How many calls to generate.")] = _DEFAULTS[1],
    runs: Annotated[int, typer.Option(min=2, max=1_000, help="How often to generate them.")] = _DEFAULTS[2],
    half_life: Annotated[
        float | None,
        typer.Option(
            min=0.001, help="Seconds after which thompson, and who learns in a world, counts an attempt half."
        ),
    ] = None,
    exploration: Annotated[
        float | None, typer.Option(min=0.0001, max=1, help="The share of choices that they spread evenly.")
    ] = None,
) -> None:
    """Say what other ways to choose would have been worth beside learned selection, and how sure that is."""
    session = session_of(context)
    if bool(logs) == bool(generate):
        raise typer.BadParameter("name logs, or a world with --generate, and not both")
    settings = _settings(half_life, exploration)
    try:
        if generate:
            from airegistry.learning.replay.trials import tried

            _show_trials(session, tried(generate, policy or (), rounds=rounds, runs=runs, seed=seed, settings=settings))
        else:
            _show_comparison(session, *_compared(logs or [], policy or [], settings, seed))
    except ValueError as error:
        session.note(f"INVALID_ARGUMENT: {error}", style="red")
        raise typer.Exit(ExitCode.ERROR) from error


def _settings(half_life: float | None, exploration: float | None) -> SelectorSettings:
    from airegistry.learning.selector import SelectorSettings

    known = SelectorSettings()
    return SelectorSettings(
        half_life=known.half_life if half_life is None else half_life,
        exploration=known.exploration if exploration is None else exploration,
    )


def _compared(logs: list[str], policies: list[str], settings: SelectorSettings, seed: int) -> tuple[Comparison, int]:
    from airegistry.cli.replaying import read_logs
    from airegistry.learning.replay.comparing import compare
    from airegistry.learning.replay.rounds import rounds_of

    decisions = read_logs(logs)
    rounds = rounds_of(decisions)
    if not len(rounds):
        raise ValueError(f"{', '.join(logs)}: of {len(decisions)} decisions none has several candidates and a reward")
    return compare(rounds, policies, settings=settings, seed=seed), len(decisions)


def _show_comparison(session: Session, comparison: Comparison, decisions: int) -> None:
    from airegistry.cli.replaying import comparison_data, comparison_lines, comparison_table

    if session.output is not Output.TABLE:
        session.write(comparison_data(comparison, decisions))
        return
    session.console.print(comparison_table(comparison))
    for line in comparison_lines(comparison, decisions):
        session.console.print(line)


def _show_trials(session: Session, trials: Trials) -> None:
    from airegistry.cli.replaying import trials_data, trials_lines, trials_table

    if session.output is not Output.TABLE:
        session.write(trials_data(trials))
        return
    session.console.print(trials_table(trials))
    for line in trials_lines(trials):
        session.console.print(line)
