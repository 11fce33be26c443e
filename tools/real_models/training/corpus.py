"""Conversations to learn from, made of text that ships with Python: prose, JSON and tool calls."""

from __future__ import annotations

import ast
import json
import random
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from demo_backend.corpus import passages
from tools.real_models.training import chat

LONGEST_ANSWER = 600
"""Characters; what is longer is cut at a sentence, so that answers end."""

_SENTENCE = re.compile(r"(?<=[.:!?])\s")


def conversations(seed: int) -> list[str]:
    """Return every conversation once, laid out as a chat and shuffled by *seed*."""
    found = [*_about_the_language(), *_about_the_library()]
    random.Random(seed).shuffle(found)
    return found


def _about_the_language() -> Iterator[str]:
    for passage in passages():
        yield _answered(f"Say something about {_subject(passage)}.", shortened(passage))


def _about_the_library() -> Iterator[str]:
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        for name, arguments, doc in _documented(path):
            yield _answered(f"What is {name}?", shortened(doc))
            yield _answered(f"Describe {name} as JSON.", json.dumps({"name": name, "text": _first_line(doc)}))
            yield _answered(f"Call {name}.", chat.tool_call(name, dict.fromkeys(arguments, _first_line(doc)[:20])))


def _documented(path: Path) -> Iterator[tuple[str, list[str], str]]:
    """Yield each function of a module with the names of its arguments and its documentation."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef) and (doc := ast.get_docstring(node)):
            arguments = [argument.arg for argument in node.args.args if argument.arg != "self"]
            yield f"{path.stem}.{node.name}", arguments[:3], doc


def _answered(question: str, answer: str) -> str:
    return chat.turn("user", question) + chat.turn("assistant", answer)


def _subject(passage: str) -> str:
    """Return the longest word of the beginning: mostly it is what the passage is about."""
    words: list[str] = re.findall(r"[A-Za-z]+", passage[:80])
    return max(words, key=len, default="Python")


def _first_line(doc: str) -> str:
    return doc.partition("\n")[0]


def shortened(text: str) -> str:
    """Return the beginning of *text*, whole sentences of it where there are any."""
    if len(text) <= LONGEST_ANSWER:
        return text
    ends = [found.start() for found in _SENTENCE.finditer(text, 0, LONGEST_ANSWER)]
    return text[: ends[-1] if ends else LONGEST_ANSWER]
