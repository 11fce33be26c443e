"""By REST and by gRPC one gets the same answer, from every RPC and by every path."""

import pytest
import pytest_asyncio

from airegistry.v1 import gateway_service_pb2 as invoking
from tests.providers import ok, truncated
from tests.rest_calls import bindings, masked
from tests.rest_cases import CHAT, HERE, MEASURED, RPCS, WAYS, Case, a
from tests.rest_planes import by_grpc, by_rest, plane_at

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plane(tmp_path_factory):
    async with plane_at(tmp_path_factory.mktemp("plane")) as running:
        yield running


def whole(answer):
    """Join what came bit by bit: how an answer to Invoke is cut into messages is a matter of time."""
    if isinstance(answer, list) and all(message.keys() == {"events"} for message in answer):
        return [event for message in answer for event in message["events"]]
    return answer


@pytest.mark.parametrize(("binding", "case"), WAYS)
async def test_rest_answers_as_grpc_does(plane, binding, case):
    expected = masked(whole(await by_grpc(plane.channel(binding), binding, case)), case.varies)
    answered = masked(whole(await by_rest(plane.session(binding), binding, case)), case.varies)
    if binding.method.name == "GetStats" and answered != expected:
        # Another minute began in between.
        expected = masked(whole(await by_grpc(plane.channel(binding), binding, case)), case.varies)
    assert answered == expected
    assert expected or binding.method.name in {"GetStats", "WatchPerformance"}


async def test_feedback_of_a_call_by_either_is_for_the_same_call(plane):
    (invoke,), (report,) = bindings(RPCS["Invoke"]), bindings(RPCS["ReportFeedback"])
    request = a(invoking.InvokeRequest, invocation={"model": "routes/r", "chat": CHAT})
    answered = await by_rest(plane.session(invoke), invoke, Case(request))
    said = Case(a(invoking.ReportFeedbackRequest, callId=answered["settlement"]["callId"], score=0.25))
    expected = await by_grpc(plane.channel(report), report, said)
    assert expected["target"] == HERE
    assert await by_rest(plane.session(report), report, said) == expected


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
async def test_a_stream_that_breaks_off_ends_with_the_error_that_grpc_gives(plane, accept):
    (invoke,) = bindings(RPCS["InvokeStream"])
    case = Case(a(invoking.InvokeStreamRequest, invocation={"model": "m", "chat": CHAT}), messages=1000)
    plane.provider.behave(truncated)
    try:
        expected = await by_grpc(plane.channel(invoke), invoke, case)
        lines = await by_rest(plane.session(invoke), invoke, case, accept)
    finally:
        plane.provider.behave(ok)
    *events, last = lines
    assert expected["code"] == 14
    assert masked(last, MEASURED) == {"error": masked(expected, MEASURED)}
    assert events
    assert all(line.keys() == {"events"} for line in events)


async def test_every_rpc_has_a_path():
    assert [name for name, method in RPCS.items() if not list(bindings(method))] == []


async def test_every_path_of_every_rpc_is_compared():
    compared = {str(param.values[0]) for param in WAYS}
    assert [str(one) for method in RPCS.values() for one in bindings(method) if str(one) not in compared] == []
