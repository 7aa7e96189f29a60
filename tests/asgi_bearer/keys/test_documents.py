"""Key set documents as JSON: one unreadable entry does not affect the others."""

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from asgi_bearer import Presented, StaticKeys
from asgi_bearer.jose.encoding import json_object
from asgi_bearer.keys import Document
from asgi_bearer.keys.documents import key_set_document, parsed
from asgi_bearer.keys.jwk import KeySet, UnreadableEntry
from asgi_bearer.testing import FakeIssuer, signing_key
from asgi_bearer.testing.signing import private_key

GOOD = json.dumps(signing_key("ES256", "good").jwk()).encode()
KTY = b'"kty": "EC", "kid": "odd"'

UNREADABLE_ENTRIES: dict[str, tuple[bytes, str]] = {
    "a lone surrogate": (b'{%s, "x": "\\ud800"}' % KTY, "lone surrogate"),
    "a name twice": (b'{%s, "kty": "RSA"}' % KTY, "repeats a name"),
    "a name twice, deeper": (b'{%s, "x": {"a": 1, "a": 2}}' % KTY, "repeats a name"),
    "NaN": (b'{%s, "exp": NaN}' % KTY, "holds NaN"),
    "Infinity": (b'{%s, "exp": -Infinity}' % KTY, "holds -Infinity"),
    "1e400": (b'{%s, "exp": 1e400}' % KTY, "not finite"),
    "ten thousand digits": (b'{%s, "exp": %s}' % (KTY, b"1" * 10_000), "digits"),
    "deep nesting": (b'{%s, "x": %s}' % (KTY, b"[" * 20 + b"]" * 20), "nests deeper"),
    "very deep nesting": (b'{%s, "x": %s}' % (KTY, b"[" * 99_999 + b"]" * 99_999), "nests deeper"),
    "not UTF-8": (b'{%s, "x": "\xff\xfe"}' % KTY, "not UTF-8"),
    "no JSON": (b"{%s, x}" % KTY, "does not parse"),
    "two objects in one": (b"{%s} {}" % KTY, "followed by something else"),
    "a string": (b'"kty"', "not an object"),
    "a number of ten thousand digits": (b"1" * 10_000, "not an object"),
    "null": (b"null", "not an object"),
    "an array": (b"[{}, {}]", "not an object"),
}


@pytest.mark.parametrize(
    ("entry", "words"), UNREADABLE_ENTRIES.values(), ids=UNREADABLE_ENTRIES.keys()
)
@pytest.mark.parametrize(
    "text", [b'{"keys": [%s, %s]}', b'{"a":"keys","keys":[ %s\n,%s ],"b":[1]}']
)
def test_an_unreadable_entry_is_skipped_with_its_reason(
    text: bytes, entry: bytes, words: str
) -> None:
    for first, second, number in ((entry, GOOD, 1), (GOOD, entry, 2)):
        key_set = KeySet.from_jwks(key_set_document(text % (first, second)))
        warnings = key_set.warnings

        assert [key.kid for key in key_set.keys] == ["good"]
        (warning,) = warnings
        kid = " (kid 'odd')" if b'"odd"' in entry else ""
        assert warning.startswith(f"key {number}{kid} is not used: ")
        assert words in warning
        assert len(warning) < 300


UNREADABLE_DOCUMENTS: dict[str, bytes] = {
    "a name twice at the top": b'{"keys": [%s], "a": 1, "a": 2}',
    "keys twice": b'{"keys": [%s], "keys": []}',
    "keys twice, once escaped": b'{"keys": [%s, {"a": NaN}], "\\u006beys": []}',
    "NaN at the top": b'{"keys": [%s], "a": NaN}',
    "a lone surrogate at the top": b'{"keys": [%s], "a": "\\udfff"}',
    "text after the document": b'{"keys": [%s]} x',
    "a comma too many": b'{"keys": [%s, {"a": NaN},]}',
    "a comma too few": b'{"keys": [%s {"a": NaN}]}',
    "brackets that do not match": b'{"keys": [%s, {"a": [}]}',
    "a document that is cut": b'{"keys": [%s, {"a": NaN}',
    "a string that is not closed": b'{"keys": [%s, {"a": "}]}',
    "an array": b"[%s]",
    "UTF-16": '{"keys": [%s]}'.encode("utf-16"),
    "keys in a nested object": b'{"x": {"keys": [%s, {"a": NaN}]}}',
    "another name": b'{"Keys": [%s, {"a": NaN}]}',
    "keys no array": b'{"keys": {"a": NaN}, "x": [%s]}',
    "not UTF-8 at the top": b'{"keys": [%s], "a": "\xff"}',
}


