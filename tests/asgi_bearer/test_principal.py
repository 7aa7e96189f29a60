"""What an application learns of its caller."""

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
from asgi_bearer.credentials import Presented
from asgi_bearer.principal import ANONYMOUS
from tests.refusals.rows import new_issuer
from tests.support.asgi import bearer, client
from tests.support.fake_issuer import AUDIENCE, ISSUER, FakeIssuer, Json


async def principal_of(**changes: object) -> Principal:
    """Return the principal of a token with changed claims."""
    issuer = new_issuer()
    return await issuer.verifier().verify(Presented(issuer.token(**changes)))


async def test_a_principal_is_what_the_token_says() -> None:
    principal = await principal_of(scope="read:contacts write:contacts")

    assert principal.issuer == ISSUER
    assert principal.subject == "alice"
    assert principal.client_id == "web"
    assert principal.scopes == {"read:contacts", "write:contacts"}
    assert principal.expires_at == principal.claims["exp"]
    assert principal.claims["aud"] == AUDIENCE


@pytest.mark.conforms("unknown claims decide nothing")
async def test_unknown_claims_are_kept_and_decide_nothing() -> None:
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
async def test_the_client_is_read_where_issuers_name_it(
    claims: Json, client_id: str | None
) -> None:
    assert (await principal_of(**claims)).client_id == client_id


@pytest.mark.conforms("sub is a non-empty string; a client is told from a user")
@pytest.mark.parametrize(
    ("claims", "is_client"),
    [
        pytest.param({"sub": "alice", "client_id": "web"}, None, id="a user, or not"),
        pytest.param({"sub": "web", "client_id": "web"}, True, id="a client as its own subject"),
        pytest.param({"sub": "web@clients", "client_id": "web"}, True, id="as Auth0 writes it"),
        pytest.param({"sub": "web@clients", "client_id": None, "azp": "web"}, True, id="with azp"),
        pytest.param({"sub": "other@clients", "client_id": "web"}, None, id="another client"),
        pytest.param({"sub": "@clients", "client_id": None}, None, id="no client to compare"),
        pytest.param({"sub": "None@clients", "client_id": None}, None, id="a client named None"),
        pytest.param({"sub": None, "client_id": "web"}, None, id="no subject"),
        pytest.param({"sub": None, "client_id": None}, None, id="neither"),
        pytest.param({"idtyp": "app"}, True, id="Entra, an application"),
        pytest.param({"idtyp": "user", "sub": "web"}, False, id="Entra, a user"),
        pytest.param({"idtyp": "else"}, None, id="Entra, something new"),
        pytest.param({"idtyp": ["app"]}, None, id="idtyp in an array"),
        pytest.param({"gty": "client-credentials"}, True, id="Auth0 by its grant"),
        pytest.param({"gty": "password"}, None, id="Auth0 by another grant"),
        pytest.param({"grant_type": "client_credentials"}, True, id="UAA and ForgeRock"),
        pytest.param(
            {"grant_type": "client_credentials", "auth_time": 1}, True, id="ForgeRock, with a time"
        ),
        pytest.param({"grant_type": "authorization_code"}, None, id="UAA by another grant"),
        pytest.param({"auth_time": 0}, None, id="an old Keycloak, nobody was authenticated"),
        pytest.param({"auth_time": True}, None, id="an auth_time that is no time"),
        pytest.param({"auth_time": "1700000000"}, None, id="an auth_time that is no number"),
        pytest.param({"sub": "web", "auth_time": 1}, True, id="Cognito, a client with a time"),
        pytest.param({"auth_time": 1_700_000_000}, False, id="a user was authenticated"),
        pytest.param({"auth_time": 1_700_000_000, "sub": None}, None, id="but which one"),
    ],
)
async def test_a_client_that_acts_for_itself_is_told_from_a_user(
    claims: Json, is_client: bool | None
) -> None:
    assert (await principal_of(**claims)).is_client is is_client


@pytest.mark.conforms("sub is a non-empty string; a client is told from a user")
async def test_a_user_and_a_client_of_the_same_name_look_different() -> None:
    user = await principal_of(sub="reports", client_id="web")
    client = await principal_of(sub="reports", client_id="reports")

    assert (user.is_client, client.is_client) == (None, True)


async def test_a_principal_is_a_user_as_starlette_knows_it() -> None:
    principal = await principal_of()

    assert principal.is_authenticated
    assert principal.display_name == "alice"
    assert principal.identity == f"{ISSUER} alice"


async def test_without_a_subject_the_names_are_empty() -> None:
    principal = await principal_of(sub=None)

    assert principal.subject is None
    assert principal.display_name == ""
    assert principal.identity == f"{ISSUER} "


@pytest.mark.conforms("no token appears in a log, a body or an exception")
async def test_a_principal_does_not_show_its_claims() -> None:
    assert "secret" not in repr(await principal_of(note="secret"))


async def test_a_principal_cannot_be_changed() -> None:
    principal = await principal_of()

    with pytest.raises(dataclasses.FrozenInstanceError):
        principal.subject = "bob"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue] - that is the test
    with pytest.raises(TypeError):
        principal.claims["sub"] = "bob"  # type: ignore[index]  # pyright: ignore[reportIndexIssue] - that is the test


