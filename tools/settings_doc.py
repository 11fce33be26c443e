"""Write docs/settings.md from the settings of the servers and the options of the command, or check that it is in step."""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from airegistry._rpc.edge_settings import EdgeSettings
from airegistry._rpc.settings import ServerSettings
from airegistry.cli.app import build
from gateway.config import Config as GatewayConfig
from registry.config import Config as RegistryConfig

OUT = Path(__file__).resolve().parent.parent / "docs/settings.md"

_HEAD = """\
# Settings

Written by `python -m tools.settings_doc` (`make docs`); change the descriptions in the code, not here.

The servers read the environment, once, when they start; each setting is an option of `python -m registry` and
`python -m gateway`, too (`--log-level`), and the option counts more. An unknown name that begins with `AIREGISTRY_` is an error, and so is
a value that does not fit: the program says which one and ends with exit code 2. Both servers read the same environment; each
leaves the names of the other alone. Durations are in seconds, sizes in bytes. A secret may be in a file, named by the setting
with `_FILE` behind its name; it is never logged. What providers are paid with is no setting: the value of a credential is a file in
the credentials folder, or an environment variable whose name fits the pattern below.

Where `XDG_DATA_HOME` is set, the data folder is `airegistry` in it, unless `AIREGISTRY_DATA_DIR` says otherwise.
"""


def page() -> str:
    """Return the whole page."""
    shared, edge = ServerSettings.model_fields, EdgeSettings.model_fields
    parts = [
        _HEAD,
        _section("All servers", _server_rows(shared)),
        _section("All servers, with Envoy", _server_rows(_own(edge, shared))),
        _section("The registry", _server_rows(_own(RegistryConfig.model_fields, edge))),
        _section("The gateway", _server_rows(_own(GatewayConfig.model_fields, edge))),
        _section("The `airegistry` command", sorted(set(_command_rows()))),
    ]
    return "\n".join(parts)


def names() -> set[str]:
    """Return the name of every setting."""
    of_servers = {**RegistryConfig.model_fields, **GatewayConfig.model_fields}
    return {f"AIREGISTRY_{name.upper()}" for name in of_servers} | {row[0].strip("`") for row in _command_rows()}


def _own(fields: Mapping[str, FieldInfo], shared: Mapping[str, FieldInfo]) -> dict[str, FieldInfo]:
    return {name: field for name, field in fields.items() if name not in shared}


def _section(title: str, rows: Sequence[tuple[str, str, str]]) -> str:
    lines = [f"## {title}", "", "| name | default | what it is |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""])


def _server_rows(fields: Mapping[str, FieldInfo]) -> list[tuple[str, str, str]]:
    return [
        (f"`AIREGISTRY_{name.upper()}`", _default(field.default), _words(field.description or "", _bounds(field)))
        for name, field in fields.items()
    ]


def _words(description: str, bounds: str) -> str:
    return f"{description} {bounds}".replace("|", "\\|").strip()


def _default(value: Any) -> str:
    if value is None or isinstance(value, SecretStr):
        return "unset"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`".replace("|", "\\|")


def _bounds(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return f"One of {', '.join(f'`{choice}`' for choice in get_args(field.annotation))}."
    signs = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    said = [
        f"{words} {getattr(each, sign)}"
        for each in field.metadata
        for sign, words in signs.items()
        if getattr(each, sign, None) is not None
    ]
    return f"{', '.join(said).capitalize()}." if said else ""


def _command_rows() -> Iterator[tuple[str, str, str]]:
    """Yield a row for every environment variable that stands for an option."""
    root: Any = typer.main.get_command(build())
    for path, command in _commands("", root):
        for option in command.params:
            if option.envvar:
                what = f"`{path}{option.opts[0]}`: {option.help}"
                yield f"`{option.envvar}`", _default(option.default), _words(what, "")


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from _commands(f"{path}{name} ", each)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    if parser.parse_args().check:
        if OUT.read_text() != page():
            sys.exit("docs/settings.md is not what the settings say; run `make docs`")
    else:
        OUT.write_text(page())


if __name__ == "__main__":
    main()
