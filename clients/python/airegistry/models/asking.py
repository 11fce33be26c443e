"""A client of one model: a question in, an answer out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from types import TracebackType
from typing import Any, Protocol, Self

from airegistry.client.gateway import GATEWAY_ADDRESS, GatewayClient
from airegistry.discovery.answers import Candidate
from airegistry.errors import InvalidArgumentError
from airegistry.invocations.asking import ask
from airegistry.invocations.chat import ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.invocation import Invocation, InvokeEvent, InvokeResponse
from airegistry.models.amounts import seconds
from airegistry.models.answer import AnswerStream, ModelAnswer, answer_of

Prompt = str | Iterable[Message]
"""A question, or a conversation to go on with."""

_OPTIONS = {field.name: field.type for field in fields(ChatRequest) if field.name != "messages"}
_KINDS: Mapping[Any, tuple[Any, str]] = {
    "int | None": (int, "a whole number"),
    "float | None": ((int, float), "a number"),
    "bool | None": (bool, "True or False"),
    "str": (str, "a text"),
}


class Gateway(Protocol):
    """Who can invoke: a `GatewayClient`, a `Client`, or what `open_embedded` lends."""

    async def invoke(self, invocation: Invocation, *, deadline: float | None = None) -> InvokeResponse:
        """Send one request and return the whole answer."""
        ...

    def invoke_stream(
        self, invocation: Invocation, *, deadline: float | None = None
    ) -> AsyncGenerator[InvokeEvent, None]:
        """Iterate over an answer as it is made."""
        ...


class ModelClient:
    """Asks one model. It connects at the first question; close it, or use it as a context manager.

    Every question raises `airegistry.errors.RegistryError`: ModelNotFoundError, NoCandidateError, and the ProviderErrors,
    with every attempt in `attempts` or among the details.
    """

    def __init__(self, model: str, gateway: Gateway | str = GATEWAY_ADDRESS) -> None:
        self.model = model
        self._gateway = gateway
        self._own: GatewayClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all calls and the connection, if it is the client's own. It connects again when it is asked again."""
        own, self._own = self._own, None
        if own is not None:
            await own.close()

    async def query(
        self, prompt: Prompt, *, system: str = "", deadline: float | None = None, **options: Any
    ) -> ModelAnswer:
        """Return the whole answer. *options* are fields of ChatRequest (`max_output_tokens=16`); *deadline* is in seconds."""
        invocation = self._invocation(prompt, system, deadline, options)
        return answer_of(await self._through().invoke(invocation, deadline=deadline))

    def stream(
        self, prompt: Prompt, *, system: str = "", deadline: float | None = None, **options: Any
    ) -> AnswerStream:
        """Return the answer as it is made: iterate over the texts; then its `answer` has usage and cost."""
        invocation = self._invocation(prompt, system, deadline, options)
        return AnswerStream(self._through().invoke_stream(invocation, deadline=deadline))

    def _through(self) -> Gateway:
        if not isinstance(self._gateway, str):
            return self._gateway
        if self._own is None:
            self._own = GatewayClient(self._gateway)
        return self._own

    def _invocation(self, prompt: Any, system: str, deadline: float | None, options: dict[str, Any]) -> Invocation:
        _check_options(options)
        if deadline is not None and not seconds(deadline, "deadline"):
            raise InvalidArgumentError.of("deadline", "must be more than 0 seconds")
        if isinstance(prompt, str):
            return ask(self.model, _said(prompt), system=system, **options)
        messages = tuple(prompt) if isinstance(prompt, Iterable) else ()
        if not messages or not all(isinstance(message, Message) for message in messages):
            raise InvalidArgumentError.of("prompt", "must be a text, or the Messages of a conversation")
        begun = (Message(Role.SYSTEM, (ContentBlock(text=TextBlock(system)),)),) if system else ()
        return Invocation(self.model, chat=ChatRequest((*begun, *messages), **options))


def create_model_client(model: str | Candidate, *, gateway: Gateway | str = GATEWAY_ADDRESS) -> ModelClient:
    """Return a client of one model: its id, an alias, a route, `provider/original-id`, a full name, or a found candidate.

    *gateway* is an address, or a client that stays open when this one is closed; `open_embedded` lends one that needs no
    gateway. The model is looked up by each call.
    """
    name: Any = model.name if isinstance(model, Candidate) else model
    if not isinstance(name, str) or not name.strip():
        raise InvalidArgumentError.of(
            "model", f"must be the name of a model or a candidate that was found, is {model!r}"
        )
    return ModelClient(name, gateway)


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise TypeError for an option that there is not, InvalidArgumentError for a value of the wrong type."""
    for option, value in options.items():
        if option not in _OPTIONS:
            near = get_close_matches(option, _OPTIONS, n=1)
            raise TypeError(f"no answer has the option {option!r}{f'; did you mean {near[0]!r}?' if near else ''}")
        kind, word = _KINDS.get(_OPTIONS[option], (object, ""))
        # True is an int to Python, and no number to anybody else.
        wrong = not isinstance(value, kind) or (isinstance(value, bool) and kind not in (bool, object))
        if wrong and value is not None:
            raise InvalidArgumentError.of(option, f"must be {word}, is {value!r}")


def _said(prompt: str) -> str:
    if not prompt.strip():
        raise InvalidArgumentError.of("prompt", "must not be empty")
    return prompt
