"""An agent's own method, whatever its form, as pieces of an answer."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from airegistry.errors import InvalidArgumentError

METHODS: Final = ("run", "handle", "invoke", "execute", "process")
"""The names under which a plain agent may have its work, in the order in which they are looked for; else it is called itself."""

Piece = str | bytes | dict[str, Any] | list[Any]
_PIECES: Final = (str, bytes, dict, list)
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class WrongResultError(Exception):
    """The method returned something that is no answer."""


def work_of(agent: Any) -> Callable[[str], Any] | None:
    """Return the method that does the agent's work, to be called with a task's text; None where it has none.

    Raises InvalidArgumentError for one that cannot be called with a text alone.
    """
    name = next((name for name in METHODS if callable(getattr(agent, name, None))), "")
    if not name and not callable(agent):
        return None
    method: Callable[[str], Any] = getattr(agent, name) if name else agent
    problem = _problem(method)
    if problem:
        raise InvalidArgumentError.of(f"agent.{name or '__call__'}", problem)
    return method


async def pieces_of(method: Callable[[str], Any], text: str) -> AsyncIterator[Piece]:
    """Do the work and yield what it gives: one answer, or the pieces of a generator as they come.

    What is not a coroutine runs in a thread; it cannot be stopped there, and what it gives after that is dropped. Raises what
    the method raises, and WrongResultError for what is neither text, bytes, nor JSON.
    """
    if inspect.isasyncgenfunction(method):
        async for piece in method(text):
            yield _checked(piece)
        return
    made = await method(text) if inspect.iscoroutinefunction(method) else await asyncio.to_thread(method, text)
    if inspect.isawaitable(made):
        made = await made
    if inspect.isasyncgen(made):
        async for piece in made:
            yield _checked(piece)
    elif inspect.isgenerator(made):
        while (piece := await asyncio.to_thread(next, made, _END)) is not _END:
            yield _checked(piece)
    elif made is not None:
        yield _checked(made)


_END: Final = object()


def _checked(piece: Any) -> Piece:
    if isinstance(piece, _PIECES):
        return piece
    raise WrongResultError(f"a {type(piece).__name__} is no text, bytes or JSON")


def _problem(method: Callable[..., Any]) -> str:
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return "has no signature to see what it takes"
    if not any(p.kind in (*_POSITIONAL, inspect.Parameter.VAR_POSITIONAL) for p in parameters):
        return "must take the text of a task"
    needed = [p for p in parameters if p.default is p.empty and p.kind in (*_POSITIONAL, p.KEYWORD_ONLY)]
    if len(needed) > 1 or any(p.kind is p.KEYWORD_ONLY for p in needed):
        return f"must need nothing beside the text of a task, needs {', '.join(p.name for p in needed)}"
    return ""
