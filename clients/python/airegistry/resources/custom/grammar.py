"""Which templates are let in: those whose cost is bounded by what they are given.

The engine's fuel counts steps and the bytes of texts, but not the things in a list: twenty steps of `{% set x = [x, x] %}`
make a million of one, and whatever then goes over them stands still. So what could make a longer list out of a shorter
one is refused before the engine sees it: names for made-up values, loops over them, sums and products, calls, macros, and
filters other than those of `FILTERS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

FILTERS: Final = frozenset(
    {
        "abs",
        "count",
        "d",
        "default",
        "first",
        "float",
        "int",
        "items",
        "join",
        "last",
        "length",
        "lower",
        "present",
        "rejectattr",
        "round",
        "selectattr",
        "tojson",
        "trim",
        "upper",
        "urlencode",
    }
)

_STATEMENTS: Final = frozenset({"if", "elif", "else", "endif", "for", "endfor", "set", "endset"})
_KEYWORDS: Final = frozenset({"in", "and", "or", "not", "if", "elif", "else", "for", "is"})
_OPENERS: Final = re.compile(r"\{[{%#]")
_CLOSERS: Final = {"{{": "}}", "{%": "%}"}
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<close>-?[}%]\})
    | (?P<sign>//|==|!=|<=|>=|[-./%<>()\[\]{}:,|=~])""",
    re.VERBOSE | re.DOTALL,
)


class TemplateError(ValueError):
    """What is wrong with a template, with its line; its text never repeats the template."""


class _Token(NamedTuple):
    kind: str
    text: str


def check_grammar(source: str) -> None:
    """Refuse a template that uses more than is let in. Raises TemplateError."""
    at = 0
    while (opener := _OPENERS.search(source, at)) is not None:
        line = source.count("\n", 0, opener.start()) + 1
        if opener[0] == "{#":
            at = source.find("#}", opener.end()) + 2
            if at == 1:
                raise TemplateError(f"line {line}: a comment has no end")
            continue
        tokens, at = _tag(source, opener, line)
        _check_tag(opener[0], tokens, line)


def _tag(source: str, opener: re.Match[str], line: int) -> tuple[list[_Token], int]:
    """Return what is inside of a tag, and where it ends."""
    tokens: list[_Token] = []
    depth, at = 0, opener.end()
    at += source[at : at + 1] in ("-", "+")
    while (match := _TOKEN.match(source, at)) is not None:
        kind, text, at = match.lastgroup or "", match[0], match.end()
        if kind == "close" and text.endswith(_CLOSERS[opener[0]]):
            if depth == 0:
                return tokens, at
            raise TemplateError(f"line {line}: put a space between a brace and the end of a tag")
        if kind == "close":
            # Of the other kind of tag: `}` of a map and what follows, or `%` before one.
            kind, text, at = "sign", match[0][0], match.start() + 1
        if kind != "space":
            tokens.append(_Token(kind, text))
        depth += (text in "([{") - (text in ")]}") if kind == "sign" else 0
    found = repr(source[at]) if at < len(source) else "the end of the template"
    raise TemplateError(f"line {line}: {found} is not let in here")


def _check_tag(opener: str, tokens: Sequence[_Token], line: int) -> None:
    if opener == "{%":
        statement = tokens[0].text if tokens else ""
        if statement not in _STATEMENTS:
            raise TemplateError(f"line {line}: only {', '.join(sorted(_STATEMENTS))} are let in as statements")
        if statement == "set" and [token.kind for token in tokens] != ["name", "name"]:
            raise TemplateError(f"line {line}: write {{% set name %}}…{{% endset %}}; a name for a value is not let in")
        if statement == "for" and any(
            token.text in ("[", "{", "recursive") for token in tokens if token.kind != "string"
        ):
            raise TemplateError(f"line {line}: a loop goes over what the request has, and is not recursive")
    for problem in _problems(tokens):
        raise TemplateError(f"line {line}: {problem}")


def _problems(tokens: Sequence[_Token]) -> Iterator[str]:
    before = _Token("sign", "")
    test = False
    for place, token in enumerate(tokens):
        after = tokens[place + 1] if place + 1 < len(tokens) else _Token("sign", "")
        if before.text == "|" and before.kind == "sign" and token.text not in FILTERS:
            yield f"of filters, only {', '.join(sorted(FILTERS))} are let in"
        elif after == _Token("sign", "(") and _is_called(token) and not (test or before == _Token("sign", "|")):
            yield "calls are not let in"
        test = token == _Token("name", "is") or (test and token.text == "not")
        before = token


def _is_called(token: _Token) -> bool:
    if token.kind == "name":
        return token.text not in _KEYWORDS
    return token.kind in ("string", "number") or token.text in (")", "]", "}")
