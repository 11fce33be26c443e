"""The way to providers: the one package that opens sockets to them, and knows by what libraries."""

from airegistry.invoke.transport.proxies import Proxies, one_proxy, proxies_of
from airegistry.invoke.transport.transport import Reply, Transport, TransportSettings, open_transport

__all__ = ["Proxies", "Reply", "Transport", "TransportSettings", "one_proxy", "open_transport", "proxies_of"]
