"""The HTTP response to a refused request: status, headers, challenge and body."""

import json
import re
from typing import Any

import pytest

from asgi_bearer import (
    AccessTokenError,
    AudienceMismatch,
    ClaimRuleFailed,
    CredentialsMalformed,
    CredentialsMissing,
    CredentialsRepeated,
    InsufficientScope,
    InvalidTokenError,
    IssuerMismatch,
    KeyNotFound,
    KeysUnavailable,
    SignatureInvalid,
    TokenExpired,
    VerificationFaulted,
)
from asgi_bearer.guard.challenge import challenge, checked_realm, headers, response
from asgi_bearer.scopes import checked_scopes
from tests.support.asgi import challenge_parameters

REFUSALS = [
    CredentialsMissing("inside"),
    CredentialsMalformed("inside"),
    CredentialsRepeated("inside"),
    SignatureInvalid("inside"),
    TokenExpired("inside"),
    InsufficientScope(("read:contacts",), "inside"),
    ClaimRuleFailed("inside"),
    KeysUnavailable("inside", retry_after=3.2),
    VerificationFaulted("inside"),
]


@pytest.mark.conforms(
    "a challenge has at least one parameter",
    "without credentials the challenge carries no error code",
    "a malformed request is 400 invalid_request",
    "a token that does not verify is 401 invalid_token",
    "a token with too little scope is 403 insufficient_scope",
    "a 403 names every scope that the endpoint needs",
)
@pytest.mark.parametrize(
    ("refusal", "parameters"),
    [
        # RFC 6750 §3, RFC 6750 §3.1.
        pytest.param(CredentialsMissing(), [("realm", "contacts")], id="no credentials"),
        # RFC 6750 §3.1.
        pytest.param(
            CredentialsMalformed(),
            [
                ("realm", "contacts"),
                ("error", "invalid_request"),
                ("error_description", "The Authorization header is malformed."),
            ],
            id="malformed request",
        ),
        # RFC 6750 §3.1.
        pytest.param(
            SignatureInvalid(),
            [
                ("realm", "contacts"),
                ("error", "invalid_token"),
                ("error_description", "The access token is not valid."),
            ],
            id="bad token",
        ),
        pytest.param(
            TokenExpired(),
            [
                ("realm", "contacts"),
                ("error", "invalid_token"),
                ("error_description", "The access token has expired."),
            ],
            id="expired token",
        ),
        # RFC 6750 §3.1.
        pytest.param(
            InsufficientScope(("write:contacts", "read:contacts")),
            [
                ("realm", "contacts"),
                ("error", "insufficient_scope"),
                (
                    "error_description",
                    "The access token lacks a scope that this request needs.",
                ),
                ("scope", "write:contacts read:contacts"),
            ],
            id="too little scope",
        ),
    ],
)
def test_a_challenge_has_the_parameters_of_rfc_6750(
    refusal: AccessTokenError, parameters: list[tuple[str, str]]
) -> None:
    value = challenge(refusal, "contacts")

    assert value is not None
    assert challenge_parameters(value) == parameters


@pytest.mark.conforms(
    "every 401 carries a WWW-Authenticate challenge",
    "a challenge has at least one parameter",
    "no parameter of a challenge appears twice",
)
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_every_401_carries_a_challenge_without_repeated_parameters(
    refusal: AccessTokenError,
) -> None:
    value = headers(refusal, "contacts").get("www-authenticate")

    assert value is not None or refusal.status != 401
    if value is not None:
        names = [name for name, _ in challenge_parameters(value)]
        assert names[0] == "realm"
        assert len(set(names)) == len(names)


@pytest.mark.conforms("without keys the answer is 503 with Retry-After and no challenge")
@pytest.mark.parametrize("refusal", [KeysUnavailable(), VerificationFaulted()])
def test_a_503_has_no_challenge_because_another_token_would_not_help(
    refusal: AccessTokenError,
) -> None:
    assert challenge(refusal, "contacts") is None
    assert "www-authenticate" not in headers(refusal, "contacts")


@pytest.mark.conforms("without keys the answer is 503 with Retry-After and no challenge")
@pytest.mark.parametrize(
    ("seconds", "header"), [(0.0, "1"), (0.2, "1"), (1.0, "1"), (1.1, "2"), (60.0, "60")]
)
def test_a_503_says_when_the_client_may_try_again(seconds: float, header: str) -> None:
    refusal = KeysUnavailable("down", retry_after=seconds)

    assert headers(refusal, "contacts")["retry-after"] == header


@pytest.mark.conforms("every refusal has an application/problem+json body of fixed text")
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_the_body_is_a_problem_that_repeats_status_and_error(refusal: AccessTokenError) -> None:
    sent, body = response(refusal, "contacts")
    fields = {name.decode(): value.decode() for name, value in sent}

    problem = json.loads(body)
    assert fields["content-type"] == "application/problem+json"
    assert fields["content-length"] == str(len(body))
    assert problem["type"] == "about:blank"
    assert problem["status"] == refusal.status
    assert problem["detail"] == refusal.sentence
    assert problem.get("error") == refusal.error
    assert set(problem) <= {"type", "title", "status", "detail", "error"}


