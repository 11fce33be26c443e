"""How a client gets to servers: proxies, trust, key pairs, HTTP/2, and what it says when it does not get there."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from pyvoy import PyvoyServer

from benchmarks.http_clients.app import VERSION
from benchmarks.http_clients.clients.port import Options
from benchmarks.http_clients.peer import OK, WHOLE, Seen, answers, peer
from benchmarks.http_clients.wire_trials import Open, failure
from tests.certificates import Authorities
from tests.proxies import proxy

_FOLDER = tempfile.TemporaryDirectory(prefix="airegistry-bench-")
_SECRET = "s3cret"  # noqa: S105 - a password of a proxy on loopback


async def through_a_proxy(opened: Open) -> str:
    """Call with and without TLS, by a name that only the proxy knows, with a password."""
    authorities = _authorities()
    said = []
    for tls in (False, True):
        context = authorities.server(name="provider.example") if tls else None
        async with peer(answers(WHOLE, close=not tls), context) as seen, proxy(_SECRET) as through:
            client = await opened(Options(proxy=through.url, ca_file=authorities.ca_file))
            url = seen.url.replace("127.0.0.1", "provider.example").replace("localhost", "provider.example")
            kind = await failure(client.whole(url, b"{}"))
            asked = through.asked[0].split(" ")[0] if through.asked else "not asked"
            said.append(asked if kind == "no error" else kind)
    return ", ".join(said)


async def not_through_a_proxy(opened: Open) -> str:
    """Call somebody in a network that is called without it."""
    async with peer(answers(WHOLE)) as seen, proxy() as through:
        client = await opened(Options(proxy=through.url, no_proxy="127.0.0.0/8"))
        kind = await failure(client.whole(seen.url, b"{}"))
        return "yes" if kind == "no error" and not through.asked else f"no ({kind})"


async def refused_by_a_proxy(opened: Open) -> str:
    """Give a proxy a wrong password, and look for it in the error."""
    async with proxy("another") as through:
        client = await opened(Options(proxy=through.url.replace("another", _SECRET)))
        try:
            answer = await client.whole("https://provider.example:1", b"{}")
        except Exception as error:  # noqa: BLE001 - which one is the question
            shown = f"{error} {error!r} {error.__cause__!r}"
            return type(error).__name__ + (", SHOWS IT" if _SECRET in shown else "")
        return f"answer {answer.status}"


async def proxies_of_the_environment(opened: Open) -> str:
    """See whether they are asked although nobody said so."""
    async with peer(answers(WHOLE)) as seen, proxy() as through:
        os.environ["http_proxy"] = os.environ["HTTP_PROXY"] = through.bare_url
        try:
            client = await opened(Options())
            await failure(client.whole(seen.url, b"{}"))
        finally:
            del os.environ["http_proxy"], os.environ["HTTP_PROXY"]
        return "USED" if through.asked else "not used"


async def trust(opened: Open) -> str:
    """Call with an authority of one's own, then without it."""
    authorities = _authorities()
    async with peer(answers(WHOLE), authorities.server()) as seen:
        trusting = await opened(Options(ca_file=authorities.ca_file))
        good = await failure(trusting.whole(seen.url, b"{}"))
        bad = await failure((await opened(Options())).whole(seen.url, b"{}"))
        return f"{'yes' if good == 'no error' else good}; without it {bad}"


async def key_pair(opened: Open) -> str:
    """Call a server that wants a certificate."""
    authorities = _authorities()
    authorities.key_pair("pair")
    pair = (authorities.folder / "pair.crt", authorities.folder / "pair.key")
    async with peer(answers(WHOLE), authorities.server(mutual=True)) as seen:
        client = await opened(Options(ca_file=authorities.ca_file, certificate=pair[0], key=pair[1]))
        kind = await failure(client.whole(seen.url, b"{}"))
        return "yes" if kind == "no error" else kind


async def http2(opened: Open) -> str:
    """Call a server that speaks both, over TLS, and see which one is spoken."""
    authorities = _authorities()
    issued = authorities.trusted.issue_cert("localhost")
    server = PyvoyServer(
        "benchmarks.http_clients.app:app",
        tls_key=issued.private_key_pem.bytes(),
        tls_cert=b"".join(pem.bytes() for pem in issued.cert_chain_pems),
        tls_enable_http3=False,
        lifespan=False,
        env={"BENCH_PROVIDER": "", "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])},
    )
    async with server:
        client = await opened(Options(ca_file=authorities.ca_file, http2=True))
        answer = await client.whole(
            f"https://localhost:{server.listener_port_tls or server.listener_port}{VERSION}", b"{}"
        )
        return f"HTTP/{answer.body.decode()}"


async def kinds_of_errors(opened: Open) -> str:
    """See how many of seven causes have a class of their own, and how many have words of their own."""
    errors = [await _error(opened, url) for url in ("http://127.0.0.1:1", "http://nowhere.invalid")]
    for answer in (b"", OK + b"content-length: 9\r\n\r\ndone", b"SSH-2.0-whatever\r\n\r\n"):
        async with peer(answers(answer, close=True)) as seen:
            errors.append(await _error(opened, seen.url))
    async with peer(answers(WHOLE), _authorities().server()) as seen:
        errors.append(await _error(opened, seen.url))
    async with peer(_talks) as seen:
        errors.append(await _error(opened, seen.url.replace("http://127.0.0.1", "https://localhost")))
    classes = {type(error).__name__ for error in errors}
    # Addresses differ where nothing else does.
    words = {re.sub(r"[\d.:/]+", "", f"{error} {error.__cause__}") for error in errors}
    return f"{len(classes)} ({', '.join(sorted(classes))}); by words {len(words)}"


async def _error(opened: Open, url: str) -> BaseException:
    client = await opened(Options())
    try:
        await client.whole(url, b"{}")
    except Exception as error:  # noqa: BLE001 - which one is the question
        return error
    raise AssertionError("it answered")


async def _talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _seen: Seen) -> None:
    await reader.read(16)
    writer.write(WHOLE)


def _authorities() -> Authorities:
    return Authorities(Path(tempfile.mkdtemp(dir=_FOLDER.name)))


TRIALS: dict[str, Callable[[Open], Awaitable[str]]] = {
    "through a proxy with a password: plain, TLS": through_a_proxy,
    "a network is called without the proxy": not_through_a_proxy,
    "a proxy wants another password": refused_by_a_proxy,
    "proxies of the environment, unasked": proxies_of_the_environment,
    "an authority of one's own": trust,
    "a key pair of one's own": key_pair,
    "HTTP/2": http2,
    "of 7 causes told apart by class": kinds_of_errors,
}
