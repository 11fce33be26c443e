"""The last good view of the registry, kept in a file, so that a process starts while every registry is down."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError

from airegistry._convert import from_pb, to_pb
from airegistry.resources.resource import Resource
from airegistry.v1 import resource_pb2

log = logging.getLogger(__name__)

_MAGIC = b"airegistry snapshot 1\n"
_DIGEST_SIZE = hashlib.sha256().digest_size
_LENGTH_SIZE = 4
# Seconds that no write takes.
_ABANDONED = 600.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Resources as of one revision; the token names the store and goes on from there."""

    revision: int
    resume_token: str
    resources: tuple[Resource, ...]


class SnapshotFile:
    """A snapshot on disk: whole, or as if it were not there.

    The layout: a magic line, a line of JSON, the resources as protobuf with their lengths before them, and the SHA-256
    of all that. A write goes to another file first, which then takes the name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Held while a file is written and takes the name: of two writes, the later one stays.
        self._saving = threading.Lock()

    def load(self) -> Snapshot | None:
        """Return what was saved last; None when there is nothing, or nothing that can be trusted."""
        try:
            return _decode(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, DecodeError) as error:
            log.warning("ignoring the snapshot %s: %s", self.path, error)
            return None

    def save(self, snapshot: Snapshot) -> None:
        """Put *snapshot* in the place of what was saved before; a crash leaves the one or the other."""
        with self._saving:
            self._save(snapshot)

    def _save(self, snapshot: Snapshot) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._sweep()
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(_encode(snapshot))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise

    def _sweep(self) -> None:
        """Remove what was being written when somebody was killed; what others write now is younger."""
        for left in self.path.parent.glob(f".{self.path.name}.*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    left.unlink()


def _encode(snapshot: Snapshot) -> Iterator[bytes]:
    digest = hashlib.sha256()
    for part in _parts(snapshot):
        digest.update(part)
        yield part
    yield digest.digest()


def _parts(snapshot: Snapshot) -> Iterable[bytes]:
    yield _MAGIC
    head = {
        "revision": snapshot.revision,
        "resume_token": snapshot.resume_token,
        "resources": len(snapshot.resources),
    }
    yield json.dumps(head).encode() + b"\n"
    for resource in snapshot.resources:
        wire = to_pb(resource, resource_pb2.Resource).SerializeToString()
        yield len(wire).to_bytes(_LENGTH_SIZE, "big")
        yield wire


def _decode(data: bytes) -> Snapshot:
    body, digest = data[:-_DIGEST_SIZE], data[-_DIGEST_SIZE:]
    if not body.startswith(_MAGIC):
        raise ValueError("it is not a snapshot of this version")
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("its checksum does not fit")
    end = body.index(b"\n", len(_MAGIC)) + 1
    head = json.loads(body[len(_MAGIC) : end])
    resources = tuple(_resources(body, end))
    return Snapshot(int(head["revision"]), str(head["resume_token"]), resources)


def _resources(body: bytes, at: int) -> Iterator[Resource]:
    while at < len(body):
        start = at + _LENGTH_SIZE
        at = start + int.from_bytes(body[at:start], "big")
        yield from_pb(Resource, resource_pb2.Resource.FromString(body[start:at]))
