"""`BearerAuth.optional` in FastAPI: endpoints that need no token."""

from typing import Annotated

import pytest
from fastapi import FastAPI, Security

from asgi_bearer import Principal
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client

issuer = FakeIssuer()
auth = BearerAuth(issuer.verifier(), realm="contacts")

READS = ["read:contacts"]


def answer() -> str:
    return "contacts"


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        pytest.param({}, 200, None, id="no credentials"),
        pytest.param(bearer(issuer.token()), 200, "alice", id="a token"),
        pytest.param(bearer(issuer.token(exp=1)), 401, ..., id="a bad token"),
        pytest.param({"authorization": "Basic YTpi"}, 401, ..., id="another scheme"),
        pytest.param({"authorization": "Bearer one two"}, 400, ..., id="malformed"),
    ],
)
async def test_an_optional_token_is_verified_if_there_is_one(
    headers: dict[str, str], status: int, body: object
) -> None:
    app = FastAPI()
    auth.add_to(app)

    @app.get("/")
    async def read(user: Annotated[Principal | None, Security(auth.optional)]) -> str | None:
        return user.subject if user else None

    response = await client(app).get("/", headers=headers)

    assert response.status_code == status
    assert body is ... or response.json() == body


@pytest.mark.parametrize(
    ("scope", "status"), [(None, 401), ("openid", 403), ("read:contacts", 200)]
)
async def test_scopes_make_an_optional_token_necessary(scope: str | None, status: int) -> None:
    app = FastAPI()
    app.get("/", dependencies=[Security(auth.optional, scopes=READS)])(answer)
    headers = bearer(issuer.token(scope=scope)) if scope else {}

    assert (await client(app).get("/", headers=headers)).status_code == status


async def test_a_required_token_stays_required_beside_an_optional_one() -> None:
    app = FastAPI()
    app.get("/", dependencies=[Security(auth.optional), Security(auth)])(answer)

    assert (await client(app).get("/")).status_code == 401
