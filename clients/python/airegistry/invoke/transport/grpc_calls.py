"""gRPC to providers: the other module that opens sockets to them."""

from __future__ import annotations

import asyncio
import pkgutil
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
from grpc import aio

from airegistry._status import http_status
from airegistry.dialects.exchange import GrpcCall
from airegistry.dialects.tasks import TaskMessage
from airegistry.errors import (
    MalformedAnswerError,
    ProviderConnectionError,
    ProviderCredentialError,
    ProviderError,
    ProviderTimeoutError,
)
from airegistry.invoke.credentials import KeyPair
from airegistry.invoke.transport.agent_tasks import TaskWire
from airegistry.invoke.transport.grpc_reply import GrpcReply, GrpcSettings
from airegistry.invoke.transport.grpc_status import broken, headers_of, outcome, refusal
from airegistry.invoke.transport.inference import InferenceWire
from airegistry.invoke.transport.tls import TlsContexts
from airegistry.invoke.transport.undoing import Undo, Undoing
from airegistry.routing.error_classes import NONE_FREE, RESET

_PORT: Final = 443
"""What gRPC itself takes for a name without a port."""
_END: Final = b'{"end": true}\n'
_Key = tuple[str, bool, str]
"""An address, whether it is secure, and the identity that is presented there."""
EOF: Final[Any] = vars(aio)["EOF"]
"""What `read` gives at the end of a stream; the type stubs do not know it."""


_Wire = InferenceWire | TaskWire
"""How one call is said in its protocol, and its answer read."""


