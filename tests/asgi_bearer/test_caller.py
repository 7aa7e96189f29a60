"""The principal: what an application learns about its caller."""

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import JSONResponse

from asgi_bearer import Anonymous, BearerMiddleware, IssuerMismatch, Principal
from asgi_bearer.caller import ANONYMOUS
from asgi_bearer.credentials import Presented
from asgi_bearer.testing import AUDIENCE, ISSUER, FakeIssuer
from asgi_bearer.testing.signing import Json
from tests.refusals.rows import new_issuer
from tests.support.asgi import bearer, client


async def principal_of(**changes: object) -> Principal:
    """Return the principal of a token with changed claims."""
    issuer = new_issuer()
    return await issuer.verifier().verify(Presented(issuer.token(**changes)))


async def test_a_principal_has_the_values_of_the_token() -> None:
    principal = await principal_of(scope="read:contacts write:contacts")

    assert principal.issuer == ISSUER
    assert principal.subject == "alice"
    assert principal.client_id == "web"
    assert principal.scopes == {"read:contacts", "write:contacts"}
    assert principal.expires_at == principal.claims["exp"]
    assert principal.claims["aud"] == AUDIENCE


@pytest.mark.conforms("unknown claims grant nothing")
async def test_unknown_claims_are_kept_and_grant_nothing() -> None:
    principal = await principal_of(admin=True, permissions=["write:contacts"])

    assert principal.claims["admin"] is True
    assert principal.scopes == {"read:contacts"}


@pytest.mark.parametrize(
    ("claims", "client_id"),
    [
        ({"client_id": "web"}, "web"),
        ({"client_id": None, "azp": "web"}, "web"),
        ({"client_id": "web", "azp": "other"}, "web"),
        ({"client_id": None, "cid": "web"}, "web"),
        ({"client_id": None, "appid": "web"}, "web"),
        ({"client_id": None, "azp": "web", "cid": "other", "appid": "another"}, "web"),
        ({"client_id": None}, None),
    ],
)
async def test_the_client_id_is_read_from_the_claims_that_issuers_use(
    claims: Json, client_id: str | None
) -> None:
    assert (await principal_of(**claims)).client_id == client_id


@pytest.mark.conforms("sub is a non-empty string; clients are distinguished from users")
@pytest.mark.parametrize(
    ("claims", "is_client"),
    [
        pytest.param({"sub": "alice", "client_id": "web"}, None, id="a user or a client"),
        pytest.param({"sub": "web", "client_id": "web"}, True, id="a client as its own subject"),
        pytest.param({"sub": "web@clients", "client_id": "web"}, True, id="a client of Auth0"),
        pytest.param(
            {"sub": "web@clients", "client_id": None, "azp": "web"},
            True,
            id="a client of Auth0, in azp",
        ),
        pytest.param({"sub": "other@clients", "client_id": "web"}, None, id="another client"),
        pytest.param({"sub": "@clients", "client_id": None}, None, id="no client id"),
        pytest.param({"sub": "None@clients", "client_id": None}, None, id="a client named None"),
        pytest.param({"sub": None, "client_id": "web"}, None, id="no subject"),
        pytest.param({"sub": None, "client_id": None}, None, id="neither"),
        pytest.param({"idtyp": "app"}, True, id="Entra, an application"),
        pytest.param({"idtyp": "user", "sub": "web"}, False, id="Entra, a user"),
        pytest.param({"idtyp": "else"}, None, id="Entra, an unknown type"),
        pytest.param({"idtyp": ["app"]}, None, id="idtyp in an array"),
        pytest.param({"gty": "client-credentials"}, True, id="Auth0, client credentials"),
        pytest.param({"gty": "password"}, None, id="Auth0, another grant"),
        pytest.param({"grant_type": "client_credentials"}, True, id="UAA and ForgeRock"),
        pytest.param(
            {"grant_type": "client_credentials", "auth_time": 1}, True, id="ForgeRock, with a time"
        ),
        pytest.param({"grant_type": "authorization_code"}, None, id="UAA, another grant"),
        pytest.param({"auth_time": 0}, None, id="Keycloak, auth_time 0"),
        pytest.param({"auth_time": True}, None, id="auth_time true"),
        pytest.param({"auth_time": "1700000000"}, None, id="auth_time a string"),
        pytest.param({"sub": "web", "auth_time": 1}, True, id="Cognito, a client with a time"),
        pytest.param({"auth_time": 1_700_000_000}, False, id="a user with an auth_time"),
        pytest.param(
            {"auth_time": 1_700_000_000, "sub": None}, None, id="auth_time without a subject"
        ),
    ],
)
async def test_a_client_without_a_user_is_distinguished_from_a_user(
    claims: Json, is_client: bool | None
) -> None:
    assert (await principal_of(**claims)).is_client is is_client


