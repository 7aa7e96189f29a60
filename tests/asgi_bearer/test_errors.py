"""The tree of refusals: names, codes and what may be said to whom."""

import inspect
import re

import pytest

from asgi_bearer import AccessTokenError, errors
from asgi_bearer.errors import InsufficientScope, NotJudgedError, shown

CODES = {
    # RFC 6750 §3.1 has three error codes.
    None: {401, 403, 503},
    "invalid_request": {400},
    "invalid_token": {401},
    "insufficient_scope": {403},
}


def tree(of: type[AccessTokenError] = AccessTokenError) -> list[type[AccessTokenError]]:
    """Return a class and all below it."""
    children = (child for child in of.__subclasses__() if child.__module__ == errors.__name__)
    return [of, *(below for child in children for below in tree(child))]


REFUSALS = tree()


def make(refusal: type[AccessTokenError], reason: str = "") -> AccessTokenError:
    """Return a refusal of any class."""
    if issubclass(refusal, InsufficientScope):
        return refusal(("read:contacts",), reason)
    return refusal(reason)


@pytest.mark.conforms(
    "without credentials the challenge carries no error code",
    "a malformed request is 400 invalid_request",
    "a token that does not verify is 401 invalid_token",
    "a token with too little scope is 403 insufficient_scope",
    "a claim rule that fails is 403 with a challenge",
    "without keys the answer is 503 with Retry-After and no challenge",
)
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_a_refusal_has_a_status_that_fits_its_error_code(refusal: type[AccessTokenError]) -> None:
    assert refusal.status in CODES[refusal.error]


@pytest.mark.conforms("realm, scope and description stay within their character sets")
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_what_the_caller_reads_is_one_fixed_sentence(refusal: type[AccessTokenError]) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z0-9 -]+\.", refusal.sentence)
    assert make(refusal, "reason").sentence == refusal.sentence


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_the_operator_reads_the_code_and_the_reason(refusal: type[AccessTokenError]) -> None:
    assert str(make(refusal)) == refusal.code
    assert str(make(refusal, "why")) == f"{refusal.code}: why"
    assert make(refusal, "why").reason == "why"


def test_no_two_refusals_have_the_same_code() -> None:
    codes = [refusal.code for refusal in REFUSALS]

    assert sorted(set(codes)) == sorted(codes)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", code) for code in codes)


def test_the_drawing_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(
        r"^ {4}([│ ├└─]*)([A-Z]\w+)(?: +(\d{3}))?", str(errors.__doc__), re.MULTILINE
    )
    depth_of = {refusal.__name__: len(refusal.__mro__) for refusal in REFUSALS}

    assert [name for _, name, _ in drawn] == [refusal.__name__ for refusal in REFUSALS]
    for branch, name, status in drawn:
        assert len(branch) // 4 == depth_of[name] - depth_of["AccessTokenError"]
        assert not status or int(status) == getattr(errors, name).status


def test_every_refusal_says_what_it_means() -> None:
    assert all(inspect.getdoc(refusal) for refusal in REFUSALS)


@pytest.mark.conforms("forged tokens get the same answer, whatever is wrong with them")
@pytest.mark.parametrize(
    "names",
    [
        ("KeyNotFound", "SignatureInvalid", "IssuerMismatch", "AudienceMismatch"),
        ("KeyAmbiguous", "TokenMalformed", "AlgorithmNotAllowed", "TokenTypeNotAllowed"),
        ("TokenBoundToKey", "IDTokenPresented", "ClaimMissing", "ClaimMalformed"),
        ("OtherJWTPresented", "TokenOpaque", "TokenEncrypted", "TokenMalformed"),
    ],
    ids="-".join,
)
def test_refusals_that_could_answer_a_probe_say_the_same(names: tuple[str, ...]) -> None:
    said = {
        (refusal.status, refusal.error, refusal.sentence)
        for refusal in (getattr(errors, name) for name in names)
    }

    assert len(said) == 1


@pytest.mark.conforms(
    "a 403 names every scope that the endpoint needs",
    "without keys the answer is 503 with Retry-After and no challenge",
)
def test_insufficient_scope_keeps_the_scopes_and_a_missing_judgement_the_pause() -> None:
    assert InsufficientScope(("b", "a")).scopes == ("b", "a")
    assert NotJudgedError().retry_after == 1.0
    assert NotJudgedError("down", retry_after=7.5).retry_after == 7.5


@pytest.mark.conforms("kid is treated as hostile text")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("k1", "'k1'", id="text"),
        pytest.param("a" * 64, f"'{'a' * 64}'", id="text as long as is shown"),
        pytest.param("a" * 65, f"'{'a' * 63}...", id="text that is cut"),
        pytest.param("a\r\nb\x00\x1b[31m", r"'a\r\nb\x00\x1b[31m'", id="control characters"),
        pytest.param("é\u202e😀", r"'\xe9\u202e\U0001f600'", id="letters outside ASCII"),
        pytest.param("\ud800", r"'\ud800'", id="a lone surrogate"),
        pytest.param(None, "None", id="null"),
        pytest.param(7, "7", id="a number"),
        pytest.param(["a"], "['a']", id="an array"),
        pytest.param({"a": "é"}, r"{'a': '\xe9'}", id="an object"),
    ],
)
def test_a_value_from_a_token_is_shown_escaped_and_cut(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.conforms("kid is treated as hostile text")
@pytest.mark.parametrize("value", ["\U0001f600" * 1000, [["x" * 100] * 100], 10**4000])
def test_what_is_shown_is_never_long(value: object) -> None:
    assert len(shown(value)) < 100
