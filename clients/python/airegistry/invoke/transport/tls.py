"""Whom we trust, and who we are, when we connect to providers."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from pathlib import Path
from typing import NoReturn

from airegistry.errors import ProviderConnectionError, ProviderCredentialError
from airegistry.invoke.credentials import KeyPair

_MOST = 256


class TlsContexts:
    """One context per client identity, so that no connection of one is lent to another; the least used ones go.

    *ca_file* holds certificates that are trusted beside those of this machine.
    """

    def __init__(self, ca_file: Path | None = None) -> None:
        self._ca_file = ca_file
        self._known: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    def of(self, identity: KeyPair | None) -> ssl.SSLContext:
        """Return the context for a client. Raises ProviderCredentialError when its key pair is none."""
        key = identity.fingerprint if identity is not None else ""
        context = self._known.get(key)
        if context is None:
            context = self._known[key] = self._made(identity)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return context

    def _made(self, identity: KeyPair | None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            context.load_verify_locations(cafile=self._ca_file)
        if identity is None:
            return context
        try:
            context.load_cert_chain(identity.certificate_file, identity.key_file, password=_no_password)
        except (OSError, ValueError):
            # What was wrong stays unsaid: the text may quote a file.
            raise ProviderCredentialError(
                "the endpoint's key pair cannot be used: no such pair, or it is encrypted"
            ) from None
        return context


def tls_failed(error: ssl.SSLError) -> ProviderConnectionError:
    """Return what an alert of the other side, or what is no TLS at all, means: another attempt would end the same."""
    reason = (error.reason or "no reason given").lower().replace("_", " ")
    return ProviderConnectionError(f"TLS failed: {reason}")


def _no_password() -> NoReturn:
    # Without this OpenSSL would ask whoever sits at the terminal.
    raise ValueError("the key is encrypted")
