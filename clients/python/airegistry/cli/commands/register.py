"""`register` and `deregister`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from airegistry.cli.failures import run
from airegistry.cli.session import Output, Session, session_of
from airegistry.cli.values import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airegistry.cli.registering import Registered
    from airegistry.resources.resource import Resource


def register(
    context: typer.Context,
    *,
    file: Annotated[
        list[str], typer.Option("--file", "-f", help="A YAML or JSON file; - is standard input. May be repeated.")
    ],
    owner_id: Annotated[str, typer.Option(help="Who holds the leases. Default with a lease: a fresh one.")] = "",
    lease_ttl: Annotated[
        float | None,
        typer.Option(
            help="How long the resources live without a heartbeat, such as 30s.", parser=duration, metavar="TIME"
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Renew the leases until Ctrl-C, then deregister.")] = False,
    take_over: Annotated[bool, typer.Option("--take-over", help="Take resources over from another owner.")] = False,
    create_only: Annotated[bool, typer.Option("--create-only", help="Refuse resources that exist already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and change nothing.")] = False,
) -> None:
    """Register what files say: each resource is created, or replaced when it exists."""
    import uuid

    session = session_of(context)
    if keep and (dry_run or create_only or take_over):
        raise typer.BadParameter("--keep goes with none of --dry-run, --create-only and --take-over")
    resources = run(session, "registry", _read(file))
    owner = owner_id or (uuid.uuid4().hex if keep or lease_ttl is not None else "")
    if keep:
        run(session, "registry", _keep(session, resources, owner, lease_ttl))
        return
    done = run(
        session,
        "registry",
        _register(
            session,
            resources,
            lease_ttl=lease_ttl,
            owner_id=owner,
            take_over=take_over,
            create_only=create_only,
            validate_only=dry_run,
        ),
    )
    _show(session, done, dry_run=dry_run, owner_id="" if owner_id else owner)


def deregister(
    context: typer.Context,
    *,
    name: Annotated[list[str], typer.Argument(help="Resource names.", metavar="NAME…")],
    etag: Annotated[str, typer.Option(help="Only if this is still the resource's etag.")] = "",
    owner_id: Annotated[str, typer.Option(help="Who holds the lease.")] = "",
    missing_ok: Annotated[bool, typer.Option("--missing-ok", help="Succeed when there is nothing to remove.")] = False,
) -> None:
    """Remove resources; a model takes its endpoints with it."""
    session = session_of(context)
    if etag and len(name) > 1:
        raise typer.BadParameter("--etag belongs to one resource")
    removed, revision = run(
        session, "registry", _deregister(session, name, etag=etag, owner_id=owner_id, allow_missing=missing_ok)
    )
    if session.output is not Output.TABLE:
        session.write({"revision": revision, "names": removed})
        return
    for each in removed:
        session.console.print(f"removed {each}")
    session.note(f"{len(removed)} removed, revision {revision}")


async def _read(files: Sequence[str]) -> list[Resource]:
    from airegistry.cli.files import read_files

    return read_files(files)


async def _register(session: Session, resources: Sequence[Resource], **options: Any) -> Registered:
    from airegistry.cli.connecting import registry_client
    from airegistry.cli.registering import register_all

    async with registry_client(session) as client:
        return await register_all(client, resources, **options)


async def _keep(session: Session, resources: Sequence[Resource], owner_id: str, ttl: float | None) -> None:
    """Register with leases and renew them until the person says stop; the registry's refusal ends it."""
    import asyncio

    from airegistry.cli.connecting import registry_client
    from airegistry.keeping import LEASE_TTL, LeaseKeeper

    async with registry_client(session) as client:
        # The first registration is ours, so that a mistake is told at once; the keeper renews what is there.
        lease_ttl = ttl or LEASE_TTL
        await client.register(resources, lease_ttl=lease_ttl, owner_id=owner_id)
        async with LeaseKeeper(client, resources, owner_id=owner_id, ttl=lease_ttl):
            session.note(f"{len(resources)} registered, held by {owner_id}; Ctrl-C deregisters")
            await asyncio.Event().wait()


async def _deregister(
    session: Session, names: Sequence[str], *, etag: str, owner_id: str, allow_missing: bool
) -> tuple[list[str], int]:
    from airegistry.cli.connecting import registry_client

    removed: list[str] = []
    revision = 0
    async with registry_client(session) as client:
        for name in names:
            answer = await client.deregister(name, etag=etag, owner_id=owner_id, allow_missing=allow_missing)
            removed += answer.names
            revision = answer.revision
    return removed, revision


def _show(session: Session, done: Registered, *, dry_run: bool, owner_id: str) -> None:
    if session.output is not Output.TABLE:
        session.write(done)
        return
    would = "would be " if dry_run else ""
    session.console.print(
        f"{done.created_count} {would}created, {done.updated_count} {would}updated, "
        f"{done.unchanged_count} unchanged, revision {done.revision}"
    )
    if owner_id:
        session.note(f"the leases are held by {owner_id}: give it as --owner-id to renew or remove them")
