"""What to tell the person who started everything: the addresses, and a few things to try."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.text import Text

from airegistry.cli.session import Session
from airegistry.client.analytics import REGISTRY_ADDRESS
from airegistry.client.gateway import GATEWAY_ADDRESS
from launcher.places import Places

_DISCOVER = (
    '{"query": {"requirements": {"task": "text-generation", "min_context_tokens": 100000, '
    '"credential": "CREDENTIAL_REQUIREMENT_ANY"}}, "limit": 3}'
)
_CHAT = '{"model": "demo-ngram", "messages": [{"role": "user", "content": "What is a list?"}], "max_tokens": 24}'


def show_tour(session: Session, places: Places, folder: Path, registries: Sequence[int]) -> None:
    """Print the addresses and what to try; *registries* are the process ids of the replicas."""
    things = [*_things(places), *(_things_with_replicas(places, registries[0]) if len(registries) > 1 else ())]
    console = session.console
    console.print(Text("\nAI Registry is running", style="bold green"))
    for what, where in _addresses(places, folder, registries):
        console.print(Text.assemble((f"  {what:<10}", "dim"), where), soft_wrap=True)
    console.print(Text("\nThings to try, in another terminal", style="bold"))
    for number, (title, command) in enumerate(things, 1):
        console.print(Text.assemble(f"\n  {number}. {title}\n     ", (command, "cyan")), soft_wrap=True)
    console.print(Text("\nCtrl-C stops all of it.", style="dim"))


def _addresses(places: Places, folder: Path, registries: Sequence[int]) -> Iterator[tuple[str, str]]:
    for grpc, http, pid in zip(places.registries, places.registries_http, registries, strict=True):
        replica = f"   process {pid}" if len(registries) > 1 else ""
        yield "registry", f"gRPC {grpc}   http://{http}/health{replica}"
    yield "gateway", f"gRPC {places.gateway}   http://{places.gateway_http} (OpenAI, Anthropic, Ollama)"
    if places.demo is not None:
        yield "demo", f"http://{places.demo}/v1 (two toy models of Python's documentation)"
    yield "data", f"{folder} (logs in {folder / 'logs'})"


def _things(places: Places) -> Iterator[tuple[str, str]]:
    command = f"{_program()}{_where(places)}"
    discover = "airegistry.v1.RegistryService/Discover"
    registry = places.registries[0]
    yield "What the registry speaks, by reflection", f"grpcurl -plaintext {registry} list"
    yield (
        "The best long-context text models of the real catalog, explained",
        f"grpcurl -plaintext -d '{_DISCOVER}' {registry} {discover}",
    )
    yield (
        "The same kind of question on the command line",
        f"{command} discover --task text-generation --max-price 1 --any-credential --explain",
    )
    yield (
        "A chat through the gateway, as any OpenAI client does it",
        f"curl -s http://{places.gateway_http}/v1/chat/completions -H 'content-type: application/json' -d '{_CHAT}'",
    )
    yield (
        "The same model by another front: any Anthropic or Ollama client does it like this",
        f"curl -s http://{places.gateway_http}/v1/messages -H 'content-type: application/json' -d '{_CHAT}'",
    )
    yield "A streamed answer, and who gave it", f'{command} invoke demo-ngram "What is a dictionary?" --max-tokens 40'


def _things_with_replicas(places: Places, victim: int) -> Iterator[tuple[str, str]]:
    first, second, third = (f"{_program()} --registry {address}" for address in places.registries)
    name = "models/written-through-one"
    yield (
        "A write through one replica is read through another at once",
        f"echo '{{name: {name}, model: {{}}}}' | {first} register -f - && {second} get {name} && {third} deregister {name}",
    )
    yield (
        "Kill the first replica: the others go on, the gateway notices nothing, and it comes back",
        f"kill -9 {victim} && {_program()}{_where(places)} status",
    )


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
    registry = "" if places.registry == REGISTRY_ADDRESS else f" --registry {places.registry}"
    gateway = "" if places.gateway == GATEWAY_ADDRESS else f" --gateway {places.gateway}"
    return registry + gateway
