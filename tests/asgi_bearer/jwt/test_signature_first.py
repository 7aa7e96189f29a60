"""Once a verifier knows keys, it decodes a long payload only after a key has verified it.

An attacker may write the payload of a token that no known key signed, to keep the server busy.
In a payload over 1024 bytes, or with many members, only the issuer is searched, before newer keys
are requested.
"""

import json
from collections.abc import Mapping

import pytest

from asgi_bearer import InvalidTokenError, JWTVerifier, KeysUnavailable, Presented
from asgi_bearer.keys import KeySet
from asgi_bearer.testing import AUDIENCE, ISSUER, FakeClock, FakeIssuer, SigningKey, signing_key
from asgi_bearer.testing.signing import Json, b64, compact
from tests.asgi_bearer.jwt.key_sources import Rotation, Scripted, jwks

STRANGER = "https://stranger.example/"
KNOWN = signing_key("ES256", "known", 1)
NEW = signing_key("ES256", "new", 2)
FORGED = signing_key("ES256", "known", 3)
"""A forger's key with the key id of a key that the verifier knows."""

GROUPS = [f"8c1f5b0e-2f6d-4c1a-9a55-{number:012x}" for number in range(100)]
"""Ids of groups, as Entra writes them. A payload with them is long."""

LONGEST_DECODED = 1024
MOST_COMMAS = 48
"""Bytes and commas of a payload that is decoded although no known key has signed it."""


def issuer_of(name: str = ISSUER) -> FakeIssuer:
    """Return an issuer that signs with the key `NEW`."""
    return FakeIssuer(issuer=name, key=NEW, clock=FakeClock())


def payload(claims: Mapping[str, object], *, is_long: bool = True) -> str:
    """Return a JSON text of `claims`; a long one has a hundred groups first."""
    return json.dumps({**({"groups": GROUPS} if is_long else {}), **claims})


def token_of(text: str | bytes, key: SigningKey) -> str:
    """Return a token with this payload, signed by `key`."""
    return compact({"alg": key.alg, "typ": "at+jwt", "kid": key.kid}, text, key)


async def knowing(keys: Rotation | Scripted, issuer: FakeIssuer) -> JWTVerifier:
    """Return a verifier that has verified a token of the key `KNOWN`."""
    verifier = issuer.verifier(keys=keys)
    await verifier.verify(Presented(token_of(json.dumps(issuer.claims()), KNOWN)))
    return verifier


async def code(verifier: JWTVerifier, token: str) -> str:
    """Return the code of the refusal of `token`, or its subject."""
    try:
        return str((await verifier.verify(Presented(token))).subject)
    except InvalidTokenError as err:
        return err.code


OURS = issuer_of().claims()
FOREIGN: list[tuple[str, Json]] = [
    ("another issuer", {**OURS, "iss": STRANGER}),
    ("no issuer", {name: value for name, value in OURS.items() if name != "iss"}),
    ("our issuer as the audience", {**OURS, "iss": STRANGER, "aud": ISSUER}),
    ("our issuer among the audiences", {**OURS, "iss": STRANGER, "aud": [AUDIENCE, ISSUER]}),
    ("our issuer in another claim", {**OURS, "iss": STRANGER, "idp": ISSUER}),
    ("our issuer in a claim with a longer name", {**OURS, "iss": STRANGER, "xiss": ISSUER}),
    ("our issuer in many claims", {**OURS, "iss": STRANGER, "roles": [ISSUER] * 20}),
    ("our issuer in an array", {**OURS, "iss": [ISSUER]}),
    ("our issuer and more", {**OURS, "iss": f"{ISSUER}x"}),
    ("the end of our issuer", {**OURS, "iss": ISSUER[1:]}),
    ("iss as the value of a claim", {**OURS, "iss": STRANGER, "x": ["iss", ISSUER]}),
    ("a longer issuer", {**OURS, "iss": ISSUER + "x" * 999}),
    ("iss in a string", {**OURS, "iss": STRANGER, "x": f'"iss":"{ISSUER}"'}),
]


