"""Through whom this gateway calls providers."""

from __future__ import annotations

from collections.abc import Mapping

from airegistry._rpc.process import SettingsError
from airegistry.invoke.transport import Proxies, one_proxy, proxies_of
from gateway.config import PROXIES_OF_ENVIRONMENT, Config


def proxies_for(config: Config, environment: Mapping[str, str]) -> Proxies | None:
    """Return the proxies that the settings name; None for none. SettingsError when the environment names what is none."""
    url = config.gateway_proxy.get_secret_value()
    if not url:
        return None
    if url != PROXIES_OF_ENVIRONMENT:
        return one_proxy(url, config.gateway_no_proxy)
    try:
        return proxies_of(environment, config.gateway_no_proxy)
    except ValueError as error:
        raise SettingsError(str(error)) from None
