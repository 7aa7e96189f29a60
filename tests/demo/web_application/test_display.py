"""How pages show tokens, secrets and times."""

import pytest

from asgi_bearer.testing import signing_key
from asgi_bearer.testing.signing import compact
from demo.web_application.checks.display import (
    DecodedToken,
    abbreviated,
    decoded,
    duration_text,
    time_text,
)


def test_a_token_is_decoded_without_its_signature() -> None:
    token = compact({"alg": "RS256"}, {"sub": "alice", "iat": 1, "exp": 61}, signing_key())

    shown = decoded(token)

    assert shown is not None
    assert (shown.text("sub"), shown.lifetime) == ("alice", 60)
    assert '"alg": "RS256"' in shown.header_text
    assert token.rpartition(".")[2] not in shown.header_text + shown.claims_text


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.b.c.d.e", "a" * 20_000])
def test_a_text_that_is_not_a_jwt_is_not_decoded(token: str) -> None:
    assert decoded(token) is None


@pytest.mark.parametrize(
    ("claims", "text"),
    [({}, ""), ({"aud": "a"}, "a"), ({"aud": ["a", "b"]}, '["a", "b"]'), ({"aud": 7}, "7")],
)
def test_a_claim_is_shown_as_one_line(claims: dict[str, object], text: str) -> None:
    assert DecodedToken({}, claims).text("aud") == text


@pytest.mark.parametrize("claims", [{}, {"iat": 1}, {"exp": 1}, {"iat": "1", "exp": 2}], ids=str)
def test_a_token_without_valid_times_has_no_lifetime(claims: dict[str, object]) -> None:
    assert DecodedToken({}, claims).lifetime is None


@pytest.mark.parametrize("secret", ["", "short", "a" * 17])
def test_a_short_secret_is_not_shown(secret: str) -> None:
    assert abbreviated(secret) == "…"


def test_a_long_secret_is_shown_by_its_first_characters() -> None:
    assert abbreviated("abcdefghijklmnopqr") == "abcdef…"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01 00:00:00 UTC"),
        (1.5, "1970-01-01 00:00:01 UTC"),
        (None, ""),
        (True, ""),
        ("1", ""),
        (1e30, ""),
        (float("nan"), ""),
    ],
)
def test_a_valid_time_is_shown(seconds: object, text: str) -> None:
    assert time_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0 seconds"),
        (1, "1 second"),
        (90, "90 seconds"),
        (60, "1 minute"),
        (7200, "2 hours"),
        (86_400, "1 day"),
        (-3600, "-1 hours"),
    ],
)
def test_a_duration_is_shown_in_its_largest_unit(seconds: int | None, text: str) -> None:
    assert duration_text(seconds) == text
