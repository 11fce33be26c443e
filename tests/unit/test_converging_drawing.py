"""The picture of a ranking shows what was looked at."""

from collections import defaultdict
from xml.etree import ElementTree as ET

import pytest

from converging.drawing import svg
from converging.scene import FAST, FLAKY, SLOW, Look

NAMES = (FAST, FLAKY, SLOW)
SVG = "{http://www.w3.org/2000/svg}"


def look(calls, *scores, **asked):
    ranked = dict(sorted(zip(NAMES, scores, strict=True), key=lambda each: -each[1]))
    return Look(calls, ranked, tuple(ranked), asked)


LOOKS = [look(0, 0.4, 0.5, 0.55), look(10, 0.45, 0.5, 0.5, slow=4, flaky=6), look(20, 0.5, 0.5, 0.45, fast=10)]


@pytest.fixture
def picture():
    return ET.fromstring(svg(LOOKS, {1.3: "it <fails>"}))  # noqa: S314 - our own


def test_each_backend_has_a_line_with_a_point_for_each_look(picture):
    lines = [each.get("points").split() for each in picture.iter(f"{SVG}polyline")]
    assert [len(points) for points in lines] == [3, 3, 3]
    first = [float(points[0].split(",")[1]) for points in lines]
    assert first == sorted(first, reverse=True), "who scores less stands lower"


def test_the_shares_of_a_step_fill_its_height(picture):
    heights: defaultdict[str, float] = defaultdict(float)
    for bar in picture.iter(f"{SVG}rect"):
        if bar.get("x") is not None and float(bar.get("height")) != 11:
            heights[bar.get("x")] += float(bar.get("height"))
    assert list(heights.values()) == [80, 80]


def test_what_happened_and_who_is_who_is_written_beside_it(picture):
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert "it <fails>" in texts
    assert set(NAMES) <= set(texts)
    assert any("minutes" in text for text in texts)
