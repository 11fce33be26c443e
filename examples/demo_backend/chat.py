"""Writing the answer to a conversation, token by token."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from demo_backend.cards import CHAT
from demo_backend.requests import check_context
from demo_backend.sampling import draw
from demo_backend.stops import Stops, Token
from demo_backend.tokens import BEGIN, END

if TYPE_CHECKING:
    from demo_backend.models import Models
    from demo_backend.requests import ChatRequest, Message
    from demo_backend.sampling import Probabilities


class Choice:
    """One answer being written. `advance` writes one token; `finish_reason` is None until the last."""

    def __init__(self, answer: Answer, index: int) -> None:
        self.index = index
        self.written = 0
        self.finish_reason: str | None = None
        self._answer = answer
        self._context = list(answer.context)
        self._counts: Counter[int] = Counter()
        self._stops = Stops(answer.request.stops)
        seed = answer.request.seed
        # Any integer is a seed; NumPy takes only those that are not negative.
        self._rng = np.random.default_rng(None if seed is None else [seed % 2**64, index])

    def advance(self) -> list[Token]:
        """Write one more token and return those that can now be shown."""
        probabilities = self._answer.leaning.probabilities(self._context)
        if self._context == [BEGIN]:
            probabilities = _without_end(probabilities)
        id_ = draw(self._answer.request.sampling.shape(probabilities, self._counts), self._rng)
        if id_ == END:
            self.finish_reason = "stop"
            return self._stops.flush()
        self.written += 1
        self._context.append(id_)
        self._counts[id_] += 1
        shown = self._stops.feed(self._answer.token(id_, probabilities))
        if self._stops.reached:
            self.finish_reason = "stop"
        elif self.written == self._answer.max_tokens:
            self.finish_reason = "length"
            shown += self._stops.flush()
        return shown


class Answer:
    """All choices of one request, and what they share: the prompt's topic, its length, the room left."""

    def __init__(self, models: Models, request: ChatRequest) -> None:
        self.request = request
        self.fingerprint = models.fingerprint
        self._vocabulary = models.vocabulary
        self.prompt_tokens = sum(len(models.vocabulary.encode(message.content)) for message in request.messages)
        check_context(CHAT, self.prompt_tokens, request.max_tokens or 1, "messages")
        self.max_tokens = request.max_tokens or max(1, CHAT.context_window - self.prompt_tokens)
        self.leaning = models.ngram.leaning(models.lsa.relevance(_subjects(request.messages)))
        last = request.messages[-1]
        # A conversation that ends with the assistant's own words asks for their continuation.
        self.context = [
            BEGIN,
            *(models.vocabulary.encode(last.content) if last.role == "assistant" else ()),
        ]
        self.choices = [Choice(self, index) for index in range(request.choices)]

    @property
    def completion_tokens(self) -> int:
        """Tokens written so far, those of stop sequences included."""
        return sum(choice.written for choice in self.choices)

    def token(self, id_: int, probabilities: Probabilities) -> Token:
        """Return a written token as the client sees it."""
        top = self.request.top_logprobs
        likeliest = np.argsort(-probabilities, kind="stable")[:top] if top else ()
        return Token(
            text=self._vocabulary.text(id_),
            logprob=float(np.log(probabilities[id_])),
            likeliest=tuple((self._vocabulary.text(int(i)), float(np.log(probabilities[i]))) for i in likeliest),
        )


def _without_end(probabilities: Probabilities) -> Probabilities:
    """Take away the end: no passage is empty, although smoothing makes that possible."""
    begun = probabilities.copy()
    begun[END] = 0.0
    begun /= begun.sum()
    return begun


def _subjects(messages: tuple[Message, ...]) -> list[str]:
    """Return what says what the conversation is about: the user's words, or all of them without a user."""
    return [message.content for message in messages if message.role == "user"] or [
        message.content for message in messages
    ]
