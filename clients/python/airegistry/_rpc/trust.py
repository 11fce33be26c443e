"""What a client trusts a server by, and what it shows of itself: files, checked before gRPC gets them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import grpc


@dataclass(frozen=True, slots=True)
class Trust:
    """The authorities that a server's certificate must be of, and the certificate and key shown when it asks; PEM files."""

    authorities: Path
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What the three files are called where they were named: settings, or options."""

    authorities: str
    certificate: str
    key: str


class TrustError(ValueError):
    """A file cannot be used; the message begins with what it is called, and holds nothing of its content."""


def channel_credentials(trust: Trust, names: Names) -> grpc.ChannelCredentials:
    """Return *trust* as gRPC wants it, or raise TrustError: of files that are none, gRPC only says that nobody answers.

    The files are read once.
    """
    # The command reads its options without it.
    import grpc  # noqa: PLC0415

    authorities = _read(names.authorities, trust.authorities)
    key, certificate = (
        None if file is None else _read(name, file)
        for name, file in ((names.key, trust.key), (names.certificate, trust.certificate))
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(trust.authorities.expanduser())
    except ssl.SSLError as error:
        raise TrustError(f"{names.authorities}: {trust.authorities} holds no certificates (PEM)") from error
    if trust.certificate is not None and trust.key is not None:
        _check_pair(context, trust.certificate, trust.key, names)
    return grpc.ssl_channel_credentials(authorities, key, certificate)


def _check_pair(context: ssl.SSLContext, certificate: Path, key: Path, names: Names) -> None:
    try:
        # A key with a password would ask for it on the terminal.
        context.load_cert_chain(certificate.expanduser(), key.expanduser(), password="")
    except (ssl.SSLError, ValueError) as error:
        both = f"{names.certificate} and {names.key}: {certificate} and {key}"
        raise TrustError(f"{both} are no certificate and its key (PEM)") from error


def _read(name: str, file: Path) -> bytes:
    try:
        return file.expanduser().read_bytes()
    except OSError as error:
        raise TrustError(f"{name}: cannot read {file}: {(error.strerror or str(error)).lower()}") from error
