"""`get` and `list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from airegistry.cli.failures import run
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from airegistry.resources.resource import Resource

_PAGE = 1_000


def get(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(help="The resource name, such as models/gpt-4o.", metavar="NAME")],
) -> None:
    """Show one resource."""
    session = session_of(context)
    resource = run(session, "registry", _get(session, name))
    if session.output is Output.TABLE:
        from dataclasses import replace

        session = replace(session, output=Output.YAML)
    session.write(resource)


def list_(
    context: typer.Context,
    *,
    collection: Annotated[
        str,
        typer.Argument(
            help="models, models/{model}/endpoints, models/-/endpoints (of all models), agents, "
            "agents/{agent}/models (that it works with) or routes.",
            metavar="COLLECTION",
        ),
    ] = "models",
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", help="Only with this label.", metavar="KEY=VALUE")
    ] = None,
    expression: Annotated[
        str, typer.Option("--filter", help="Only what this is true of, in CEL.", metavar="EXPRESSION")
    ] = "",
    limit: Annotated[int, typer.Option(min=0, help="How many at most; 0 shows all.")] = 100,
) -> None:
    """List a collection, in the order of names."""
    from airegistry.cli.values import labels
    from airegistry.resources.names import parse_collection

    session = session_of(context)
    selected = {"labels": labels(label or ()), "filter": expression}
    resources, total = run(session, "registry", _list(session, collection, selected, limit))
    if session.output is not Output.TABLE:
        session.write(resources)
        return
    from airegistry.cli.tables import resource_table

    session.console.print(resource_table(parse_collection(collection).kind, resources))
    if len(resources) < total:
        session.note(f"{len(resources):,} of {total:,}; --limit 0 shows all")


async def _get(session: Session, name: str) -> object:
    from airegistry.cli.connecting import registry_client

    async with registry_client(session) as client:
        return await client.get(name)


async def _list(session: Session, collection: str, selected: dict[str, Any], limit: int) -> tuple[list[Resource], int]:
    from airegistry.cli.connecting import registry_client

    resources: list[Resource] = []
    async with registry_client(session) as client:
        token = ""
        while True:
            size = min(limit - len(resources), _PAGE) if limit else _PAGE
            page = await client.list_page(collection, **selected, page_size=size, page_token=token)
            resources += page.resources
            token = page.next_page_token
            if not token or (limit and len(resources) >= limit):
                return resources, page.total_size