class GrpcTransport:
    """Channels to providers, one for each address and identity; the least used ones that nobody uses are closed."""

    def __init__(self, settings: GrpcSettings, tls: TlsContexts) -> None:
        self._settings = settings
        self._tls = tls
        self._channels: OrderedDict[_Key, _Channel] = OrderedDict()
        self._broken: set[_Channel] = set()
        self._undoing = Undoing()

    @asynccontextmanager
    async def send(
        self, call: GrpcCall, *, connect_timeout: float, left: float | None, identity: KeyPair | None
    ) -> AsyncIterator[GrpcReply]:
        """Send a request and lend the reply; on the way out the call is cancelled unless it ended, and what it began is ended.

        *left* is how many seconds the caller still has; the provider is told. Raises ProviderConnectionError and
        ProviderTimeoutError, ProviderCredentialError for a key pair that cannot be presented.
        """
        wire, metadata = _wire_of(call), _metadata(call)
        undo = Undo(wire.undo, partial(self._lent, call.address, identity), metadata)
        try:
            async with self._lent(call.address, identity) as channel:
                await _connected(channel, connect_timeout)
                methods: Any = channel
                if call.stream:
                    # On the wire a stream of answers to one request is the same as one to a stream of them.
                    running = methods.stream_stream(wire.streamed, None, None)(timeout=left, metadata=metadata)
                    exchange = self._streamed(running, wire, undo)
                else:
                    method = methods.unary_unary(wire.whole, None, None)
                    exchange = self._whole(method(wire.request(), timeout=left, metadata=metadata), wire)
                async with exchange as reply:
                    yield reply
        finally:
            self._undoing.begin(undo)

    async def close(self) -> None:
        """Close every channel, and cancel what still runs on it."""
        await self._undoing.close()
        for channel in (*self._channels.values(), *self._broken):
            await channel.channel.close(None)
        self._channels.clear()
        self._broken.clear()

    @asynccontextmanager
    async def _lent(self, address: str, identity: KeyPair | None) -> AsyncIterator[aio.Channel]:
        channel = await self._lend(address, identity)
        channel.uses += 1
        try:
            yield channel.channel
        except ProviderConnectionError as error:
            if error.metadata.get("connection") == RESET:
                self._replace(channel)
            raise
        finally:
            channel.uses -= 1
            if channel in self._broken and not channel.uses:
                self._broken.discard(channel)
                await channel.channel.close(None)

    @asynccontextmanager
    async def _whole(self, running: Any, wire: _Wire) -> AsyncIterator[GrpcReply]:
        # Cancelled while it is awaited, the call is cancelled with it.
        yield await self._answered(running, wire)

    async def _answered(self, running: Any, wire: _Wire) -> GrpcReply:
        try:
            body = wire.response_json(await running)
        except aio.AioRpcError as error:
            return await self._refused(error)
        reply = GrpcReply(self._settings, headers_of(await running.trailing_metadata()))
        await reply.put(body)
        await reply.put(b"")
        return reply

    async def _refused(self, error: aio.AioRpcError) -> GrpcReply:
        """Return a refusal as a reply. Raises the error of a connection that did not stand, or broke."""
        if (failure := broken(error)) is not None:
            raise failure from None
        reply = GrpcReply(self._settings, headers_of(error.trailing_metadata()), http_status(error.code()))
        await reply.put(refusal(error))
        await reply.put(b"")
        return reply

    @asynccontextmanager
    async def _streamed(self, running: Any, wire: _Wire, undo: Undo) -> AsyncIterator[GrpcReply]:
        # A read that is cancelled ends its call: this one may have to go on for a moment.
        opening = asyncio.create_task(_opened(running, wire))
        pump: asyncio.Task[None] | None = None
        try:
            try:
                headers, first = await asyncio.shield(opening)
            except (aio.AioRpcError, asyncio.InvalidStateError):
                yield await self._refused(await outcome(running))
                return
            reply = GrpcReply(self._settings, headers_of(headers))
            pump = asyncio.create_task(_pump(running, wire, first, reply))
            yield reply
        finally:
            if pump is not None:
                running.cancel()
                pump.cancel()
                with suppress(asyncio.CancelledError):
                    await pump
            elif wire.lingers and not (opening.done() and opening.exception()):
                self._undoing.linger(undo, running, opening, partial(_noted, wire))
            else:
                running.cancel()
                opening.cancel()
                await asyncio.wait([opening])

    async def _lend(self, address: str, identity: KeyPair | None) -> _Channel:
        target, secure = _target(address)
        if identity is not None and not secure:
            raise ProviderCredentialError("the endpoint's address is not grpcs, and so takes no key pair")
        key = (target, secure, identity.fingerprint if identity is not None else "")
        known = self._channels.get(key)
        if known is None:
            await self._make_room()
            # Somebody else may have opened it meanwhile.
            known = self._channels.get(key) or _Channel(key, self._opened(address, identity))
            self._channels[key] = known
        self._channels.move_to_end(key)
        return known

    def _replace(self, channel: _Channel) -> None:
        """Let the next call have a new channel: this one may say for a while that it stands, and lose what is sent by it."""
        if self._channels.get(channel.key) is channel:
            del self._channels[channel.key]
            self._broken.add(channel)

    async def _make_room(self) -> None:
        if len(self._channels) < self._settings.max_channels:
            return
        unused = next((key for key, channel in self._channels.items() if not channel.uses), None)
        if unused is None:
            raise ProviderConnectionError(
                f"{len(self._channels)} gRPC connections are in use, and no more are opened",
                metadata={"connection": NONE_FREE},
            )
        await self._channels.pop(unused).channel.close(None)

    def _opened(self, address: str, identity: KeyPair | None) -> aio.Channel:
        target, secure = _target(address)
        options: list[tuple[str, Any]] = [
            *self._proxied(address, secure=secure),
            ("grpc.max_receive_message_length", self._settings.max_answer_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", 16 * 1024),
            ("grpc.enable_retries", 0),
            # Of its own, so that no other channel of this process lends it a connection of another identity.
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.client_idle_timeout_ms", int(self._settings.keep_alive * 1000)),
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            # Servers cut callers who ping more often than every 5 minutes.
            ("grpc.keepalive_time_ms", 310_000),
            ("grpc.keepalive_timeout_ms", 20_000),
        ]
        if not secure:
            return aio.insecure_channel(target, options=options)
        return aio.secure_channel(target, self._credentials(identity), options=options)

    def _proxied(self, address: str, *, secure: bool) -> list[tuple[str, Any]]:
        """Return what makes gRPC go through a proxy, or ask none, whatever the environment says."""
        parts = urlsplit(address)
        proxies = self._settings.proxies
        proxy = proxies.to(parts.hostname or "", parts.port or _PORT, secure=secure) if proxies is not None else None
        if proxy is None:
            return [("grpc.enable_http_proxy", 0)]
        return [("grpc.enable_http_proxy", 1), ("grpc.http_proxy", proxy.url)]

    def _credentials(self, identity: KeyPair | None) -> grpc.ChannelCredentials:
        roots = None
        if self._settings.ca_file is not None:
            # What is given replaces gRPC's own list, which so has to be given, too.
            own = pkgutil.get_data("grpc", "_cython/_credentials/roots.pem") or b""
            roots = own + b"\n" + self._settings.ca_file.read_bytes()
        if identity is None:
            return grpc.ssl_channel_credentials(roots)
        # gRPC would take any two files for a pair, and then only say that nothing works.
        self._tls.of(identity)
        return grpc.ssl_channel_credentials(roots, identity.key, identity.certificate)


class _Channel:
    """A channel, to whom, and by how many calls it is used."""

    def __init__(self, key: _Key, channel: aio.Channel) -> None:
        self.key = key
        self.channel = channel
        self.uses = 0


def _target(address: str) -> tuple[str, bool]:
    parts = urlsplit(address)
    host = parts.hostname or ""
    # With the scheme before it, no host name can be read as another kind of target.
    return f"dns:///{f'[{host}]' if ':' in host else host}:{parts.port or _PORT}", parts.scheme == "grpcs"


async def _connected(channel: aio.Channel, connect_timeout: float) -> None:
    """Wait until the channel stands, or has failed to, which the call then tells."""
    try:
        async with asyncio.timeout(None if connect_timeout == float("inf") else connect_timeout):
            state = channel.get_state(try_to_connect=True)
            while state in (grpc.ChannelConnectivity.IDLE, grpc.ChannelConnectivity.CONNECTING):
                await channel.wait_for_state_change(state)
                state = channel.get_state(try_to_connect=True)
    except TimeoutError:
        raise ProviderTimeoutError("no connection within the time allowed") from None


async def _opened(running: Any, wire: _Wire) -> tuple[Any, Any]:
    """Send the request, and return the metadata and the first message of what comes."""
    await running.write(wire.request())
    await running.done_writing()
    return await running.initial_metadata(), await _next(running)


async def _next(running: Any) -> Any:
    """Return the next message, or EOF where status OK follows the last one; any other status is raised."""
    # Not `read`: once the status is there, that passes over all messages that nobody took yet.
    return await anext(aiter(running), EOF)


def _noted(wire: _Wire, opened: tuple[Any, Any]) -> None:
    """Note what a first message says that nobody waits for any more."""
    _, first = opened
    if first is not EOF:
        with suppress(MalformedAnswerError):
            wire.streamed_json(first)


async def _pump(running: Any, wire: _Wire, first: Any, reply: GrpcReply) -> None:
    """Pass the messages of a stream on, as far as there is room for them."""
    message = first
    try:
        while message is not EOF:
            await reply.put(wire.streamed_json(message) + b"\n")
            message = await _next(running)
    except (aio.AioRpcError, asyncio.InvalidStateError):
        end = await outcome(running)
        await reply.put(broken(end, begun=True) or refusal(end) + b"\n")
    except ProviderError as error:
        await reply.put(error)
    else:
        await reply.put(_END)
    await reply.put(b"")


def _wire_of(call: GrpcCall) -> _Wire:
    return TaskWire(call.request) if isinstance(call.request, TaskMessage) else InferenceWire(call.request)


def _metadata(call: GrpcCall) -> tuple[tuple[str, str], ...]:
    return tuple(call.headers.items())
