"""Learned selection through a gateway: on only where it is asked for, logged, told of, and off at once."""

import json
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airegistry import errors
from airegistry.client import GatewayClient
from airegistry.learning.feedback import ReportFeedbackRequest
from airegistry.learning.records import read_decisions
from airegistry.resources.resource import Health, ResourceStatus
from airegistry.resources.route import RoutePolicy, RouteTarget, RouteTier, Selection
from gateway.learning import LOG, OFF
from tests import providers
from tests.catalogs import PRICES, chat, endpoint, model, route, with_status
from tests.planes import gateway_knowing
from tests.providers import provider, status

LEARNED = RoutePolicy(selection=Selection.LEARNED)
STATIC = RoutePolicy(selection=Selection.STATIC)
TIER = (RouteTier((RouteTarget(model="models/m"), RouteTarget(model="models/n"))),)
ROUTES = (route("learned", tiers=TIER, policy=LEARNED), route("static", tiers=TIER))
ON: dict[str, Any] = {"gateway_learning": True, "gateway_learning_seed": 7, "gateway_learning_exploration": 0.2}


@dataclass
class Learning:
    client: Any
    folder: Path

    async def targets(self, count, name="routes/learned"):
        return [(await self.client.invoke(chat(name))).settlement.target for _ in range(count)]

    def turn_off(self):
        (self.folder / "gateway" / OFF).touch()

    def turn_on(self):
        (self.folder / "gateway" / OFF).unlink()

    def log(self):
        """Return the decisions that were logged, once the gateway has stopped."""
        path = self.folder / "gateway" / LOG
        return read_decisions(path.read_text().splitlines(), str(path)) if path.exists() else []


@asynccontextmanager
async def learning(folder, *behaviours, **settings):
    """Run a gateway over endpoints `a` and `b` of the model `m`, and `c` of `n`, each with a behaviour."""
    async with AsyncExitStack() as stack:
        ups = [await stack.enter_async_context(provider(behaviour)) for behaviour in behaviours]
        models = zip("abc", "mmn", ups, strict=False)
        served = [endpoint(id_, up.url, model=of, prices=PRICES) for id_, of, up in models]
        known = [model("m"), model("n"), *served, *ROUTES]
        gateway = await stack.enter_async_context(gateway_knowing(folder, known, **ON | settings))
        yield Learning(await stack.enter_async_context(GatewayClient(gateway.address)), folder)


THREE = (providers.ok, providers.ok, providers.ok)


async def test_nothing_is_learned_unless_the_gateway_and_the_route_say_so(tmp_path):
    async with learning(tmp_path, *THREE) as here:
        assert len(set(await here.targets(20, "m"))) == 1
        answered = await here.client.invoke(chat("routes/static"))
        assert answered.settlement.call_id == ""
    async with learning(tmp_path, *THREE, gateway_learning=False) as here:
        explained = await here.client.explain(chat("routes/learned"))
        answered = await here.client.invoke(chat("routes/learned"))
    assert answered.settlement.call_id == ""
    assert explained.policy.selection is Selection.STATIC
    assert all(each.learned is None for each in explained.candidates)
    assert here.log() == []


async def test_calls_go_to_whoever_answers_and_each_is_logged(tmp_path):
    async with learning(tmp_path, status(503), providers.ok, status(503)) as here:
        targets = await here.targets(40)
    assert set(targets) == {"models/m/endpoints/b"}
    decisions = here.log()
    first = [each for each in decisions if each.attempt == 1]
    assert len(first) == 40
    asked = Counter(each.considered[each.chosen].name for each in first[20:])
    assert asked.most_common(1)[0][0] == "models/m/endpoints/b"
    assert {each.outcome.error for each in decisions} == {"", "overloaded"}
    assert {each.reward for each in decisions if each.outcome.error} == {0.0}
    for each in decisions:
        assert sum(one.propensity for one in each.considered) == pytest.approx(1, abs=1e-5)
        assert min(one.propensity for one in each.considered) >= 0.2 / len(each.considered) * 0.9999
    told = first[0]
    assert (told.route, told.task, told.seed) == ("routes/learned", "chat/whole", 7)
    answered = next(each for each in decisions if each.outcome.answered)
    assert answered.outcome.cost_nanos == 10_000 + 2 * 1_000 * answered.outcome.output_tokens


async def test_the_log_says_nothing_of_what_was_asked_or_answered(tmp_path):
    async with learning(tmp_path, *THREE) as here:
        secret = chat("routes/learned", labels={"team": "hush"}, sticky_key="hush")
        await here.client.invoke(secret)
    written = (tmp_path / "gateway" / LOG).read_text()
    assert json.loads(written)["call_id"]
    assert not any(word in written for word in ("Say something", "hush", *providers.TOKENS))


async def test_the_file_turns_it_off_and_on_again_at_once(tmp_path):
    async with learning(tmp_path, *THREE, gateway_learning_exploration=1.0) as here:
        assert len(set(await here.targets(20))) == 3
        here.turn_off()
        static = await here.targets(20, "m")
        assert set(await here.targets(20)) <= {"models/m/endpoints/a", "models/n/endpoints/c"}
        assert set(static) == {"models/m/endpoints/a"}
        explained = await here.client.explain(chat("routes/learned"))
        assert explained.policy.selection is Selection.STATIC
        here.turn_on()
        assert len(set(await here.targets(20))) == 3
    assert len(here.log()) == 40


