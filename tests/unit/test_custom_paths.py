"""Paths of registrants: JMESPath without what copies."""

import pytest

from airegistry.resources.custom.paths import MAX_PATH_BYTES, PathError, compile_path

ANSWER = {"out": [{"parts": [{"text": "a"}, {"text": "b"}]}], "n": "7", "done": False}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("out[0].parts[].text", ["a", "b"]),
        ("join('', out[0].parts[].text)", "ab"),
        ("out[0].parts[?text == 'b'].text | [0]", "b"),
        ("missing || n", "7"),
        ("to_number(n)", 7),
        ("done", False),
        ("missing.deeper", None),
        ("abs(n)", None),
        ("@.n", "7"),
    ],
)
def test_a_path_finds_what_is_there_and_nothing_else(path, found):
    assert compile_path(path).find(ANSWER) == found


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("[@, @][] | [@, @][]", "a list of several expressions"),
        ("{a: @, b: @}", "an object of expressions"),
        ("out[0].[parts, parts]", "a list of several expressions"),
        ("to_string(@)", "may call only"),
        ("map(&to_string(@), out)", "may call only"),
        ("out[", "is not a JMESPath expression, at character"),
        ("nonsense(@)", "may call only"),
        ("", "is required"),
        ("a" * (MAX_PATH_BYTES + 1), "at most 512 bytes"),
        ("!" * 500 + "a", "nested too deeply"),
    ],
)
def test_what_copies_or_makes_no_sense_is_refused(path, reason):
    with pytest.raises(PathError, match=reason):
        compile_path(path)
