"""The application inside Envoy: it asks the test what to do with each call."""

import asyncio
import os
from typing import Any

from tests.bridge.wire import packed, unpacked

SOCKET = "BRIDGE_SOCKET"


class Inside:
    def __init__(self) -> None:
        self._writer: Any = None
        self._calls: dict[int, tuple[Any, Any, asyncio.Event]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._number = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        self._number += 1
        number, over = self._number, asyncio.Event()
        self._calls[number] = receive, send, over
        plain = {name: value for name, value in scope.items() if name != "state"}
        self._writer.write(packed("scope", number, plain))
        try:
            await over.wait()
        finally:
            del self._calls[number]

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        reader, self._writer = await asyncio.open_unix_connection(os.environ[SOCKET], limit=2**24)
        self._start(self._read(reader))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _read(self, reader: Any) -> None:
        while True:
            what, number, asked = await unpacked(reader)
            call = self._calls.get(number)
            if what == "over":
                if call is not None:
                    call[2].set()
                continue
            question, event = asked
            if call is None:
                self._writer.write(packed("sent", number, (question, "the call is over")))
            elif what == "receive":
                self._start(self._receive(number, question, call[0]))
            else:
                # Begun here, so that events go to Envoy in their order.
                self._start(self._sent(number, question, self._begin(call[1], event)))

    @staticmethod
    def _begin(send: Any, event: Any) -> Any:
        try:
            return send(event)
        except Exception as error:  # noqa: BLE001 - told to the test
            return error

    async def _receive(self, number: int, question: int, receive: Any) -> None:
        self._writer.write(packed("received", number, (question, await receive())))

    async def _sent(self, number: int, question: int, sending: Any) -> None:
        error = sending if isinstance(sending, Exception) else await _outcome(sending)
        self._writer.write(packed("sent", number, (question, error and (str(error) or type(error).__name__))))

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _outcome(sending: Any) -> Exception | None:
    try:
        await sending
    except Exception as error:  # noqa: BLE001 - told to the test
        return error
    return None


app = Inside()
