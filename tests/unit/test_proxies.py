"""Through whom providers are called, as settings and environments say it."""

import base64

import pytest

from airegistry.invoke.transport.proxies import LOCAL, listed, one_proxy, proxies_of, proxy_at

URL = "http://me:s%40cret@proxy.example:3128"


def test_a_url_says_where_the_proxy_is_and_what_it_is_asked_with():
    proxy = proxy_at(URL)
    assert (proxy.host, proxy.port) == ("proxy.example", 3128)
    assert base64.b64decode(proxy.authorization.removeprefix("Basic ")) == b"me:s@cret"


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        pytest.param("http://proxy.example", "proxy.example", 80, id="no-port"),
        pytest.param("proxy.example:3128", "proxy.example", 3128, id="no-scheme"),
        pytest.param("http://[::1]:3128/", "::1", 3128, id="address"),
    ],
)
def test_what_a_url_leaves_out_is_what_is_usual(url, host, port):
    proxy = proxy_at(url)
    assert (proxy.host, proxy.port, proxy.authorization) == (host, port, "")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://me:s3cret@proxy.example", id="tls"),
        pytest.param("socks5://me:s3cret@proxy.example:1080", id="socks"),
        pytest.param("http://me:s3cret@:3128", id="no-host"),
        pytest.param("http://me:s3cret@proxy.example:port", id="no-number"),
        pytest.param("http://me:s3cret@proxy.example/path", id="path"),
        pytest.param("http://me:s3cret@two words:1", id="space"),
    ],
)
def test_what_is_no_proxy_is_refused_without_being_quoted(url):
    with pytest.raises(ValueError, match="prox") as raised:
        proxy_at(url)
    assert "s3cret" not in repr(raised.value)


def test_no_text_form_shows_what_a_proxy_is_asked_with():
    shown = f"{one_proxy(URL)!r} {one_proxy(URL)}"
    assert "proxy.example" in shown
    assert not any(word in shown for word in ("s%40cret", "s@cret", proxy_at(URL).authorization))


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        pytest.param("example.com", "example.com", 443, id="name"),
        pytest.param("example.com", "API.Example.com.", 443, id="below"),
        pytest.param(".example.com", "api.example.com", 443, id="dot"),
        pytest.param("*.example.com", "api.example.com", 443, id="star"),
        pytest.param("example.com:8080", "example.com", 8080, id="port"),
        pytest.param("10.0.0.0/8", "10.1.2.3", 80, id="network"),
        pytest.param("10.1.2.3:80", "10.1.2.3", 80, id="address-and-port"),
        pytest.param("[::1]:80", "::1", 80, id="v6-and-port"),
        pytest.param("fd00::/8", "fd12::1", 80, id="v6-network"),
        pytest.param("*", "anybody.example", 1, id="everybody"),
        pytest.param("a.example, , b.example", "b.example", 1, id="list"),
    ],
)
def test_who_is_listed_is_called_without_the_proxy(entry, host, port):
    assert one_proxy(URL, entry).to(host, port, secure=True) is None


@pytest.mark.parametrize(
    ("entry", "host", "port"),
    [
        pytest.param("example.com", "notexample.com", 443, id="only-ends-alike"),
        pytest.param("example.com", "com", 443, id="above"),
        pytest.param("example.com:8080", "example.com", 443, id="other-port"),
        pytest.param("10.0.0.0/8", "11.0.0.1", 80, id="outside"),
        pytest.param("10.0.0.0/8", "10.example", 80, id="name-like-a-number"),
        pytest.param("", "localhost", 80, id="nobody-listed"),
    ],
)
def test_everybody_else_is_called_through_it(entry, host, port):
    assert one_proxy(URL, entry).to(host, port, secure=False) == proxy_at(URL)


@pytest.mark.parametrize("entry", ["10.0.0.0/99", "two words", "a..b/c", "http://example.com"])
def test_what_is_no_host_is_refused_by_name(entry):
    with pytest.raises(ValueError, match="called without a proxy") as raised:
        tuple(listed(f"good.example,{entry}"))
    assert repr(entry) in str(raised.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1"])
def test_this_machine_is_called_without_a_proxy_unless_somebody_says_so(host):
    assert one_proxy(URL).to(host, 80, secure=False) is None
    assert proxies_of({"HTTP_PROXY": URL}).to(host, 80, secure=False) is None


def test_an_environment_names_a_proxy_for_each_kind_and_who_is_called_without():
    said = proxies_of(
        {
            "HTTP_PROXY": "http://upper.example:1",
            "http_proxy": "http://plain.example:1",
            "HTTPS_PROXY": "http://secure.example:2",
            "NO_PROXY": "inside.example",
        },
        LOCAL,
    )
    plain, secure = said.to("far.example", 80, secure=False), said.to("far.example", 443, secure=True)
    assert plain is not None
    assert secure is not None
    assert (plain.host, secure.host) == ("plain.example", "secure.example")
    assert said.to("a.inside.example", 443, secure=True) is None


def test_an_environment_may_name_one_proxy_for_all_or_none():
    said = proxies_of({"ALL_PROXY": "http://all.example:1", "https_proxy": "http://secure.example:2"})
    plain, secure = said.to("far.example", 80, secure=False), said.to("far.example", 443, secure=True)
    assert plain is not None
    assert secure is not None
    assert (plain.host, secure.host) == ("all.example", "secure.example")
    assert proxies_of({}).to("far.example", 80, secure=False) is None


def test_a_bad_variable_is_named_and_not_quoted():
    with pytest.raises(ValueError, match="HTTPS_PROXY must be") as raised:
        proxies_of({"https_proxy": "socks5://me:s3cret@proxy.example"})
    assert "s3cret" not in str(raised.value)
