"""What a client makes of servers that behave, and of those that do not. Each trial says in a few words what it saw."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

from benchmarks.http_clients.clients.port import Client, Options
from benchmarks.http_clients.peer import OK, WHOLE, Seen, answers, peer, pours, request, until_gone

Open = Callable[[Options], Awaitable[Client]]

_MEGA = 1024 * 1024
_STREAM = OK + b"transfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n"


async def failure(work: Awaitable[Any]) -> str:
    """Return the kind of error that something ends with, or that it ends well."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - which one is the question
        return type(error).__name__
    return "no error"


async def reuse(opened: Open) -> str:
    """Make 200 calls by 8 callers."""
    client = await opened(Options())
    async with peer(answers(WHOLE)) as seen:

        async def caller() -> None:
            for _ in range(25):
                await client.whole(seen.url, b"{}")

        await asyncio.gather(*(caller() for _ in range(8)))
        await client.close()
        return f"{seen.connections} connections"


async def limit(opened: Open) -> str:
    """Make 16 calls at once by a client that may have 4 connections."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        while True:
            await request(reader, seen)
            await asyncio.sleep(0.05)
            writer.write(WHOLE)

    client = await opened(Options(connections=4))
    async with peer(slow) as seen:
        ends = await asyncio.gather(*(failure(client.whole(seen.url, b"{}")) for _ in range(16)))
        await client.close()
        refused = sorted({end for end in ends if end != "no error"})
        most = f"{seen.most} at once"
        return f"{most}, others at once {', '.join(refused)}" if refused else f"{most}, others wait"


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, seen: Seen) -> None:
    await request(reader, seen)
    await until_gone(reader)


async def _begun(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
    await request(reader, seen)
    writer.write(_STREAM)
    await until_gone(reader)


async def _noticed(seen: Seen, since: float) -> str:
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            await seen.gone.wait()
        return f"{(seen.gone_at - since) * 1e3:.1f} ms"
    return "not within 2 s"


async def _cancelled(calling: asyncio.Future[Any], seen: Seen) -> str:
    calling.cancel()
    since = time.perf_counter()
    await asyncio.wait([calling])
    return await _noticed(seen, since)


async def cancelled_before_the_answer(opened: Open) -> str:
    """See how long it takes the server to notice."""
    client = await opened(Options())
    async with peer(_silent) as seen:
        calling = asyncio.ensure_future(client.whole(seen.url, b"{}"))
        await seen.asked.wait()
        return await _cancelled(calling, seen)


async def cancelled_in_a_stream(opened: Open) -> str:
    """See how long it takes the server to notice that the reader's task was cancelled."""
    client = await opened(Options())
    first = asyncio.Event()

    async def reading(url: str) -> None:
        async with aclosing(client.pieces(url, b"{}")) as pieces:  # type: ignore[type-var]  # generators, all of them
            async for _ in pieces:
                first.set()

    async with peer(_begun) as seen:
        calling = asyncio.ensure_future(reading(seen.url))
        await asyncio.wait([asyncio.ensure_future(first.wait()), calling], return_when=asyncio.FIRST_COMPLETED)
        return await _cancelled(calling, seen)


async def left_in_a_stream(opened: Open) -> str:
    """See how long it takes the server to notice that a reader left after the first piece."""
    client = await opened(Options())
    async with peer(_begun) as seen:
        async with aclosing(client.pieces(seen.url, b"{}")) as pieces:  # type: ignore[type-var]  # generators, all of them
            async for _ in pieces:
                break
        return await _noticed(seen, time.perf_counter())


async def connecting_in_time(opened: Open) -> str:
    """Call a host that takes no connection; 0.3 s are allowed."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        client = await opened(Options(connect_timeout=0.3))
        since = time.perf_counter()
        kind = await failure(client.whole(f"http://127.0.0.1:{address[1]}", b"{}"))
        for one in waiting:
            one.close()
        return f"{time.perf_counter() - since:.1f} s, {kind}"


async def held_back(opened: Open) -> str:
    """See how much of a stream is taken ahead of a reader who rests for half a second; some MiB are the kernel's."""
    client = await opened(Options())
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    async with peer(pours(OK + b"transfer-encoding: chunked\r\n\r\n", piece, 200 * _MEGA)) as seen:
        async with aclosing(client.pieces(seen.url, b"{}")) as pieces:  # type: ignore[type-var]  # generators, all of them
            async for _ in pieces:
                await asyncio.sleep(0.5)
                break
        return f"{seen.sent / _MEGA:.0f} MiB"