@pytest.mark.conforms(
    "keys come over https, without redirects, from configured hosts",
    "made-up key ids cost one fetch per cool-down",
)
@pytest.mark.parametrize("claims", [row[1] for row in FOREIGN], ids=[row[0] for row in FOREIGN])
@pytest.mark.parametrize("key", [NEW, FORGED], ids=["unknown key id", "known key id"])
async def test_a_long_token_that_does_not_name_our_issuer_as_iss_causes_no_call_of_the_key_source(
    claims: Json, key: SigningKey
) -> None:
    keys = Rotation(jwks(KNOWN.jwk()), jwks(KNOWN.jwk(), NEW.jwk()))
    verifier = await knowing(keys, issuer_of())
    asked = keys.asked

    expected = "issuer_mismatch" if "iss" in claims else "claim_missing"
    assert await code(verifier, token_of(payload(claims), key)) == expected
    assert (keys.missed, keys.asked) == ([], asked)


@pytest.mark.conforms("made-up key ids cost one fetch per cool-down")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(payload({**OURS, "iss": STRANGER}, is_long=False), "issuer_mismatch"),
        pytest.param(payload({"aud": ISSUER}, is_long=False), "claim_missing"),
        pytest.param(f'{{"iss":"{ISSUER}"', "token_malformed"),
        pytest.param(f'{{"iss":"{STRANGER}","iss":"{ISSUER}"}}', "token_malformed"),
        pytest.param(f'["iss","{ISSUER}"]', "token_malformed"),
    ],
    ids=["another issuer", "no issuer", "not JSON", "two issuers", "an array"],
)
@pytest.mark.parametrize("key", [NEW, FORGED], ids=["unknown key id", "known key id"])
@pytest.mark.parametrize("knows_keys", [True, False], ids=["keys known", "no keys known"])
async def test_the_fault_of_a_short_payload_is_named_exactly(
    text: str, expected: str, key: SigningKey, knows_keys: bool
) -> None:
    issuer, keys = issuer_of(), Rotation(jwks(KNOWN.jwk()), jwks(NEW.jwk()))
    verifier = await knowing(keys, issuer) if knows_keys else issuer.verifier(keys=keys)
    asked = keys.asked
    assert len(b64(text)) <= LONGEST_DECODED

    assert await code(verifier, token_of(text, key)) == expected
    assert (keys.missed, keys.asked) == ([], asked)


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        pytest.param(payload(OURS), NEW, "key_not_found", id="unknown key id"),
        pytest.param(payload(OURS), FORGED, "signature_invalid", id="known key id"),
        pytest.param(payload(OURS)[:-1], NEW, "key_not_found", id="not JSON, unknown key id"),
        pytest.param(payload(OURS)[:-1], FORGED, "signature_invalid", id="not JSON, known key id"),
        pytest.param(payload({**OURS, "exp": 1}), FORGED, "signature_invalid", id="expired"),
    ],
)
async def test_a_long_forged_token_that_names_our_issuer_is_refused_for_its_signature(
    text: str, key: SigningKey, expected: str
) -> None:
    """After newer keys were requested, and without decoding its payload."""
    keys = Rotation(jwks(KNOWN.jwk()))
    verifier = await knowing(keys, issuer_of())

    assert await code(verifier, token_of(text, key)) == expected
    assert [missed.unknown_kid for missed in keys.missed] == [key is NEW]


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
@pytest.mark.parametrize(
    ("removed", "added"),
    [
        pytest.param(0, "A", id="a surplus character"),
        pytest.param(4, "A+/A", id="the standard alphabet"),
        pytest.param(3, "_", id="stray bits"),
    ],
)
async def test_a_long_payload_that_is_not_base64url_is_malformed(removed: int, added: str) -> None:
    keys = Rotation(jwks(KNOWN.jwk()), jwks(NEW.jwk()))
    verifier = await knowing(keys, issuer_of())
    segment = b64(payload(OURS) + " " * (-len(payload(OURS)) % 3))
    changed = segment[: len(segment) - removed] + added
    header, _, signature = token_of(payload(OURS), NEW).split(".")

    assert await code(verifier, f"{header}.{changed}.{signature}") == "token_malformed"
    assert keys.missed == []


