"""The issuer's documents tell the truth; its token endpoint gives what was asked or an error."""

import base64
from collections.abc import AsyncIterator
from urllib.parse import quote_plus, urlencode

import httpx
import jwt
import pytest

from resource_api.demo.form import MAX_BYTES
from resource_api.demo.keys import SigningKey
from tests.resource_api.demo.conftest import CLIENT, ISSUER, NOW

FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT.client_id,
    "client_secret": CLIENT.client_secret,
    "scope": "read:contacts",
}
METADATA = [".well-known/openid-configuration", ".well-known/oauth-authorization-server"]


def claims_of(response: httpx.Response, key: SigningKey) -> dict[str, object]:
    """The claims of the token that the issuer gave, whatever its times and audience."""
    claims: dict[str, object] = jwt.decode(
        response.json()["access_token"],
        key.private_key.public_key(),
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_aud": False},
    )
    return claims


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


@pytest.mark.parametrize("path", METADATA)
async def test_the_metadata_names_the_issuer_and_its_endpoints(
    issuer: httpx.AsyncClient, path: str
) -> None:
    metadata = (await issuer.get(path)).json()

    assert metadata["issuer"] == ISSUER
    assert metadata["jwks_uri"] == f"{ISSUER}.well-known/jwks.json"
    assert metadata["token_endpoint"] == f"{ISSUER}oauth/token"
    assert metadata["scopes_supported"] == ["read:contacts", "write:contacts"]


async def test_the_metadata_names_no_endpoint_that_does_not_exist(
    issuer: httpx.AsyncClient,
) -> None:
    metadata = (await issuer.get(METADATA[0])).json()

    named = [name for name in metadata if name.endswith(("_endpoint", "_uri"))]
    statuses = {name: (await issuer.get(metadata[name])).status_code for name in named}

    assert statuses == {"jwks_uri": 200, "token_endpoint": 405}
    assert metadata["response_types_supported"] == []


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_every_way_to_authenticate_that_the_metadata_names_works(
    issuer: httpx.AsyncClient, method: str
) -> None:
    metadata = (await issuer.get(METADATA[0])).json()
    form = {name: FORM[name] for name in ("grant_type", "scope")}
    if method == "client_secret_post":
        answer = await issuer.post("oauth/token", data=FORM)
    else:
        headers = basic(CLIENT.client_id, CLIENT.client_secret)
        answer = await issuer.post("oauth/token", data=form, headers=headers)

    assert method in metadata["token_endpoint_auth_methods_supported"]
    assert answer.status_code == 200


async def test_the_key_set_holds_the_public_key_and_may_be_cached(
    issuer: httpx.AsyncClient, key: SigningKey
) -> None:
    answer = await issuer.get(".well-known/jwks.json")

    assert answer.headers["cache-control"] == "public, max-age=600"
    assert answer.json() == {"keys": [key.public_jwk()]}
    assert set(key.public_jwk()) == {"kty", "kid", "use", "alg", "n", "e"}
    assert (key.public_jwk()["use"], key.public_jwk()["alg"]) == ("sig", "RS256")


async def test_a_token_is_an_rfc_9068_access_token_with_the_claims_of_auth0(
    issuer: httpx.AsyncClient, key: SigningKey
) -> None:
    answer = await issuer.post("oauth/token", data=FORM)

    header = jwt.get_unverified_header(answer.json()["access_token"])
    claims = claims_of(answer, key)
    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": key.kid}
    assert len(str(claims.pop("jti"))) >= 20
    assert claims == {
        "iss": ISSUER,
        "sub": f"{CLIENT.client_id}@clients",
        "aud": "https://api.example/contacts",
        "client_id": CLIENT.client_id,
        "azp": CLIENT.client_id,
        "iat": NOW,
        "exp": NOW + 3600,
        "scope": "read:contacts",
        "gty": "client-credentials",
    }