@pytest.mark.parametrize("text", UNREADABLE_DOCUMENTS.values(), ids=UNREADABLE_DOCUMENTS.keys())
def test_a_document_with_a_fault_outside_its_entries_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        KeySet.from_jwks(key_set_document(text.replace(b"%s", GOOD)))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"[" * 500_000, id="brackets"),
        pytest.param(b'{"keys":[' + b"[]," * 150_000, id="arrays"),
        pytest.param(b'{"keys":[' + b'"' * 500_000, id="quotes"),
        pytest.param(b'{"keys":[' + b"\\" * 500_000, id="backslashes"),
        pytest.param(b'{"keys":["' + b'\\"' * 250_000, id="escaped quotes"),
        pytest.param(b'{"keys":[' + b'{"keys":[' * 50_000, id="nested sets"),
        pytest.param(b'{"keys":[' + b"," * 500_000, id="commas"),
        pytest.param(b'{"keys":[NaN' + b",1" * 250_000 + b"]}", id="numbers"),
        pytest.param(b'{"keys":[' + b'{"a":NaN},' * 50_000 + b"{}]}", id="unreadable entries"),
    ],
)
def test_a_huge_document_without_a_key_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        KeySet.from_jwks(key_set_document(text))


@pytest.mark.parametrize(
    ("kid", "named"),
    [
        (b'"kid": "a\x1b\xff"', r"key 1 (kid 'a\x1b\ufffd')"),
        (b'"kid"\n:\t"' + b"a" * 9999 + b'"', "key 1 (kid '" + "a" * 63 + "...)"),
        (b'"kid": ""', "key 1 is"),
        (b'"kid": 7', "key 1 is"),
    ],
)
def test_an_unreadable_entry_is_named_by_the_text_that_looks_like_its_key_id(
    kid: bytes, named: str
) -> None:
    (warning,) = KeySet.from_jwks(
        key_set_document(b'{"keys": [{"x": NaN, %s}, %s]}' % (kid, GOOD))
    ).warnings

    assert warning.startswith(named)
    assert len(warning) < 150


def test_a_document_with_very_many_unreadable_entries_is_read_only_in_part() -> None:
    unreadable = b'{"a": NaN}, ' * 1500
    entries = key_set_document(b'{"keys": [%s%s]}' % (unreadable, GOOD))["keys"]

    assert len(entries) == 1501  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - an array


@given(st.binary(max_size=200) | st.text('{}[]",:keys\\u1 ', max_size=200).map(str.encode))
def test_any_text_is_read_as_an_object_or_refused(text: bytes) -> None:
    for body in (text, b'{"keys": [' + text + b"]}", b'{"keys": [{"a": NaN}, ' + text):
        try:
            document = key_set_document(body)
        except ValueError:
            continue
        assert isinstance(document, dict)


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}])
async def test_a_byte_order_mark_is_ignored(headers: dict[str, str]) -> None:
    document = Document(b"\xef\xbb\xbf" + b'{"keys": []}', headers)

    assert await parsed(document, json_object) == {"keys": []}


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"content-type": "text/html"}, r"\(content-type 'text/html'\)$"),
        ({"content-type": "x\x1b" * 99}, r"\(content-type 'x\\x1b.*\.\.\.\)$"),
        ({}, r"\(no content-type\)$"),
    ],
)
async def test_the_error_for_an_unreadable_body_names_its_content_type(
    headers: dict[str, str], words: str
) -> None:
    """For example, a login page instead of a key set."""
    with pytest.raises(ValueError, match=words):
        await parsed(Document(b"<html>Sign in", headers), json_object)


@pytest.mark.parametrize("size", [100, 100_000])
async def test_a_long_body_is_parsed_in_another_thread(size: int) -> None:
    threads: list[int] = []

    def reader(body: bytes) -> int:
        threads.append(threading.get_ident())
        return len(body)

    assert await parsed(Document(b"x" * size), reader) == size
    assert (threads == [threading.get_ident()]) is (size == 100)


PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param(PEM, "not PEM; make one with PyJWT", id="PEM"),
        pytest.param(PEM.encode(), "not PEM; make one with PyJWT", id="PEM in bytes"),
        pytest.param(bytearray(PEM.encode()), "not PEM", id="PEM in a bytearray"),
        pytest.param('{"keys": []}', "not as text: decode it with json.loads", id="JSON"),
        pytest.param("/etc/keys.json", "not as text", id="a path"),
        pytest.param("\ud800", "not as text", id="a surrogate"),
        pytest.param(
            Path("/etc/keys.json"), r"not a path; read the file: json\.loads", id="a Path object"
        ),
        pytest.param([PEM], "not a list of PEM; make one with", id="a list of PEM"),
        pytest.param({"keys": [PEM]}, "not a list of PEM; make one with", id="keys of PEM"),
        pytest.param(
            {"keys": PEM}, "not a mapping to PEM; make one with", id="PEM as the value of keys"
        ),
        pytest.param({"k1": PEM}, "not a mapping to PEM; make one with", id="PEM by key id"),
        pytest.param({"k1": PEM.encode()}, "not a mapping to PEM", id="PEM in bytes by key id"),
        pytest.param({"keys": None}, "no array of keys", id="keys none"),
        pytest.param(7, "not int; PyJWT", id="a number"),
        pytest.param(KeySet.from_jwks({"keys": [json.loads(GOOD)]}), "not KeySet", id="a KeySet"),
        pytest.param(json.loads(GOOD), "not one key; write", id="a single JWK"),
        pytest.param([json.loads(GOOD)], "not a list; write", id="a list of keys"),
        pytest.param((json.loads(GOOD),), "not a list; write", id="a tuple of keys"),
        pytest.param(None, "not NoneType; PyJWT converts", id="none"),
        pytest.param(private_key("ES256").public_key(), "PyJWT converts a key", id="a key object"),
        pytest.param(
            {"keys": {"a": json.loads(GOOD)}},
            "keys is not an array; write",
            id="keys by name",
        ),
        pytest.param({}, "no array of keys", id="an empty object"),
    ],
)
def test_the_error_for_a_value_that_is_not_a_key_set_says_what_to_do(
    document: Any, words: str
) -> None:
    with pytest.raises(ValueError, match=words) as error:
        StaticKeys(document)

    assert "MFkwEwYHKoZIzj0CAQYI" not in str(error.value)
    assert json.loads(GOOD)["x"] not in str(error.value)


def test_entries_skipped_from_static_keys_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer.keys")
    good = json.loads(GOOD)

    StaticKeys({"keys": [good, {**good, "use": "enc"}, {**good, "x": 7}]})

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "static keys: key 2 (kid 'good') is not used: use is 'enc'"),
        ("WARNING", "static keys: key 3 (kid 'good') is not used: x is not a string"),
    ]


@pytest.mark.parametrize(
    ("alg", "algorithm"), [("RS256", RSAAlgorithm), ("ES256", ECAlgorithm), ("EdDSA", OKPAlgorithm)]
)
async def test_a_key_set_made_from_pem_as_the_error_advises_verifies_a_token(
    alg: str, algorithm: Any
) -> None:
    issuer = FakeIssuer(key=signing_key(alg, "k1"))
    public = issuer.key.private_key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    jwk = algorithm.to_jwk(load_pem_public_key(pem), as_dict=True) | {"kid": "k1"}

    verifier = issuer.verifier(keys=StaticKeys({"keys": [jwk]}))
    assert (await verifier.verify(Presented(issuer.token()))).subject == "alice"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('{}[]",:\\keys\u00e9', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["keys", "a", '"', "]", "\\"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    entries=st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=4),
    before=VALUES,
    after=VALUES,
    indent=st.sampled_from([None, 1]),
)
def test_an_unreadable_entry_does_not_change_how_the_rest_is_read(
    entries: list[dict[str, object]], before: object, after: object, indent: int | None
) -> None:
    unreadable = {"x": float("nan")}
    document = {"before": before, "keys": [*entries, unreadable, *entries], "after": after}

    read_document = key_set_document(json.dumps(document, indent=indent).encode())

    (unread,) = [entry for entry in read_document["keys"] if isinstance(entry, UnreadableEntry)]  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType] - an array
    assert unread.reason == "the JSON holds NaN"
    assert read_document == {**document, "keys": [*entries, unread, *entries]}
