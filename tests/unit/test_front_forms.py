"""Forms as browsers and SDKs send them, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airegistry.dialects.openai_images.multipart import Field, File, form_data
from airegistry.errors import InvalidArgumentError
from gateway.fronts.forms import MAX_PARTS, Part, is_form, parts_of

TYPE = 'multipart/form-data; boundary="b"'
NAMES = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)


def form(*parts, end=b"--b--\r\n"):
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


def test_fields_and_files_are_told_apart():
    field = b'Content-Disposition: form-data; name="prompt"\r\n\r\nA cat'
    file = b'content-disposition: form-data; name="image[]"; filename="a b.png"\r\ncontent-type: image/png; x=1\r\n\r\n\r\n\x00'
    assert parts_of(TYPE, b"preamble\r\n" + form(field, file)) == [
        Part("prompt", b"A cat"),
        Part("image[]", b"\r\n\x00", "a b.png", "image/png"),
    ]


def test_only_forms_are_forms():
    assert is_form("Multipart/Form-Data; boundary=x")
    assert not is_form("application/json")
    assert not is_form("")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", form()),
        (TYPE, b""),
        (TYPE, form(b'Content-Disposition: form-data; name="a"\r\n\r\nx', end=b"")),
        (TYPE, form(b'Content-Disposition: form-data; name="a"')),
        (TYPE, form(b"Content-Disposition: form-data\r\n\r\nx")),
        (TYPE, form(b"X: " + b"x" * 5000 + b"\r\n\r\nx")),
        (TYPE, form(*([b'Content-Disposition: form-data; name="a"\r\n\r\nx'] * (MAX_PARTS + 1)))),
    ],
    ids=["no-boundary", "empty", "cut", "no-blank-line", "no-name", "long-headers", "too-many"],
)
def test_what_is_no_proper_form_is_refused(content_type, body):
    with pytest.raises(InvalidArgumentError):
        parts_of(content_type, body)


@given(st.lists(st.tuples(NAMES, st.text()), max_size=8), st.lists(st.tuples(NAMES, NAMES, st.binary()), max_size=8))
def test_what_our_dialect_writes_is_read_back(fields, files):
    content_type, body = form_data(
        [Field(*field) for field in fields], [File(name, shown, "image/png", data) for name, shown, data in files]
    )
    assert parts_of(content_type, body) == [
        *(Part(name, value.encode()) for name, value in fields),
        *(Part(name, data, shown, "image/png") for name, shown, data in files),
    ]