async def test_the_answer_names_the_token_and_is_not_stored(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.post("oauth/token", data=FORM)

    assert answer.headers["cache-control"] == "no-store"
    assert {name: value for name, value in answer.json().items() if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "read:contacts",
    }


async def test_no_two_tokens_are_the_same(issuer: httpx.AsyncClient, key: SigningKey) -> None:
    one, other = [await issuer.post("oauth/token", data=FORM) for _ in range(2)]

    assert claims_of(one, key)["jti"] != claims_of(other, key)["jti"]


@pytest.mark.parametrize(
    ("parameters", "claim", "expected"),
    [
        ({"subject": "alice"}, "sub", "alice"),
        ({"subject": "Zoë 李"}, "sub", "Zoë 李"),
        ({"subject": ""}, "sub", f"{CLIENT.client_id}@clients"),
        ({"audience": "https://other.example/"}, "aud", "https://other.example/"),
        ({"audience": ""}, "aud", "https://api.example/contacts"),
        ({"expires_in": "1"}, "exp", NOW + 1),
        ({"expires_in": "86400"}, "exp", NOW + 86400),
        ({"scope": "write:contacts read:contacts"}, "scope", "write:contacts read:contacts"),
        ({"scope": "read:contacts read:contacts"}, "scope", "read:contacts"),
        ({"resource": "unknown parameters are ignored"}, "aud", "https://api.example/contacts"),
    ],
    ids=str,
)
async def test_a_token_says_what_was_asked_for(
    issuer: httpx.AsyncClient,
    key: SigningKey,
    parameters: dict[str, str],
    claim: str,
    expected: object,
) -> None:
    answer = await issuer.post("oauth/token", data=FORM | parameters)

    assert claims_of(answer, key)[claim] == expected


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"client_id": ""}, "invalid_client"),
        ({"client_id": "someone"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"client_secret": "guess"}, "invalid_client"),
        ({"client_secret": CLIENT.client_secret + "x"}, "invalid_client"),
        ({"client_secret": "sécret"}, "invalid_client"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "read:contacts delete:contacts"}, "invalid_scope"),
        ({"scope": "READ:contacts"}, "invalid_scope"),
        ({"scope": "read:contacts  write:contacts"}, "invalid_scope"),
        ({"subject": "x" * 256}, "invalid_request"),
        ({"subject": "alice\n"}, "invalid_request"),
        ({"subject": "someone@clients"}, "invalid_request"),
        ({"audience": "https://api.example/ contacts"}, "invalid_request"),
        ({"audience": "x" * 256}, "invalid_request"),
        ({"expires_in": "0"}, "invalid_request"),
        ({"expires_in": "-1"}, "invalid_request"),
        ({"expires_in": "86401"}, "invalid_request"),
        ({"expires_in": "1.5"}, "invalid_request"),
        ({"expires_in": "9" * 5000}, "invalid_request"),
        ({"expires_in": "١٢"}, "invalid_request"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_request_that_cannot_be_granted_is_told_why(
    issuer: httpx.AsyncClient, change: dict[str, str], error: str
) -> None:
    answer = await issuer.post("oauth/token", data=FORM | change)

    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert answer.headers.get("www-authenticate") == (
        'Basic realm="issuer"' if error == "invalid_client" else None
    )
    assert answer.headers["cache-control"] == "no-store"
    assert CLIENT.client_secret not in answer.text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("", urlencode(FORM).encode()),
        ("application/x-www-form-urlencoded", (urlencode(FORM) + "&scope=").encode()),
        ("application/x-www-form-urlencoded", (urlencode(FORM) + "&scope=read:contacts").encode()),
        ("application/x-www-form-urlencoded", urlencode(FORM).encode() + b"&subject=\xff"),
        ("application/x-www-form-urlencoded", urlencode(FORM).encode() + b"&subject=%FF"),
        ("application/x-www-form-urlencoded", urlencode(FORM).encode() + b"&x=" + b"y" * MAX_BYTES),
    ],
    ids=[
        "JSON",
        "multipart",
        "no type",
        "twice, once empty",
        "twice",
        "not UTF-8",
        "escaped, not UTF-8",
        "too long",
    ],
)
async def test_a_body_that_is_no_plain_form_is_an_invalid_request(
    issuer: httpx.AsyncClient, content_type: str, body: bytes
) -> None:
    answer = await issuer.post("oauth/token", content=body, headers={"Content-Type": content_type})

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("headers", "form", "error"),
    [
        (basic(CLIENT.client_id, "guess"), {}, "invalid_client"),
        (basic("someone", CLIENT.client_secret), {}, "invalid_client"),
        ({"Authorization": "Bearer x"}, {}, "invalid_client"),
        ({"Authorization": "Basic"}, {}, "invalid_client"),
        ({"Authorization": "Basic !!!!"}, {}, "invalid_client"),
        ({"Authorization": "Basic bm9jb2xvbg=="}, {}, "invalid_client"),
        ({"Authorization": "Basic /////w=="}, {}, "invalid_client"),
        (
            basic(CLIENT.client_id, CLIENT.client_secret),
            {"client_secret": CLIENT.client_secret},
            "invalid_request",
        ),
        (
            basic(CLIENT.client_id, CLIENT.client_secret),
            {"client_id": "someone"},
            "invalid_request",
        ),
        (
            [*basic(CLIENT.client_id, CLIENT.client_secret).items(), ("Authorization", "Basic x")],
            {},
            "invalid_request",
        ),
    ],
    ids=[
        "wrong secret",
        "wrong id",
        "another scheme",
        "nothing after the scheme",
        "not base64",
        "no colon",
        "not UTF-8",
        "secret in the body too",
        "another id in the body",
        "two headers",
    ],
)
async def test_a_basic_header_that_does_not_prove_the_client_is_refused(
    issuer: httpx.AsyncClient,
    headers: dict[str, str] | list[tuple[str, str]],
    form: dict[str, str],
    error: str,
) -> None:
    form = {"grant_type": "client_credentials", "scope": "read:contacts"} | form

    answer = await issuer.post("oauth/token", data=form, headers=headers)

    assert answer.json()["error"] == error
    assert "access_token" not in answer.json()


async def test_the_clients_id_may_stand_in_the_body_beside_a_basic_header(
    issuer: httpx.AsyncClient,
) -> None:
    headers = basic(CLIENT.client_id, CLIENT.client_secret)
    form = {name: FORM[name] for name in ("grant_type", "client_id", "scope")}

    answer = await issuer.post("oauth/token", data=form, headers=headers)

    assert answer.status_code == 200


async def test_a_body_without_end_is_not_read_to_its_end(issuer: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MAX_BYTES:
            sent += 1024
            yield b"x" * 1024

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await issuer.post("oauth/token", content=endless(), headers=headers)

    assert answer.status_code == 400
    assert sent <= MAX_BYTES + 4096


async def test_a_token_is_not_given_for_a_get(issuer: httpx.AsyncClient) -> None:
    answer = await issuer.get("oauth/token", params=FORM)

    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]
