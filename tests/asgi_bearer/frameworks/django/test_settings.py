"""The setting `ASGI_BEARER`: all its mistakes are reported at once, when the process starts."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from asgi_bearer.django import PrincipalUser
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import AUTHENTICATION, BEARER, SESSIONS, site

verifier = FakeIssuer().verifier()
not_a_verifier = object()
OWN = {"VERIFIER": verifier}

WRONG = [
    pytest.param(None, "the settings need ASGI_BEARER", id="no setting"),
    pytest.param([], "the settings need ASGI_BEARER", id="no dictionary"),
    pytest.param({}, "VERIFIER must be", id="no verifier"),
    pytest.param({"VERIFIER": object()}, "VERIFIER must be", id="not a verifier"),
    pytest.param({"VERIFIER": type(verifier)}, "VERIFIER must be", id="a class"),
    pytest.param({"VERIFIER": "nowhere.at.all"}, "VERIFIER: No module", id="no module"),
    pytest.param({"VERIFIER": f"{__name__}.nothing"}, "VERIFIER: Module", id="no attribute"),
    pytest.param({"VERIFIER": "word"}, "VERIFIER: word doesn't look like", id="no path"),
    pytest.param({"VERIFIER": f"{__name__}.not_a_verifier"}, "VERIFIER must", id="another object"),
    pytest.param({**OWN, "REALM": 'a"\n'}, "REALM: realm must be printable", id="realm"),
    pytest.param({**OWN, "OPTIONAL": "no"}, "OPTIONAL must be True or False", id="optional"),
    pytest.param({**OWN, "PUBLIC": ["health"]}, "PUBLIC: 'health' must be a path", id="no slash"),
    pytest.param({**OWN, "PUBLIC": ["/*"]}, "PUBLIC: '/\\*' must be a path", id="everything"),
    pytest.param(
        {**OWN, "PUBLIC": ["/a*"]}, "PUBLIC: '/a\\*' must be a path", id="no whole segment"
    ),
    pytest.param({**OWN, "PUBLIC": ["/a?/*"]}, "PUBLIC: '/a\\?/\\*'", id="a query in a prefix"),
    pytest.param(
        {**OWN, "PUBLIC": ["GET /a/*"]}, "PUBLIC: 'GET /a/\\*'", id="a method and a prefix"
    ),
    pytest.param({**OWN, "PUBLIC": 7}, "PUBLIC: 7 must be a path", id="a number"),
    pytest.param({**OWN, "USER": 7}, "USER must be a function", id="user"),
    pytest.param({**OWN, "USER": "nowhere.user"}, "USER: No module", id="no module of the user"),
    pytest.param({**OWN, "USERS": ()}, "'USERS' is not one of VERIFIER, REALM", id="unknown name"),
]


@pytest.mark.parametrize("handler", [WSGIHandler, ASGIHandler])
@pytest.mark.parametrize(("setting", "sentence"), WRONG)
def test_a_mistake_stops_the_start(handler: type, setting: Any, sentence: str) -> None:
    with site([], setting), pytest.raises(ImproperlyConfigured, match=f"^ASGI_BEARER: {sentence}"):
        handler()


def test_all_mistakes_are_reported_at_once() -> None:
    setting = {
        "VERIFIER": None,
        "REALM": "",
        "PUBLIC": ["a", "b"],
        "OPTIONAL": 1,
        "USER": 2,
        "X": 3,
    }

    with site([], setting), pytest.raises(ImproperlyConfigured) as raised:
        WSGIHandler()

    assert str(raised.value).count("; ") == 6


@pytest.mark.parametrize("public", ["/healthz", ["/healthz"], {"GET /healthz", "/admin/*"}])
def test_public_is_one_entry_or_many(public: object) -> None:
    with site([], {"VERIFIER": verifier, "PUBLIC": public}):
        WSGIHandler()


def test_names_are_imported() -> None:
    setting = {"VERIFIER": f"{__name__}.verifier", "USER": "asgi_bearer.django.PrincipalUser"}

    with site([], setting):
        WSGIHandler()


RIGHT_ORDER = [SESSIONS, AUTHENTICATION, BEARER]


@pytest.mark.parametrize(
    ("middleware", "user", "starts"),
    [
        (RIGHT_ORDER, PrincipalUser, True),
        ([BEARER], PrincipalUser, True),
        ([SESSIONS, BEARER, AUTHENTICATION], PrincipalUser, False),
        ([SESSIONS, BEARER, AUTHENTICATION], None, True),
    ],
)
def test_a_middleware_that_would_replace_the_user_stops_the_start(
    middleware: list[str], user: type | None, starts: bool
) -> None:
    with site([], {"VERIFIER": verifier, "USER": user}, middleware=middleware):
        if starts:
            WSGIHandler()
            return
        with pytest.raises(ImproperlyConfigured, match="must stand below"):
            WSGIHandler()


def test_manage_check_reports_each_mistake() -> None:
    with override_settings(ASGI_BEARER={"VERIFIER": None, "REALM": ""}):
        errors = run_checks()
    with override_settings(ASGI_BEARER={"VERIFIER": verifier}):
        none = run_checks()

    ours = [error.msg for error in errors if error.id == "asgi_bearer.E001"]
    assert [message.partition(" must be")[0] for message in ours] == [
        "ASGI_BEARER: VERIFIER",
        "ASGI_BEARER: REALM: realm",
    ]
    assert all(error.id != "asgi_bearer.E001" for error in none)
