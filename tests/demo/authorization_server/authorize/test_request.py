"""Which requests are valid, who is told of a fault, and what a request asks for."""

import dataclasses
from urllib.parse import quote

import pytest

from demo.authorization_server.authorize.refusals import RequestRefused, RequestUnusable
from demo.authorization_server.authorize.request import AuthorizationRequest, authorization_request
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.requests.parameters import (
    MAX_BYTES,
    ParametersUnreadable,
    parameters,
)
from tests.support.authorization_server.front_channel import AUDIENCE, CALLBACK, CHALLENGE, query

CALENDAR = "https://api.example/calendar"
TEAM = "https://contacts.example/team"


def parsed_request(registrations: Registrations, encoded: str) -> AuthorizationRequest:
    return authorization_request(parameters(encoded.encode()), registrations)


def refusal(registrations: Registrations, encoded: str) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        parsed_request(registrations, encoded)
    return caught.value


@pytest.mark.parametrize(
    ("encoded", "name"),
    [
        pytest.param("", "client_id", id="nothing"),
        pytest.param(query(client_id=None), "client_id", id="no client"),
        pytest.param(query(client_id=""), "client_id", id="empty client"),
        pytest.param(query(client_id="nobody"), "client_id", id="unknown client"),
        pytest.param(query(client_id="Web-Application"), "client_id", id="client in capitals"),
        pytest.param(query() + "&client_id=web-application", "client_id", id="client twice"),
        pytest.param(query() + "&client_id=", "client_id", id="client twice, once empty"),
        pytest.param(query(client_id=None) + "&client_id=%ff", "client_id", id="client not UTF-8"),
        pytest.param(
            query(client_id=None) + "&client_id=web-application%00", "client_id", id="client NUL"
        ),
        pytest.param(query(redirect_uri=None), "redirect_uri", id="no address"),
        pytest.param(query(redirect_uri=""), "redirect_uri", id="empty address"),
        pytest.param(
            query() + f"&redirect_uri={quote(CALLBACK)}", "redirect_uri", id="address twice"
        ),
        pytest.param(
            query() + "&redirect_uri=https://evil.example/", "redirect_uri", id="two addresses"
        ),
        *(
            pytest.param(query(redirect_uri=uri), "redirect_uri", id=uri)
            for uri in (
                "https://evil.example/callback",
                f"{CALLBACK}/",
                f"{CALLBACK}#",
                f"{CALLBACK}#fragment",
                f"{CALLBACK}?",
                f"{CALLBACK}?next=https://evil.example/",
                f"{CALLBACK}/../callback",
                f"{CALLBACK}%2f",
                f" {CALLBACK}",
                "/callback",
                "//localhost:8080/callback",
                "http://localhost:8080/Callback",
                "http://LOCALHOST:8080/callback",
                "http://localhost:8081/callback",
                "http://localhost/callback",
                "http://127.0.0.1:8080/callback",
                "https://localhost:8080/callback",
                "http://localhost:8080@evil.example/callback",
                "http://user@localhost:8080/callback",
                "http://localhost:8080\\@evil.example/callback",
                "http://localhost:8080.evil.example/callback",
                "javascript:alert(1)",
                "data:text/html,x",
                "urn:ietf:wg:oauth:2.0:oob",
            )
        ),
        pytest.param(
            query(client_id="single-page"), "redirect_uri", id="address of another client"
        ),
        pytest.param(
            query(client_id="command-line"), "redirect_uri", id="client without addresses"
        ),
        pytest.param(
            query(redirect_uri=None) + f"&redirect_uri={quote(CALLBACK)}%0d%0aX:y",
            "redirect_uri",
            id="address with a line break",
        ),
        pytest.param(
            query(client_id="nobody", redirect_uri="https://evil.example/", response_type="x"),
            "client_id",
            id="all at once",
        ),
    ],
)
def test_a_fault_before_client_and_redirect_uri_are_known_is_shown(
    registrations: Registrations, encoded: str, name: str
) -> None:
    with pytest.raises(RequestUnusable) as caught:
        parsed_request(registrations, encoded)

    assert caught.value.name == name


