"""`status`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import typer

from airegistry.cli.failures import ExitCode, lines
from airegistry.cli.session import Output, Session, session_of
from airegistry.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from rich.table import Table

_COLLECTIONS = {"models": "models", "endpoints": "models/-/endpoints", "agents": "agents", "routes": "routes"}
_TIMEOUT = 5.0


@dataclass(frozen=True, slots=True)
class PlaneStatus:
    """How one plane is."""

    plane: str
    address: str
    serving: bool
    revision: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    stale: bool | None = None
    problem: str = ""


def status(context: typer.Context) -> None:
    """Show how the registry and the gateway are, what they hold, and whether the gateway is up to date."""
    import asyncio

    session = session_of(context)
    session = session if session.timeout is not None else replace(session, timeout=_TIMEOUT)
    planes = asyncio.run(_planes(session))
    if session.output is Output.TABLE:
        session.console.print(_table(planes))
        for plane in planes:
            if plane.problem:
                session.note(plane.problem, style="red")
    else:
        session.write({"version": _version(), "planes": planes})
    if not all(plane.serving for plane in planes):
        raise typer.Exit(ExitCode.UNAVAILABLE)


async def _planes(session: Session) -> list[PlaneStatus]:
    import asyncio

    return list(
        await asyncio.gather(
            _asked(session, "registry", session.registry, _registry(session)),
            _asked(session, "gateway", session.gateway, _gateway(session)),
        )
    )


async def _asked(session: Session, plane: str, address: str, work: Coroutine[Any, Any, PlaneStatus]) -> PlaneStatus:
    try:
        return await work
    except RegistryError as error:
        return PlaneStatus(plane, address, serving=False, problem="\n".join(lines(session, plane, error)))


async def _registry(session: Session) -> PlaneStatus:
    from airegistry.cli.connecting import registry_client

    async with registry_client(session) as client:
        pages = [await client.list_page(collection, page_size=1) for collection in _COLLECTIONS.values()]
        invocable = (await client.discover(limit=1, omit_models=True)).matched_count
    counts = dict(zip(_COLLECTIONS, (page.total_size for page in pages), strict=True)) | {"invocable": invocable}
    return PlaneStatus("registry", session.registry, serving=True, revision=pages[-1].revision, counts=counts)


async def _gateway(session: Session) -> PlaneStatus:
    from airegistry.cli.connecting import gateway_client
    from airegistry.invocations.invocation import Invocation
    from airegistry.resources.requirements import DiscoverQuery, Requirements

    # An explanation says how old the view is; one about a model that cannot be is short.
    nobody = DiscoverQuery(requirements=Requirements(models=("models/none",)))
    async with gateway_client(session) as client:
        answer = await client.explain(Invocation(query=nobody), deadline=session.timeout)
    return PlaneStatus("gateway", session.gateway, serving=True, revision=answer.revision, stale=answer.stale)


def _table(planes: list[PlaneStatus]) -> Table:
    from airegistry.cli.tables import table

    rows = [
        (
            plane.plane,
            plane.address,
            "serving" if plane.serving else "not_serving",
            "?" if plane.revision is None else f"{plane.revision:,}",
            _facts(plane),
        )
        for plane in planes
    ]
    shown = table(("PLANE", "ADDRESS", "STATE", "REVISION", "HOLDS"), rows, right=("REVISION",))
    shown.caption = f"airegistry {_version()}"
    shown.caption_justify = "left"
    return shown


def _facts(plane: PlaneStatus) -> str:
    if plane.stale is not None:
        return "an old view: it has not heard from the registry for a while" if plane.stale else "an up-to-date view"
    return ", ".join(
        f"{count:,} {name.removesuffix('s') if count == 1 else name}" for name, count in plane.counts.items()
    )


def _version() -> str:
    from importlib.metadata import version

    return version("airegistry")
