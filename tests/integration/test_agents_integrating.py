"""Agents as somebody has them, brought into a real registry: found, asked, and able to ask others."""

import asyncio
from typing import Any

import pytest

from airegistry import delegate_task, integrate_registry
from airegistry.agents.integrating import Serving
from airegistry.errors import (
    InvalidArgumentError,
    NoCandidateError,
    OwnedByAnotherError,
    ProviderCredentialError,
    ProviderFailedError,
    RegistryError,
    TaskRejectedError,
)
from airegistry.invocations.content import ContentBlock, MediaBlock
from tests.agent_planes import Slow, Translator, planes
from tests.agents import agent_server, card, until


async def test_a_plain_agent_is_found_asked_and_able_to_ask_others(tmp_path):
    translator = Translator()
    async with planes(tmp_path) as all_:
        integrated = await all_.integrate(translator, region="eu")
        counter = Slow(name="Counter", skills={"count": "Counts"})
        await all_.integrate(counter)
        found: Any = await translator.discover("count")  # type: ignore[attr-defined]  # added by the integration
        resource = await all_.client.get(integrated.name)
        done = await counter.delegate("hello you", skill="translate")  # type: ignore[attr-defined]  # the same
        assert [candidate.resource.name for candidate in found.candidates] == ["agents/counter"]
        assert resource.agent is not None
        assert (resource.agent.description, resource.agent.region) == ("Turns texts into capitals", "eu")
        assert (done.text.strip(), done.by) == ("HELLO YOU", "agents/translator")
        await all_.stack.aclose()
        assert vars(translator) == {}
        assert not hasattr(counter, "delegate")


async def test_two_of_one_kind_have_ids_of_their_own_and_one_that_comes_back_goes_on(tmp_path):
    async with planes(tmp_path) as all_:
        await all_.integrate(Translator())
        with pytest.raises(OwnedByAnotherError):
            await all_.integrate(Translator())
        second = await all_.integrate(Translator(), id_="translator-2", owner_id="owner-two")
        assert second.name == "agents/translator-2"
        # As after a crash: the first one never let go.
        again = await all_.integrate(Translator(), id_="translator-2", owner_id="owner-two")
        assert (await again.delegate("x", agent="translator-2")).text.strip() == "X"


async def test_an_agent_s_own_methods_are_not_touched(tmp_path):
    class Busy(Translator):
        __slots__ = ()

        def delegate(self):
            return "mine"

    class Frozen:
        __slots__ = ()
        name = "Frozen"
        skills = ("freeze",)

        def run(self, text):
            return text

    busy, frozen = Busy(), Frozen()
    async with planes(tmp_path) as all_:
        await all_.integrate(busy)
        integrated = await all_.integrate(frozen)
        assert busy.delegate() == "mine"
        assert not hasattr(frozen, "discover")
        assert (await integrated.delegate("x", skill="freeze")).text == "x"


async def test_an_agent_that_nobody_could_ask_is_told_why(tmp_path):
    only_http = card("https://a.example")
    only_http.supported_interfaces[0].protocol_binding = "JSONRPC"
    async with planes(tmp_path) as all_:
        integration = integrate_registry(only_http, all_.registry.address, gateway=all_.gateway.address)
        async with integration as integrated:
            await all_.known()
            with pytest.raises(NoCandidateError, match="excluded by dialect"):
                await integrated.until_invocable(wait=1.5)


async def test_a_card_of_the_protocol_s_sdk_is_registered_and_invoked(tmp_path):
    async with planes(tmp_path) as all_, agent_server() as up:
        integrated = await all_.integrate(card(up.url.removeprefix("grpc://")))
        assert integrated.name == "agents/counter"
        assert (await integrated.delegate("Count", skill="count")).text == "One two three fo😀ur"


@pytest.mark.parametrize(
    ("agent", "field"),
    [
        (object(), "agent.name"),
        (type("NoWork", (), {"name": "x", "skills": ["y"]})(), "agent"),
        (type("Two", (), {"name": "x", "skills": ["y"], "run": lambda _self, _a, _b: None})(), "agent.run"),
    ],
    ids=["nothing", "no-work", "needs-more"],
)
async def test_an_object_of_another_form_is_refused_by_what_it_lacks(tmp_path, agent, field):
    async with planes(tmp_path) as all_:
        with pytest.raises(InvalidArgumentError) as refused:
            await all_.integrate(agent)
        assert refused.value.violations[0].field == field
        assert [resource async for resource in all_.client.list("agents")] == []


async def test_what_a_plain_agent_raises_is_in_its_log_and_not_with_callers(tmp_path, caplog):
    class Breaking(Translator):
        def run(self, _text):
            raise KeyError("secret")

    async with planes(tmp_path) as all_:
        integrated = await all_.integrate(Breaking())
        with pytest.raises(ProviderFailedError, match="KeyError") as failed:
            await integrated.delegate("x", skill="translate")
    assert "secret" not in failed.value.message
    assert "secret" in caplog.text


async def test_a_plain_agent_declines_files(tmp_path):
    picture = ContentBlock(image=MediaBlock(data=b"\x89", media_type="image/png"))
    data = ContentBlock(file=MediaBlock(data=b'{"a": 1}', media_type="application/json"))
    async with planes(tmp_path) as all_:
        integrated = await all_.integrate(Translator())
        with pytest.raises(TaskRejectedError, match="no files"):
            await integrated.delegate([picture], skill="translate")
        assert (await integrated.delegate([data], skill="translate")).text.strip() == '{"A": 1}'


async def test_a_plain_agent_with_a_token_is_called_by_who_has_it(tmp_path):
    serving = Serving(token="open sesame", credential="SESAME_API_KEY")
    for known, works in (("open sesame", True), ("open barley", False)):
        async with planes(tmp_path / str(works), environment={"SESAME_API_KEY": known}) as all_:
            integrated = await all_.integrate(Translator(), serving=serving)
            call = integrated.delegate("x", skill="translate")
            if works:
                assert (await call).done
            else:
                with pytest.raises(ProviderCredentialError):
                    await call


@pytest.mark.parametrize(
    ("serving", "field"),
    [(Serving(token="x"), "serving.credential"), (Serving(address="0.0.0.0:0"), "serving.url")],
    ids=["nameless-token", "everywhere"],
)
async def test_a_serving_that_cannot_work_is_refused(tmp_path, serving, field):
    async with planes(tmp_path) as all_:
        with pytest.raises(InvalidArgumentError) as refused:
            await all_.integrate(Translator(), serving=serving)
    assert refused.value.violations[0].field == field


async def test_leaving_cancels_what_still_runs(tmp_path):
    slow = Slow()
    async with planes(tmp_path) as all_:
        async with integrate_registry(slow, all_.registry.address, gateway=all_.gateway.address):
            await all_.known()
            call = asyncio.create_task(delegate_task(all_.client, "x", skill="wait"))
            await until(slow.begun)
        assert slow.ended.is_set()
        with pytest.raises(RegistryError):
            await call
