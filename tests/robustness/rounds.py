"""One round of a run: traffic and faults for a while, then quiet, then the verdict. Rounds bound what has to be kept."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from airegistry import background
from tests.robustness.calling import Caller
from tests.robustness.case import Case
from tests.robustness.cluster import Cluster
from tests.robustness.faults import Injector
from tests.robustness.ground_truth import Fact
from tests.robustness.history import Fate, History, Message
from tests.robustness.judging import violations
from tests.robustness.payloads import FILTERS, HELD
from tests.robustness.traffic import Holder, Reader, Writer
from tests.robustness.versions import SUSPECT, Version, Versions
from tests.robustness.watchers import Watcher

WRITERS, READERS, STEADY = 6, 3, 12
PAUSE = 0.03
"""The mean pause between the requests of one writer, or reader, in seconds."""
_FACT = TypeAdapter(Fact)
EVIDENCE = Path("build/robustness")
"""Where the history of a round goes that broke a promise."""
CAUGHT_UP = "Caught up"
"""What is broken when a watcher never sees the end, though nothing goes wrong any more."""
QUIET = 60.0
"""How long everybody may take to see the last revision when all is well again."""


@dataclass(slots=True)
class Verdict:
    """What a round was, and what was wrong with it."""

    case: Case
    found: dict[str, str]
    counts: Counter[str] = field(default_factory=Counter)

    def summary(self) -> str:
        """Return the counts in one line."""
        return ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))


class Round:
    """The clients of one round over *cluster*, all with generators that follow from *seed*."""

    def __init__(self, cluster: Cluster, seed: str, *, fault_seconds: float, say: Callable[[str], None]) -> None:
        self._cluster = cluster
        self._seed = seed
        self._fault_seconds = fault_seconds
        self._say = say
        self.history = History()
        self._versions = Versions()
        self.faults: list[str] = []

    async def run(self, seconds: float, first: int, before: Sequence[Version]) -> Verdict:
        """Let it all happen for *seconds*, wait until all is quiet, and judge. What was there at *first* is *before*."""
        async with AsyncExitStack() as stack:
            watchers = [await self._watcher(stack, n, name, first) for n, name in enumerate([*FILTERS, "everything"])]
            stop, calm = asyncio.Event(), asyncio.Event()
            watching = [asyncio.create_task(watcher.run()) for watcher in watchers]
            injector = Injector(self._cluster, watchers, self._rng("faults"), self._fault_seconds)
            injecting = asyncio.create_task(injector.run(calm, self._fault))
            working = [*watching, injecting, *await self._clients(stack, stop)]
            telling = asyncio.create_task(self._tell(watchers))
            try:
                await _while_running(working, seconds)
                calm.set()
                # What goes wrong ends first, so that what is asked last is answered.
                await injecting
                stop.set()
                await asyncio.gather(*working[len(watching) + 1 :])
                late = await self._late(watchers)
            finally:
                stop.set()
                calm.set()
                for task in (*working, telling):
                    await background.end(task)
        verdict = await self._judge(first, before)
        if late:
            verdict.found[CAUGHT_UP] = late
        return verdict

    async def _judge(self, first: int, before: Sequence[Version]) -> Verdict:
        # Leases may run out in between: the counter is asked first.
        newest = await self._cluster.truth.newest()
        facts = await self._cluster.truth.since(first, self._versions)
        case = Case(self.history, facts, first, before)
        found = await asyncio.to_thread(violations, case)
        if newest > case.newest:
            found["Gapless"] = f"the counter is {newest}, the log ends at {case.newest}"
        return Verdict(case, found, self._counts(case))

    async def _watcher(self, stack: AsyncExitStack, n: int, name: str, first: int) -> Watcher:
        caller = await self._caller(stack, f"watcher{n}")
        return Watcher(caller, self._versions, name, self._rng(caller.client), first=first)

    async def _clients(self, stack: AsyncExitStack, stop: asyncio.Event) -> list[asyncio.Task[None]]:
        tasks = []
        for n in range(WRITERS):
            caller = await self._caller(stack, f"{self._seed}-w{n}")
            tasks.append(asyncio.create_task(Writer(caller, self._rng(caller.client)).run(stop, PAUSE)))
        for n in range(READERS):
            caller = await self._caller(stack, f"{self._seed}-r{n}")
            tasks.append(asyncio.create_task(Reader(caller, self._rng(caller.client)).run(stop, PAUSE)))
        for n in range(HELD):
            holder = self._holder(stack, f"h{n}", [f"agents/held{n}"], 1.0 + n / 2, stop, steady=n == 0)
            tasks.append(await holder)
        many = [f"agents/steady{n}" for n in range(STEADY)]
        tasks.append(await self._holder(stack, "steady", many, 3.0, stop, steady=True))
        return tasks

    async def _holder(
        self, stack: AsyncExitStack, name: str, names: list[str], ttl: float, stop: asyncio.Event, *, steady: bool
    ) -> asyncio.Task[None]:
        caller = await self._caller(stack, f"{self._seed}-{name}")
        return asyncio.create_task(Holder(caller, self._rng(caller.client), names, ttl, steady=steady).run(stop))

    async def _caller(self, stack: AsyncExitStack, client: str) -> Caller:
        caller = Caller(client, self._cluster.addresses, self.history, self._versions)
        stack.push_async_callback(caller.close)
        return caller

    def _rng(self, who: str) -> random.Random:
        return random.Random(f"{self._seed} {who}")

    def _fault(self, what: str) -> None:
        self.faults.append(what)

    async def _tell(self, watchers: Sequence[Watcher]) -> None:
        while True:
            await asyncio.sleep(5)
            lost = sum(sent.fate is Fate.LOST for sent in self.history.calls())
            calls = sum(1 for _ in self.history.calls())
            behind = max(w.reached for w in watchers) - min(w.reached for w in watchers)
            newest = self.faults[-1] if self.faults else "no fault yet"
            self._say(
                f"{calls} calls, {lost} without an answer, {len(self.history.streams)} messages of watches, "
                f"revision {max(w.reached for w in watchers)}, the slowest watcher {behind} behind; {newest}"
            )

    async def _late(self, watchers: Sequence[Watcher]) -> str:
        """Wait until every watcher saw the newest revision; say who did not."""
        newest = await self._cluster.truth.newest()
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET):
                while any(watcher.reached < newest for watcher in watchers):  # noqa: ASYNC110 - it happens elsewhere
                    await asyncio.sleep(0.1)
        late = [watcher.reached for watcher in watchers if watcher.reached < newest]
        return (
            f"all was well for {QUIET} s, and watchers are at {late}; the newest revision is {newest}" if late else ""
        )

    def _counts(self, case: Case) -> Counter[str]:
        counts = Counter(f"{sent.fate} calls" for sent in self.history.calls())
        counts["revisions"] = len(case.facts)
        counts["faults"] = len(self.faults)
        counts["watch events"] = sum(len(r.events) for r in self.history.streams if isinstance(r, Message))
        facts = [fact for facts in case.facts.values() for fact in facts]
        counts["leases suspected"] = sum(f.new is not None and f.new.liveness == SUSPECT for f in facts)
        return counts


async def _while_running(tasks: Sequence[asyncio.Task[None]], seconds: float) -> None:
    """Wait for *seconds*; a task that ends before is an error of the test itself."""
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()
        raise AssertionError(f"{task} ended by itself")


def evidence(verdict: Verdict, folder: Path, seed: str) -> str:
    """Keep the history and the facts of a failed round in *folder*; return what to tell about it."""
    verdict.case.history.dump(folder / "history.jsonl")
    with (folder / "facts.jsonl").open("wb") as file:
        for facts in verdict.case.facts.values():
            file.writelines(_FACT.dump_json(fact) + b"\n" for fact in facts)
    lines = [f"{promise}: {what[:2000]}" for promise, what in verdict.found.items()]
    return "\n".join([f"seed {seed}; the history is in {folder.absolute()}", *lines])
