"""Bodies of `multipart/form-data` (RFC 7578) as their parts."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from typing import Final, NamedTuple

from airegistry.errors import InvalidArgumentError

MAX_PARTS: Final = 64

_KIND: Final = "multipart/form-data"
_MAX_HEADER_BYTES: Final = 4096


class Part(NamedTuple):
    """One field of a form; a file has a name of its own."""

    name: str
    data: bytes
    filename: str = ""
    media_type: str = ""


def is_form(content_type: str) -> bool:
    """Say whether a body of that type is a form."""
    return content_type.partition(";")[0].strip().lower() == _KIND


def parts_of(content_type: str, body: bytes) -> list[Part]:
    """Return the parts of a form. Raises InvalidArgumentError when it is not one, or has more than MAX_PARTS."""
    boundary = _parameters(content_type, "content-type").get("boundary", "")
    if not boundary:
        raise InvalidArgumentError("the form's content type names no boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(pieces) < 2 or pieces[-1][:2] != b"--":  # noqa: PLR2004 - before the first boundary, and after it
        raise InvalidArgumentError("the form has no end: its last boundary is missing")
    if len(pieces) - 2 > MAX_PARTS:
        raise InvalidArgumentError(f"the form has more than {MAX_PARTS} parts")
    return list(_parts(pieces[1:-1]))


def _parts(pieces: list[bytes]) -> Iterator[Part]:
    for piece in pieces:
        head, blank, data = piece.partition(b"\r\n\r\n")
        if not blank or len(head) > _MAX_HEADER_BYTES:
            raise InvalidArgumentError("a part of the form has no proper headers")
        yield _part(_headers(head), data)


def _part(headers: dict[str, str], data: bytes) -> Part:
    said = _parameters(headers.get("content-disposition", ""), "content-disposition")
    name = said.get("name", "")
    if not name:
        raise InvalidArgumentError("a part of the form has no name")
    return Part(name, data, said.get("filename", ""), headers.get("content-type", "").partition(";")[0].strip())


def _headers(head: bytes) -> dict[str, str]:
    lines = [line.partition(":") for line in head.decode(errors="replace").split("\r\n") if line]
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _parameters(value: str, header: str) -> dict[str, str]:
    message = Message()
    message[header] = value.replace("\r", " ").replace("\n", " ")
    return {name.lower(): _text(given) for name, given in message.get_params(failobj=[], header=header)[1:]}


def _text(value: object) -> str:
    # `filename*=utf-8''…` comes apart into its charset, language and text.
    return str(value[2]) if isinstance(value, tuple) else str(value)
