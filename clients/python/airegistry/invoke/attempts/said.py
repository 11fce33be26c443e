"""The part of an answer that its caller has already, and the request to go on with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from airegistry.dialects.exchange import Input
from airegistry.invocations.chat import ChatDelta, ChatRequest, Message, Role
from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.streaming import OnePiece, Piece, is_token, one_by_one
from airegistry.invoke.attempts.work import Work
from airegistry.routing.target import Target


def continues(target: Target) -> bool:
    """Say whether an endpoint declares that it goes on with an answer that it is given the beginning of."""
    communication = target.endpoint.communication
    return communication is not None and bool(communication.continues_prefix)


def continuable(request: Input | None) -> bool:
    """Say whether an answer can be cut and gone on with: one plain text, in no other form, and without tools."""
    return (
        isinstance(request, ChatRequest)
        and not request.tools
        and request.response_format is None
        and request.choice_count in (None, 1)
        and request.top_logprobs is None
        and set(request.output_modalities) <= {"text"}
        and bool(request.messages)
        and request.messages[-1].role is not Role.ASSISTANT
    )


def may_be_continued(work: Work) -> bool:
    """Say whether a cut answer could be gone on with: then its text has to be remembered."""
    if not work.stream or not continuable(work.request):
        return False
    return any(continues(target) for tier in work.plan.tiers for group in tier for target in group.targets)


class Said:
    """What a caller has of one answer. `plain` is False once it got something else than text."""

    def __init__(self) -> None:
        self.plain = True
        self._parts: list[str] = []
        self._tokens = 0
        self._block = 0
        self._owed = ""

    def add(self, pieces: Iterable[Piece]) -> None:
        """Note what goes out to the caller."""
        for piece in one_by_one(pieces):
            if isinstance(piece, ChatDelta) and piece.text:
                self._parts.append(piece.text)
                self._tokens += 1
                self._block = piece.block_index
            elif is_token(piece):
                self.plain = False

    def request(self, asked: ChatRequest) -> ChatRequest:
        """Return the request to go on, with what was said as the last turn.

        Without the white space at its end, which several targets refuse; what they then begin with makes up for it.
        """
        text = "".join(self._parts)
        begun = text.rstrip()
        self._owed = text[len(begun) :]
        turn = Message(role=Role.ASSISTANT, content=(ContentBlock(text=TextBlock(text=begun)),))
        most = asked.max_output_tokens
        left = None if most is None else max(1, most - self._tokens)
        return replace(asked, messages=(*asked.messages, turn), max_output_tokens=left)

    def joined(self, pieces: Iterable[Piece]) -> list[Piece]:
        """Return what another target said as it joins the text that its caller has: thoughts of its own have no place in it."""
        return [fitted for piece in one_by_one(pieces) if (fitted := self._joined(piece)) is not None]

    def _joined(self, piece: OnePiece) -> Piece | None:
        if not isinstance(piece, ChatDelta):
            return piece
        if piece.thinking is not None or piece.thinking_signature is not None:
            return None
        if piece.text is None:
            return piece
        text = piece.text
        while self._owed and text.startswith(self._owed[0]):
            self._owed, text = self._owed[1:], text[1:]
        if text:
            self._owed = ""
        return replace(piece, text=text, block_index=self._block)
