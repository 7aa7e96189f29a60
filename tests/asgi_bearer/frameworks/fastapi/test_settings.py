"""The arguments of `BearerAuth`, and the import of its module."""

import runpy
import sys
from typing import Any

import pytest

import asgi_bearer.fastapi
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.testing import FakeIssuer

verifier = FakeIssuer().verifier()


def make_auth(**changes: Any) -> BearerAuth:
    arguments: dict[str, Any] = {"verifier": verifier, **changes}
    return BearerAuth(**arguments)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        pytest.param({"verifier": None}, "verifier must be an object", id="no verifier"),
        pytest.param({"verifier": FakeIssuer}, "verifier must be an object", id="a class"),
        pytest.param({"realm": ""}, "realm must be printable", id="an empty realm"),
        pytest.param({"realm": "a\nb"}, "realm must be printable", id="a realm of two lines"),
        pytest.param({"scheme_name": "a b"}, "scheme_name must", id="a name with a space"),
        pytest.param({"scheme_name": ""}, "scheme_name must", id="an empty name"),
        pytest.param({"scopes": {"a": ""}}, "scopes needs", id="scopes without addresses"),
        pytest.param({"token_url": "https://a.example"}, "need each other", id="token_url alone"),
        pytest.param(
            {"authorization_url": "https://a.example"},
            "need each other",
            id="authorization_url alone",
        ),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        make_auth(**arguments)


def test_all_wrong_arguments_are_named_at_once() -> None:
    wrong: Any = None

    with pytest.raises(ValueError, match=r"verifier must .*; realm must .*; .*need each other"):
        BearerAuth(wrong, realm="", token_url="https://a.example")


def test_without_fastapi_the_import_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)

    with pytest.raises(ImportError) as raised:
        runpy.run_path(str(asgi_bearer.fastapi.__file__))

    assert str(raised.value) == "asgi_bearer.fastapi needs FastAPI: pip install fastapi"
