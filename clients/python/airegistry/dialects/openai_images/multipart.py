"""Fields and files as a body of `multipart/form-data` (RFC 7578)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple


class Field(NamedTuple):
    """A field of a form."""

    name: str
    value: str


class File(NamedTuple):
    """A file in a form."""

    name: str
    filename: str
    media_type: str
    data: bytes


def form_data(fields: Iterable[Field], files: Iterable[File]) -> tuple[str, bytes]:
    """Return the content type and the body. The same form gives the same bytes."""
    parts = [
        *(_part(f'name="{_quoted(field.name)}"', "", field.value.encode()) for field in fields),
        *(
            _part(
                f'name="{_quoted(file.name)}"; filename="{_quoted(file.filename)}"',
                f"Content-Type: {_line(file.media_type)}\r\n",
                file.data,
            )
            for file in files
        ),
    ]
    # Made of all that it must not occur in, so that nobody can have put it there.
    digest = hashlib.sha256(b"".join(parts)).hexdigest()
    boundary = b"--" + digest.encode()
    body = b"".join(boundary + b"\r\n" + part + b"\r\n" for part in parts) + boundary + b"--\r\n"
    return f"multipart/form-data; boundary={digest}", body


def _part(disposition: str, headers: str, data: bytes) -> bytes:
    return f"Content-Disposition: form-data; {disposition}\r\n{headers}\r\n".encode() + data


def _quoted(text: str) -> str:
    # As browsers do: a quote or a line end would end the name and begin something else.
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _line(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")
