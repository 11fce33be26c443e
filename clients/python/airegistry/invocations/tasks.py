"""How a task stands, put together from what a stream told of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from airegistry.invocations.content import ContentBlock, TextBlock
from airegistry.invocations.kinds import AgentArtifact, AgentTaskResponse


def assemble_task(pieces: Iterable[AgentTaskResponse]) -> AgentTaskResponse:
    """Return what the pieces of a stream make up: the last state, what was said with it, and all artifacts as they are now.

    The same as the unary answer would have been. What came before a `restarted` event must be left out by the caller.
    """
    contents: dict[str, list[ContentBlock]] = {}
    names: dict[str, str] = {}
    last = AgentTaskResponse()
    for piece in pieces:
        last = piece
        for artifact in piece.artifacts:
            content = contents.setdefault(artifact.id, [])
            if not artifact.append:
                content.clear()
            content += artifact.content
            names[artifact.id] = artifact.name or names.get(artifact.id, "")
    made = (AgentArtifact(id_, names[id_], _joined(content)) for id_, content in contents.items())
    return replace(last, artifacts=tuple(made))


def _joined(content: list[ContentBlock]) -> tuple[ContentBlock, ...]:
    """Return content with neighbouring texts as one: how a text was cut means nothing."""
    joined: list[ContentBlock] = []
    run: list[str] = []
    for block in content:
        if block.text is not None and not block.text.annotations:
            run.append(block.text.text)
            continue
        joined += _text(run)
        run = []
        joined.append(block)
    return (*joined, *_text(run))


def _text(run: list[str]) -> list[ContentBlock]:
    return [ContentBlock(text=TextBlock("".join(run)))] if run else []
