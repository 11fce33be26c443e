"""`auto-register`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli.failures import run
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airegistry.cli.finding import Found

_CONFIGS = ("model-config.json", "model-config.yaml", "model-config.yml")


def auto_register(
    context: typer.Context,
    *,
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file", "-f", help="A file as for register. Default: model-config.json or .yaml in this folder."
        ),
    ] = None,
    ollama: Annotated[str, typer.Option(help="Where an Ollama may answer.", metavar="URL")] = "http://127.0.0.1:11434",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")] = False,
) -> None:
    """Register what you have: a model-config file, the keys in your environment, a local Ollama.

    OPENAI_API_KEY, ANTHROPIC_API_KEY and HUGGINGFACE_API_TOKEN open the models of the imported catalog. Only the names of
    keys are registered; their values stay in your environment, and the gateway needs them in its own.
    """
    session = session_of(context)
    if not ollama.startswith(("http://", "https://")):
        raise typer.BadParameter("--ollama must be an http or https URL")
    files = file or [name for name in _CONFIGS if Path(name).is_file()][:1]
    found = run(session, "registry", _register(session, files, ollama, dry_run=dry_run))
    if session.output is not Output.TABLE:
        session.write(found)
        return
    for each in found:
        session.console.print(f"{each.source}: {_counts(each, dry_run=dry_run)}")
        for note in each.notes:
            session.note(f"  {note}")


def _counts(found: Found, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    counts = (
        (found.created_count, f"{would}created"),
        (found.updated_count, f"{would}updated"),
        (found.unchanged_count, "unchanged"),
    )
    return ", ".join(f"{count:,} {word}" for count, word in counts if count) or "nothing"


async def _register(session: Session, files: Sequence[str], ollama: str, *, dry_run: bool) -> list[Found]:
    from airegistry.cli import finding
    from airegistry.cli.connecting import registry_client
    from airegistry.importers.keys import KEYS

    keys = [key for key in KEYS if os.environ.get(key)]
    async with registry_client(session) as client:
        found = [await finding.from_file(client, file, validate_only=dry_run) for file in files]
        if not files:
            found.append(finding.nothing(_CONFIGS[0], "none in this folder; -f names another file"))
        if keys:
            found += await finding.from_keys(client, keys, validate_only=dry_run)
        else:
            found.append(finding.nothing("keys", f"none of {', '.join(KEYS)} is set"))
        found.append(await finding.from_ollama(client, ollama, validate_only=dry_run))
    return found
