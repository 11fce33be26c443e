"""Manifest files from the disk or from standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from airegistry.cli.registering import refuse_repeats
from airegistry.errors import InvalidArgumentError
from airegistry.manifests import MAX_BYTES, read_manifests
from airegistry.resources.resource import Resource


def read_files(files: Iterable[str]) -> list[Resource]:
    """Return the resources in *files*, `-` for standard input. Raises InvalidArgumentError naming file and line."""
    names = list(files)
    resources: list[Resource] = []
    for file in names:
        resources += read_manifests(_text(file), source="standard input" if file == "-" else file)
    if not resources:
        raise InvalidArgumentError.of(", ".join(names), "holds no resources")
    refuse_repeats(resources)
    return resources


def _text(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1).decode()
        with Path(file).open("rb") as stream:
            # One byte more than allowed is enough to be refused, however large the file is.
            return stream.read(MAX_BYTES + 1).decode()
    except OSError as error:
        raise InvalidArgumentError.of(file, f"cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgumentError.of(file, "is not UTF-8 text") from error
