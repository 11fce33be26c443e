"""pyreqwest as the engine would have to use it: a whole answer is read in pieces, up to a bound."""

from __future__ import annotations

from benchmarks.http_clients.clients.port import HEADERS, Answer, Options
from benchmarks.http_clients.clients.with_pyreqwest import Pyreqwest, built

_MOST = 32 * 1024 * 1024


class Bounded(Pyreqwest):
    """A client that stops reading a whole answer that is too large."""

    async def whole(self, url: str, body: bytes) -> Answer:
        async with self._client.post(url).headers(HEADERS).body_bytes(body).build_streamed() as response:
            pieces, taken = [], 0
            while (piece := await response.body_reader.read_chunk()) is not None:
                pieces.append(piece.to_bytes())
                taken += len(piece)
                if taken > _MOST:
                    raise ValueError("the answer is too large")
            return Answer(response.status, b"".join(pieces))


async def opened(options: Options) -> Bounded:
    return Bounded(built(options))