@pytest.mark.conforms("sub is a non-empty string; clients are distinguished from users")
async def test_a_user_and_a_client_with_the_same_name_are_distinguished() -> None:
    user = await principal_of(sub="reports", client_id="web")
    client = await principal_of(sub="reports", client_id="reports")

    assert (user.is_client, client.is_client) == (None, True)


async def test_a_principal_works_as_a_user_of_starlette() -> None:
    principal = await principal_of()

    assert principal.is_authenticated
    assert principal.display_name == "alice"
    assert principal.identity == f"{ISSUER} alice"


async def test_a_principal_without_a_subject_has_an_empty_display_name() -> None:
    principal = await principal_of(sub=None)

    assert principal.subject is None
    assert principal.display_name == ""
    assert principal.identity == f"{ISSUER} "


@pytest.mark.conforms("no token appears in a log, a body or an exception")
async def test_the_repr_of_a_principal_does_not_show_its_claims() -> None:
    assert "secret" not in repr(await principal_of(note="secret"))


async def test_a_principal_is_immutable() -> None:
    principal = await principal_of()

    with pytest.raises(dataclasses.FrozenInstanceError):
        principal.subject = "bob"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - that is the test
    with pytest.raises(TypeError):
        principal.claims["sub"] = "bob"  # type: ignore[index]  # pyright: ignore[reportIndexIssue] - that is the test


def test_anonymous_is_not_authenticated_and_has_no_name_and_no_scopes() -> None:
    assert Anonymous() == ANONYMOUS
    assert not ANONYMOUS.is_authenticated
    assert (ANONYMOUS.identity, ANONYMOUS.display_name) == ("", "")
    assert ANONYMOUS.scopes == frozenset()


def test_a_principal_is_hashable() -> None:
    one = Principal("https://i/", "alice", "web", frozenset(), 1.0, {"a": [1]})

    assert {one: "alice"}[one] == "alice"


def test_anonymous_has_every_attribute_of_a_principal_with_an_empty_value() -> None:
    names = [field.name for field in dataclasses.fields(Principal)]

    assert not any(getattr(Anonymous(), name) for name in names)


async def test_a_principal_can_be_copied_pickled_and_written_as_json() -> None:
    principal = await principal_of(groups=["a", {"b": ["c"]}], address={"city": "Here"})

    assert copy.deepcopy(principal) == principal
    assert copy.copy(principal) == principal
    assert pickled(principal) == principal
    assert dataclasses.replace(principal, subject="bob").claims == principal.claims
    assert dataclasses.asdict(principal)["claims"] == principal.claims
    assert json.loads(json.dumps(principal.claims))["groups"] == ["a", {"b": ["c"]}]
    assert json.loads(bytes(JSONResponse(principal.claims).body))["address"] == {"city": "Here"}