async def too_large(opened: Open) -> str:
    """Ask for a whole answer of 200 MiB."""
    client = await opened(Options())
    head = OK + b"content-length: %d\r\n\r\n" % (200 * _MEGA)
    async with peer(pours(head, b"x" * _MEGA, 200 * _MEGA)) as seen:
        kind = await failure(client.whole(seen.url, b"{}"))
        return "takes it" if kind == "no error" else f"{kind} after {seen.sent / _MEGA:.0f} MiB"


async def after_a_cancelled_call(opened: Open) -> str:
    """See whether a call that was given up runs on, and its connection is used by the next."""

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        while True:
            await request(reader, seen)
            await asyncio.sleep(0.2)
            writer.write(WHOLE)

    client = await opened(Options())
    async with peer(late) as seen:
        calling = asyncio.ensure_future(client.whole(seen.url, b"{}"))
        await seen.asked.wait()
        calling.cancel()
        await asyncio.wait([calling])
        await asyncio.sleep(0.5)
        await client.whole(seen.url, b"{}")
        return "RUNS ON, and its connection serves the next" if seen.connections == 1 else "ended; another connection"


async def headers_without_end(opened: Open) -> str:
    """See how much of them a server gets rid of; some MiB are the kernel's."""
    client = await opened(Options())
    async with peer(pours(OK, b"x: y\r\n" * 1024, 100 * _MEGA)) as seen:
        kind = await failure(client.whole(seen.url, b"{}"))
        return f"{kind}, {seen.sent / 1024:,.0f} KiB"


async def closed_as_it_is_used(opened: Open) -> str:
    """Use a kept connection that the server closes when the request comes; it may have been done, so it must not be sent again."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        await request(reader, seen)
        writer.write(WHOLE)
        await request(reader, seen)

    client = await opened(Options())
    async with peer(script) as seen:
        await client.whole(seen.url, b"{}")
        kind = await failure(client.whole(seen.url, b"{}"))
        return f"sent once, {kind}" if seen.requests == 2 else f"sent {seen.requests - 1} times, {kind}"  # noqa: PLR2004 - one each


async def closed_while_idle(opened: Open) -> str:
    """Call again when the server has closed the kept connection a moment ago."""
    client = await opened(Options())
    async with peer(answers(WHOLE, close=True)) as seen:
        await client.whole(seen.url, b"{}")
        await asyncio.sleep(0.05)
        return await failure(client.whole(seen.url, b"{}"))


async def cut_short(opened: Open) -> str:
    """Ask for answers that end before their length, and before their last chunk."""
    ends = []
    for answer in (OK + b"content-length: 9\r\n\r\ndone", OK + b"transfer-encoding: chunked\r\n\r\n4\r\ndone\r\n"):
        client = await opened(Options())
        async with peer(answers(answer, close=True)) as seen:
            ends.append(await failure(client.whole(seen.url, b"{}")))
    return ends[0] if ends[0] == ends[1] else ", ".join(ends)


async def more_than_asked(opened: Open) -> str:
    """See who gets an answer that comes right behind another one."""
    wrong = OK + b"content-length: 5\r\n\r\nwrong"
    client = await opened(Options())
    async with peer(answers(WHOLE + wrong, WHOLE)) as seen:
        await client.whole(seen.url, b"{}")
        await asyncio.sleep(0.02)
        answer = await client.whole(seen.url, b"{}")
        return "nobody" if answer.body == b"done" else "THE NEXT CALL"


async def answered_early(opened: Open) -> str:
    """Send 20 MiB to a server that refuses them before it has read them."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        seen.asked.set()
        await asyncio.sleep(5)

    client = await opened(Options())
    async with peer(script) as seen:
        try:
            async with asyncio.timeout(2):
                return str((await client.whole(seen.url, b"x" * 20 * _MEGA)).status)
        except TimeoutError:
            return "waits on"
        except Exception as error:  # noqa: BLE001 - which one is the question
            return type(error).__name__


TRIALS: dict[str, Callable[[Open], Awaitable[str]]] = {
    "200 calls by 8 callers open": reuse,
    "at most 4 connections, 16 calls": limit,
    "cancelled before the answer: the server sees it after": cancelled_before_the_answer,
    "a call that was cancelled": after_a_cancelled_call,
    "cancelled in a stream: after": cancelled_in_a_stream,
    "left in a stream: after": left_in_a_stream,
    "no connection within 0.3 s": connecting_in_time,
    "taken ahead of a reader who rests": held_back,
    "a whole answer of 200 MiB, 32 allowed": too_large,
    "headers without end": headers_without_end,
    "a kept connection closes as it is used": closed_as_it_is_used,
    "a kept connection was closed": closed_while_idle,
    "an answer that is cut": cut_short,
    "what follows an answer reaches": more_than_asked,
    "20 MiB refused before they are read": answered_early,
}
