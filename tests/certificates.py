"""Certificates for tests: authorities, servers on loopback, and clients with key pairs in a credentials folder."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import trustme
from cryptography.hazmat.primitives import serialization

from airegistry.invoke.credentials import Credentials
from tests.providers import Behaviour, Provider, provider

LONG_AGO: dict[str, Any] = {
    "not_before": datetime(2019, 1, 1, tzinfo=UTC),
    "not_after": datetime(2020, 1, 1, tzinfo=UTC),
}


class Authorities:
    """One that everybody here trusts, and one that nobody does; their files are in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trusted = trustme.CA()
        self.foreign = trustme.CA()
        self.ca_file = folder / "ca.pem"
        self.trusted.cert_pem.write_to_path(str(self.ca_file))

    def key_pair(self, name: str, *, foreign: bool = False, expired: bool = False) -> None:
        """Put a client's NAME.crt and NAME.key into the folder."""
        authority = self.foreign if foreign else self.trusted
        issued = authority.issue_cert(f"{name}.example", **(LONG_AGO if expired else {}))
        issued.private_key_pem.write_to_path(str(self.folder / f"{name}.key"))
        (self.folder / f"{name}.crt").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))

    def awkward_pairs(self) -> None:
        """Put pairs that cannot be used beside `good-pair` and `other-pair`: a key of another, and one that is encrypted."""
        for name in ("mixed-pair", "encrypted-pair"):
            (self.folder / f"{name}.crt").write_bytes((self.folder / "good-pair.crt").read_bytes())
        (self.folder / "mixed-pair.key").write_bytes((self.folder / "other-pair.key").read_bytes())
        key = serialization.load_pem_private_key((self.folder / "good-pair.key").read_bytes(), None)
        (self.folder / "encrypted-pair.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"password"),
            )
        )

    def every_pair(self) -> None:
        """Make pairs of every kind: `good-pair`, `other-pair`, and those that are of no use."""
        self.key_pair("good-pair")
        self.key_pair("other-pair")
        self.key_pair("foreign-pair", foreign=True)
        self.key_pair("expired-pair", expired=True)
        self.awkward_pairs()

    def credentials(self) -> Credentials:
        return Credentials(directory=self.folder, environment={}, now=time.monotonic)

    def server(
        self, *, name: str = "localhost", foreign: bool = False, expired: bool = False, mutual: bool = False
    ) -> ssl.SSLContext:
        """Return the context of a server; a *mutual* one wants a certificate of the trusted authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority = self.foreign if foreign else self.trusted
        authority.issue_cert(name, **(LONG_AGO if expired else {})).configure_cert(context)
        if mutual:
            self.trusted.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def grpc_server(
        self, *, name: str = "localhost", foreign: bool = False, expired: bool = False, mutual: bool = False
    ) -> grpc.ServerCredentials:
        """Return the same for a gRPC server."""
        authority = self.foreign if foreign else self.trusted
        issued = authority.issue_cert(name, **(LONG_AGO if expired else {}))
        chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
        return grpc.ssl_server_credentials(
            [(issued.private_key_pem.bytes(), chain)],
            root_certificates=self.trusted.cert_pem.bytes() if mutual else None,
            require_client_auth=mutual,
        )


@asynccontextmanager
async def tls_provider(context: ssl.SSLContext, *behaviours: Behaviour) -> AsyncIterator[Provider]:
    """Run a provider behind TLS; its URL says localhost, as its certificate does."""
    async with provider(*behaviours, tls=context) as running:
        running.url = running.url.replace("127.0.0.1", "localhost")
        yield running
