"""What a provider's wire format must offer. Dialects do no I/O: the caller owns sockets, clocks and credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from airegistry.dialects.exchange import Answer, Encoded, GrpcEncoded, Input, StreamDecoder
from airegistry.errors import ProviderError
from airegistry.resources.endpoint import Endpoint


@runtime_checkable
class Dialect(Protocol):
    """A provider's wire format. One object serves every call at once: it keeps no state between them.

    Header names are lower case in both directions.
    """

    @property
    def name(self) -> str:
        """The name that endpoints declare (`openai.chat`)."""
        ...

    def speaks(self, request: Input) -> bool:
        """Whether this format can express that kind of request at all."""
        ...

    def encode(
        self, request: Input, endpoint: Endpoint, *, stream: bool, wire: bytes | None = None
    ) -> Encoded | GrpcEncoded:
        """Write the request for an endpoint, without its credential.

        What the format cannot express is mapped, or named in a warning. Raises UnsupportedFieldError where leaving it out
        would change what is asked, InvalidArgumentError where the request itself is wrong.

        *wire* is the request as its caller wrote it, where that was in this very format: then all of it goes out byte for
        byte but for the model, how the answer is to come, and what a route may change (RequestOverrides).
        """
        ...

    def decode(self, request: Input, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
        """Read a whole answer. Raises the ProviderError that the answer means, if it is none."""
        ...

    def decoder(self, request: Input, *, relay: bool = False) -> StreamDecoder:
        """Return the reader of one streamed answer; with *relay* it gives WireSeen in the place of deltas."""
        ...

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
        """Return the error that a status outside of 2xx and its body mean."""
        ...


@runtime_checkable
class CountsTokens(Protocol):
    """What a dialect offers besides, whose format has a request that counts the tokens of another one."""

    def encode_count(self, request: Input, endpoint: Endpoint, *, wire: bytes | None = None) -> Encoded | None:
        """Write the request that counts the tokens of *request*; None where the endpoint declares that it counts none.

        *wire* and the errors are as for `Dialect.encode`.
        """
        ...

    def decode_count(self, status: int, headers: Mapping[str, str], body: bytes) -> int:
        """Read how many tokens were counted. Raises the ProviderError that the answer means, if it is none."""
        ...


@runtime_checkable
class Extends(Protocol):
    """A dialect that takes members of `chat.extra` which are ours and no format's: they reach it whoever wrote them."""

    @property
    def extensions(self) -> frozenset[str]:
        """Their names."""
        ...


@runtime_checkable
class PerEndpoint(Protocol):
    """A dialect whose format is for each endpoint to declare."""

    def of(self, endpoint: Endpoint) -> Dialect:
        """Return the dialect that an endpoint declares. Raises UnsupportedFieldError when it declares none that works."""
        ...