def pickled(value: object) -> object:
    """Return the value after pickling and unpickling."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
async def test_a_copy_of_the_claims_is_immutable_too(copied: Callable[[object], Any]) -> None:
    copied_claims = copied((await principal_of(address={"city": "Here"})).claims)
    before = dict(copied_claims)
    anonymous_claims: Any = ANONYMOUS.claims

    for change in (
        partial(copied_claims.update, sub="eve"),
        partial(copied_claims.__init__, {"sub": "eve"}),
        partial(copied_claims.__setitem__, "sub", "eve"),
        partial(copied_claims.__delitem__, "sub"),
        partial(copied_claims.__ior__, {"sub": "eve"}),
        partial(copied_claims.setdefault, "admin", True),
        partial(copied_claims.pop, "sub"),
        copied_claims.popitem,
        copied_claims.clear,
        copied_claims["address"].clear,
        partial(copied_claims["address"].__init__, {"city": "There"}),
        partial(anonymous_claims.__init__, {"sub": "eve"}),
    ):
        with pytest.raises(TypeError, match="claims cannot be changed"):
            change()
    assert copied_claims == before
    assert ANONYMOUS.claims == {}


async def test_a_dictionary_made_from_the_claims_can_be_changed() -> None:
    claims: Any = (await principal_of()).claims

    for copied_claims in (dict(claims), {**claims}, claims | {}, claims.copy()):
        copied_claims["sub"] = "bob"
    assert claims["sub"] == "alice"


async def test_to_dict_returns_json_values_that_share_nothing_with_the_principal() -> None:
    principal = await principal_of(scope="b a", groups=["x", {"y": ["z"]}])
    converted: Any = principal.to_dict()

    assert json.loads(json.dumps(converted)) == converted
    assert converted["scopes"] == ["a", "b"]
    assert converted["claims"]["groups"] == ["x", {"y": ["z"]}]
    converted["claims"]["groups"][1]["y"].append("more")
    assert principal.claims["groups"] == ("x", {"y": ("z",)})
    assert json.loads(json.dumps(ANONYMOUS.to_dict()))["scopes"] == []
    assert converted.keys() == ANONYMOUS.to_dict().keys()


def test_to_dict_copies_claims_of_an_applications_own_verifier() -> None:
    """Such claims may be mutable."""
    claims = {"groups": [["a"], {"b": MappingProxyType({"c": ("d",)})}]}
    converted: Any = Principal("https://i/", "alice", None, frozenset(), 1.0, claims).to_dict()

    assert converted["claims"] == {"groups": [["a"], {"b": {"c": ["d"]}}]}
    converted["claims"]["groups"][0].append("e")
    assert claims["groups"][0] == ["a"]


async def test_fastapi_can_return_the_user_and_its_claims() -> None:
    """With and without a type annotation, by which FastAPI would inspect the value."""
    app = FastAPI()

    async def whole(request: Request) -> Any:
        return request.user

    async def typed(request: Request) -> Principal:
        user: Principal = request.user
        return user

    async def claims(request: Request) -> dict[str, Any]:
        found: dict[str, Any] = request.user.claims
        return found

    for path, endpoint in {"/whole": whole, "/typed": typed, "/claims": claims}.items():
        app.get(path)(endpoint)
    issuer = FakeIssuer()
    guarded = BearerMiddleware(app, verifier=issuer.verifier())
    async with client(guarded) as http:
        for path in ("/whole", "/typed", "/claims"):
            answer = await http.get(path, headers=bearer(issuer.token(groups=["a"])))
            assert answer.status_code == 200
            assert answer.json().get("claims", answer.json())["groups"] == ["a"]


@pytest.mark.parametrize(
    ("issuer", "identity"),
    [
        ("https://i.example/", "https://i.example/"),
        ("https://i.example/a%20b?é", "https://i.example/a%20b?é"),
        ("kubernetes/serviceaccount", "kubernetes/serviceaccount"),
        ("job@x.iam.gserviceaccount.com", "job@x.iam.gserviceaccount.com"),
        ("urn:example:issuer", "urn:example:issuer"),
        ("My Issuer", "My%20Issuer"),
        ("My%20Issuer", "My%2520Issuer"),
        ("https://i.example/a b", "https%3A//i.example/a%20b"),
        ("https%3A//i.example/a%20b", "https%253A//i.example/a%2520b"),
    ],
)
def test_an_identity_is_unambiguous(issuer: str, identity: str) -> None:
    principal = Principal(issuer, "alice b", None, frozenset(), 1.0, {})

    assert principal.identity == f"{identity} alice b"


@given(st.lists(st.text("a %3A:/2é", min_size=1), min_size=2, max_size=2, unique=True))
def test_different_issuers_have_different_identities(issuers: list[str]) -> None:
    one, other = (Principal(name, "x", None, frozenset(), 1.0, {}).identity for name in issuers)

    assert one != other
    assert one.count(" ") == other.count(" ") == 1


async def test_an_issuer_that_is_not_a_url_is_compared_byte_for_byte() -> None:
    issuer = FakeIssuer(issuer="kubernetes/serviceaccount")

    principal = await issuer.verifier().verify(Presented(issuer.token()))

    assert principal.issuer == "kubernetes/serviceaccount"
    with pytest.raises(IssuerMismatch):
        await issuer.verifier().verify(Presented(issuer.token(iss="kubernetes/serviceaccounts")))
