"""The files that a server's certificates are in: whether they can be used, and when they have changed."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from airegistry._rpc.edge import Tls
from airegistry._rpc.process import StartError, end, owned_tasks

log = logging.getLogger(__name__)

_LOOK_EVERY = 2.0

_AUTHORITIES = "AIREGISTRY_TLS_CLIENT_CA_FILE"

_Signature = Sequence[tuple[int, int, int] | None]


class CertificateError(StartError):
    """The files cannot be used; the message names one and says why, and never what is in it."""

    exit_code = 2


def check(tls: Tls) -> None:
    """Raise CertificateError unless the files can be used as they are."""
    _read("AIREGISTRY_TLS_CERT_FILE", tls.certificate)
    _read("AIREGISTRY_TLS_KEY_FILE", tls.key)
    if tls.client_ca is not None:
        _read(_AUTHORITIES, tls.client_ca)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A key with a password would ask for it on the terminal.
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except (ssl.SSLError, ValueError) as error:
        raise CertificateError(
            f"AIREGISTRY_TLS_CERT_FILE and AIREGISTRY_TLS_KEY_FILE: {tls.certificate} and {tls.key} are no certificate and "
            "its key (PEM)"
        ) from error
    if tls.client_ca is not None:
        _check_authorities(context, tls.client_ca)


@asynccontextmanager
async def looked_after(tls: Tls | None, folder: Path, *, every: float = _LOOK_EVERY) -> AsyncIterator[None]:
    """Let Envoy read the files again, in whatever way they change, for as long as the block runs.

    Envoy sees only what is renamed, and looks at the *folder* of its plan. While the files do not fit each other, those from
    before go on to be used.
    """
    if tls is None:
        yield
        return
    async with owned_tasks() as tasks:
        looking = tasks.create_task(_look(tls, folder, every))
        yield
        await end(looking)


async def _look(tls: Tls, folder: Path, every: float) -> None:
    known, said = _signature(tls), ""
    while True:
        await asyncio.sleep(every)
        if (now := _signature(tls)) == known:
            continue
        try:
            check(tls)
        except CertificateError as error:
            # Perhaps only one of the two has been written so far.
            if str(error) != said:
                said = str(error)
                log.warning("the new certificates are not used yet: %s", error)
            continue
        known, said = now, ""
        _rename_something(folder)
        log.info("the certificates have changed and are read again")


def _read(setting: str, file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as error:
        raise CertificateError(f"{setting}: cannot read {file}: {(error.strerror or str(error)).lower()}") from error


def _check_authorities(context: ssl.SSLContext, file: Path) -> None:
    try:
        context.load_verify_locations(file)
    except ssl.SSLError as error:
        raise CertificateError(f"{_AUTHORITIES}: {file} holds no certificates (PEM)") from error


def _signature(tls: Tls) -> _Signature:
    return [_state(file) for file in (tls.certificate, tls.key, tls.client_ca) if file is not None]


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns


def _rename_something(folder: Path) -> None:
    before = folder / ".changing"
    before.touch()
    before.rename(folder / ".changed")
