"""docs/rest.md taken apart: its blocks, what they answer in a shell, and whether an answer is the one that it states."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs/rest.md"
ANY = "…"
"""Stands for a value, for the rest of a list, and as a key for the rest of an object."""

_BLOCK = re.compile(r"^## (?P<title>[^\n]+)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "-- the end of a block --"


@dataclass(frozen=True)
class Example:
    """What to type, and the answer that the page states: its language and text, both empty when it states none."""

    title: str
    command: str
    language: str = ""
    answer: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a shell wrote, and whether every command of the example went well."""

    text: str
    well: bool


def examples(page: str) -> list[Example]:
    """Return every block of commands with the block that follows it."""
    found: list[Example] = []
    title = ""
    for match in _BLOCK.finditer(page):
        title = match["title"] or title
        if match["language"] == "sh":
            found.append(Example(title, match["text"]))
        elif match["language"] is not None:
            last = found.pop()
            assert not last.language, f"two answers to {last.command}"
            found.append(Example(last.title, last.command, match["language"], match["text"]))
    return found


def run(examples: Sequence[Example], folder: Path) -> list[Outcome]:
    """Run the examples in one shell, one after the other: what one sets the next one has."""
    # Every command of an example tells whether it went well; one that does not ends none of the others.
    script = "".join(
        f"went=0\ntrap 'went=1' ERR\n{one.command}trap - ERR\necho\necho '{_END}' $went\n" for one in examples
    )
    shell = ["bash", "-o", "pipefail", "-c", script]
    done = subprocess.run(shell, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    parts = re.split(rf"\n{_END} (\d+)\n", done.stdout)
    return [Outcome(text, status == "0") for text, status in zip(parts[::2], parts[1::2], strict=False)]


def problem(example: Example, text: str) -> str:
    """Say what is wrong with an answer; empty when it is the one that the page states."""
    if example.language == "json":
        return differences(list(values(example.answer)), list(values(text)))
    stated, answered = example.answer.strip().splitlines(), text.strip().splitlines()
    if len(stated) != len(answered):
        return f"{len(answered)} lines for {len(stated)}"
    return next(filter(None, map(_line_problem, stated, answered)), "")


def values(text: str) -> Iterator[Any]:
    """Yield the JSON values that follow each other in a text."""
    decoder = json.JSONDecoder()
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        yield value
        text = text[end:]


def differences(stated: Any, answered: Any, path: str = "$") -> str:
    """Say where an answer is another one than stated; empty when it is that one."""
    if stated == ANY:
        return ""
    if isinstance(stated, dict) and isinstance(answered, dict):
        named = [key for key in stated if key != ANY]
        missing = [f"{path}.{key} is missing" for key in named if key not in answered]
        more = [] if ANY in stated else [f"{path}.{key} is not stated" for key in answered if key not in stated]
        unlike = (differences(stated[key], answered[key], f"{path}.{key}") for key in named if key in answered)
        return next(filter(None, [*missing, *more, *unlike]), "")
    if isinstance(stated, list) and isinstance(answered, list):
        listed = stated[:-1] if stated[-1:] == [ANY] else stated
        if len(answered) < len(listed) or (listed is stated and len(answered) != len(listed)):
            return f"{path} has {len(answered)} elements for {len(listed)}: {answered}"
        return next(
            filter(
                None, (differences(*pair, f"{path}[{i}]") for i, pair in enumerate(zip(listed, answered, strict=False)))
            ),
            "",
        )
    return "" if stated == answered and type(stated) is type(answered) else f"{path} is {answered!r}, not {stated!r}"


def _line_problem(stated: str, answered: str) -> str:
    if stated == ANY:
        return ""
    prefix = "data: "
    if stated.startswith(prefix) and answered.startswith(prefix):
        return differences(json.loads(stated.removeprefix(prefix)), json.loads(answered.removeprefix(prefix)))
    return "" if stated == answered else f"{answered!r}, not {stated!r}"