@pytest.mark.parametrize(
    ("text", "is_decoded"),
    [
        pytest.param('{"x":"' + "y" * (LONGEST_DECODED - 8) + '"]', True, id="1024 bytes"),
        pytest.param('{"x":"' + "y" * (LONGEST_DECODED - 7) + '"]', False, id="1025 bytes"),
        pytest.param("[" + "1," * MOST_COMMAS + "1}", True, id="48 commas"),
        pytest.param("[" + "1," * MOST_COMMAS + "1,1}", False, id="49 commas"),
    ],
)
async def test_a_payload_is_decoded_before_its_signature_only_if_it_is_short_and_has_few_members(
    text: str, is_decoded: bool
) -> None:
    """Decoding it would show that it is no JSON."""
    verifier = await knowing(Rotation(jwks(KNOWN.jwk())), issuer_of())

    expected = "token_malformed" if is_decoded else "claim_missing"
    assert await code(verifier, token_of(text, NEW)) == expected


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("size", [0, 10, 100, 250])
@pytest.mark.parametrize(
    ("key", "kid"), [(KNOWN, "known"), (FORGED, "known"), (NEW, "new"), (NEW, "x" * 300)]
)
async def test_before_any_keys_are_known_a_foreign_token_of_any_size_causes_no_call(
    size: int, key: SigningKey, kid: str
) -> None:
    keys = Rotation(error=KeysUnavailable("asked"))
    verifier = issuer_of().verifier(keys=keys)
    text = json.dumps({"groups": [*GROUPS, *GROUPS, *GROUPS][:size], "iss": STRANGER})
    token = compact({"alg": key.alg, "kid": kid}, text, key)

    assert await code(verifier, token) == "issuer_mismatch"
    assert keys.asked == 0


@pytest.mark.conforms(
    "keys verify tokens of their own issuer only", "iss equals the configured issuer, byte for byte"
)
@pytest.mark.parametrize("is_long", [False, True], ids=["short", "long"])
async def test_a_token_that_a_known_key_signed_for_another_issuer_is_refused(is_long: bool) -> None:
    """Tenants of one provider may share its keys."""
    keys = Rotation(jwks(KNOWN.jwk()))
    verifier = await knowing(keys, issuer_of())
    asked = keys.asked

    for claims in ({**OURS, "iss": STRANGER}, {**OURS, "iss": STRANGER, "act": {"iss": ISSUER}}):
        token = token_of(payload(claims, is_long=is_long), KNOWN)
        assert await code(verifier, token) == "issuer_mismatch"
    assert (keys.missed, keys.asked) == ([], asked)