@pytest.mark.parametrize(
    ("encoded", "error"),
    [
        pytest.param(query() + "&scope=openid", "invalid_request", id="scope twice"),
        pytest.param(query() + "&nonce=a%20nonce", "invalid_request", id="nonce twice"),
        pytest.param(query() + "&prompt=&prompt=", "invalid_request", id="empty prompt twice"),
        pytest.param(query() + "&login_hint=%ff", "invalid_request", id="hint not UTF-8"),
        pytest.param(query() + "&login_hint=%c0%af", "invalid_request", id="overlong UTF-8"),
        pytest.param(query() + "&login_hint=%ed%a0%80", "invalid_request", id="surrogate"),
        pytest.param(query() + "&login_hint=%zz", "invalid_request", id="broken percent"),
        pytest.param(query() + "&login_hint=%4", "invalid_request", id="half a percent"),
        pytest.param(query() + "&login_hint=a%00", "invalid_request", id="hint with NUL"),
        pytest.param(query() + "&%ff=1", "invalid_request", id="name not UTF-8"),
        pytest.param(query(nonce="a\nb"), "invalid_request", id="nonce with a line break"),
        pytest.param(query(nonce="\x85"), "invalid_request", id="nonce with C1"),
        pytest.param(query(nonce="n" * 2049), "invalid_request", id="nonce too long"),
        pytest.param(query(request="e30.e30."), "request_not_supported", id="request"),
        pytest.param(
            query(request_uri="https://client.example/r"),
            "request_uri_not_supported",
            id="request_uri",
        ),
        pytest.param(query(registration="{}"), "registration_not_supported", id="registration"),
        pytest.param(query(response_type=None), "invalid_request", id="no response type"),
        *(
            pytest.param(query(response_type=kind), "unsupported_response_type", id=f"type {kind}")
            for kind in (
                "token",
                "id_token",
                "id_token token",
                "none",
                "CODE",
                "code code",
                "code  id_token",
                "code id_token ",
                "code,id_token",
                "code id_token token none",
            )
        ),
        pytest.param(query(response_mode="web_message"), "invalid_request", id="unknown mode"),
        pytest.param(query(response_mode="query"), "invalid_request", id="tokens in the query"),
        pytest.param(query(scope=None), "invalid_scope", id="no scope"),
        pytest.param(query(scope="openid  profile"), "invalid_scope", id="two spaces"),
        pytest.param(query(scope=" openid"), "invalid_scope", id="space in front"),
        pytest.param(query(scope='open"id'), "invalid_scope", id="quotation mark"),
        pytest.param(query(scope="öpenid"), "invalid_scope", id="scope not ASCII"),
        pytest.param(query(scope="read:tests"), "invalid_scope", id="unknown scope alone"),
        pytest.param(
            query(scope="openid read:calendar"), "invalid_scope", id="scope of another API"
        ),
        pytest.param(query(audience=None), "invalid_scope", id="scope of an API, but no audience"),
        pytest.param(
            query(scope="https://contacts.example/salary"), "invalid_scope", id="unknown claim"
        ),
        pytest.param(
            query(response_type="code token", audience=None, scope="offline_access"),
            "invalid_scope",
            id="nothing left of the scope",
        ),
        pytest.param(query(audience="https://api.example/"), "invalid_target", id="audience"),
        pytest.param(query(audience=f"{AUDIENCE}/"), "invalid_target", id="audience with slash"),
        pytest.param(query(nonce=None), "invalid_request", id="no nonce"),
        pytest.param(query(nonce=""), "invalid_request", id="empty nonce"),
        pytest.param(
            query(code_challenge=CHALLENGE, code_challenge_method="plain"),
            "invalid_request",
            id="PKCE plain",
        ),
        pytest.param(
            query(code_challenge=CHALLENGE, code_challenge_method="s256"),
            "invalid_request",
            id="PKCE in small letters",
        ),
        pytest.param(query(code_challenge=CHALLENGE), "invalid_request", id="PKCE no method"),
        pytest.param(query(code_challenge_method="S256"), "invalid_request", id="PKCE method only"),
        pytest.param(
            query(code_challenge=CHALLENGE[:-1], code_challenge_method="S256"),
            "invalid_request",
            id="PKCE too short",
        ),
        pytest.param(
            query(code_challenge=f"{CHALLENGE}=", code_challenge_method="S256"),
            "invalid_request",
            id="PKCE padded",
        ),
        pytest.param(
            query(code_challenge="+" + CHALLENGE[1:], code_challenge_method="S256"),
            "invalid_request",
            id="PKCE not base64url",
        ),
        pytest.param(
            query(client_id="single-page", redirect_uri="http://localhost:8081/callback"),
            "invalid_request",
            id="public client without PKCE",
        ),
        pytest.param(query(prompt="maybe"), "invalid_request", id="unknown prompt"),
        pytest.param(query(prompt="none login"), "invalid_request", id="prompt none and login"),
        pytest.param(query(prompt="login  consent"), "invalid_request", id="prompt, two spaces"),
        *(
            pytest.param(query(max_age=value), "invalid_request", id=f"max_age {value}")
            for value in ("-1", "1.5", "+1", "1e3", "soon", "\u0661", "12345678901")
        ),
    ],
)
def test_every_other_fault_is_sent_to_the_client_with_its_state(
    registrations: Registrations, encoded: str, error: str
) -> None:
    refused = refusal(registrations, encoded)

    assert refused.refusal.error == error
    assert refused.destination.redirect_uri == encoded_redirect_uri(encoded)
    assert refused.destination.state == "a state"
    assert refused.destination.response_mode == "fragment"


