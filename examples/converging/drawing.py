"""The scores of the backends over time, as an SVG that is readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise

from converging.scene import Look

Turns = Mapping[float, str]
"""What happened, by the minute."""

_WIDTH, _HEIGHT = 860, 500
_LEFT, _RIGHT = 64, 130
_TOP, _MIDDLE, _SHARES, _BOTTOM = 46, 320, 366, 446
"""Where the scores begin and end, and the shares of the calls below them."""

_LOWEST, _HIGHEST, _GRID = 0.35, 0.6, 0.05
_LIGHT = ("#0a7d33", "#1f5fbf", "#c2410c")
_DARK = ("#4ade80", "#7db4ff", "#fb923c")
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 15px; }
  .line { fill: none; stroke-width: 2.2; }
  .grid { stroke: #8b949e; stroke-width: 0.5; opacity: 0.45; }
  .turn { stroke: #57606a; stroke-width: 1.2; stroke-dasharray: 5 4; }
  .page { fill: #ffffff; }
  rect { shape-rendering: crispEdges; }
"""
_STYLE_DARK = "text { fill: #e6edf3; } .page { fill: #0d1117; } .turn { stroke: #9da7b1; }"


def svg(looks: Sequence[Look], turns: Turns) -> str:
    """Return a picture of *looks*: scores above, who was asked below, and vertical lines where something happened."""
    names = sorted(looks[0].scores)
    last = looks[-1].minutes
    parts = [*_frame(last), *_turns(turns, last)]
    for place, name in enumerate(names):
        parts += _scores(place, name, looks)
        parts += _bars(place, names, looks)
    parts += _labels(names, looks[-1])
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="Scores and calls of three backends over {last:.0f} minutes">\n'
        f"<style>{_STYLE}{_colours(_LIGHT)}\n  @media (prefers-color-scheme: dark) {{ {_STYLE_DARK}{_colours(_DARK)} }}"
        f'\n</style>\n<rect class="page" width="{_WIDTH}" height="{_HEIGHT}"/>\n{body}\n</svg>\n'
    )


def _colours(colours: Sequence[str]) -> str:
    return "".join(
        f" .s{place} {{ stroke: {colour}; }} .f{place} {{ fill: {colour}; }}" for place, colour in enumerate(colours)
    )


def _frame(last: float) -> Iterator[str]:
    yield _text(_LEFT, 20, "Score by the registry's Discover (0 to 1, exploration included)", "title")
    for step in range(round((_HIGHEST - _LOWEST) / _GRID) + 1):
        score = _LOWEST + step * _GRID
        yield _rule(_LEFT, _y(score), _WIDTH - _RIGHT, _y(score), "grid")
        yield _text(_LEFT - 8, _y(score) + 4, f"{score:.2f}", anchor="end")
    yield _text(_LEFT, _SHARES - 10, "Share of the calls that asked it first (%)", "title")
    for share in (0, 50, 100):
        y = _BOTTOM - share / 100 * (_BOTTOM - _SHARES)
        yield _rule(_LEFT, y, _WIDTH - _RIGHT, y, "grid")
        yield _text(_LEFT - 8, y + 4, str(share), anchor="end")
    for minute in range(0, int(last) + 1, 10):
        x = _x(minute, last)
        yield _rule(x, _BOTTOM, x, _BOTTOM + 5, "turn")
        yield _text(x, _BOTTOM + 20, str(minute), anchor="middle")
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _BOTTOM + 42, "Time by the registry's clock (minutes)", anchor="middle")


def _turns(turns: Turns, last: float) -> Iterator[str]:
    for minute, what in turns.items():
        x = _x(minute, last)
        yield _rule(x, _TOP - 4, x, _MIDDLE, "turn")
        yield _text(x + 4, _TOP + 4, what)


def _scores(place: int, name: str, looks: Sequence[Look]) -> Iterator[str]:
    last = looks[-1].minutes
    points = " ".join(f"{_x(look.minutes, last):.1f},{_y(look.scores[name]):.1f}" for look in looks)
    yield f'<polyline class="line s{place}" points="{points}"/>'


def _bars(place: int, names: Sequence[str], looks: Sequence[Look]) -> Iterator[str]:
    """Stack the shares of all backends; each bar reaches from one look to the next."""
    last = looks[-1].minutes
    for before, look in pairwise(looks):
        total = sum(look.asked.values())
        if not total or not look.asked.get(names[place]):
            continue
        below = sum(look.asked.get(name, 0) for name in names[:place]) / total
        height = look.asked[names[place]] / total * (_BOTTOM - _SHARES)
        x, end = _x(before.minutes, last), _x(look.minutes, last)
        y = _BOTTOM - below * (_BOTTOM - _SHARES) - height
        yield f'<rect class="f{place}" x="{x:.1f}" y="{y:.1f}" width="{end - x:.1f}" height="{height:.1f}"/>'


def _labels(names: Sequence[str], look: Look) -> Iterator[str]:
    """Name each line at its end, in the order of the lines, and apart from each other."""
    y = 0.0
    for name in look.order:
        y = max(_y(look.scores[name]) + 4, y + 18)
        place = names.index(name)
        x = _WIDTH - _RIGHT + 8
        yield f'<rect class="f{place}" x="{x}" y="{y - 10:.1f}" width="11" height="11"/>'
        yield _text(x + 17, y, name)


def _x(minute: float, last: float) -> float:
    return _LEFT + minute / last * (_WIDTH - _RIGHT - _LEFT)


def _y(score: float) -> float:
    inside = min(_HIGHEST, max(_LOWEST, score))
    return _MIDDLE - (inside - _LOWEST) / (_HIGHEST - _LOWEST) * (_MIDDLE - _TOP)


def _rule(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>'


def _text(x: float, y: float, what: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(what)}</text>'
