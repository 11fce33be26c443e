"""`watch`."""

from __future__ import annotations

import json
import sys
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli.failures import run
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from airegistry.client.follower import WatchUpdate
    from airegistry.client.messages import WatchEvent, WatchRequest


class Kind(StrEnum):
    """The kinds of resources."""

    MODEL = "model"
    ENDPOINT = "endpoint"
    AGENT = "agent"
    ROUTE = "route"


_SIGNS = {"added": ("+", "green"), "updated": ("~", "yellow"), "removed": ("-", "red")}


def watch(
    context: typer.Context,
    *,
    kind: Annotated[list[Kind] | None, typer.Option(help="Only these kinds.")] = None,
    name: Annotated[
        list[str] | None, typer.Option("--name", "-n", help="Only these resources, such as models/gpt-4o.")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Only names that begin so, such as models/gpt-4o/.")] = "",
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", help="Only with this label.", metavar="KEY=VALUE")
    ] = None,
    capability: Annotated[
        list[str] | None, typer.Option("--capability", "-c", help="Only models and agents that can do this.")
    ] = None,
    expression: Annotated[
        str, typer.Option("--filter", help="Only what this is true of, in CEL.", metavar="EXPRESSION")
    ] = "",
    changes_only: Annotated[bool, typer.Option("--changes-only", help="Leave out what is there already.")] = False,
    after: Annotated[int | None, typer.Option(min=0, help="Begin with the changes after this revision.")] = None,
    resume_token: Annotated[str, typer.Option(help="Go on after the bookmark that had this token.")] = "",
    bookmarks: Annotated[
        bool, typer.Option("--bookmarks", help="With JSON: also a line with the resume token after each revision.")
    ] = False,
) -> None:
    """Show what is registered, and then every change as it happens, over cuts and restarts; Ctrl-C ends it.

    With --output json there is one JSON object in each line.
    """
    import logging

    from airegistry.cli.values import labels
    from airegistry.client.messages import WatchFilter, WatchRequest
    from airegistry.resources.resource import ResourceKind

    session = session_of(context)
    if after is not None and resume_token:
        raise typer.BadParameter("--after and --resume-token exclude each other")
    kinds = tuple(ResourceKind[each.name] for each in kind or ())
    wanted = WatchFilter(kinds, prefix, labels(label or ()), tuple(capability or ()), expression, tuple(name or ()))
    log = logging.StreamHandler()
    log.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger("airegistry.client").addHandler(log)
    fresh = after is None and not resume_token
    request = WatchRequest(wanted, resume_token, after, skip_snapshot=changes_only and fresh)
    run(session, "registry", _watch(session, request, bookmarks=bookmarks))


async def _watch(session: Session, request: WatchRequest, *, bookmarks: bool) -> None:
    from airegistry.cli.connecting import registry_client

    async with registry_client(session) as client:
        # A stream tries again for ever; a registry that was never there is told at once.
        await client.list_page("routes", page_size=1)
        updates = client.watch(
            request.filter,
            resume_token=request.resume_token,
            after_revision=request.after_revision,
            skip_snapshot=request.skip_snapshot,
        )
        async with aclosing(updates):
            async for update in updates:
                if session.output is Output.TABLE:
                    _print(session, update)
                else:
                    _write(update, bookmarks=bookmarks)


def _print(session: Session, update: WatchUpdate) -> None:
    from rich.text import Text

    from airegistry.cli.values import safe

    for event in update.events:
        sign, style = _SIGNS.get(_type(event), ("?", ""))
        name = event.resource.name if event.resource is not None else "?"
        session.console.print(
            Text.assemble((f"{sign} ", style), safe(name), (f"  revision {event.revision}{_facts(event)}", "dim")),
            soft_wrap=True,
        )
    if update.snapshot:
        session.note(f"{len(update.events):,} resources at revision {update.revision}; watching, Ctrl-C ends it")


def _write(update: WatchUpdate, *, bookmarks: bool) -> None:
    from airegistry.manifests import plain

    for event in update.events:
        _line({"type": _type(event), "revision": event.revision, "resource": plain(event.resource)})
    if bookmarks:
        _line({"type": "bookmark", "revision": update.revision, "resume_token": update.resume_token})
    sys.stdout.flush()


def _line(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def _type(event: WatchEvent) -> str:
    return event.type.name.lower() if event.type is not None else "unknown"


def _facts(event: WatchEvent) -> str:
    from airegistry.cli.tables import state

    words = state(event.resource.status) if event.resource is not None else ""
    return f"  {words}" if words else ""
