"""The same for scripts without an event loop: every call returns when it is done.

Not for use inside a coroutine: there, await what `airegistry` exports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from airegistry.client.analytics import REGISTRY_ADDRESS
from airegistry.client.gateway import GATEWAY_ADDRESS
from airegistry.discovery.answers import Candidate
from airegistry.models import asking, finding
from airegistry.models.answer import AnswerStream, ModelAnswer
from airegistry.models.asking import Prompt
from airegistry.models.wanting import Wanted

T = TypeVar("T")


def find_models(
    task: str = "", *, registry: str = REGISTRY_ADDRESS, limit: int = 10, **wanted: Unpack[Wanted]
) -> tuple[Candidate, ...]:
    """Return the best endpoints of models, as `airegistry.find_models` does."""
    return _run(asyncio.run, finding.find_models(task, registry=registry, limit=limit, **wanted))


def discover_model(task: str = "", *, registry: str = REGISTRY_ADDRESS, **wanted: Unpack[Wanted]) -> Candidate:
    """Return the best endpoint of a model, as `airegistry.discover_model` does."""
    return _run(asyncio.run, finding.discover_model(task, registry=registry, **wanted))


def create_model_client(model: str | Candidate, *, gateway: str = GATEWAY_ADDRESS) -> BlockingModelClient:
    """Return a client of one model, as `airegistry.create_model_client` does, whose questions wait for their answers."""
    return BlockingModelClient(asking.create_model_client(model, gateway=gateway))


class BlockingModelClient:
    """Asks one model. Close it, or use it as a context manager. Belongs to the thread that asks first."""

    def __init__(self, client: asking.ModelClient) -> None:
        self._client = client
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection. A client that was closed cannot be asked again."""
        _run(self._runner.run, self._client.close())
        self._runner.close()

    def query(self, prompt: Prompt, *, system: str = "", deadline: float | None = None, **options: Any) -> ModelAnswer:
        """Return the whole answer. *options* are fields of ChatRequest (`max_output_tokens=16`); *deadline* is in seconds."""
        return _run(self._runner.run, self._client.query(prompt, system=system, deadline=deadline, **options))

    def stream(
        self, prompt: Prompt, *, system: str = "", deadline: float | None = None, **options: Any
    ) -> BlockingAnswerStream:
        """Return the answer as it is made: iterate over the texts; then its `answer` has usage and cost."""
        opened = _run(self._runner.run, self._opened(prompt, system, deadline, options))
        return BlockingAnswerStream(opened, self._runner)

    async def _opened(
        self, prompt: Prompt, system: str, deadline: float | None, options: dict[str, Any]
    ) -> AnswerStream:
        """Begin inside the loop, to which a connection belongs."""
        return self._client.stream(prompt, system=system, deadline=deadline, **options)


class BlockingAnswerStream:
    """An answer as it is made: iterate over the pieces of its text; then `answer` is the whole.

    As a context manager it ends the call however the block is left; without one, call `close` after leaving the loop early.
    """

    def __init__(self, stream: AnswerStream, runner: asyncio.Runner) -> None:
        self._stream = stream
        self._runner = runner

    @property
    def answer(self) -> ModelAnswer:
        """The whole answer. Raises RuntimeError while it is not whole."""
        return self._stream.answer

    def close(self) -> None:
        """End the call, if it has not ended."""
        _run(self._runner.run, self._stream.aclose())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        piece = _run(self._runner.run, _next(self._stream))
        if piece is None:
            raise StopIteration
        return piece


async def _next(stream: AnswerStream) -> str | None:
    return await anext(stream, None)


def _run(run: Callable[[Coroutine[Any, Any, T]], T], work: Coroutine[Any, Any, T]) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run(work)
    work.close()
    raise RuntimeError("this blocks, and an event loop runs here: await what airegistry itself exports")
