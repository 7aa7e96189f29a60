"""The classes of refusals: their tree, codes, and sentences for clients and operators."""

import inspect
import re

import pytest

from asgi_bearer import AccessTokenError, errors
from asgi_bearer.errors import InsufficientScope, NotJudgedError, shown

CODES = {
    # # RFC 6750 §3.1 defines three error codes.
    None: {401, 403, 503},
    "invalid_request": {400},
    "invalid_token": {401},
    "insufficient_scope": {403},
}


def tree(root: type[AccessTokenError] = AccessTokenError) -> list[type[AccessTokenError]]:
    """Return a class and all its subclasses in the library."""
    children = (child for child in root.__subclasses__() if child.__module__ == errors.__name__)
    return [root, *(below for child in children for below in tree(child))]


REFUSALS = tree()


def make(refusal: type[AccessTokenError], reason: str = "") -> AccessTokenError:
    """Return a refusal of this class."""
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
def test_the_status_of_a_refusal_fits_its_error_code(refusal: type[AccessTokenError]) -> None:
    assert refusal.status in CODES[refusal.error]


@pytest.mark.conforms("realm, scope and description stay within their character sets")
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_a_client_reads_one_fixed_sentence_per_class(refusal: type[AccessTokenError]) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z0-9 -]+\.", refusal.sentence)
    assert make(refusal, "reason").sentence == refusal.sentence


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_an_operator_reads_the_code_and_the_reason(refusal: type[AccessTokenError]) -> None:
    assert str(make(refusal)) == refusal.code
    assert str(make(refusal, "why")) == f"{refusal.code}: why"
    assert make(refusal, "why").reason == "why"


def test_each_refusal_has_its_own_code() -> None:
    codes = [refusal.code for refusal in REFUSALS]

    assert sorted(set(codes)) == sorted(codes)
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", code) for code in codes)


def test_the_tree_in_the_docstring_is_complete() -> None:
    drawn = re.findall(
        r"^ {4}([│ ├└─]*)([A-Z]\w+)(?: +(\d{3}))?", str(errors.__doc__), re.MULTILINE
    )
    depth_of = {refusal.__name__: len(refusal.__mro__) for refusal in REFUSALS}

    assert [name for _, name, _ in drawn] == [refusal.__name__ for refusal in REFUSALS]
    for branch, name, status in drawn:
        assert len(branch) // 4 == depth_of[name] - depth_of["AccessTokenError"]
        assert not status or int(status) == getattr(errors, name).status


def test_every_refusal_has_a_docstring() -> None:
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
def test_refusals_that_would_help_an_attacker_have_the_same_sentence(
    names: tuple[str, ...],
) -> None:
    responses = {
        (refusal.status, refusal.error, refusal.sentence)
        for refusal in (getattr(errors, name) for name in names)
    }

    assert len(responses) == 1


@pytest.mark.conforms(
    "a 403 names every scope that the endpoint needs",
    "without keys the answer is 503 with Retry-After and no challenge",
)
def test_insufficient_scope_keeps_the_scopes_and_not_judged_keeps_the_delay() -> None:
    assert InsufficientScope(("b", "a")).scopes == ("b", "a")
    assert NotJudgedError().retry_after == 1.0
    assert NotJudgedError("down", retry_after=7.5).retry_after == 7.5


@pytest.mark.conforms("kid is treated as hostile text")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("k1", "'k1'", id="text"),
        pytest.param("a" * 64, f"'{'a' * 64}'", id="the longest text that is shown whole"),
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
def test_a_value_from_a_token_is_escaped_and_cut(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.conforms("kid is treated as hostile text")
@pytest.mark.parametrize("value", ["\U0001f600" * 1000, [["x" * 100] * 100], 10**4000])
def test_a_value_from_a_token_is_never_long_in_a_message(value: object) -> None:
    assert len(shown(value)) < 100
