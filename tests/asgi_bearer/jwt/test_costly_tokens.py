"""Tokens that an attacker makes to keep a server busy."""

import time

import pytest

from asgi_bearer import InvalidTokenError, JWTVerifier
from asgi_bearer.credentials import MAX_CREDENTIAL_BYTES, Presented
from asgi_bearer.jose.encoding import json_object
from asgi_bearer.testing.signing import b64, signed
from tests.refusals.rows import new_issuer

JSON_BYTES = 44 * 1024
"""Bytes of JSON that fit into a token of the largest size that can be configured."""

REPEATS = 5
MAX_SECONDS = 5.0
"""Processor seconds for all repeats: far more than linear work needs, far less than quadratic
work."""

COSTLY: dict[str, bytes] = {
    "quotes": b'{"x": ' + b'"' * JSON_BYTES,
    "strings": b'{"x": [' + b'"",' * (JSON_BYTES // 3) + b'""]}',
    "backslashes": b'{"x": "' + b"\\" * JSON_BYTES + b'"}',
    "backslashes, not closed": b'{"x": "' + b"\\" * JSON_BYTES,
    "escaped quotes": b'{"x": "' + b'\\"' * (JSON_BYTES // 2) + b'"}',
    "escaped quotes, not closed": b'{"x": "[[[[[[[[[[[[[[[[[[[[' + b'\\"' * (JSON_BYTES // 2),
    "escaped quotes and half an escape": b'{"x": "[][][][][][][][][][]'
    + b'\\"' * (JSON_BYTES // 2)
    + b"\\",
    "open brackets": b"[" * JSON_BYTES,
    "open braces": b"{" * JSON_BYTES,
    "open objects": b'{"a":' * (JSON_BYTES // 5),
    "brackets in a string": b'{"x": "' + b"[" * JSON_BYTES + b'"}',
    "brackets, opened and closed": b'{"x": [' + b"[]," * (JSON_BYTES // 3) + b"[]]}",
    "closed brackets": b"]" * JSON_BYTES,
    "closed brackets first": b'{"x": ' + b"]" * (JSON_BYTES // 2) + b"[" * (JSON_BYTES // 2),
    "a huge integer": b'{"exp": ' + b"9" * JSON_BYTES + b"}",
    "many huge integers": b'{"x": [' + b",".join([b"9" * 4300] * (JSON_BYTES // 4301)) + b"]}",
    "a huge fraction": b'{"exp": 0.' + b"9" * JSON_BYTES + b"}",
    "a huge exponent": b'{"exp": 1e' + b"9" * JSON_BYTES + b"}",
    "many names": b"{" + b",".join(b'"%d":1' % number for number in range(JSON_BYTES // 9)) + b"}",
    "one name many times": b"{" + b'"a":1,' * (JSON_BYTES // 6) + b'"a":1}',
    "escapes": b'{"x": "' + b"\\u0041" * (JSON_BYTES // 6) + b'"}',
    "surrogates": b'{"x": "' + b"\\ud800" * (JSON_BYTES // 6) + b'"}',
    "white space": b" " * JSON_BYTES,
    "commas": b'{"x": [' + b"," * JSON_BYTES,
    "four-byte characters": b'{"x": "' + "😀".encode() * (JSON_BYTES // 4) + b'"}',
    "bytes that are not UTF-8": b"\xff" * JSON_BYTES,
    "many scopes": b'{"scope": "' + b"a " * (JSON_BYTES // 2) + b'"}',
    "many audiences": b'{"aud": [' + b'"a",' * (JSON_BYTES // 4) + b'"a"]}',
}


async def seconds_to_refuse(verifier: JWTVerifier, token: str) -> float:
    """Return the processor time that it takes to refuse `token` a few times."""
    start = time.process_time()
    for _ in range(REPEATS):
        with pytest.raises(InvalidTokenError):
            await verifier.verify(Presented(token))
    return time.process_time() - start


@pytest.mark.conforms(
    "an oversized header or token is refused before it is parsed",
    "header and claims are bounded JSON objects in UTF-8",
)
@pytest.mark.parametrize("json", COSTLY.values(), ids=COSTLY.keys())
async def test_a_payload_that_is_costly_to_parse_is_refused_quickly(json: bytes) -> None:
    issuer = new_issuer()
    largest = issuer.verifier(max_token_bytes=MAX_CREDENTIAL_BYTES)
    token = signed(f"{b64(issuer.header())}.{b64(json)}", issuer.key)
    assert len(token) <= MAX_CREDENTIAL_BYTES

    assert await seconds_to_refuse(largest, token) < MAX_SECONDS


@pytest.mark.conforms(
    "an oversized header or token is refused before it is parsed",
    "header and claims are bounded JSON objects in UTF-8",
)
@pytest.mark.parametrize("json", COSTLY.values(), ids=COSTLY.keys())
async def test_a_header_that_is_costly_to_parse_is_refused_quickly(json: bytes) -> None:
    issuer = new_issuer()
    largest = issuer.verifier(max_token_bytes=MAX_CREDENTIAL_BYTES)
    token = signed(f"{b64(json)}.{b64(issuer.claims())}", issuer.key)

    assert await seconds_to_refuse(largest, token) < MAX_SECONDS


@pytest.mark.conforms(
    "an oversized header or token is refused before it is parsed",
    "only the compact serialization with three segments is accepted",
)
@pytest.mark.parametrize(
    "token",
    [
        pytest.param("." * MAX_CREDENTIAL_BYTES, id="dots"),
        pytest.param("A" * MAX_CREDENTIAL_BYTES, id="one segment"),
        pytest.param("=" * MAX_CREDENTIAL_BYTES, id="padding"),
        pytest.param(f"{'A' * (MAX_CREDENTIAL_BYTES - 4)}.A.A", id="a long header"),
        pytest.param(f"e30.e30.{'A' * (MAX_CREDENTIAL_BYTES - 8)}", id="a long signature"),
        pytest.param("é" * MAX_CREDENTIAL_BYTES, id="letters with accents"),
    ],
)
async def test_a_token_that_is_costly_to_split_is_refused_quickly(token: str) -> None:
    issuer = new_issuer()
    largest = issuer.verifier(max_token_bytes=MAX_CREDENTIAL_BYTES)

    assert await seconds_to_refuse(largest, token) < MAX_SECONDS


async def test_a_token_with_very_many_claims_and_scopes_is_accepted() -> None:
    issuer = new_issuer()
    largest = issuer.verifier(max_token_bytes=MAX_CREDENTIAL_BYTES)
    scope = " ".join(f"read:{number}" for number in range(1000))
    token = issuer.token(
        scope=scope, aud=[issuer.audience] * 100, **{f"n{i}": i for i in range(1000)}
    )

    principal = await largest.verify(Presented(token))

    assert len(principal.scopes) == 1000


@pytest.mark.conforms("header and claims are bounded JSON objects in UTF-8")
def test_the_bounds_on_json_hold_for_key_sets_as_well() -> None:
    with pytest.raises(ValueError, match="deeper"):
        json_object(b'{"keys": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
