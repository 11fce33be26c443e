"""Options that belong to the command as a whole, wherever they are written: `airegistry get X -o json` works too."""

from __future__ import annotations

from collections.abc import Sequence

_WITH_VALUE = frozenset(
    {"--ca-file", "--cert-file", "--gateway", "--key-file", "--output", "--registry", "--timeout", "-o"}
)
_FLAGS = frozenset({"--no-color"})


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the common options in front; what follows `--` stays where it is."""
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        name, attached, _ = argument.partition("=")
        if argument == "--":
            rest += [argument, *remaining]
        elif name in _FLAGS or (argument.startswith("-o") and argument not in _WITH_VALUE):
            front.append(argument)
        elif name in _WITH_VALUE:
            front += [argument] if attached else [argument, *_next(remaining)]
        else:
            rest.append(argument)
    return front + rest


def _next(remaining: object) -> list[str]:
    return [value] if (value := next(remaining, None)) is not None else []  # type: ignore[call-overload] # an iterator
