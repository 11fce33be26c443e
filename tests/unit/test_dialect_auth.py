"""Where a credential goes, and where it never goes."""

import pytest

from airegistry.dialects.auth import authorize
from airegistry.dialects.exchange import HttpCall
from airegistry.errors import ProviderCredentialError
from airegistry.resources.endpoint import Auth, AuthMethod

CALL = HttpCall("POST", "https://api.example/v1/x", {"accept": "*/*"}, b"{}")


@pytest.mark.parametrize("auth", [None, Auth(), Auth(AuthMethod.BEARER)], ids=["unset", "unspecified", "bearer"])
def test_bearer_is_the_default(auth):
    assert authorize(CALL, auth, "s3cret").headers == {"accept": "*/*", "authorization": "Bearer s3cret"}


def test_a_named_header_carries_it():
    call = authorize(CALL, Auth(AuthMethod.HEADER, "X-Api-Key"), "s3cret")
    assert call.headers == {"accept": "*/*", "x-api-key": "s3cret"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [("https://a/b", "https://a/b?key=a%26b%2F"), ("https://a/b?alt=sse", "https://a/b?alt=sse&key=a%26b%2F")],
    ids=["first", "after-another"],
)
def test_a_query_parameter_carries_it_quoted(url, expected):
    call = authorize(HttpCall("POST", url, {}, b""), Auth(AuthMethod.QUERY, "key"), "a&b/")
    assert call.url == expected


def test_basic_encodes_user_and_password():
    assert authorize(CALL, Auth(AuthMethod.BASIC), "me:pw").headers["authorization"] == "Basic bWU6cHc="


@pytest.mark.parametrize("method", [AuthMethod.NONE, AuthMethod.MTLS], ids=["none", "mtls"])
@pytest.mark.parametrize("secret", [None, "s3cret"], ids=["without", "with"])
def test_what_needs_no_secret_in_the_call_leaves_it_alone(method, secret):
    assert authorize(CALL, Auth(method), secret) is CALL


@pytest.mark.parametrize(
    "secret", [None, "", "a\r\nx-admin: 1", "schlüssel"], ids=["none", "empty", "newline", "umlaut"]
)
def test_a_secret_that_cannot_be_sent_is_refused_and_not_shown(secret):
    with pytest.raises(ProviderCredentialError) as caught:
        authorize(CALL, None, secret)
    assert not secret or secret not in str(caught.value)


@pytest.mark.parametrize("method", [AuthMethod.HEADER, AuthMethod.QUERY], ids=["header", "query"])
def test_a_method_that_needs_a_name_says_so(method):
    with pytest.raises(ProviderCredentialError, match="does not name"):
        authorize(CALL, Auth(method), "s3cret")


def test_a_call_shows_neither_secret_nor_prompt():
    call = authorize(HttpCall("POST", "https://a/b", {}, b'{"prompt": 1}'), Auth(AuthMethod.QUERY, "key"), "s3cret")
    assert repr(call) == "HttpCall(POST https://a/b, 13 bytes)"