def test_nobody_is_not_authenticated_and_has_no_name_and_no_scope() -> None:
    assert Anonymous() == ANONYMOUS
    assert not ANONYMOUS.is_authenticated
    assert (ANONYMOUS.identity, ANONYMOUS.display_name) == ("", "")
    assert ANONYMOUS.scopes == frozenset()


def test_a_principal_can_be_a_key_of_a_dictionary() -> None:
    one = Principal("https://i/", "alice", "web", frozenset(), 1.0, {"a": [1]})

    assert {one: "alice"}[one] == "alice"


def test_nobody_has_what_a_principal_has_and_all_of_it_is_empty() -> None:
    names = [field.name for field in dataclasses.fields(Principal)]

    assert not any(getattr(Anonymous(), name) for name in names)


async def test_a_principal_is_copied_pickled_and_written_as_json() -> None:
    principal = await principal_of(groups=["a", {"b": ["c"]}], address={"city": "Here"})

    assert copy.deepcopy(principal) == principal
    assert copy.copy(principal) == principal
    assert pickled(principal) == principal
    assert dataclasses.replace(principal, subject="bob").claims == principal.claims
    assert dataclasses.asdict(principal)["claims"] == principal.claims
    assert json.loads(json.dumps(principal.claims))["groups"] == ["a", {"b": ["c"]}]
    assert json.loads(bytes(JSONResponse(principal.claims).body))["address"] == {"city": "Here"}


def pickled(value: object) -> object:
    """Return what comes back of a pickle."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
async def test_a_copy_of_claims_cannot_be_changed_either(copied: Callable[[object], Any]) -> None:
    made = copied((await principal_of(address={"city": "Here"})).claims)
    before = dict(made)
    nobody: Any = ANONYMOUS.claims

    for change in (
        partial(made.update, sub="eve"),
        partial(made.__init__, {"sub": "eve"}),
        partial(made.__setitem__, "sub", "eve"),
        partial(made.__delitem__, "sub"),
        partial(made.__ior__, {"sub": "eve"}),
        partial(made.setdefault, "admin", True),
        partial(made.pop, "sub"),
        made.popitem,
        made.clear,
        made["address"].clear,
        partial(made["address"].__init__, {"city": "There"}),
        partial(nobody.__init__, {"sub": "eve"}),
    ):
        with pytest.raises(TypeError, match="claims cannot be changed"):
            change()
    assert made == before
    assert ANONYMOUS.claims == {}


async def test_a_dictionary_made_of_claims_can_be_changed() -> None:
    claims: Any = (await principal_of()).claims

    for made in (dict(claims), {**claims}, claims | {}, claims.copy()):
        made["sub"] = "bob"
    assert claims["sub"] == "alice"


async def test_a_principal_as_a_dictionary_is_json_and_a_copy() -> None:
    principal = await principal_of(scope="b a", groups=["x", {"y": ["z"]}])
    written: Any = principal.to_dict()

    assert json.loads(json.dumps(written)) == written
    assert written["scopes"] == ["a", "b"]
    assert written["claims"]["groups"] == ["x", {"y": ["z"]}]
    written["claims"]["groups"][1]["y"].append("more")
    assert principal.claims["groups"] == ("x", {"y": ("z",)})
    assert json.loads(json.dumps(ANONYMOUS.to_dict()))["scopes"] == []
    assert written.keys() == ANONYMOUS.to_dict().keys()


def test_a_dictionary_shares_nothing_with_claims_that_were_not_frozen() -> None:
    """As a verifier of somebody else's may make them."""
    claims = {"groups": [["a"], {"b": MappingProxyType({"c": ("d",)})}]}
    written: Any = Principal("https://i/", "alice", None, frozenset(), 1.0, claims).to_dict()

    assert written["claims"] == {"groups": [["a"], {"b": {"c": ["d"]}}]}
    written["claims"]["groups"][0].append("e")
    assert claims["groups"][0] == ["a"]


async def test_fastapi_answers_with_the_user() -> None:
    """Without and with the type, by which FastAPI would look into it."""
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
def test_an_identity_has_one_reading(issuer: str, identity: str) -> None:
    principal = Principal(issuer, "alice b", None, frozenset(), 1.0, {})

    assert principal.identity == f"{identity} alice b"


@given(st.lists(st.text("a %3A:/2é", min_size=1), min_size=2, max_size=2, unique=True))
def test_no_two_issuers_have_the_same_identities(issuers: list[str]) -> None:
    one, other = (Principal(name, "x", None, frozenset(), 1.0, {}).identity for name in issuers)

    assert one != other
    assert one.count(" ") == other.count(" ") == 1


async def test_an_issuer_that_is_no_url_is_compared_byte_for_byte() -> None:
    issuer = FakeIssuer(issuer="kubernetes/serviceaccount")

    principal = await issuer.verifier().verify(Presented(issuer.token()))

    assert principal.issuer == "kubernetes/serviceaccount"
    with pytest.raises(IssuerMismatch):
        await issuer.verifier().verify(Presented(issuer.token(iss="kubernetes/serviceaccounts")))
