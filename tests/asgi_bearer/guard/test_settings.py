"""The settings of the middleware: invalid ones are refused at start-up."""

import re
from typing import Any

import pytest

from asgi_bearer import JWTVerifier
from asgi_bearer.testing import FakeIssuer

issuer = FakeIssuer()
guarded = issuer.guard


@pytest.mark.conforms("realm, scope and description stay within their character sets")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"scopes": "read:contacts write:contacts"}, "scope", id="two in one"),
        pytest.param({"scopes": ['a"b']}, "scope", id="quote in a scope"),
        pytest.param({"scopes": ["a\nb"]}, "scope", id="newline in a scope"),
        pytest.param({"scopes": [""]}, "scope", id="empty scope"),
        pytest.param({"realm": "a\r\nSet-Cookie: x"}, "realm", id="newline in the realm"),
        pytest.param({"realm": ""}, "realm", id="empty realm"),
        pytest.param({"realm": "é"}, "realm", id="realm beyond ASCII"),
        pytest.param({"public": ["healthz"]}, "public", id="not a path"),
        pytest.param({"public": ["get /healthz"]}, "public", id="method in lower case"),
        pytest.param({"public": ["GET  /healthz"]}, "public", id="two spaces"),
        pytest.param({"public": ["/a?b"]}, "public", id="a query"),
        pytest.param({"public": ["/a/*"]}, "public", id="a pattern"),
        pytest.param({"optional": True, "scopes": ["a"]}, "optional", id="optional with scopes"),
        pytest.param({"optional": "false"}, "optional", id="optional a string"),
        pytest.param({"preflight": 1}, "preflight", id="preflight a number"),
        pytest.param({"preflight": None}, "preflight", id="preflight none"),
        pytest.param({"cache_control": "private"}, "cache_control", id="cache_control a string"),
        pytest.param({"cache_control": 0}, "cache_control", id="cache_control a number"),
        pytest.param({"cache_control": None}, "cache_control", id="cache_control none"),
        pytest.param({"set_user": 1}, "set_user", id="set_user a number"),
        pytest.param({"end_with_token": "yes"}, "end_with_token", id="end_with_token a string"),
        pytest.param({"clock": 0}, "clock", id="clock a number"),
        pytest.param({"websocket_subprotocol": True}, "websocket_subprotocol", id="a flag"),
        pytest.param({"websocket_subprotocol": ""}, "websocket_subprotocol", id="empty name"),
        pytest.param({"websocket_subprotocol": "a, b"}, "websocket_subprotocol", id="two names"),
        pytest.param({"scopes": None}, "scopes", id="scopes none"),
        pytest.param({"scopes": [b"a"]}, "scopes", id="a scope as bytes"),
        pytest.param({"scopes": [None]}, "scopes", id="a scope none"),
        pytest.param({"realm": None}, "realm", id="realm none"),
        pytest.param({"realm": 5}, "realm", id="realm a number"),
        pytest.param({"public": None}, "public", id="public none"),
        pytest.param({"public": 5}, "public", id="public a number"),
        pytest.param({"public": [b"/x"]}, "public", id="a public path as bytes"),
        pytest.param({"public": [None]}, "public", id="a public path none"),
        pytest.param({"verifier": None}, "verifier", id="no verifier"),
        pytest.param({"verifier": JWTVerifier}, "verifier", id="verifier a class"),
        pytest.param({"app": None}, "app", id="no application"),
    ],
)
def test_an_invalid_setting_is_refused_at_start_up(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        guarded(**arguments)


def test_the_error_says_what_cache_control_must_be() -> None:
    with pytest.raises(ValueError, match="cache_control must be True or False, not 'private'"):
        guarded(cache_control="private")


def test_all_invalid_settings_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"scopes: .*realm .*public: .*preflight .*verifier "):
        guarded(scopes=["a b"], realm="", public=["x"], preflight="no", verifier=None)


def test_the_error_says_why_optional_and_scopes_cannot_be_combined() -> None:
    sentence = "`optional=True` cannot be combined with `scopes`: anonymous requests have none"

    with pytest.raises(ValueError, match=re.escape(sentence)):
        guarded(optional=True, scopes="read:contacts")