@pytest.mark.conforms("every refusal has an application/problem+json body of fixed text")
def test_the_title_of_a_problem_is_the_reason_phrase_of_its_status() -> None:
    titles = {json.loads(response(refusal, "contacts")[1])["title"] for refusal in REFUSALS}

    assert titles == {"Bad Request", "Unauthorized", "Forbidden", "Service Unavailable"}


@pytest.mark.conforms(
    "every refusal has an application/problem+json body of fixed text",
    "no token appears in a log, a body or an exception",
)
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_the_reason_for_the_operator_is_not_sent_to_the_client(refusal: AccessTokenError) -> None:
    assert refusal.reason == "inside"
    assert "inside" not in str(response(refusal, "contacts"))


@pytest.mark.conforms("no shared cache stores an answer to an authorized request")
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_a_refusal_forbids_caches_to_store_it(refusal: AccessTokenError) -> None:
    assert headers(refusal, "contacts")["cache-control"] == "no-store"


@pytest.mark.conforms("OPTIONS needs a token; CORS outside the guard answers preflights")
def test_a_script_in_a_browser_may_read_the_challenge() -> None:
    fields = headers(CredentialsMissing(), "contacts")

    assert fields["access-control-expose-headers"] == "WWW-Authenticate"


@pytest.mark.conforms("forged tokens get the same answer, whatever is wrong with them")
def test_refusals_that_would_help_an_attacker_look_the_same() -> None:
    answers = [
        response(refusal, "contacts")
        for refusal in (
            SignatureInvalid("kid k1"),
            KeyNotFound("kid k2"),
            IssuerMismatch("iss x"),
            AudienceMismatch("aud y"),
        )
    ]

    assert all(answer == answers[0] for answer in answers)


@pytest.mark.conforms(
    "realm, scope and description stay within their character sets",
    "quoted strings in a challenge are escaped",
)
@pytest.mark.parametrize("realm", ["contacts", 'a"b\\c', "a, b=c", 'x", error="y', "~ !", "\\"])
def test_any_printable_realm_is_escaped_so_that_a_client_reads_it_unchanged(realm: str) -> None:
    value = challenge(CredentialsMissing(), checked_realm(realm))

    assert value is not None
    match = re.fullmatch(r'Bearer realm="((?:[^"\\]|\\.)*)"', value)
    assert match is not None
    assert re.sub(r"\\(.)", r"\1", match[1]) == realm


@pytest.mark.conforms("realm, scope and description stay within their character sets")
@pytest.mark.parametrize("realm", ["", "a\nb", "a\r\nX: y", "a\x00", "a\x7f", "é", "a\tb"])
def test_a_realm_that_is_invalid_in_a_header_is_refused(realm: str) -> None:
    with pytest.raises(ValueError, match="realm"):
        checked_realm(realm)


@pytest.mark.conforms("a 403 names every scope that the endpoint needs")
@pytest.mark.parametrize(
    ("scopes", "names"),
    [
        ((), ()),
        ("read:contacts", ("read:contacts",)),
        (["b", "a", "b"], ("b", "a")),
        ({"b", "a"}, ("a", "b")),
        (frozenset({"c", "b", "a"}), ("a", "b", "c")),
        ((name for name in "ba"), ("b", "a")),
    ],
    ids=[
        "none",
        "one string",
        "a list keeps its order",
        "a set is sorted",
        "frozenset",
        "iterator",
    ],
)
def test_scopes_are_named_once_and_in_a_fixed_order(
    scopes: list[str], names: tuple[str, ...]
) -> None:
    assert checked_scopes(scopes) == names


@pytest.mark.conforms("realm, scope and description stay within their character sets")
@pytest.mark.parametrize("name", ["", "a b", 'a"b', "a\\b", "a\nb", "é", " a"])
def test_a_scope_name_that_is_invalid_in_a_header_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="scopes"):
        checked_scopes(["read:contacts", name])


def test_a_refusal_with_its_own_sentence_does_not_change_the_next_one() -> None:
    """Responses are cached per class, but only for refusals without values of their own."""

    class Translated(InvalidTokenError):
        def __init__(self, sentence: str) -> None:
            super().__init__()
            vars(self)["sentence"] = sentence

    first, second = (response(Translated(word), "contacts") for word in ("Eins.", "Zwei."))

    assert json.loads(first[1])["detail"] == "Eins."
    assert json.loads(second[1])["detail"] == "Zwei."


def test_changing_a_response_does_not_change_the_next_one() -> None:
    fields, _ = response(InvalidTokenError(), "contacts")
    fields.append((b"x-changed", b"yes"))

    assert (b"x-changed", b"yes") not in response(InvalidTokenError(), "contacts")[0]


def test_an_application_may_define_a_refusal_with_its_own_sentence() -> None:
    class Explained(InvalidTokenError):
        def __getattribute__(self, name: str) -> Any:
            return (
                f"Because of {self.reason}."
                if name == "sentence"
                else super().__getattribute__(name)
            )

    _, body = response(Explained("rain"), "contacts")

    assert json.loads(body)["detail"] == "Because of rain."
