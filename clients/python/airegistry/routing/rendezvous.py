"""Who of several a key belongs to, so that few keys move when somebody comes or goes (weighted rendezvous hashing)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def owner(key: str, options: Iterable[tuple[str, float, T]]) -> T:
    """Return the option to which *key* belongs; each is a name, a weight above 0, and what is returned.

    Each option draws a lot for the key, by its own name alone. So a newcomer takes keys from the others only for itself, those
    of one that goes are spread over the rest, and they return with it. A growing weight only draws keys in.
    """
    return min(options, key=lambda option: -math.log(luck(key, option[0])) / option[1])[2]


def luck(key: str, name: str) -> float:
    """Return the number in (0, 1) that *key* draws for *name*, the same in every process."""
    digest = blake2b(f"{key}\0{name}".encode(errors="surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest) + 1) / (2**64 + 1)
