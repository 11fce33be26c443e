"""A headless Chromium that a test opens pages in, driven by its DevTools protocol over a pipe."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

UNPACKED = Path(__file__).resolve().parent.parent / "build/chromium"
# Nothing but loopback, and nothing that Chromium does for itself. Root may not use its sandbox.
ARGUMENTS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--no-zygote",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
_PATIENCE = 30.0
_LOOK_AGAIN = 0.02


class PageError(AssertionError):
    """The page, or the browser, did not do what it was asked."""


def chromium() -> str | None:
    """Return where a Chromium is: the one that CHROMIUM names, that of `make chromium`, or an installed one."""
    unpacked = UNPACKED / "chromium"
    installed = (shutil.which(name) for name in ("chromium", "chromium-headless-shell", "google-chrome"))
    return os.environ.get("CHROMIUM") or (str(unpacked) if unpacked.exists() else next(filter(None, installed), None))


class Browser:
    """A running Chromium: commands out, answers and events in."""

    def __init__(self, commands: int, answers: asyncio.StreamReader) -> None:
        self._commands = commands
        self._answers = answers
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listening: dict[str, Callable[[Mapping[str, Any]], None]] = {}

    async def call(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Return the answer to a command, or raise PageError."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters}
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        os.write(self._commands, json.dumps(command | ({"sessionId": session} if session else {})).encode() + b"\0")
        async with asyncio.timeout(_PATIENCE):
            told = await answer
        if "error" in told:
            raise PageError(f"{method}: {told['error']['message']}")
        return dict(told["result"])

    async def open(self, url: str) -> Page:
        """Open *url* in a tab of its own."""
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = Page(self, target, session)
        self._listening[session] = page.told
        for domain in ("Runtime", "Log", "Page"):
            await self.call(f"{domain}.enable", session)
        await self.call("Page.navigate", session, url=url)
        async with asyncio.timeout(_PATIENCE):
            await page.there.wait()
        return page

    async def read(self) -> None:
        """Hand out what the browser says, until it is gone."""
        while said := await self._answers.readuntil(b"\0"):
            message = json.loads(said[:-1])
            if (answer := self._waiting.pop(message.get("id"), None)) is not None and not answer.done():
                answer.set_result(message)
            elif (listener := self._listening.get(message.get("sessionId"))) is not None:
                listener(message)


class Page:
    """A tab. `said` is what its scripts and the browser wrote to the console, errors among it."""

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser = browser
        self._target = target
        self._session = session
        self.said: list[str] = []
        self.there = asyncio.Event()

    async def evaluate(self, script: str) -> Any:
        """Return what an expression comes to, promises awaited; it must be plain data."""
        answer = await self._browser.call(
            "Runtime.evaluate", self._session, expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise PageError(_thrown(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def until(self, script: str, *, within: float = _PATIENCE) -> Any:
        """Return what an expression comes to once that is truthy."""
        try:
            async with asyncio.timeout(within):
                while True:
                    if value := await self.evaluate(script):
                        return value
                    await asyncio.sleep(_LOOK_AGAIN)
        except TimeoutError:
            shown = await self.evaluate("document.body.innerText")
            raise PageError(f"never true: {script}\nthe page shows: {shown}\nand said: {self.said}") from None

    async def close(self) -> None:
        """Close the tab, as a person does; nothing when it is closed."""
        if self._target:
            await self._browser.call("Target.closeTarget", targetId=self._target)
            self._target = ""

    def told(self, event: Mapping[str, Any]) -> None:
        """Keep what the page says, and note when its document is there."""
        match event["method"], event["params"]:
            case "Page.domContentEventFired", _:
                self.there.set()
            case "Runtime.exceptionThrown", {"exceptionDetails": thrown}:
                self.said.append(_thrown(thrown))
            case "Runtime.consoleAPICalled", {"args": words}:
                self.said.append(" ".join(str(word.get("value", word.get("description"))) for word in words))
            case "Log.entryAdded", {"entry": {"text": text}}:
                self.said.append(text)


def _thrown(details: Mapping[str, Any]) -> str:
    return str(details.get("exception", {}).get("description") or details["text"])


@asynccontextmanager
async def browser(profile: Path, *arguments: str) -> AsyncIterator[Browser]:
    """Run a Chromium whose state is in *profile*; there must be one."""
    commands, answers, pid = _start(profile, arguments)
    reader = asyncio.StreamReader(limit=2**24)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(answers, "rb"))
    running = Browser(commands, reader)
    reading = asyncio.create_task(running.read())
    try:
        yield running
        with suppress(TimeoutError, asyncio.IncompleteReadError):
            await running.call("Browser.close")
    finally:
        reading.cancel()
        transport.close()
        os.close(commands)
        # Whatever is left of its processes, too.
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        await asyncio.to_thread(os.waitpid, pid, 0)


def _start(profile: Path, arguments: Sequence[str]) -> tuple[int, int, int]:
    """Start it; return where commands go, where answers come from, and the process."""
    path = chromium()
    assert path is not None
    theirs_in, ours_out = _pipe()
    ours_in, theirs_out = _pipe()
    profile.mkdir(parents=True, exist_ok=True)
    log = os.open(profile / "chromium.log", os.O_CREAT | os.O_WRONLY, 0o600)
    pid = os.posix_spawn(
        path,
        [path, *ARGUMENTS, *arguments, f"--user-data-dir={profile}"],
        os.environ | {"LD_LIBRARY_PATH": str(UNPACKED / "al2023/lib")},
        # A group of its own, so that all of it can be ended.
        setpgroup=0,
        # The protocol's pipes are 3 and 4.
        file_actions=[
            (os.POSIX_SPAWN_DUP2, theirs, own) for theirs, own in ((theirs_in, 3), (theirs_out, 4), (log, 2))
        ],
    )
    for theirs in (theirs_in, theirs_out, log):
        os.close(theirs)
    return ours_out, ours_in, pid


def _pipe() -> tuple[int, int]:
    """Return a pipe whose ends are out of the way of the numbers that they get in the browser."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
