"""The calls that every client makes in turn, and what must come of them. It leaves the planes as it found them: empty.

A step is data for programs in other languages (clients/go/scenario, clients/web/scenario): `request` is protobuf's JSON, in which
`$token` stands for the last resume token that came; `take` cancels the call after as many messages; `then` is done once the
first message of the call is there. `code` and `reason` are for the test alone.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

Step = Mapping[str, Any]

MODELS = ("good", "refused", "cut", "hanging", "silent")
"""Each is served by a provider that behaves so."""

_MADE = "models/made"
_MINE = {"namePrefix": _MADE}
_METADATA = {"x-note": "plain", "x-note-bin": base64.b64encode(bytes(range(256))).decode()}


def model(id_: str, **fields: Any) -> dict[str, Any]:
    return {"name": f"models/{id_}", "model": {"tasks": ["text-generation"], **fields}}


def endpoint(id_: str, address: str, by: str) -> dict[str, Any]:
    """Return somebody who serves a model for nothing, and needs no key."""
    free = [{"bucket": f"PRICE_BUCKET_{bucket}_TOKENS", "nanos": "0"} for bucket in ("INPUT", "OUTPUT")]
    facts = {
        "provider": by,
        "address": address,
        "upstreamModel": "served",
        "communication": {"dialect": "openai.chat", "auth": {"method": "AUTH_METHOD_NONE"}},
        "prices": {"schedules": [{"prices": free}]},
    }
    return {"name": f"models/{id_}/endpoints/{by}", "endpoint": facts}


def writing(urls: Mapping[str, str], by: str) -> Sequence[Step]:
    """Return the steps that write, and are refused to. `urls` are of the providers."""
    served = [thing for name in MODELS for thing in (model(name), endpoint(name, urls[name], by))]
    made = [
        model("made", displayName="Gemacht ☃", limits={"contextTokens": "8192"})
        | {"labels": {"note": "naïve ☃", "empty": ""}},
        endpoint("made", "https://made.example/v1", by),
    ]
    many = [model(f"many-{number:03}", description="x" * 4_000) for number in range(250)]
    renamed = {"name": _MADE, "model": {"displayName": "Anders"}}
    return [
        _step("serve", "Register", {"resources": served}),
        _step("register", "Register", {"resources": made, "requestId": f"once by {by}"}, gzip=True, metadata=_METADATA),
        _step("register what is there", "Register", {"resources": made}),
        _step("register again by request id", "Register", {"resources": made, "requestId": f"once by {by}"}),
        _step("register much", "Register", {"resources": many, "validateOnly": True}, gzip=True),
        _step("register nothing", "Register", {}, code="INVALID_ARGUMENT", reason="INVALID_ARGUMENT"),
        _step("update", "Update", {"resource": renamed, "updateMask": "model.displayName"}),
        _step(
            "update what changed",
            "Update",
            {"resource": renamed | {"etag": "old"}, "updateMask": "model.displayName"},
            code="ABORTED",
            reason="ETAG_MISMATCH",
        ),
        _step("renew what is gone", "Heartbeat", {"renewals": [{"name": "agents/gone"}], "ownerId": "somebody"}),
    ]


def reading() -> Sequence[Step]:
    """Return the steps that read."""
    asked = {"task": "text-generation", "models": ["made"], "health": "HEALTH_REQUIREMENT_ANY"}
    far = {"level": "CONSISTENCY_LEVEL_NOT_OLDER_THAN", "minRevision": "1000000"}
    return [
        _step("get", "Get", {"name": _MADE}),
        _step("get what is not there", "Get", {"name": "models/nobody"}, code="NOT_FOUND", reason="NOT_FOUND"),
        _step("get no name", "Get", {"name": "models/Kein Näme ☃"}, code="INVALID_ARGUMENT", reason="INVALID_ARGUMENT"),
        _step("get in time", "Get", {"name": _MADE}, timeout=60),
        _step("get too late", "Get", {"name": _MADE, "consistency": far}, timeout=0.3, code="DEADLINE_EXCEEDED"),
        _step("list a page", "List", {"collection": "models", "pageSize": 2}),
        _step("list nothing", "List", {"collection": "routes"}),
        _step("discover", "Discover", {"query": {"requirements": asked}}),
        _step("discover nothing", "Discover", {"query": {"requirements": asked | {"minContextTokens": "9000"}}}),
    ]


def watching() -> Sequence[Step]:
    """Return the steps that watch, and change what is watched."""
    changes = [
        _step(
            f"change {word}", "Update", {"resource": {"name": _MADE, "labels": {"now": word}}, "updateMask": "labels"}
        )
        for word in ("one", "two", "three")
    ]
    from_here = {"filter": _MINE, "skipSnapshot": True}
    return [
        _step("watch a snapshot", "Watch", {"filter": _MINE}, take=2, code="CANCELLED"),
        _step("watch live", "Watch", from_here, take=2, then=[changes[0]], code="CANCELLED"),
        *changes[1:],
        _step("resume", "Watch", {"filter": _MINE, "resumeToken": "$token"}, take=1, code="CANCELLED"),
        _step("watch until the deadline", "Watch", from_here, timeout=1.5, code="DEADLINE_EXCEEDED"),
        _step(
            "watch from the future",
            "Watch",
            {"afterRevision": "1000000"},
            code="OUT_OF_RANGE",
            reason="REVISION_IN_FUTURE",
        ),
        _step("resume by no token", "Watch", {"resumeToken": "no"}, code="INVALID_ARGUMENT", reason="INVALID_ARGUMENT"),
    ]


def invoking() -> Sequence[Step]:
    """Return the steps that call models."""
    return [
        _invoke("invoke", "Invoke", "good"),
        _invoke("stream", "InvokeStream", "good"),
        _invoke("invoke nobody", "Invoke", "nobody", code="NOT_FOUND", reason="MODEL_NOT_FOUND"),
        _invoke("stream nobody", "InvokeStream", "nobody", code="NOT_FOUND", reason="MODEL_NOT_FOUND"),
        _invoke("invoke what is refused", "Invoke", "refused", code="INVALID_ARGUMENT", reason="PROVIDER_REJECTED"),
        _invoke("stream what is cut", "InvokeStream", "cut", code="UNAVAILABLE", reason="TRUNCATED_ANSWER"),
        _invoke("leave a stream", "InvokeStream", "hanging", take=1, code="CANCELLED"),
        _invoke("wait for a stream", "InvokeStream", "silent", timeout=1.5, code="DEADLINE_EXCEEDED"),
    ]


def steps(urls: Mapping[str, str], by: str) -> Sequence[Step]:
    """Return all of them. `by` names the providers, so that what a gateway remembers of one client's is not held against another's."""
    gone = [_step(f"deregister {name}", "Deregister", {"name": f"models/{name}"}) for name in ("made", *MODELS)]
    return [*writing(urls, by), *reading(), *watching(), *invoking(), *gone]


def _step(name: str, call: str, request: Mapping[str, Any], **more: Any) -> Step:
    return {"name": name, "call": f"RegistryService.{call}", "request": request, **more}


def _invoke(name: str, call: str, model: str, **more: Any) -> Step:
    chat = {"messages": [{"role": "ROLE_USER", "content": [{"text": {"text": "hello"}}]}]}
    invocation = {"model": model, "chat": chat, "policy": {"maxAttempts": 1}}
    return {"name": name, "call": f"GatewayService.{call}", "request": {"invocation": invocation}, **more}