async def test_a_changed_route_holds_from_the_next_call_on(tmp_path):
    async with provider(providers.ok) as up, provider(providers.ok) as other:
        known = [model("m"), endpoint("a", up.url), endpoint("b", other.url)]
        tier = (RouteTier((RouteTarget(model="models/m"),)),)
        on, off = route("r", tiers=tier, policy=LEARNED), route("r", tiers=tier, policy=STATIC)
        async with gateway_knowing(tmp_path, [*known, on], **ON) as gateway, GatewayClient(gateway.address) as client:
            here = Learning(client, tmp_path)
            learned = await here.client.invoke(chat("routes/r"))
            gateway.cache.replace([*known, off], 2)
            static = await here.client.invoke(chat("routes/r"))
    assert (bool(learned.settlement.call_id), bool(static.settlement.call_id)) == (True, False)


async def test_a_call_turns_it_on_or_off_for_itself(tmp_path):
    async with learning(tmp_path, *THREE) as here:
        off = await here.client.invoke(chat("routes/learned", policy=STATIC))
        on = await here.client.invoke(chat("m", policy=LEARNED))
    assert off.settlement.call_id == ""
    assert on.settlement.call_id


async def test_explain_shows_what_is_believed_in_the_order_of_propensities(tmp_path):
    async with learning(tmp_path, status(503), providers.ok) as here:
        async for _ in here.client.invoke_stream(chat("routes/learned")):
            pass
        explained = await here.client.explain(chat("routes/learned"))
    assert explained.policy.selection is Selection.LEARNED
    learned = [each.learned for each in explained.candidates]
    assert [each.candidate.resource.name[-1] for each in explained.candidates] == ["b", "a"]
    assert learned[0].mean > learned[1].mean
    assert sum(each.propensity for each in learned) == pytest.approx(1)
    assert learned[0].count == pytest.approx(1, abs=0.01)
    assert {each.task_class for each in learned} == {"chat/stream"}


async def test_feedback_changes_what_is_believed_and_is_logged(tmp_path):
    async with learning(tmp_path, *THREE) as here:
        settlement = (await here.client.invoke(chat("routes/learned"))).settlement
        good = await here.client.report_feedback(ReportFeedbackRequest(settlement.call_id, accepted=True))
        bad = await here.client.report_feedback(ReportFeedbackRequest(settlement.call_id, accepted=False))
        again = await here.client.report_feedback(ReportFeedbackRequest(settlement.call_id, accepted=False))
    assert good.target == settlement.target
    assert good.reward - bad.reward == pytest.approx(0.5)
    assert bad == again
    assert [each.reward for each in here.log()] == [pytest.approx(bad.reward)]


@pytest.mark.parametrize(
    ("feedback", "error", "field"),
    [
        (ReportFeedbackRequest("nobody", score=0.5), errors.NotFoundError, None),
        (ReportFeedbackRequest("", score=0.5), errors.InvalidArgumentError, "call_id"),
        (ReportFeedbackRequest("x", score=float("nan")), errors.InvalidArgumentError, "score"),
        (ReportFeedbackRequest("x", score=1.01), errors.InvalidArgumentError, "score"),
        (ReportFeedbackRequest("x"), errors.InvalidArgumentError, "score"),
    ],
    ids=["unknown", "no-id", "nan", "above", "nothing"],
)
async def test_bad_feedback_is_refused(tmp_path, feedback, error, field):
    async with learning(tmp_path, *THREE) as here:
        with pytest.raises(error) as refused:
            await here.client.report_feedback(feedback)
    if field is not None:
        assert [violation.field for violation in refused.value.violations] == [field]


async def test_feedback_is_not_known_where_nothing_is_learned(tmp_path):
    async with learning(tmp_path, *THREE, gateway_learning=False) as here:
        with pytest.raises(errors.NotFoundError):
            await here.client.report_feedback(ReportFeedbackRequest("x", score=0.5))


async def test_a_session_stays_where_it_is(tmp_path):
    async with learning(tmp_path, *THREE, gateway_learning_exploration=1.0) as here:
        calls = [chat("routes/learned", sticky_key="one") for _ in range(10)]
        targets = {(await here.client.invoke(call)).settlement.target for call in calls}
    assert len(targets) == 1


async def test_who_is_filtered_out_is_never_chosen(tmp_path):
    some = RouteTier((RouteTarget(model="models/m"), RouteTarget(model="models/n", weight=0)))
    async with provider(providers.ok) as up, provider(providers.ok) as sick, provider(providers.ok) as unweighted:
        known = [
            model("m"),
            model("n"),
            endpoint("a", up.url),
            with_status(endpoint("b", sick.url), ResourceStatus(health=Health.NOT_SERVING)),
            endpoint("c", unweighted.url, model="n"),
            route("some", tiers=(some,), policy=LEARNED),
        ]
        async with gateway_knowing(tmp_path, known, **ON) as gateway, GatewayClient(gateway.address) as client:
            for _ in range(30):
                await client.invoke(chat("routes/some"))
            explained = await client.explain(chat("routes/some"))
    assert (len(up.seen), len(sick.seen), len(unweighted.seen)) == (30, 0, 0)
    assert [each.learned and each.learned.propensity for each in explained.candidates] == [1.0]


async def test_priorities_come_before_what_was_learned(tmp_path):
    async with provider(providers.ok) as first, provider(providers.ok) as second:
        known = [model("m"), endpoint("a", first.url, priority=1), endpoint("b", second.url, priority=2)]
        async with gateway_knowing(tmp_path, known, **ON) as gateway, GatewayClient(gateway.address) as client:
            for _ in range(30):
                await client.invoke(chat("m", policy=LEARNED))
    assert (len(first.seen), len(second.seen)) == (30, 0)
