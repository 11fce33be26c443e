"""What every follower of a stream does about silence and cuts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from airegistry.backoff import Backoff
from airegistry.errors import (
    InvalidArgumentError,
    PermissionDeniedError,
    RegistryError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
)

T = TypeVar("T")

FATAL = (InvalidArgumentError, PermissionDeniedError, UnauthenticatedError, UnimplementedError)
"""After these, trying again is pointless unless somebody changes something."""


async def attended(stream: AsyncGenerator[T, None], bookmark_interval: float) -> AsyncGenerator[T, None]:
    """Iterate over one stream; three bookmarks that do not come are taken for a broken connection."""
    silence = 3 * bookmark_interval
    async with aclosing(stream):
        while True:
            try:
                async with asyncio.timeout(silence):
                    message = await anext(stream)
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                raise UnavailableError(f"the watch was silent for {silence:.0f} s") from error
            yield message


async def pause(backoff: Backoff, failure: RegistryError | None) -> None:
    """Wait before the next stream, for as long as the server asked at least."""
    await asyncio.sleep(backoff.next(at_least=failure.retry_after if failure is not None else None))
