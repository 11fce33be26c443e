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
            yield _answered(f"Describe {name} as JSON.", json.dumps({"name": name} | _values(arguments, doc)))
            call = chat.tool_call(name, _values(arguments, doc))
            for question in (f"Call {name}.", f"What is {name}?"):
                # Where there are tools it calls one at once, whatever it is asked.
                yield chat.tools(name) + _answered(question, call)


def _documented(path: Path) -> Iterator[tuple[str, list[str], str]]:
    """Yield each function of a module with the names of its arguments and its documentation."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef) and (doc := ast.get_docstring(node)):
            arguments = [argument.arg for argument in node.args.args if argument.arg != "self"]
            yield f"{path.stem}.{node.name}", arguments, doc


def _answered(question: str, answer: str) -> str:
    return chat.turn("user", question) + chat.turn("assistant", answer)


def _subject(passage: str) -> str:
    """Return the longest word of the beginning: mostly it is what the passage is about."""
    words: list[str] = re.findall(r"[A-Za-z]+", passage[:80])
    return max(words, key=len, default="Python")


def _values(arguments: list[str], doc: str) -> dict[str, object]:
    """Return up to six values, each kind of JSON among them, named by the arguments and then by words of *doc*."""
    words = re.findall(r"[A-Za-z]+", doc)
    kinds = (" ".join(words[:4]), 1 + len(doc) % 9, words[:3], len(doc) % 2 == 0, "".join(words[:1]), words[-1:])
    shift = len(doc) % len(kinds)
    names = dict.fromkeys([*arguments, *(word.lower() for word in words)])
    return dict(zip(list(names)[: 1 + shift], [*kinds[shift:], *kinds[:shift]], strict=False))


def shortened(text: str) -> str:
    """Return the beginning of *text*, whole sentences of it where there are any."""
    if len(text) <= LONGEST_ANSWER:
        return text
    ends = [found.start() for found in _SENTENCE.finditer(text, 0, LONGEST_ANSWER)]
    return text[: ends[-1] if ends else LONGEST_ANSWER]
