"""What is probed of an endpoint, and which endpoints share their probes."""

import pytest

from airegistry.resources.endpoint import Auth, AuthMethod, Communication, Endpoint, ProbeStep, Probing
from registry.probes.target import INTERVAL, MIN_INTERVAL, target_of

NAME = "models/a/endpoints/x"


def endpoint(address="https://api.example/v1", step=None, **facts):
    return Endpoint(address=address, probing=Probing(max_step=step), **facts)


def probed(one, name=NAME):
    target = target_of(name, one)
    assert target is not None
    return target


def key(name=NAME, **facts):
    return probed(endpoint(**facts), name).key


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(Endpoint(), id="without-address"),
        pytest.param(Endpoint(address="https://a", probing=Probing(disabled=True)), id="opted-out"),
    ],
)
def test_it_is_not_probed(one):
    assert target_of(NAME, one) is None


def test_unless_it_says_more_an_endpoint_is_only_connected_to():
    target = probed(Endpoint(address="https://a"))
    assert (target.highest, target.interval) == (ProbeStep.CONNECT, INTERVAL)


def test_no_endpoint_is_probed_all_the_time():
    assert probed(Endpoint(address="http://a", probing=Probing(interval=0.01))).interval == MIN_INTERVAL


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        pytest.param("http://a.example", "a.example:80", id="http"),
        pytest.param("https://a.example/v1", "a.example:443", id="https"),
        pytest.param("grpc://a.example", "a.example:443", id="grpc"),
        pytest.param("http://A.example:8080", "a.example:8080", id="with-port"),
        pytest.param("grpc://[::1]:5000", "[::1]:5000", id="ipv6"),
    ],
)
def test_where_to_connect(address, authority):
    assert probed(Endpoint(address=address)).place.authority == authority


def test_the_lower_steps_are_shared_by_all_at_one_place():
    assert key(address="https://a/v1", step=ProbeStep.CONNECT) == key(
        "models/b/endpoints/y", address="https://a/v2", step=ProbeStep.HANDSHAKE, credential="OTHER_KEY"
    )
    assert key(address="https://a") != key(address="http://a:443")


def test_health_calls_are_shared_when_the_same_is_sent():
    facts = {"step": ProbeStep.HEALTH, "credential": "A_KEY", "communication": Communication(dialect="openai.chat")}
    assert key(**facts) == key("models/b/endpoints/y", upstream_model="other", **facts)
    for changed in (
        {"credential": "B_KEY"},
        {"address": "https://api.example/v2"},
        {"communication": Communication(dialect="openai.chat", headers={"x-version": "2"})},
        {"communication": Communication(dialect="openai.chat", auth=Auth(AuthMethod.HEADER, "x-api-key"))},
        {"communication": Communication(dialect="ollama.chat")},
    ):
        assert key(**facts) != key(**facts | changed)


def test_real_requests_are_shared_by_nobody():
    assert key(step=ProbeStep.REQUEST) != key("models/b/endpoints/y", step=ProbeStep.REQUEST)
