"""Errors as people see them: the reason, the message, the fields, and what to do about it; and the exit codes."""

from __future__ import annotations

import sys
from collections.abc import Coroutine, Iterable, Iterator
from enum import IntEnum
from math import ceil
from typing import Any, TypeVar

import typer

from airegistry.cli.session import Session
from airegistry.errors import (
    CanceledError,
    DeadlineExceededError,
    EtagMismatchError,
    InvalidArgumentError,
    ModelNotFoundError,
    NoCandidateError,
    OwnedByAnotherError,
    ProviderCredentialError,
    ProviderError,
    RegistryError,
    UnavailableError,
    UnimplementedError,
)

T = TypeVar("T")


class ExitCode(IntEnum):
    """What the command's exit code says."""

    ERROR = 1
    USAGE = 2
    UNAVAILABLE = 3
    DIFFERENT = 4
    INTERRUPTED = 130


_HINTS: dict[type[RegistryError], str] = {
    DeadlineExceededError: "give it more time with --timeout",
    EtagMismatchError: "get it again, and change what is there now",
    ModelNotFoundError: "`airegistry list models` and `airegistry list routes` show what there is",
    OwnedByAnotherError: "wait for the lease to end, or take it over with --take-over",
    ProviderCredentialError: "set the credential in the gateway's environment",
    UnimplementedError: "this server is older than the command, or does not have it yet",
}

_NO_CREDENTIAL = "`airegistry discover --any-credential` shows who would serve it; `airegistry auto-register` names the keys that you have"


def run(session: Session, plane: str, work: Coroutine[Any, Any, T]) -> T:
    """Run *work* against a plane (`registry` or `gateway`); an error is told in a line, and ends the command."""
    import asyncio

    try:
        return asyncio.run(work)
    except RegistryError as error:
        tell(session, plane, error)
        raise typer.Exit(exit_code(error)) from error
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def tell(session: Session, plane: str, error: RegistryError) -> None:
    """Write an error to the terminal."""
    session.note("\n".join(lines(session, plane, error)), style="red" if sys.stderr.isatty() else "")


def exit_code(error: RegistryError) -> ExitCode:
    """Return the code to exit with."""
    away = isinstance(error, (UnavailableError, DeadlineExceededError)) and not isinstance(error, ProviderError)
    return ExitCode.UNAVAILABLE if away else ExitCode.ERROR


def lines(session: Session, plane: str, error: RegistryError) -> Iterable[str]:
    """Yield what to say about an error."""
    if _nobody_there(error):
        yield from _unreached(session, plane, error)
        return
    violations = error.violations if isinstance(error, InvalidArgumentError) else ()
    if len(violations) > 1:
        yield f"{error.reason}: {len(violations)} fields are wrong"
        yield from (f"  {violation.field}: {violation.description}" for violation in violations)
    else:
        yield f"{error.reason}: {error.message or 'the server gave no message'}"
    yield from (f"  {note}" for note in getattr(error, "__notes__", ()))
    yield from _attempts(error)
    if hint := _hint(error):
        yield f"  {hint}"
    if error.retry_after is not None:
        # Rounded up: who tries at that moment is not too early.
        yield f"  try again in {ceil(10 * error.retry_after) / 10:g} s"


def _unreached(session: Session, plane: str, error: RegistryError) -> Iterator[str]:
    from airegistry._status import NOBODY_ANSWERS

    address, variable = (
        (session.gateway, "AIREGISTRY_GATEWAY_ADDRESS")
        if plane == "gateway"
        else (session.registry, "AIREGISTRY_ADDRESS")
    )
    why = error.message.removeprefix(NOBODY_ANSWERS) if error.message.startswith(NOBODY_ANSWERS) else ""
    # Of several servers gRPC says why the last one could not be called, which need not be the one that wants TLS.
    if (not why or "TLS" in why or "," in address) and (missing := _missing(session, address)):
        yield f"UNAVAILABLE: the {plane} at {address} {missing}"
    elif "TLS" in why or "certificate" in why:
        yield f"UNAVAILABLE: no {plane} can be called at {address}{why}"
        yield "  --ca-file (AIREGISTRY_CA_FILE) names the authorities of its certificate; a server without TLS wants none"
    else:
        yield f"UNAVAILABLE: no {plane} answers at {address}"
        yield f"  start one with `airegistry up`, or say where it is with --{plane} or {variable}"


def _missing(session: Session, address: str) -> str:
    """Return what a server there wants that this run has not; empty where that is not to blame."""
    from airegistry.cli.reaching import Wish, wish_of

    if session.trust is not None and session.trust.certificate is not None:
        return ""
    wish = wish_of(address)
    if wish is Wish.NOTHING or (session.trust is not None and wish is Wish.TLS):
        return ""
    asked = [] if session.trust is not None else ["--ca-file (AIREGISTRY_CA_FILE), the authorities of its certificate"]
    if wish is Wish.CERTIFICATE:
        asked.append("--cert-file and --key-file (AIREGISTRY_CERT_FILE, AIREGISTRY_KEY_FILE), to show it who calls")
    return f"speaks TLS: it needs {', and '.join(asked)}"


def _hint(error: RegistryError) -> str:
    # The metadata count who was excluded, by reason; without any, nobody is invocable.
    if isinstance(error, NoCandidateError) and error.metadata.keys() <= {"credential"}:
        return _NO_CREDENTIAL
    return next((text for cls, text in _HINTS.items() if isinstance(error, cls)), "")


def _attempts(error: RegistryError) -> Iterator[str]:
    """Yield the attempts of a call that failed, which the gateway puts among the details."""
    if not error.details:
        return
    from airegistry._convert import from_pb
    from airegistry.cli.answers import attempt_line
    from airegistry.invocations.invocation import AttemptList
    from airegistry.v1 import gateway_service_pb2 as pb

    for detail in error.details:
        message = pb.AttemptList()
        if detail.Is(message.DESCRIPTOR) and detail.Unpack(message):
            yield from (f"  {attempt_line(attempt)}" for attempt in from_pb(AttemptList, message).attempts)


def _nobody_there(error: RegistryError) -> bool:
    if not isinstance(error, (UnavailableError, CanceledError)):
        return False
    from airegistry._status import CONNECTION_BROKE, NOBODY_ANSWERS

    # A server's own words are better than ours.
    return error.message.startswith((NOBODY_ANSWERS, CONNECTION_BROKE))