def encoded_redirect_uri(encoded: str) -> str:
    return parameters(encoded.encode()).values["redirect_uri"]


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(query() + "&state=another", id="twice"),
        pytest.param(query() + "&state=a%20state", id="twice the same"),
        pytest.param(query() + "&state=", id="twice, once empty"),
        pytest.param(query(state="a\r\nSet-Cookie: a=b"), id="line break"),
        pytest.param(query(state="a\x00"), id="NUL"),
        pytest.param(query(state=None) + "&state=%ff", id="not UTF-8"),
        pytest.param(query(state="s" * 2049), id="too long"),
    ],
)
def test_an_invalid_state_is_refused_and_not_sent_back(
    registrations: Registrations, encoded: str
) -> None:
    refused = refusal(registrations, encoded)

    assert refused.refusal.error == "invalid_request"
    assert refused.destination.state is None


@pytest.mark.parametrize(
    ("encoded", "place"),
    [
        pytest.param(query(scope="no"), "fragment", id="hybrid"),
        pytest.param(query(scope="no", response_type="code"), "query", id="code"),
        pytest.param(
            query(scope="no", response_type="code", response_mode="query"), "query", id="code query"
        ),
        pytest.param(
            query(scope="no", response_type="code", response_mode="fragment"),
            "fragment",
            id="code fragment",
        ),
        pytest.param(
            query(response_type="code", response_mode="bogus"), "query", id="code, unknown mode"
        ),
        pytest.param(
            query(scope="no", response_mode="form_post"), "form_post", id="hybrid form_post"
        ),
        pytest.param(
            query(response_type="code", scope="no", response_mode="form_post"),
            "form_post",
            id="code form_post",
        ),
        pytest.param(query(response_mode="query"), "fragment", id="hybrid query"),
        pytest.param(query(response_mode="bogus"), "fragment", id="hybrid, unknown mode"),
        pytest.param(query(response_type=None), "fragment", id="no type"),
        pytest.param(
            query(response_type=None, response_mode="query"), "fragment", id="no type, query"
        ),
        pytest.param(query(response_type="code code"), "fragment", id="no type that there is"),
        pytest.param(
            query(response_type="code") + "&response_type=code", "fragment", id="code twice"
        ),
        pytest.param(
            query(response_mode="form_post") + "&response_mode=query", "fragment", id="two modes"
        ),
    ],
)
def test_an_error_is_sent_the_way_the_response_would_be(
    registrations: Registrations, encoded: str, place: str
) -> None:
    assert refusal(registrations, encoded).destination.response_mode == place


def test_a_response_type_that_the_client_is_not_registered_for_is_refused(
    registrations: Registrations,
) -> None:
    clients = dict(registrations.clients)
    clients["web-application"] = dataclasses.replace(
        clients["web-application"], response_types=frozenset({frozenset({"code"})})
    )
    narrower = dataclasses.replace(registrations, clients=clients)

    assert refusal(narrower, query()).refusal.error == "unauthorized_client"
    assert parsed_request(narrower, query(response_type="code")).response_type == {"code"}


@pytest.mark.parametrize(
    "response_type", ["code id_token token", "token id_token code", "id_token code token"]
)
def test_the_order_of_a_response_type_has_no_meaning(
    registrations: Registrations, response_type: str
) -> None:
    asked = parsed_request(registrations, query(response_type=response_type))

    assert asked.response_type == {"code", "id_token", "token"}


@pytest.mark.parametrize("response_type", ["code", "code token"])
def test_a_nonce_is_required_only_for_an_id_token_from_this_endpoint(
    registrations: Registrations, response_type: str
) -> None:
    asked = parsed_request(registrations, query(response_type=response_type, nonce=None))

    assert asked.nonce is None


