"""`python -m converging PICTURE.svg`: play about a minute of calls, and draw how the order followed them."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from converging.drawing import Turns, svg
from converging.scene import FAST, GOOD, SECONDS_PER_CALL, Look, Scene, open_scene

_EVERY = 10
"""Calls between two looks."""

_GOOD_FOR, _BAD_FOR, _AFTER = 150, 120, 310


async def play(folder: Path) -> tuple[list[Look], Turns]:
    """Let the best backend be found, turn bad and recover; return the looks, and when it did."""
    async with open_scene(folder) as scene:
        looks = [await scene.play(0)]
        looks += await _part(scene, _GOOD_FOR)
        best, turned = scene.backends[FAST], looks[-1].minutes
        best.token_delay, best.failure_rate = 0.3, 0.5
        looks += await _part(scene, _BAD_FOR)
        healed = looks[-1].minutes
        best.token_delay, best.failure_rate = GOOD.token_delay, GOOD.failure_rate
        looks += await _part(scene, _AFTER)
        print(f"{len(scene.failed)} of {looks[-1].calls} calls failed")
        return looks, {turned: f"{FAST} turns bad", healed: f"{FAST} is well again"}


async def _part(scene: Scene, calls: int) -> list[Look]:
    looks = []
    for _ in range(calls // _EVERY):
        look = await scene.play(_EVERY)
        scores = ", ".join(f"{name} {score:.3f}" for name, score in look.scores.items())
        print(f"minute {look.minutes:5.1f}: {scores}; asked first: {dict(look.asked)}")
        looks.append(look)
    return looks


def main() -> None:
    """Write the picture that is asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m converging",
        description=f"Play calls to three demo backends, {SECONDS_PER_CALL:.0f} s apart by a clock that hurries, and draw their scores.",
    )
    parser.add_argument("picture", type=Path, help="the SVG file to write")
    picture = parser.parse_args().picture
    with tempfile.TemporaryDirectory() as folder:
        looks, turns = asyncio.run(play(Path(folder)))
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(svg(looks, turns), encoding="utf-8")
    print(f"{picture}: {len(looks)} looks")


if __name__ == "__main__":
    main()
