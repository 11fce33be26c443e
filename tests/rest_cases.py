"""Requests to every RPC, by every path that it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf import json_format

from airegistry.v1 import analytics_service_pb2 as analytics
from airegistry.v1 import gateway_service_pb2 as invoking
from airegistry.v1 import registry_service_pb2 as pb
from tests.rest_calls import bindings, our_services, rest_call

RPCS = {method.name: method for service in our_services() for method in service.methods}
HERE = "models/m/endpoints/here"
NAMES = ("models/m", HERE, "agents/w", "routes/r")
COLLECTIONS = (
    "models",
    "models/m/endpoints",
    "models/-/endpoints",
    "agents",
    "agents/w/models",
    "routes",
    "agents/x/models",
)
OWNER = "an-owner"


@dataclass(frozen=True)
class Case:
    """A request that two can make with the same answer, but for the members that vary.

    The one by REST sends `again` where the same request twice would be answered otherwise. Of a stream only the first `messages` count.
    """

    request: Any
    varies: Sequence[str] = ()
    again: Any = None
    messages: int = 1


def a(message: Any, **fields: Any) -> Any:
    """Return a message by its fields in JSON."""
    return json_format.ParseDict(fields, message())


def everything(url):
    """What is registered: one of each kind."""
    communication = {"dialect": "openai.chat", "auth": {"method": "AUTH_METHOD_NONE"}}
    endpoint = {"provider": "p", "address": url, "upstreamModel": "served", "communication": communication}
    route = {"tiers": [{"targets": [{"model": "models/m"}]}], "policy": {"selection": "SELECTION_LEARNED"}}
    return [
        {"name": "models/m", "labels": {"team": "a"}, "model": {"publisher": "p", "tasks": ["text-generation"]}},
        {"name": HERE, "endpoint": endpoint},
        {"name": "agents/w", "agent": {"models": ["models/m"], "skills": [{"id": "write", "name": "Write"}]}},
        {"name": "routes/r", "route": route},
    ]


QUERY = {
    "requirements": {"task": "text-generation", "maxDuration": "1.5s", "allowUnknown": ["*"], "minContextTokens": "10"}
}
AGENTS = {"target": "DISCOVER_TARGET_AGENT", "weights": {"cost": 0.25, "quality": 1}}
CHAT = {"messages": [{"role": "ROLE_USER", "content": [{"text": {"text": "Say something: ünïcode ✓"}}]}]}
USED = [
    {"target": HERE, "outcome": "ATTEMPT_OUTCOME_OK", "duration": "0.25s"},
    {"target": "agents/x", "outcome": "ATTEMPT_OUTCOME_OK"},
]
WRITTEN = ("uid", "createTime", "updateTime", "etag")
MEASURED = ("duration", "timeToFirstToken", "callId", "learned")
NOW = ("time", "observationEpoch")

CASES = {
    "Register": [
        Case(a(pb.RegisterRequest, resources=[{"name": "models/n", "model": {}}], validateOnly=True), WRITTEN),
        Case(a(pb.RegisterRequest, resources=everything("http://127.0.0.1:1"), createOnly=True)),
        Case(a(pb.RegisterRequest, resources=[{"name": "models/n"}])),
    ],
    "Get": [*(Case(a(pb.GetRequest, name=name)) for name in (*NAMES, "models/none", "models/No"))],
    "List": [
        *(Case(a(pb.ListRequest, collection=collection, pageSize=1)) for collection in COLLECTIONS),
        Case(a(pb.ListRequest, collection="models", labels={"team": "a"})),
        Case(a(pb.ListRequest, collection="models", filter='labels.team == "a" && model.publisher == "p"')),
        Case(a(pb.ListRequest, collection="models", pageSize=-1)),
        Case(a(pb.ListRequest, collection="models", pageToken="none/of+ours=&x")),
    ],
    "Update": [
        *(
            Case(
                a(
                    pb.UpdateRequest,
                    resource={"name": name, "labels": {"x": "y"}},
                    updateMask="labels",
                    validateOnly=True,
                ),
                WRITTEN,
            )
            for name in NAMES
        ),
        Case(a(pb.UpdateRequest, resource={"name": "models/m", "etag": "another"}, updateMask="labels")),
    ],
    "Deregister": [
        *(Case(a(pb.DeregisterRequest, name=name, validateOnly=True)) for name in NAMES),
        Case(a(pb.DeregisterRequest, name="models/m", etag="another")),
    ],
    "Discover": [
        Case(a(pb.DiscoverRequest, query=QUERY, nameExcluded=True, limit=3), NOW),
        Case(a(pb.DiscoverRequest, query=AGENTS), NOW),
        Case(a(pb.DiscoverRequest, query={"requirements": {"task": "text-to-image"}}, nameExcluded=True), NOW),
        Case(a(pb.DiscoverRequest, limit=1000)),
    ],
    "BatchDiscover": [Case(a(pb.BatchDiscoverRequest, requests=[{"query": QUERY}, {"query": AGENTS}]), NOW)],
    "Watch": [
        Case(a(pb.WatchRequest), messages=2),
        Case(
            a(pb.WatchRequest, filter={"kinds": ["RESOURCE_KIND_AGENT", "RESOURCE_KIND_ROUTE"], "namePrefix": "a"}),
            messages=2,
        ),
        Case(a(pb.WatchRequest, afterRevision="0")),
        Case(a(pb.WatchRequest, afterRevision="1000")),
    ],
    "Heartbeat": [
        Case(a(pb.HeartbeatRequest, ownerId=OWNER, renewals=[{"name": "agents/leased", "load": 0.5}, {"name": HERE}])),
        Case(a(pb.HeartbeatRequest, ownerId=OWNER)),
    ],
    "ReportUsage": [
        Case(
            a(analytics.ReportUsageRequest, reporterId="reporter-by-grpc", batchNumber=1, observations=USED),
            NOW,
            a(analytics.ReportUsageRequest, reporterId="reporter-by-rest", batchNumber=1, observations=USED),
        ),
        Case(a(analytics.ReportUsageRequest, reporterId="short")),
    ],
    "GetPerformance": [
        Case(a(analytics.GetPerformanceRequest, names=["routes/r", "agents/none"])),
        Case(a(analytics.GetPerformanceRequest, names=["agents/w", "agents/leased"]), NOW),
    ],
    "WatchPerformance": [
        Case(a(analytics.WatchPerformanceRequest, namePrefix="none", bookmarkInterval="1.5s"), NOW),
        Case(a(analytics.WatchPerformanceRequest, bookmarkInterval="0.5s")),
    ],
    "GetStats": [
        Case(a(analytics.GetStatsRequest, name=HERE, period="3600s", step="60s")),
        Case(a(analytics.GetStatsRequest, name="agents/w", step="0.5s")),
    ],
    "Invoke": [
        Case(a(invoking.InvokeRequest, invocation={"model": "m", "chat": CHAT}), MEASURED),
        Case(a(invoking.InvokeRequest, invocation={"model": "nothing", "chat": CHAT})),
        Case(a(invoking.InvokeRequest)),
    ],
    "InvokeStream": [
        Case(a(invoking.InvokeStreamRequest, invocation={"model": "m", "chat": CHAT}), MEASURED, messages=1000),
        Case(a(invoking.InvokeStreamRequest, invocation={"model": "nothing", "chat": CHAT})),
    ],
    "Explain": [
        Case(a(invoking.ExplainRequest, invocation={"model": "r", "chat": CHAT}), (*MEASURED, "observationEpoch"))
    ],
    "ReportFeedback": [Case(a(invoking.ReportFeedbackRequest, callId="none", score=0.5))],
}
WAYS = [
    pytest.param(binding, case, id=f"{binding} {number}")
    for rpc, cases in CASES.items()
    for number, case in enumerate(cases)
    for binding in bindings(RPCS[rpc])
    if rest_call(binding, case.request) is not None
]
