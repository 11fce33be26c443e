"""`invoke`."""

from __future__ import annotations

import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from airegistry.cli.failures import run
from airegistry.cli.session import Output, Session, session_of

if TYPE_CHECKING:
    from airegistry.invocations.chat import ChatRequest
    from airegistry.invocations.invocation import Invocation, InvokeResponse

_MAX_PROMPT_BYTES = 16 * 1024 * 1024


def invoke(
    context: typer.Context,
    *,
    model: Annotated[
        str, typer.Argument(help="A route, an alias, a model id, or a provider's own id of it.", metavar="MODEL")
    ],
    prompt: Annotated[
        str, typer.Argument(help="What to say; left out or -, standard input is read.", metavar="[PROMPT]")
    ] = "-",
    system: Annotated[str, typer.Option(help="How it should behave.")] = "",
    max_tokens: Annotated[int | None, typer.Option(min=1, help="The longest answer, in tokens.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0, help="0 for the likeliest answer.")] = None,
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Show the answer as it is made.")] = True,
    embed: Annotated[bool, typer.Option("--embed", help="Turn the prompt into a vector instead.")] = False,
) -> None:
    """Ask a model through the gateway: the answer goes to standard output, who gave it to standard error."""
    session = session_of(context)
    text = _stdin() if prompt == "-" else prompt
    invocation = _invocation(model, text, embed=embed, system=system, max_tokens=max_tokens, temperature=temperature)
    if stream and not embed and session.output is Output.TABLE:
        run(session, "gateway", _stream(session, invocation))
    else:
        _show(session, run(session, "gateway", _whole(session, invocation)))


def _stdin() -> str:
    if sys.stdin.isatty():
        sys.stderr.write("Type the prompt; Ctrl-D ends it.\n")
    data = sys.stdin.buffer.read(_MAX_PROMPT_BYTES + 1)
    if len(data) > _MAX_PROMPT_BYTES:
        raise typer.BadParameter(f"the prompt is larger than {_MAX_PROMPT_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter("the prompt is not UTF-8 text") from error


def _invocation(
    model: str, text: str, *, embed: bool, system: str, max_tokens: int | None, temperature: float | None
) -> Invocation:
    from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
    from airegistry.invocations.invocation import Invocation

    if embed:
        return Invocation(model=model, embeddings=EmbeddingsRequest(inputs=(EmbeddingInput(text=text),)))
    return Invocation(model=model, chat=_chat(text, system, max_tokens, temperature))


def _chat(text: str, system: str, max_tokens: int | None, temperature: float | None) -> ChatRequest:
    from airegistry.invocations.chat import ChatRequest, Message, Role
    from airegistry.invocations.content import ContentBlock, TextBlock

    said = [(Role.SYSTEM, system), (Role.USER, text)] if system else [(Role.USER, text)]
    messages = tuple(Message(role, (ContentBlock(text=TextBlock(words)),)) for role, words in said)
    return ChatRequest(messages=messages, max_output_tokens=max_tokens, temperature=temperature)


async def _whole(session: Session, invocation: Invocation) -> InvokeResponse:
    from airegistry.cli.connecting import gateway_client

    async with gateway_client(session) as client:
        return await client.invoke(invocation, deadline=session.timeout)


async def _stream(session: Session, invocation: Invocation) -> None:
    from airegistry.cli.answers import Printer
    from airegistry.cli.connecting import gateway_client

    printer = Printer(session)
    # What is shown on a terminal can be discarded by saying so; what is piped cannot.
    restart = sys.stdout.isatty()
    async with gateway_client(session) as client:
        events = client.invoke_stream(invocation, accept_restart=restart, deadline=session.timeout)
        try:
            async with aclosing(events):
                async for event in events:
                    printer.take(event)
        finally:
            printer.end_line()


def _show(session: Session, answer: InvokeResponse) -> None:
    from airegistry.cli.answers import Printer

    if session.output is Output.TABLE:
        Printer(session).whole(answer)
    else:
        session.write(answer)
