"""The setting `grant_types`: the API accepts only tokens whose claim `gty` names a listed grant."""

from pathlib import Path

import pytest

from asgi_bearer.keys import RemoteKeys
from asgi_bearer.testing import FakeClock, FakeIssuer
from resource_api.app import create_app
from resource_api.contacts.store import ContactStore
from resource_api.settings import Settings
from tests.support.asgi import bearer, client

FROM_THE_TOKEN_ENDPOINT = ("authorization_code", "refresh_token")


@pytest.fixture
def settings(tmp_path: Path, issuer: FakeIssuer) -> Settings:
    return Settings(
        issuer=issuer.issuer,
        audience=(issuer.audience,),
        grant_types=FROM_THE_TOKEN_ENDPOINT,
        database_url=f"sqlite:///{tmp_path}/contacts.sqlite3",
    )


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"gty": "authorization_code"}, 200),
        ({"gty": "refresh_token"}, 200),
        ({"gty": "implicit"}, 403),
        ({"gty": "AUTHORIZATION_CODE"}, 403),
        ({"gty": ["authorization_code"]}, 403),
        ({"gty": ""}, 403),
        ({"gty": None}, 403),
        ({}, 403),
    ],
    ids=["code", "refresh", "front channel", "case", "list", "empty", "null", "absent"],
)
async def test_a_token_of_a_grant_that_is_not_listed_is_refused(
    settings: Settings,
    keys: RemoteKeys,
    store: ContactStore,
    clock: FakeClock,
    issuer: FakeIssuer,
    claims: dict[str, object],
    status: int,
) -> None:
    app = create_app(settings, keys=keys, store=store, clock=clock)

    async with client(app) as calling:
        token = issuer.token(scope="read:contacts", **claims)
        answer = await calling.get("/contacts", headers=bearer(token))

    assert answer.status_code == status


async def test_without_the_setting_every_grant_is_accepted(
    settings: Settings, keys: RemoteKeys, store: ContactStore, clock: FakeClock, issuer: FakeIssuer
) -> None:
    app = create_app(
        settings.model_copy(update={"grant_types": None}), keys=keys, store=store, clock=clock
    )

    async with client(app) as calling:
        token = issuer.token(scope="read:contacts", gty="implicit")
        answer = await calling.get("/contacts", headers=bearer(token))

    assert answer.status_code == 200