@pytest.mark.conforms(
    "keys verify tokens of their own issuer only", "iss equals the configured issuer, byte for byte"
)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (payload({"act": {"iss": ISSUER}, **OURS, "iss": STRANGER}), "issuer_mismatch"),
        (payload({"act": {"iss": ISSUER}, **OURS, "iss": [ISSUER]}), "issuer_mismatch"),
        (payload({"act": {"iss": ISSUER}, "aud": AUDIENCE, "exp": OURS["exp"]}), "claim_missing"),
        (payload(OURS)[:-1], "token_malformed"),
        (f'{payload({**OURS, "iss": STRANGER})[:-1]}, "iss": "{ISSUER}"}}', "token_malformed"),
        (payload({**OURS, "aud": STRANGER}), "audience_mismatch"),
        (payload({**OURS, "exp": 1}), "token_expired"),
    ],
    ids=["another iss", "an array", "no iss", "not JSON", "two iss", "audience", "expired"],
)
async def test_a_long_token_is_checked_in_full_after_a_new_key_has_verified_it(
    text: str, expected: str
) -> None:
    keys = Rotation(jwks(KNOWN.jwk()), jwks(KNOWN.jwk(), NEW.jwk()))
    verifier = await knowing(keys, issuer_of())

    assert await code(verifier, token_of(text, NEW)) == expected
    assert len(keys.missed) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (payload(OURS)[:-1], "token_malformed"),
        (f'{payload(OURS)[:-1]}, "sub": "eve"}}', "token_malformed"),
        (f'{payload(OURS)[:-1]}, "x": {"[" * 17}{"]" * 17}}}', "token_malformed"),
    ],
    ids=["not JSON", "a name twice", "deep"],
)
async def test_a_payload_that_a_known_key_has_signed_is_decoded_strictly(
    text: str, expected: str
) -> None:
    verifier = await knowing(Rotation(jwks(KNOWN.jwk())), issuer_of())

    assert await code(verifier, token_of(text, KNOWN)) == expected


UMLAUT = "Ausweis Köln"
SPELLINGS: dict[str, tuple[str, str]] = {
    "as it is": (ISSUER, f'"iss":"{ISSUER}"'),
    "after a space": (ISSUER, f'"iss": "{ISSUER}"'),
    "between white space": (ISSUER, f'"iss" \t\r\n :\n\n    "{ISSUER}"'),
    "on a line of its own": (ISSUER, f'"iss":\n{" " * 40}"{ISSUER}"'),
    "with escaped slashes": (ISSUER, '"iss":"https:\\/\\/issuer.example\\/"'),
    "with escaped slashes after a space": (ISSUER, '"iss" : "https:\\/\\/issuer.example\\/"'),
    "with a letter beyond ASCII": (UMLAUT, f'"iss":"{UMLAUT}"'),
    "with an escaped letter": (UMLAUT, '"iss":"Ausweis K\\u00f6ln"'),
    "with an escaped pair of surrogates": ("Pass 🛂", '"iss":"Pass \\ud83d\\udec2"'),
    "with an escaped quote": ('The "Issuer"', '"iss":"The \\"Issuer\\""'),
    "with an escaped backslash": ("A\\B", '"iss":"A\\\\B"'),
    "with all of them": ("é/\\", '"iss" :"\\u00e9\\/\\\\"'),
}


