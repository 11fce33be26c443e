"""Words of a provider, made fit to be shown: short, on one line, without anything that looks like a key."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 300
"""Characters at most of what a provider said."""

_HIDDEN: Final = "[redacted]"
# A key's prefix with at least a few more characters, or what follows words that announce one.
_KEY = re.compile(
    r"""
    \b(?:sk|pk|rk|gsk|hf|xai|nvapi|key|AKIA|AIza|ghp|glpat)[-_]?[A-Za-z0-9*][A-Za-z0-9_*.-]{7,}
    | \beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*
    """,
    re.VERBOSE,
)
_ANNOUNCED = re.compile(
    r"(?i)(\b(?:bearer|basic)\s+|\b(?:authorization|(?:x-)?api[-_ ]?key|access[-_ ]?token|secret|password)\"?\s*[:=]\s*\"?)"
    r"(?!bearer\b|basic\b)([^\s\"',;&]{4,})"
)
_SPACE = re.compile(r"\s+")


def presentable(words: str) -> str:
    """Return *words* on one line, with what looks like a key redacted, cut to LONGEST characters."""
    # Cut before the expensive part, with room for what redaction removes.
    line = _SPACE.sub(" ", words[: LONGEST * 20]).strip()
    line = _ANNOUNCED.sub(rf"\g<1>{_HIDDEN}", line)
    line = _KEY.sub(_redacted, line)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _redacted(match: re.Match[str]) -> str:
    # A long word of letters alone (`key-encapsulation`) is prose; a key has digits or was masked with stars.
    return _HIDDEN if re.search(r"[0-9*]", match[0]) else match[0]
