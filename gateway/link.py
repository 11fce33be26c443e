"""What calls to the registry are encrypted by."""

from __future__ import annotations

import grpc

from airegistry._rpc.process import SettingsError
from airegistry._rpc.trust import Names, Trust, TrustError, channel_credentials
from gateway.config import Config

_SETTINGS = Names(*(f"AIREGISTRY_GATEWAY_REGISTRY_{which}_FILE" for which in ("CA", "CERT", "KEY")))


def registry_credentials(config: Config) -> grpc.ChannelCredentials | None:
    """Return the authorities that the registry is known by, and what it knows this gateway by; None: not encrypted.

    SettingsError names a file that cannot be used. The files are read once.
    """
    authorities = config.gateway_registry_ca_file
    if authorities is None:
        return None
    trust = Trust(authorities, config.gateway_registry_cert_file, config.gateway_registry_key_file)
    try:
        return channel_credentials(trust, _SETTINGS)
    except TrustError as error:
        raise SettingsError(str(error)) from error
