"""Every fault of a provider that is called by gRPC (KServe v2), as callers see it: the whole answer or one error, in time."""

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from tests.faults.calling import Ask
from tests.faults.inference import FAULTS, KSERVE, Inference, healthy
from tests.faults.judging import ANSWERED, as_it_ends, timed
from tests.faults.table import HASTY, PATIENT
from tests.faults.ways import CARRIERS, frontless
from tests.faults.wires import WORDS
from tests.inference_servers import inference_server
from tests.robustness.proxy import proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def served(*behaviours):
    """Run a server behind a network of its own; each request takes the next behaviour, and the last one stays."""
    left = list(behaviours)

    def handler(*, streamed):
        async def handle(caller):
            behave = left.pop(0) if len(left) > 1 else left[0]
            return await behave(Inference(caller, network, streamed))

        return handle

    async with inference_server(handler(streamed=False), handler(streamed=True)) as up:
        with proxy(up.url.removeprefix("grpc://")) as network:
            yield f"grpc://{network.address}", up


@asynccontextmanager
async def route(scene, *rows, policy):
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(served(*row)) for row in rows]
        name = scene.serve([url for url, _ in servers], [KSERVE] * len(servers), policy)
        yield name, [up for _, up in servers]
        await scene.quiet()


def facts(fault, carrier):
    ends = fault.stream if carrier.streamed else fault.whole
    # Where tokens come before the silence, only the silence is short.
    words_first = carrier.streamed and fault.stream.words
    first = PATIENT.first_token_timeout if words_first else fault.policy.first_token_timeout
    return ends, ends.asked(restarts=carrier.restarts), replace(fault.policy, first_token_timeout=first)


def as_far_as_it_came(got, fault, ends):
    """Return what a caller got as if all tokens had come that may have been overtaken."""
    sent = "".join(WORDS[: ends.words])
    if not (fault.overtakes and ends.words and got.reason):
        return got
    assert got.text
    assert sent.startswith(got.text)
    return replace(got, said=[sent])


each_case = pytest.mark.parametrize(
    ("fault", "carrier"),
    [
        # Who answers is in a hurry, too, where only time tells of the fault.
        pytest.param(
            fault,
            carrier,
            id=f"{fault.id}-by-{carrier.id}",
            marks=[pytest.mark.alone] if fault.policy is HASTY else [],
        )
        for fault in FAULTS
        for carrier in CARRIERS
        if frontless(carrier)
    ],
)


@each_case
async def test_a_call_of_one_alone_ends_with_the_whole_answer_or_with_one_error(scene, fault, carrier):
    ends, asked, policy = facts(fault, carrier)
    async with route(scene, fault.behave, policy=policy) as (name, (up,)):
        got = await timed(carrier.call(scene.callers, Ask(name)))
        as_it_ends(as_far_as_it_came(got, fault, ends), ends)
        assert len(up.seen) == asked
        assert got.attempts in (None, asked)


@each_case
async def test_another_answers_unless_the_caller_has_tokens_or_is_to_blame(scene, fault, carrier):
    ends, asked, policy = facts(fault, carrier)
    over = ends.takes_over(restarts=carrier.restarts)
    async with route(scene, fault.behave, (healthy,), policy=policy) as (name, (up, other)):
        got = await timed(carrier.call(scene.callers, Ask(name)))
        as_it_ends(as_far_as_it_came(got, fault, ends), ANSWERED if over else ends)
        assert got.restarts == (asked if over and ends.words else 0)
        assert (len(up.seen), len(other.seen)) == (asked, over)
        assert got.attempts in (None, asked + over)
