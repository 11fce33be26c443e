"""What calls to the registry are encrypted by."""

from __future__ import annotations

from pathlib import Path

import grpc

from airegistry._rpc.process import SettingsError
from gateway.config import Config


def registry_credentials(config: Config) -> grpc.ChannelCredentials | None:
    """Return the authorities that the registry is known by, and what it knows this gateway by; None: not encrypted.

    SettingsError names a file that cannot be read. The files are read once.
    """
    authorities = config.gateway_registry_ca_file
    if authorities is None:
        return None
    key, certificate = config.gateway_registry_key_file, config.gateway_registry_cert_file
    return grpc.ssl_channel_credentials(
        _read(authorities), None if key is None else _read(key), None if certificate is None else _read(certificate)
    )


def _read(file: Path) -> bytes:
    try:
        return file.expanduser().read_bytes()
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {(error.strerror or str(error)).lower()}") from error