@pytest.mark.conforms("a rotation costs one fetch and no 401")
@pytest.mark.parametrize(("name", "member"), SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("place", ["first", "last", "alone at the end"])
async def test_a_long_token_with_a_new_key_is_accepted_after_newer_keys_are_fetched(
    name: str, member: str, place: str
) -> None:
    """However its issuer writes its name."""
    issuer = issuer_of(name)
    keys = Rotation(jwks(KNOWN.jwk()), jwks(NEW.jwk()))
    verifier = await knowing(keys, issuer)
    others = payload(issuer.claims(iss=None))[1:-1]
    text = {
        "first": f"{{{member},{others}}}",
        "last": f"{{{others},{member}}}",
        "alone at the end": f"{{{others}\n,\n{member}\n}}\n",
    }[place]
    assert len(b64(text)) > LONGEST_DECODED

    assert await code(verifier, token_of(text, NEW)) == "alice"
    assert len(keys.missed) == 1


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_an_issuer_that_is_also_named_in_other_claims_is_found() -> None:
    """As an audience, for example."""
    others = {"aud": [AUDIENCE, ISSUER], "roles": [ISSUER] * 5, "idp": ISSUER}
    text = payload({**issuer_of().claims(iss=None), **others, "iss": ISSUER})
    keys = Rotation(jwks(KNOWN.jwk()), jwks(NEW.jwk()))
    verifier = await knowing(keys, issuer_of())

    assert await code(verifier, token_of(text, NEW)) == "alice"


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_long_token_is_accepted_if_the_key_source_has_its_key_already() -> None:
    """A refresh in the background has fetched the new keys since the last token was verified."""
    before, after = KeySet.from_jwks(jwks(KNOWN.jwk())), KeySet.from_jwks(jwks(NEW.jwk()))
    keys = Scripted([before, after])
    verifier = await knowing(keys, issuer_of())

    assert await code(verifier, token_of(payload(OURS), NEW)) == "alice"
    assert keys.missed == 0


OTHER_SPELLINGS: dict[str, tuple[str, str]] = {
    # System.Text.Json and Gson escape characters of HTML, and the first writes capital digits.
    # encoding/json of Go escapes the ampersand.
    "an escape with capital digits": (UMLAUT, '"iss":"Ausweis K\\u00F6ln"'),
    "an escaped ampersand": ("R&D", '"iss":"R\\u0026D"'),
    "an escaped plus": ("https://i.example/a+b", '"iss":"https://i.example/a\\u002Bb"'),
    "an escaped apostrophe": ("The People's", '"iss":"The People\\u0027s"'),
    "every letter escaped": ("🛂" * 20, '"iss":"' + "\\ud83d\\udec2" * 20 + '"'),
    "an escaped name": ("R&D", '"\\u0069ss":"R&D"'),
}


@pytest.mark.conforms("a rotation costs one fetch and no 401")
@pytest.mark.parametrize(("name", "member"), OTHER_SPELLINGS.values(), ids=OTHER_SPELLINGS)
async def test_an_issuer_may_escape_any_character_of_its_name(name: str, member: str) -> None:
    """The JSON libraries of some languages escape more than they must."""
    issuer = issuer_of(name)
    keys = Rotation(jwks(KNOWN.jwk()), jwks(NEW.jwk()))
    verifier = await knowing(keys, issuer)
    text = f"{{{member},{payload(issuer.claims(iss=None))[1:]}"

    assert await code(verifier, token_of(text, NEW)) == "alice"


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_a_long_token_whose_issuer_is_not_found_is_accepted_with_keys_that_are_there() -> (
    None
):
    """No fetch is needed: the key source has the new key. Otherwise the verifier would
    refuse all long tokens until it happens to verify a short one with the new key."""
    issuer = issuer_of("R&D")
    before, after = KeySet.from_jwks(jwks(KNOWN.jwk())), KeySet.from_jwks(jwks(NEW.jwk()))
    verifier = await knowing(Scripted([before, after]), issuer)
    text = f'{{"iss":"R\\u0026D",{payload(issuer.claims(iss=None))[1:]}'

    assert [await code(verifier, token_of(text, NEW)) for _ in range(3)] == ["alice"] * 3


@pytest.mark.conforms("a rotation costs one fetch and no 401")
async def test_an_issuer_that_is_named_in_very_many_other_claims_is_found() -> None:
    """Such as one object for each entitlement, with the issuer that granted it."""
    granted = [{"id": name, "by": ISSUER} for name in GROUPS[:20]]
    text = payload({**issuer_of().claims(iss=None), "granted": granted, "iss": ISSUER})
    keys = Rotation(jwks(KNOWN.jwk()), jwks(NEW.jwk()))
    verifier = await knowing(keys, issuer_of())

    assert await code(verifier, token_of(text, NEW)) == "alice"


@pytest.mark.parametrize("member", ['"iss":"\\x"', '"iss":"open', '"iss":"\n"', '"iss":'])
async def test_an_issuer_that_is_no_json_string_is_not_ours(member: str) -> None:
    keys = Rotation(jwks(KNOWN.jwk()), jwks(NEW.jwk()))
    verifier = await knowing(keys, issuer_of())

    assert await code(verifier, token_of(payload({})[:-1] + member, NEW)) == "issuer_mismatch"
    assert keys.missed == []
