"""What holds for one run of the command: the addresses, how to show answers, and where to show them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer

from airegistry._rpc.trust import Trust

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_PIPED_WIDTH = 500


class Output(StrEnum):
    """How answers are shown."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


@dataclass(frozen=True)
class Session:
    """The common options of one run."""

    registry: str
    gateway: str
    output: Output = Output.TABLE
    timeout: float | None = None
    color: bool = True
    trust: Trust | None = None

    @cached_property
    def console(self) -> Console:
        """Where answers go."""
        return self._console(sys.stdout.isatty())

    @cached_property
    def notes(self) -> Console:
        """Where everything goes that is not the answer: progress, hints, who answered."""
        return self._console(sys.stderr.isatty(), stderr=True)

    def show(self, value: Any, table: Callable[[], RenderableType]) -> None:
        """Show a value as the person wishes: as data, or as what *table* makes of it."""
        if self.output is Output.TABLE:
            self.console.print(table())
        else:
            self.write(value)

    def write(self, value: Any) -> None:
        """Write a value as data."""
        from airegistry.manifests import plain
        from airegistry.resources.resource import Resource

        data = plain(value, empty_lists=not isinstance(value, Resource))
        if self.output is Output.YAML:
            import yaml

            sys.stdout.write(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))
        else:
            sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
        sys.stdout.flush()

    def note(self, text: str, *, style: str = "dim") -> None:
        """Tell the person something beside the answer."""
        from rich.text import Text

        self.notes.print(Text(text, style=style), soft_wrap=True)

    def _console(self, terminal: bool, *, stderr: bool = False) -> Console:  # noqa: FBT001 - one caller per stream
        from rich.console import Console

        plain = not self.color or bool(os.environ.get("NO_COLOR"))
        return Console(
            stderr=stderr,
            no_color=plain,
            highlight=False,
            markup=False,
            emoji=False,
            # A table that is piped is searched, not looked at: 80 columns would cut its names.
            width=None if terminal else _PIPED_WIDTH,
        )


def session_of(context: typer.Context) -> Session:
    """Return the session of this run."""
    session = context.find_object(Session)
    if session is None:  # pragma: no cover - the callback of the application makes one
        raise RuntimeError("the command was not started through its application")
    return session
