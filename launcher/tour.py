"""What to tell the person who started everything: the addresses, and five things to try."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from airegistry.cli.session import Session
from launcher.places import Places

_DISCOVER = (
    '{"query": {"requirements": {"task": "text-generation", "min_context_tokens": 100000, '
    '"credential": "CREDENTIAL_REQUIREMENT_ANY"}}, "limit": 3}'
)
_CHAT = '{"model": "demo-ngram", "messages": [{"role": "user", "content": "What is a list?"}], "max_tokens": 24}'


def show_tour(session: Session, places: Places, folder: Path) -> None:
    """Print the addresses and what to try."""
    console = session.console
    console.print(Text("\nAI Registry is running", style="bold green"))
    for what, where in _addresses(places, folder):
        console.print(Text.assemble((f"  {what:<10}", "dim"), where), soft_wrap=True)
    console.print(Text("\nFive things to try, in another terminal", style="bold"))
    for number, (title, command) in enumerate(_things(places), 1):
        console.print(Text.assemble(f"\n  {number}. {title}\n     ", (command, "cyan")), soft_wrap=True)
    console.print(Text("\nCtrl-C stops all of it.", style="dim"))


def _addresses(places: Places, folder: Path) -> Iterator[tuple[str, str]]:
    yield "registry", f"gRPC {places.registry}   http://{places.registry_http}/health"
    yield "gateway", f"gRPC {places.gateway}   http://{places.gateway_http}/v1 (OpenAI)"
    if places.demo is not None:
        yield "demo", f"http://{places.demo}/v1 (two toy models of Python's documentation)"
    yield "data", f"{folder} (logs in {folder / 'logs'})"


def _things(places: Places) -> Iterator[tuple[str, str]]:
    command = f"{_program()}{_where(places)}"
    discover = "airegistry.v1.RegistryService/Discover"
    yield "What the registry speaks, by reflection", f"grpcurl -plaintext {places.registry} list"
    yield (
        "The best long-context text models of the real catalog, explained",
        f"grpcurl -plaintext -d '{_DISCOVER}' {places.registry} {discover}",
    )
    yield (
        "The same kind of question on the command line",
        f"{command} discover --task text-generation --max-price 1 --any-credential --explain",
    )
    yield (
        "A chat through the gateway, as any OpenAI client does it",
        f"curl -s http://{places.gateway_http}/v1/chat/completions -H 'content-type: application/json' -d '{_CHAT}'",
    )
    yield "A streamed answer, and who gave it", f'{command} invoke demo-ngram "What is a dictionary?" --max-tokens 40'


def _program() -> str:
    """Return how the command was called, as short as it can be written here."""
    called = Path(sys.argv[0])
    if called.name != "airegistry":
        return "python -m airegistry.cli"
    try:
        return str(called.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(called)


def _where(places: Places) -> str:
    """Return the options that name other addresses than the usual ones."""
    registry = "" if places.registry == "127.0.0.1:50051" else f" --registry {places.registry}"
    gateway = "" if places.gateway == "127.0.0.1:50052" else f" --gateway {places.gateway}"
    return registry + gateway
