"""What an application learns of its caller."""

import dataclasses

import pytest

from asgi_bearer import Anonymous, Principal
from asgi_bearer.credentials import Presented
from asgi_bearer.principal import ANONYMOUS
from tests.asgi_bearer.refused import issuer
from tests.fake_issuer import AUDIENCE, ISSUER, Json


async def principal_of(**changes: object) -> Principal:
    """Return the principal of a token with changed claims."""
    of = issuer()
    return await of.verifier().verify(Presented(of.token(**changes)))


async def test_a_principal_is_what_the_token_says() -> None:
    principal = await principal_of(scope="read:contacts write:contacts")

    assert principal.issuer == ISSUER
    assert principal.subject == "alice"
    assert principal.client_id == "web"
    assert principal.scopes == {"read:contacts", "write:contacts"}
    assert principal.expires_at == principal.claims["exp"]
    assert principal.claims["aud"] == AUDIENCE


async def test_unknown_claims_are_kept_and_decide_nothing() -> None:
    """Row 72."""
    principal = await principal_of(admin=True, permissions=["write:contacts"])

    assert principal.claims["admin"] is True
    assert principal.scopes == {"read:contacts"}


@pytest.mark.parametrize(
    ("claims", "client_id"),
    [
        ({"client_id": "web"}, "web"),
        ({"client_id": None, "azp": "web"}, "web"),
        ({"client_id": "web", "azp": "other"}, "web"),
        ({"client_id": None}, None),
    ],
)
async def test_the_client_is_client_id_or_else_azp(claims: Json, client_id: str | None) -> None:
    assert (await principal_of(**claims)).client_id == client_id


@pytest.mark.parametrize(
    ("claims", "is_client"),
    [
        pytest.param({"sub": "alice", "client_id": "web"}, False, id="a user"),
        pytest.param({"sub": "web", "client_id": "web"}, True, id="a client as its own subject"),
        pytest.param({"sub": "web@clients", "client_id": "web"}, True, id="as Auth0 writes it"),
        pytest.param({"sub": "web@clients", "client_id": None, "azp": "web"}, True, id="with azp"),
        pytest.param({"sub": "other@clients", "client_id": "web"}, False, id="another client"),
        pytest.param({"sub": "@clients", "client_id": None}, False, id="no client to compare"),
        pytest.param({"sub": "None@clients", "client_id": None}, False, id="a client named None"),
        pytest.param({"sub": None, "client_id": "web"}, True, id="no subject"),
        pytest.param({"sub": None, "client_id": None}, True, id="nobody at all"),
    ],
)
async def test_a_client_that_acts_for_itself_is_told_from_a_user(
    claims: Json, is_client: bool
) -> None:
    """Row 68."""
    assert (await principal_of(**claims)).is_client is is_client


async def test_a_user_and_a_client_of_the_same_name_look_different() -> None:
    """Row 68."""
    user = await principal_of(sub="reports", client_id="web")
    client = await principal_of(sub="reports", client_id="reports")

    assert (user.is_client, client.is_client) == (False, True)


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


async def test_a_principal_does_not_show_its_claims() -> None:
    """Row 35."""
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
