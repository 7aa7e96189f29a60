"""`BearerAuth` in FastAPI: what a refused request is answered with."""

import logging
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Security
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from asgi_bearer import Presented, Principal
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.starlette import Refused
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client
from tests.support.published_keys import DOWN, Published

issuer = FakeIssuer()
auth = BearerAuth(issuer.verifier(), realm="contacts")

READS = ["read:contacts"]


def answer() -> str:
    return "contacts"


def reader(user: Annotated[Principal, Security(auth, scopes=["read:contacts"])]) -> Principal:
    return user


def application(*, added: bool = True) -> FastAPI:
    app = FastAPI()
    if added:
        auth.add_to(app)
    app.get("/any", dependencies=[Security(auth)])(answer)
    app.get("/reader", dependencies=[Security(auth, scopes=READS)])(answer)
    return app


@pytest.mark.parametrize(
    ("token", "status"),
    [
        pytest.param(issuer.token(exp=1), 401, id="expired"),
        pytest.param(issuer.token(aud="https://other.example"), 401, id="another audience"),
        pytest.param(issuer.token(iss="https://other.example/"), 401, id="another issuer"),
        pytest.param(issuer.token()[:-4], 401, id="cut"),
        pytest.param("one two", 400, id="malformed"),
        pytest.param(issuer.token(scope="openid"), 403, id="too little scope"),
    ],
)
async def test_a_refusal_is_answered_as_the_guard_answers(token: str, status: int) -> None:
    guarded = issuer.guard(scopes="read:contacts", realm="contacts")

    refused = await client(application()).get("/reader", headers=bearer(token))
    expected = await client(guarded).get("/reader", headers=bearer(token))

    assert refused.status_code == expected.status_code == status
    assert refused.content == expected.content
    assert refused.headers == expected.headers
    assert refused.headers["cache-control"] == "no-store"


async def test_the_challenge_names_all_scopes_around_the_operation() -> None:
    app = FastAPI(dependencies=[Security(auth, scopes=["write:contacts"])])

    @app.get("/nested")
    async def nested(user: Annotated[Principal, Security(reader, scopes=["admin"])]) -> None:
        pass

    response = await client(app).get(
        "/nested", headers=bearer(issuer.token(scope="write:contacts"))
    )

    challenge = response.headers["www-authenticate"]
    assert 'realm="contacts"' in challenge
    assert 'scope="write:contacts admin read:contacts"' in challenge


async def test_without_add_to_a_refusal_has_the_challenge_and_a_short_body() -> None:
    response = await client(application(added=False)).get("/any")

    assert response.headers["www-authenticate"] == 'Bearer realm="contacts"'
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {"detail": "An access token is required."}


async def test_a_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    await client(application()).get("/reader", headers=bearer(issuer.token(scope="openid")))

    assert [record.getMessage() for record in caplog.records if record.name == "asgi_bearer"] == [
        "refused GET /reader: insufficient_scope: needs read:contacts, the token has openid"
    ]


async def test_other_errors_keep_their_answers() -> None:
    app = FastAPI()
    auth.add_to(app)

    @app.get("/teapot", dependencies=[Security(auth)])
    async def teapot() -> None:
        raise HTTPException(418, "tea")

    @app.get("/fault", dependencies=[Security(auth)])
    async def fault() -> None:
        raise ZeroDivisionError

    headers = bearer(issuer.token())
    assert (await client(app).get("/teapot", headers=headers)).json() == {"detail": "tea"}
    with pytest.raises(ZeroDivisionError):
        await client(app).get("/fault", headers=headers)


async def test_an_outage_of_the_issuer_is_503_with_retry_after() -> None:
    published = Published()
    published.serve(DOWN)
    down = BearerAuth(published.verifier)
    app = FastAPI()
    down.add_to(app)
    app.get("/", dependencies=[Security(down)])(answer)

    response = await client(app).get("/", headers=bearer(published.issuer.token()))

    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert "www-authenticate" not in response.headers
    assert response.headers["content-type"] == "application/problem+json"


class FaultyVerifier:
    """A verifier with a fault that quotes the token."""

    async def verify(self, presented: Presented) -> Principal:
        raise ValueError(presented.token)


async def test_a_fault_of_a_verifier_is_503_and_shows_no_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()
    app.get("/", dependencies=[Security(BearerAuth(FaultyVerifier()))])(answer)

    response = await client(app).get("/", headers=bearer("secret-token"))

    assert response.status_code == 503
    assert "secret-token" not in response.text + caplog.text


async def test_a_handler_of_the_application_for_refusals_stays() -> None:
    async def own(request: Request, exc: Exception) -> Response:
        return PlainTextResponse("own", 401)

    app = FastAPI(exception_handlers={Refused: own})
    auth.add_to(app)
    app.get("/", dependencies=[Depends(auth)])(answer)

    assert (await client(app).get("/")).text == "own"


async def test_add_to_keeps_refusals_from_a_handler_of_http_exceptions() -> None:
    async def short(request: Request, exc: Exception) -> Response:
        return PlainTextResponse("short", 401)

    app = FastAPI(exception_handlers={StarletteHTTPException: short})
    auth.add_to(app)
    app.get("/", dependencies=[Security(auth)])(answer)

    response = await client(app).get("/")

    assert response.headers["www-authenticate"] == 'Bearer realm="contacts"'
    assert response.headers["content-type"] == "application/problem+json"
