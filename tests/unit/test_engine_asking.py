"""A request as one target gets it."""

import dataclasses
from typing import Any

import orjson
import pytest

from airegistry.discovery.answers import Score
from airegistry.invocations.embeddings import EmbeddingInput, EmbeddingsRequest
from airegistry.invocations.invocation import Warning as FieldWarning
from airegistry.invoke.attempts import asking
from airegistry.invoke.attempts.asking import ask, completed
from airegistry.invoke.origin import Origin
from airegistry.invoke.standing import all_dialects
from airegistry.resources.endpoint import Communication
from airegistry.resources.model import Capability, ModelLimits
from airegistry.routing.target import Target
from tests import catalogs

SPOKEN = all_dialects()
YES, NO = Capability(supported=True), Capability(supported=False)
EXTRA = {"logit_bias": {"1": 2}, "store": True}
ASKED = dataclasses.replace(catalogs.asked(), extra=EXTRA)


def target(communication):
    resource = catalogs.endpoint("a", "http://up/v1", communication=communication)
    assert resource.endpoint is not None
    return Target(resource, resource.endpoint, Score())


def said(request, origin):
    wording: Any = ask(target(catalogs.OPEN), request, SPOKEN, stream=False, origin=origin)
    return orjson.loads(wording.encoded.call.body), [warning.path for warning in wording.encoded.warnings]


@pytest.mark.parametrize(
    ("origin", "sent", "warned"),
    [
        (None, {"logit_bias", "store"}, []),
        (Origin("another.format", b"{}"), set(), ["chat.extra.logit_bias", "chat.extra.store"]),
    ],
    ids=["of-nobody", "of-another-format"],
)
def test_fields_of_a_format_go_to_targets_of_that_format_only(origin, sent, warned):
    body, paths = said(ASKED, origin)
    assert body.keys() & EXTRA.keys() == sent
    assert paths == warned


def test_a_caller_of_the_same_format_is_relayed():
    body, paths = said(ASKED, Origin("openai.chat", b'{"model": "x", "messages": [], "anything": 1.10}'))
    assert body == {"model": "served", "messages": [], "anything": 1.1}
    assert paths == []


def test_embeddings_lose_foreign_fields_too():
    request = EmbeddingsRequest((EmbeddingInput(text="a"),), extra={"truncate": "END"})
    wording: Any = ask(
        target(catalogs.OPEN_EMBEDDINGS), request, SPOKEN, stream=False, origin=Origin("another.format", b"{}")
    )
    assert [warning.path for warning in wording.encoded.warnings] == ["embeddings.extra.truncate"]
    assert "truncate" not in orjson.loads(wording.encoded.call.body)


def test_what_an_endpoint_leaves_open_is_as_its_model_says():
    own = catalogs.endpoint(
        "a",
        "http://up",
        communication=Communication(dialect="anthropic.messages"),
        limits=ModelLimits(context_tokens=5),
        capabilities={"b": NO},
    )
    assert own.endpoint is not None
    model = catalogs.model(limits=ModelLimits(9, max_output_tokens=77), capabilities={"a": YES, "b": YES})
    asked = Target(own, own.endpoint, Score(), model)
    assert completed(asked).limits == ModelLimits(5, max_output_tokens=77)
    assert completed(asked).capabilities == {"a": YES, "b": NO}
    wording: Any = ask(asked, catalogs.asked(), SPOKEN, stream=False)
    assert orjson.loads(wording.encoded.call.body)["max_tokens"] == 77


def test_an_endpoint_of_a_model_that_says_nothing_is_as_it_is():
    asked = target(catalogs.OPEN)
    assert completed(asked) is asked.endpoint
    assert completed(dataclasses.replace(asked, model=catalogs.model())) is asked.endpoint


def test_what_was_completed_once_is_kept_in_bounds_and_never_anothers(monkeypatch):
    monkeypatch.setattr(asking, "_MOST_COMPLETED", 2)
    monkeypatch.setattr(asking, "_completed", {})
    own = target(catalogs.OPEN)
    limits = [ModelLimits(tokens) for tokens in range(1, 6)]
    models = [catalogs.model(limits=each) for each in limits]
    for _ in range(3):
        made = [completed(dataclasses.replace(own, model=model)) for model in models]
        assert [one.limits for one in made] == limits
        again = dataclasses.replace(own, model=models[-1])
        assert completed(again) is completed(again)
        assert len(asking._completed) <= 2


def test_headers_that_belong_to_a_callers_body_join_the_endpoints_where_the_body_goes():
    communication = Communication(dialect="anthropic.messages", headers={"anthropic-beta": "a, b"})
    origin = Origin("anthropic.messages", b'{"messages": []}', headers={"anthropic-beta": "b,c"})
    same = ask(target(communication), catalogs.asked(), SPOKEN, stream=False, origin=origin)
    assert same.encoded.call.headers["anthropic-beta"] == "a,b,c"
    other = ask(target(catalogs.OPEN), catalogs.asked(), SPOKEN, stream=False, origin=origin)
    assert "anthropic-beta" not in other.encoded.call.headers


def test_what_a_callers_body_lost_is_named_unless_the_body_itself_goes_out():
    lost = (FieldWarning("future", "not sent"),)
    for origin, warned in (
        (Origin("openai.chat", b'{"messages": []}', lost=lost), []),
        (Origin("openai.chat", None, lost=lost), ["future"]),
        (Origin("another.format", b"{}", lost=lost), ["future"]),
    ):
        assert said(catalogs.asked(), origin)[1] == warned