@pytest.mark.parametrize(
    ("changes", "scopes", "as_requested"),
    [
        pytest.param({}, ("openid", "read:contacts"), True, id="as asked"),
        pytest.param(
            {"scope": "read:contacts"}, ("openid", "read:contacts"), False, id="openid added"
        ),
        pytest.param(
            {"scope": "read:contacts", "response_type": "code token"},
            ("read:contacts",),
            True,
            id="no ID token, no openid",
        ),
        pytest.param(
            {"scope": "openid read:contacts openid"},
            ("openid", "read:contacts"),
            True,
            id="a name twice",
        ),
        pytest.param(
            {"scope": "openid offline_access read:contacts"},
            ("openid", "offline_access", "read:contacts"),
            True,
            id="offline access allowed",
        ),
        pytest.param(
            {"scope": "openid offline_access", "audience": CALENDAR},
            ("openid",),
            False,
            id="offline access not allowed",
        ),
        pytest.param(
            {"scope": "openid offline_access", "audience": None},
            ("openid",),
            False,
            id="offline access without API",
        ),
        pytest.param(
            {"scope": f"openid {TEAM}", "audience": None}, ("openid", TEAM), True, id="custom claim"
        ),
    ],
)
def test_scope_and_audience_determine_what_is_granted(
    registrations: Registrations,
    changes: dict[str, str | None],
    scopes: tuple[str, ...],
    as_requested: bool,
) -> None:
    permissions = parsed_request(registrations, query(**changes)).permissions

    assert permissions.scopes == scopes
    assert permissions.as_requested is as_requested


def test_offline_access_needs_a_client_that_may_refresh(registrations: Registrations) -> None:
    clients = dict(registrations.clients)
    client = clients["web-application"]
    clients["web-application"] = dataclasses.replace(
        client, grant_types=client.grant_types - {"refresh_token"}
    )
    narrower = dataclasses.replace(registrations, clients=clients)

    asked = parsed_request(narrower, query(scope="openid offline_access"))

    assert asked.permissions.scopes == ("openid",)


def test_unknown_parameters_are_ignored_and_not_repeated(registrations: Registrations) -> None:
    strange = query() + "&unknown=a&unknown=b&display=page&claims={}&acr_values=9"

    assert parsed_request(registrations, strange) == parsed_request(registrations, query())


def test_empty_parameters_count_as_absent(registrations: Registrations) -> None:
    empty = query() + "&prompt=&max_age=&request=&response_mode=&code_challenge=&login_hint="

    assert parsed_request(registrations, empty) == parsed_request(registrations, query())


def test_the_query_in_the_forms_gives_the_same_request(
    registrations: Registrations,
) -> None:
    asked = parsed_request(
        registrations, query(state="a&b=c +%20 ö", login_hint="<alice>", max_age="1")
    )

    again = parsed_request(registrations, asked.query)

    assert again == asked
    assert again.digest == asked.digest


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "another"},
        {"nonce": "another"},
        {"scope": "read:contacts openid"},
        {"prompt": "login"},
        {"response_mode": "form_post"},
    ],
)
def test_requests_that_differ_in_anything_have_different_digests(
    registrations: Registrations, changes: dict[str, str | None]
) -> None:
    assert (
        parsed_request(registrations, query(**changes)).digest
        != parsed_request(registrations, query()).digest
    )


def test_a_public_client_with_a_code_challenge_is_accepted(registrations: Registrations) -> None:
    asked = parsed_request(
        registrations,
        query(
            client_id="single-page",
            redirect_uri="http://localhost:8081/callback",
            code_challenge=CHALLENGE,
            code_challenge_method="S256",
        ),
    )

    assert asked.code_challenge == CHALLENGE


def test_a_query_that_is_too_long_is_refused() -> None:
    parameters(b"a" * MAX_BYTES)

    with pytest.raises(ParametersUnreadable):
        parameters(b"a" * (MAX_BYTES + 1))


def test_error_descriptions_have_only_the_characters_that_rfc_6749_allows(
    registrations: Registrations,
) -> None:
    for changes in ({"nonce": None}, {"scope": "no"}, {"prompt": "x"}, {"audience": "x"}):
        description = refusal(registrations, query(**changes)).refusal.description

        assert description.isascii()
        assert not {'"', "\\"} & set(description)
