"""From the Authorization header to the presented credentials."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asgi_bearer import (
    AccessTokenError,
    CredentialsMalformed,
    CredentialsMissing,
    CredentialsRepeated,
    InvalidTokenError,
    TokenTooLarge,
)
from asgi_bearer.credentials import MAX_CREDENTIAL_BYTES, Presented, has_none

B64TOKEN_CHARACTERS = string.ascii_letters + string.digits + "-._~+/"


def with_authorization(*values: bytes) -> list[tuple[bytes, bytes]]:
    """Return the headers of a request with these Authorization lines."""
    return [
        (b"host", b"api.example"),
        *((b"authorization", value) for value in values),
        (b"accept", b"*/*"),
    ]


def presented_by(headers: list[tuple[bytes, bytes]]) -> Presented:
    """Return the credentials that a request with `headers` presents."""
    credentials = Presented.in_scope({"headers": headers})
    assert credentials.token
    return credentials


@pytest.mark.conforms(
    "the client sends the token in the Authorization header, scheme Bearer",
    "the scheme name is compared without case",
    "empty credentials are 400; several spaces before the token are accepted",
)
@pytest.mark.parametrize(
    ("value", "token"),
    [
        # RFC 6750 §2.1.
        pytest.param(b"Bearer a.b-c_d~e+f/g", "a.b-c_d~e+f/g", id="every kind of character"),
        pytest.param(b"Bearer a==", "a==", id="equals signs at the end"),
        pytest.param(b"Bearer 0", "0", id="one character"),
        # RFC 9110 §11.1.
        pytest.param(b"bearer tok", "tok", id="scheme in lower case"),
        pytest.param(b"BEARER tok", "tok", id="scheme in upper case"),
        pytest.param(b"BeArEr tok", "tok", id="scheme in mixed case"),
        # RFC 6750 §2.1.
        pytest.param(b"Bearer  tok", "tok", id="two spaces"),
        pytest.param(b"Bearer" + b" " * 200 + b"tok", "tok", id="two hundred spaces"),
        pytest.param(b" \tBearer tok\t ", "tok", id="white space around the field value"),
    ],
)
def test_a_bearer_token_is_returned_as_the_client_sent_it(value: bytes, token: str) -> None:
    assert presented_by(with_authorization(value)).token == Presented(token).token == token


@pytest.mark.conforms(
    "a token outside the b64token grammar is 400",
    "empty credentials are 400; several spaces before the token are accepted",
    "a malformed request is 400 invalid_request",
)
@pytest.mark.parametrize(
    "value",
    [
        # RFC 6750 §2.1.
        pytest.param(b"Bearer a b", id="two words"),
        pytest.param(b"Bearer a,b", id="a comma"),
        pytest.param(b"Bearer a, Bearer b", id="two credentials in a list"),
        pytest.param(b"Bearer \xc3\xa9", id="UTF-8"),
        pytest.param(b"Bearer \xe9", id="Latin-1"),
        pytest.param(b"Bearer =a", id="equals sign first"),
        pytest.param(b"Bearer =", id="equals sign only"),
        pytest.param(b"Bearer a=b", id="equals sign inside"),
        pytest.param(b'Bearer "a"', id="quotes"),
        pytest.param(b"Bearer a;b", id="a semicolon"),
        pytest.param(b"Bearer token=a", id="a parameter"),
        pytest.param(b"Bearer a\tb", id="a tab inside"),
        pytest.param(b"Bearer \ta", id="a tab after the space"),
        pytest.param(b"Bearer\ta", id="a tab instead of the space"),
        pytest.param(b"Bearer a\nb", id="a newline inside"),
        pytest.param(b"Bearer a\r\nX: y", id="a second header"),
        pytest.param(b"Bearer a\n", id="a newline at the end"),
        pytest.param(b"Bearer\na", id="a newline instead of the space"),
        pytest.param(b"Bearer a\x00", id="NUL"),
        pytest.param(b"Bearer\x00a", id="NUL instead of the space"),
        pytest.param(b"Bearer {}", id="braces"),
        pytest.param(b"Bearer:a", id="a colon"),
        pytest.param(b"Bearer,a", id="a comma instead of the space"),
        pytest.param(b'"Bearer" a', id="a quoted scheme"),
        pytest.param(b"Bear\xc3\xa9r a", id="a scheme outside the token grammar"),
        # RFC 6750 §2.1.
        pytest.param(b"Bearer", id="scheme only"),
        pytest.param(b"Bearer ", id="scheme and a space"),
        pytest.param(b"Bearer    ", id="scheme and spaces"),
        pytest.param(b"bearer\t", id="scheme and a tab"),
        pytest.param(b"", id="empty header"),
        pytest.param(b"  ", id="spaces only"),
    ],
)
def test_a_header_outside_the_grammar_is_a_malformed_request(value: bytes) -> None:
    with pytest.raises(CredentialsMalformed) as refusal:
        presented_by(with_authorization(value))

    assert (refusal.value.status, refusal.value.error) == (400, "invalid_request")


@pytest.mark.conforms(
    "two Authorization headers are 400",
    "a malformed request is 400 invalid_request",
)
@pytest.mark.parametrize(
    "values",
    [
        pytest.param((b"Bearer a", b"Bearer b"), id="different"),
        pytest.param((b"Bearer a", b"Bearer a"), id="the same"),
        pytest.param((b"Bearer a", b"Basic YTpi"), id="another scheme second"),
        pytest.param((b"Basic YTpi", b"Bearer a"), id="another scheme first"),
        pytest.param((b"", b"Bearer a"), id="an empty one"),
        pytest.param((b"Bearer a",) * 50, id="fifty"),
    ],
)
def test_two_authorization_headers_are_a_malformed_request(values: tuple[bytes, ...]) -> None:
    with pytest.raises(CredentialsRepeated) as refusal:
        presented_by(with_authorization(*values))

    assert (refusal.value.status, refusal.value.error) == (400, "invalid_request")


@pytest.mark.conforms(
    "another scheme counts as no credentials",
    "without credentials the challenge carries no error code",
)
@pytest.mark.parametrize(
    "values",
    [
        pytest.param((), id="no header"),
        # RFC 6750 §2.
        pytest.param((b"Basic YTpi",), id="Basic"),
        pytest.param((b"DPoP a.b.c",), id="DPoP"),
        pytest.param((b'Digest username="a", realm="b"',), id="parameters"),
        pytest.param((b"Negotiate",), id="a scheme without credentials"),
        pytest.param((b"BearerToken a",), id="a scheme that begins with Bearer"),
        pytest.param((b"Bearer%20a",), id="a percent escape in the scheme"),
        pytest.param((b"a.b.c",), id="a token without a scheme"),
    ],
)
def test_no_header_or_another_scheme_counts_as_no_credentials(values: tuple[bytes, ...]) -> None:
    with pytest.raises(CredentialsMissing) as refusal:
        presented_by(with_authorization(*values))

    assert (refusal.value.status, refusal.value.error) == (401, None)


@pytest.mark.conforms("with optional authentication a bad token is still 401")
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param((), True, id="no header"),
        pytest.param((b"Basic YTpi",), False, id="another scheme"),
        pytest.param((b"Bearer a",), False, id="a token"),
        pytest.param((b"bearer a,b",), False, id="a malformed token"),
        pytest.param((b"Bearer",), False, id="no token"),
        pytest.param((b"",), False, id="an empty header"),
        pytest.param((b"Basic YTpi", b"Basic YTpi"), False, id="two headers"),
        pytest.param((b"x" * (MAX_CREDENTIAL_BYTES + 1),), False, id="a very long header"),
    ],
)
def test_a_request_is_anonymous_only_without_an_authorization_header(
    values: tuple[bytes, ...], expected: bool
) -> None:
    assert has_none({"headers": with_authorization(*values)}) == expected


@pytest.mark.parametrize(
    "name", [b"proxy-authorization", b"x-authorization", b"authorization-info", b"cookie"]
)
def test_other_headers_are_not_read(name: bytes) -> None:
    with pytest.raises(CredentialsMissing):
        presented_by([(name, b"Bearer a")])


def test_a_header_of_64_kib_is_read() -> None:
    token = b"a" * (MAX_CREDENTIAL_BYTES - len(b"Bearer "))

    assert presented_by(with_authorization(b"Bearer " + token)).token == token.decode()


@pytest.mark.conforms("an oversized header or token is refused before it is parsed")
@pytest.mark.parametrize("filler", [b"a", b" ", b"=", b"\xff", b"Bearer "])
def test_a_longer_header_is_refused_without_parsing(filler: bytes) -> None:
    value = (b"Bearer " + filler * MAX_CREDENTIAL_BYTES)[: MAX_CREDENTIAL_BYTES + 1]

    with pytest.raises(TokenTooLarge) as refusal:
        presented_by(with_authorization(value))

    assert isinstance(refusal.value, InvalidTokenError)


@pytest.mark.parametrize("token", ["a.b.c", "a b", " a\n", "", "é", "\ud800", "=", "a" * 70_000])
def test_credentials_that_are_made_of_a_token_hold_it_as_it_is(token: str) -> None:
    """An application or a test may make them; nothing of the token is checked."""
    made = Presented(token)

    assert made.token == token
    assert made.credentials == b"Bearer " + token.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    "value", [b"Bearer a.b", b"bearer a.b", b" BEARER   a.b\t", b"Bearer a.b "]
)
def test_presented_credentials_are_the_header_with_bearer_in_its_usual_spelling(
    value: bytes,
) -> None:
    """Before and after the token is read."""
    made = Presented.in_scope({"headers": with_authorization(value)})

    assert made.credentials.strip() == b"Bearer a.b"
    assert [made.token, made.token] == ["a.b", "a.b"]
    assert made.credentials.strip() == b"Bearer a.b"


def test_a_token_outside_the_grammar_is_refused_each_time_it_is_read() -> None:
    made = Presented.in_scope({"headers": with_authorization(b"Bearer a b")})

    for _ in range(2):
        with pytest.raises(CredentialsMalformed):
            _ = made.token


@pytest.mark.conforms("no token appears in a log, a body or an exception")
def test_the_repr_of_presented_credentials_does_not_show_the_token() -> None:
    assert "secret" not in repr(Presented("secret.secret.secret"))
    assert "secret" not in repr(presented_by(with_authorization(b"Bearer secret")))


@pytest.mark.conforms(
    "the client sends the token in the Authorization header, scheme Bearer",
    "the scheme name is compared without case",
    "a token outside the b64token grammar is 400",
)
@given(
    scheme=st.sampled_from(["bearer", "BEARER", "Bearer", "bEARER"]),
    spaces=st.integers(1, 20),
    token=st.text(B64TOKEN_CHARACTERS, min_size=1, max_size=200),
    padding=st.integers(0, 5),
)
@settings(max_examples=100, deadline=None)
def test_any_header_within_the_grammar_is_accepted(
    scheme: str, spaces: int, token: str, padding: int
) -> None:
    value = f"{scheme}{' ' * spaces}{token}{'=' * padding}"

    assert presented_by(with_authorization(value.encode())).token == f"{token}{'=' * padding}"


@pytest.mark.conforms("a token outside the b64token grammar is 400")
@given(
    st.binary(max_size=60)
    | st.binary(max_size=20).map(lambda rest: b"Bearer " + rest)
    | st.text(B64TOKEN_CHARACTERS + "= \t\n,", max_size=20).map(
        lambda rest: f"Bearer {rest}".encode()
    )
)
@example(b"Bearer a\n")
@settings(max_examples=150, deadline=None)
def test_every_accepted_header_is_one_b64token_and_any_other_is_refused(value: bytes) -> None:
    try:
        token = presented_by(with_authorization(value)).token
    except AccessTokenError:
        return

    stem = token.rstrip("=")
    scheme, _, rest = value.strip(b" \t").partition(b" ")
    assert stem
    assert set(stem) <= set(B64TOKEN_CHARACTERS)
    assert scheme.lower() == b"bearer"
    assert rest.lstrip(b" ") == token.encode()
