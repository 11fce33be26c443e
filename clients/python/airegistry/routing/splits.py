"""Which arm of a route's split a call takes: the same key takes the same arm, in every process."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from airegistry.invocations.invocation import Invocation
from airegistry.resources.route import Split, SplitArm

PPM = 1_000_000

_STARTS = tuple((PPM * part // 4, upwards) for part, upwards in ((0, True), (4, False), (2, True), (2, False)))
_STARTS += tuple((PPM * part // 4, upwards) for part, upwards in ((1, True), (1, False), (3, True), (3, False)))
"""Where each arm of the list begins, and in which direction it grows.

Callers are spread over a line. The first arm grows from its left end and the second from its right end, so that the two
take callers only from nobody's land between them; the others grow from points in between. What is taken already is skipped,
so that a change of an arm never touches those before it in the list.
"""

_Piece = tuple[int, int]


def key_of(split: Split, invocation: Invocation) -> str:
    """Return what keeps the caller on one arm; empty when the split or the call names nothing."""
    kind, _, label = split.sticky_by.partition(":")
    match kind:
        case "session":
            return invocation.sticky_key
        case "user":
            asked = invocation.chat or invocation.embeddings
            return asked.user if asked is not None else ""
        case "label":
            return invocation.labels.get(label, "")
    return ""


def arm_of(route: str, split: Split, key: str, rng: random.Random) -> SplitArm | None:
    """Return the arm for a caller, None for the route's own tiers. Without a *key* each call is assigned anew."""
    place = _place(route, key) if key else rng.randrange(PPM)
    return next((arm for first, end, arm in _layout(split.arms) if first <= place < end), None)


def likeliest(split: Split) -> SplitArm | None:
    """Return the arm that most calls take, None when most take the route's own tiers."""
    arm = max(split.arms, key=lambda arm: arm.share_ppm)
    rest = PPM - sum(arm.share_ppm for arm in split.arms)
    return arm if arm.share_ppm > rest else None


def _place(route: str, key: str) -> int:
    # By the route's name too: whoever is in the first percent of one experiment is not so in all of them.
    digest = blake2b(f"{route}\0{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) * PPM >> 64


@lru_cache(maxsize=1024)
def _layout(arms: tuple[SplitArm, ...]) -> tuple[tuple[int, int, SplitArm], ...]:
    """Return which part of the line each arm has."""
    free: list[_Piece] = [(0, PPM)]
    taken: list[tuple[int, int, SplitArm]] = []
    for arm, (start, upwards) in zip(arms, _STARTS, strict=False):
        left = arm.share_ppm
        for first, end in tuple(_from(start, free, upwards=upwards)):
            size = min(left, end - first)
            piece = (first, first + size) if upwards else (end - size, end)
            if size:
                taken.append((*piece, arm))
                free = [rest for one in free for rest in _without(one, piece)]
                left -= size
    return tuple(sorted(taken, key=lambda piece: piece[0]))


def _from(start: int, free: list[_Piece], *, upwards: bool) -> Iterator[_Piece]:
    """Yield the free pieces in the order in which an arm that begins at *start* takes them."""
    above = [(max(first, start), end) for first, end in free if end > start]
    below = [(first, min(end, start)) for first, end in free if first < start]
    yield from (*above, *below) if upwards else (*reversed(below), *reversed(above))


def _without(one: _Piece, piece: _Piece) -> Iterator[_Piece]:
    (first, end), (cut, until) = one, piece
    if until <= first or end <= cut:
        yield one
        return
    if first < cut:
        yield first, cut
    if until < end:
        yield until, end
