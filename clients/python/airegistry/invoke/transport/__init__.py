"""The way to providers: the one package that opens sockets to them, and knows by what libraries."""

from airegistry.invoke.transport.transport import Reply, Transport, TransportSettings, open_transport

__all__ = ["Reply", "Transport", "TransportSettings", "open_transport"]
