"""What a failing provider does with one request, in any dialect."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache

from tests.faults.wires import JSON, TEXT, WORDS, Trouble, Wire
from tests.providers import Peer

Misbehaviour = Callable[[Wire, Peer], Awaitable[None]]

SOME = 40
"""How many tokens of the 60 come before an answer breaks."""
PIECE = b"x" * 65536
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


def refusing(trouble: Trouble, **headers: str) -> Misbehaviour:
    async def behave(wire: Wire, peer: Peer) -> None:
        await wire.refuse(peer, trouble, {name.replace("_", "-"): value for name, value in headers.items()})

    return behave


async def healthy(wire: Wire, peer: Peer) -> None:
    await wire.answer(peer)


async def reset(_wire: Wire, peer: Peer) -> None:
    peer.reset()


async def silence(_wire: Wire, peer: Peer) -> None:
    await peer.until_gone()


async def headers_byte_by_byte(_wire: Wire, peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\nx-padding: ")
    while True:
        await peer.send(b"x")
        await asyncio.sleep(0.02)


async def nothing_but_headers(wire: Wire, peer: Peer) -> None:
    """Begin an answer as far as there is no token in it."""
    if wire.streamed(peer):
        await wire.some(peer, 0)
    else:
        await peer.head(200, {"content-type": JSON})
    await peer.until_gone()


def slow(seconds: float) -> Misbehaviour:
    """Answer wholly, with the first token after a while, unless the caller went away by then."""

    async def behave(wire: Wire, peer: Peer) -> None:
        streamed = wire.streamed(peer)
        if streamed:
            await wire.some(peer, 0)
        with suppress(TimeoutError):
            await asyncio.wait_for(peer.until_gone(), seconds)
            return
        if streamed:
            await peer.send(wire.tokens(WORDS) + wire.closing + wire.mark)
        else:
            await wire.answer(peer)

    return behave


async def begin(wire: Wire, peer: Peer) -> None:
    """Send 40 of 60 tokens, or about as much of a whole answer."""
    if wire.streamed(peer):
        await wire.some(peer, SOME)
    else:
        body = wire.whole(TEXT)
        await peer.head(200, {"content-type": JSON, "content-length": str(1_000_000)})
        await peer.send(body[: len(body) * SOME // len(WORDS)])
    # So that what came before the fault is on its way.
    await asyncio.sleep(0.02)


async def reset_in_the_middle(wire: Wire, peer: Peer) -> None:
    """Reset a connection whose end would have been told."""
    if wire.streamed(peer):
        data = wire.opening + wire.tokens(WORDS[:SOME])
        await peer.head(200, {"content-type": wire.content_type, "transfer-encoding": "chunked"})
        await peer.send(b"%x\r\n%s\r\n" % (len(data), data))
        await asyncio.sleep(0.02)
    else:
        await begin(wire, peer)
    peer.reset()


async def stall(wire: Wire, peer: Peer) -> None:
    await begin(wire, peer)
    await peer.until_gone()


async def cut_in_an_item(wire: Wire, peer: Peer) -> None:
    await begin(wire, peer)
    await peer.send(wire.unfinished)


async def malformed_item(wire: Wire, peer: Peer) -> None:
    if wire.streamed(peer):
        await begin(wire, peer)
        await peer.send(wire.malformed)
        await peer.until_gone()
    else:
        await peer.reply(200, wire.whole(TEXT)[:-2])


async def error_inside(wire: Wire, peer: Peer) -> None:
    if wire.streamed(peer):
        await begin(wire, peer)
        await peer.send(wire.error_inside)
    else:
        await peer.reply(200, wire.error(Trouble.FAILED))


async def no_mark(wire: Wire, peer: Peer) -> None:
    if wire.streamed(peer):
        await wire.head(peer)
        await peer.send(wire.opening + wire.tokens(WORDS) + wire.closing)
    else:
        await wire.answer(peer)


async def error_page(_wire: Wire, peer: Peer) -> None:
    await peer.reply(502, HTML, {"content-type": "text/html"})


async def page(_wire: Wire, peer: Peer) -> None:
    await peer.reply(200, HTML, {"content-type": "text/html"})


async def other_content_type(wire: Wire, peer: Peer) -> None:
    body = wire.stream() if wire.streamed(peer) else wire.whole(TEXT)
    await peer.reply(200, body, {"content-type": "image/png"})


async def stream_for_whole(wire: Wire, peer: Peer) -> None:
    """Send the other kind of answer than was asked for."""
    if wire.streamed(peer):
        await peer.reply(200, wire.whole(TEXT))
    else:
        await wire.head(peer)
        await peer.send(wire.stream())


async def endless(wire: Wire, peer: Peer) -> None:
    if wire.streamed(peer):
        await wire.some(peer, SOME)
        await peer.send(wire.unfinished)
    else:
        await peer.head(200, {"content-type": JSON})
        await peer.send(b'{"id": "')
    while True:
        await peer.send(PIECE)


async def endless_error(_wire: Wire, peer: Peer) -> None:
    await peer.head(500, {"content-type": JSON})
    await peer.send(b'{"error": {"message": "')
    while True:
        await peer.send(PIECE)


async def nothing_but_pings(wire: Wire, peer: Peer) -> None:
    await wire.head(peer)
    while True:
        await peer.send(wire.ping)
        await asyncio.sleep(0.02)


async def pings_for_tokens(wire: Wire, peer: Peer) -> None:
    await begin(wire, peer)
    while True:
        await peer.send(wire.ping)
        await asyncio.sleep(0.02)


async def gzipped(wire: Wire, peer: Peer) -> None:
    """Send compressed what was asked for as it is."""
    streamed = wire.streamed(peer)
    body = gzip.compress(wire.stream() if streamed else wire.whole(TEXT))
    await peer.reply(200, body, {"content-type": wire.content_type if streamed else JSON, "content-encoding": "gzip"})


async def bomb(wire: Wire, peer: Peer) -> None:
    """Send a hundred megabytes in a hundred kilobytes."""
    start = wire.opening + wire.tokens(WORDS[:SOME]) + wire.unfinished if wire.streamed(peer) else b'{"id": "'
    await peer.reply(200, _compressed(start + b"x"), {"content-encoding": "gzip"})


@cache
def _compressed(start: bytes) -> bytes:
    return gzip.compress(start.ljust(100_000_000, start[-1:]))


async def no_http(_wire: Wire, peer: Peer) -> None:
    await peer.send(b"SSH-2.0-OpenSSH_9.6\r\n")
    await peer.until_gone()


async def endless_headers(_wire: Wire, peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await peer.send(b"x-padding: " + PIECE[:4096] + b"\r\n")


async def endless_hints(_wire: Wire, peer: Peer) -> None:
    """Announce an answer again and again, and never give one."""
    while True:
        await peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n")
        await asyncio.sleep(0.02)


async def another_protocol(_wire: Wire, peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")
    await peer.until_gone()


async def broken_chunk(wire: Wire, peer: Peer) -> None:
    """Break the framing of HTTP itself in the middle of an answer."""
    data = wire.opening + wire.tokens(WORDS[:SOME]) if wire.streamed(peer) else wire.whole(TEXT)[:-20]
    await peer.head(200, {"content-type": JSON, "transfer-encoding": "chunked"})
    await peer.send(b"%x\r\n%s\r\n" % (len(data), data))
    await asyncio.sleep(0.02)
    await peer.send(b"not a size\r\n")
    await peer.until_gone()


async def empty(wire: Wire, peer: Peer) -> None:
    await peer.reply(200, b"", {"content-type": wire.content_type if wire.streamed(peer) else JSON})


async def redirect(_wire: Wire, peer: Peer) -> None:
    await peer.reply(307, b"", {"location": "http://127.0.0.1:1/"})


async def unknown_encoding(wire: Wire, peer: Peer) -> None:
    await peer.reply(200, b"\x0b\x02\x80" + wire.whole(TEXT), {"content-encoding": "br"})


async def unreadable_refusal(wire: Wire, peer: Peer) -> None:
    """Say too many, with a body that nobody can read."""
    await wire.refuse(peer, Trouble.TOO_MANY, {"content-encoding": "br"})


async def broken_gzip(wire: Wire, peer: Peer) -> None:
    body = gzip.compress(wire.whole(TEXT))[:20] + b"not gzip at all"
    await peer.reply(200, body, {"content-encoding": "gzip"})
