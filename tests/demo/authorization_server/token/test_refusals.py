"""Attacks on the token endpoint get no tokens and do no harm to the real client.

Each refused request is a valid one with one change; the unchanged request still works afterwards.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio

from tests.refusals.token_requests import (
    AMBIGUOUS,
    CLIENT_CREDENTIALS,
    CLIENT_ID,
    CLIENTS,
    CODES,
    CODES_WITHOUT_CHALLENGE,
    FORM,
    REFRESH_TOKENS,
    SECRET,
    Ambiguous,
    Changes,
    Refused,
)
from tests.support.authorization_server.attacked_server import AttackedServer, attacked_server
from tests.support.authorization_server.back_channel import (
    CHALLENGE,
    SCOPES,
    VERIFIER,
    basic,
    error,
)
from tests.support.authorization_server.example_registrations import (
    COMMAND_LINE,
    PUBLIC,
    REDIRECT_URI,
)
from tests.support.authorization_server.front_channel import AUDIENCE, query

pytestmark = pytest.mark.asyncio(loop_scope="module")

_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749 §5.2."""

PUBLIC_CALLBACK = PUBLIC.redirect_uris[0]
CLIENT = {"client_id": CLIENT_ID, "client_secret": SECRET}
PUBLIC_CLIENT: dict[str, str | None] = {"client_id": PUBLIC.client_id, "client_secret": None}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[AttackedServer]:
    async with attacked_server(tmp_path_factory.mktemp("state")) as server:
        yield server


async def sent(
    server: AttackedServer,
    form: Mapping[str, str],
    changes: Changes | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    changed = {**form, **(changes or {})}
    data = {name: value for name, value in changed.items() if value is not None}
    encoded = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return await server.http.post("oauth/token", data=data, headers=encoded)


async def code_form(
    server: AttackedServer, *, code_challenge: str | None = CHALLENGE, **made_for: Any
) -> dict[str, str]:
    """Return a valid request with a new code."""
    code = await server.back_channel.code(code_challenge=code_challenge, **made_for)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
    verifier = {} if code_challenge is None else {"code_verifier": VERIFIER}
    return {**form, **verifier, **CLIENT}


async def tokens(server: AttackedServer, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the tokens that a valid request gives."""
    answer = await sent(server, form)
    assert answer.status_code == 200, answer.text
    given: dict[str, Any] = answer.json()
    return given


async def refresh_form(server: AttackedServer) -> dict[str, str]:
    """Return a valid request with a new refresh token."""
    given = await tokens(server, await code_form(server))
    return {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], **CLIENT}


def assert_refused(answer: httpx.Response, row: Refused | Ambiguous) -> None:
    told = answer.json()
    assert (answer.status_code, told["error"]) == (row.status, row.error)
    assert set(told) == {"error", "error_description"}
    assert _DESCRIPTION.fullmatch(told["error_description"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    challenges = ['Basic realm="authorization server"'] if row.status == 401 else []
    assert answer.headers.get_list("www-authenticate") == challenges
    assert "location" not in answer.headers
    assert SECRET not in answer.text


@pytest.mark.parametrize("row", [*CLIENTS, *CODES], ids=lambda row: row.case[:60])
async def test_a_faulty_code_request_is_refused_and_the_code_stays_valid(
    attacked: AttackedServer, row: Refused
) -> None:
    form = await code_form(attacked)
    before = attacked.memory()

    answer = await sent(attacked, form, row.changes, row.headers)

    assert_refused(answer, row)
    assert attacked.memory() == before
    assert (await sent(attacked, form)).status_code == 200


@pytest.mark.parametrize("row", CODES_WITHOUT_CHALLENGE, ids=lambda row: row.case)
async def test_a_removed_challenge_is_noticed(attacked: AttackedServer, row: Refused) -> None:
    form = await code_form(attacked, code_challenge=None)
    before = attacked.memory()

    answer = await sent(attacked, form, row.changes)

    assert_refused(answer, row)
    assert attacked.memory() == before


@pytest.mark.parametrize("row", REFRESH_TOKENS, ids=lambda row: row.case[:60])
async def test_a_faulty_refresh_request_is_refused_and_the_token_stays_valid(
    attacked: AttackedServer, row: Refused
) -> None:
    form = await refresh_form(attacked)
    before = attacked.memory()

    answer = await sent(attacked, form, row.changes, row.headers)

    assert_refused(answer, row)
    assert attacked.memory() == before
    assert (await sent(attacked, form)).status_code == 200


@pytest.mark.parametrize("row", CLIENT_CREDENTIALS, ids=lambda row: row.case[:60])
async def test_a_client_credentials_request_that_is_not_allowed_is_refused(
    attacked: AttackedServer, row: Refused
) -> None:
    form = {
        "grant_type": "client_credentials",
        "audience": AUDIENCE,
        "scope": "read:contacts",
        **CLIENT,
    }
    before = attacked.memory()

    answer = await sent(attacked, form, row.changes, row.headers)

    assert_refused(answer, row)
    assert attacked.memory() == before
    assert (await sent(attacked, form)).status_code == 200


@pytest.mark.parametrize("row", AMBIGUOUS, ids=lambda row: row.case)
async def test_an_ambiguous_body_is_refused(attacked: AttackedServer, row: Ambiguous) -> None:
    form = await code_form(attacked)
    before = attacked.memory()

    answer = await attacked.http.post(
        f"oauth/token{row.address}",
        content=row.body(form),
        headers={"Content-Type": row.content_type},
    )

    assert_refused(answer, row)
    assert attacked.memory() == before
    assert (await sent(attacked, form)).status_code == 200


@pytest.mark.parametrize(
    "content_types",
    [[FORM, "application/json"], ["application/json", FORM], [FORM, FORM]],
    ids=["form, JSON", "JSON, form", "form, form"],
)
@pytest.mark.parametrize("written", ["form", "JSON"])
async def test_a_body_with_two_content_types_is_refused(
    attacked: AttackedServer, content_types: list[str], written: str
) -> None:
    form = await code_form(attacked)
    request = (
        attacked.http.build_request("POST", "oauth/token", data=form)
        if written == "form"
        else attacked.http.build_request("POST", "oauth/token", json=form)
    )
    others = [pair for pair in request.headers.multi_items() if pair[0] != "content-type"]
    types = [("content-type", value) for value in content_types]
    request.headers = httpx.Headers([*others, *types])
    before = attacked.memory()

    answer = await attacked.http.send(request)

    assert error(answer) == (400, "invalid_request")
    assert attacked.memory() == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_methods_other_than_post_are_refused(attacked: AttackedServer, method: str) -> None:
    form = await code_form(attacked)
    before = attacked.memory()

    in_address = await attacked.http.request(method, "oauth/token", params=form)
    in_body = await attacked.http.request(method, "oauth/token", data=form)

    assert [answer.status_code for answer in (in_address, in_body)] == [405, 405]
    assert in_body.headers["allow"] == "POST"
    assert attacked.memory() == before


async def test_guessed_clients_and_guessed_secrets_get_identical_responses(
    attacked: AttackedServer,
) -> None:
    form = await code_form(attacked)
    guesses: list[Changes] = [
        {"client_secret": "guess"},
        {"client_secret": None},
        {"client_secret": f"{SECRET}x"},
        {"client_id": "somebody"},
        {"client_id": "somebody", "client_secret": None},
        {"client_id": "alice"},
        {"client_id": None},
        {"client_id": PUBLIC.client_id},
    ]

    answers = [await sent(attacked, form, changes) for changes in guesses]
    in_header = [
        await sent(attacked, form, dict.fromkeys(CLIENT), basic(client_id, secret))
        for client_id, secret in [(CLIENT_ID, "guess"), ("somebody", SECRET), (CLIENT_ID, "")]
    ]

    seen = {(answer.content, tuple(answer.headers.multi_items())) for answer in answers}
    assert len(seen) == 1
    assert {(answer.content, tuple(answer.headers.multi_items())) for answer in in_header} == seen


async def test_two_authorization_headers_are_refused(attacked: AttackedServer) -> None:
    form = await code_form(attacked)
    del form["client_id"], form["client_secret"]
    good = basic(CLIENT_ID, SECRET)["Authorization"]
    before = attacked.memory()

    for headers in ([good, good], [good, "Bearer x"], ["Basic x", good]):
        answer = await attacked.http.post(
            "oauth/token", data=form, headers=[("Authorization", value) for value in headers]
        )
        assert error(answer) == (400, "invalid_request")

    assert attacked.memory() == before


@pytest.mark.parametrize(
    ("made_for", "changes"),
    [
        pytest.param({"client_id": PUBLIC.client_id}, {}, id="code of the public client"),
        pytest.param({"client_id": COMMAND_LINE.client_id}, {}, id="code of another client"),
        pytest.param({"redirect_uri": "http://localhost:8080/other"}, {}, id="made for elsewhere"),
        pytest.param({"username": "mallory"}, {}, id="of nobody who is registered"),
        pytest.param({"audience": "https://api.example/gone"}, {}, id="for no API that there is"),
        pytest.param({"code_challenge": "c" * 43}, {}, id="injected: of another browser's request"),
        pytest.param(
            {"client_id": PUBLIC.client_id, "redirect_uri": PUBLIC_CALLBACK},
            {**PUBLIC_CLIENT, "redirect_uri": PUBLIC_CALLBACK, "code_verifier": None},
            id="public, no verifier",
        ),
        pytest.param(
            {
                "client_id": PUBLIC.client_id,
                "redirect_uri": PUBLIC_CALLBACK,
                "code_challenge": None,
            },
            {**PUBLIC_CLIENT, "redirect_uri": PUBLIC_CALLBACK},
            id="public, no challenge",
        ),
        pytest.param(
            {"client_id": PUBLIC.client_id, "redirect_uri": "com.example.contacts:/callback"},
            {**PUBLIC_CLIENT, "redirect_uri": PUBLIC_CALLBACK},
            id="public, the other of its addresses",
        ),
    ],
)
async def test_a_code_is_valid_for_its_own_request_only(
    attacked: AttackedServer, made_for: dict[str, str | None], changes: Changes
) -> None:
    form = await code_form(attacked, **made_for)
    before = attacked.memory()

    answer = await sent(attacked, form, {"code_verifier": VERIFIER, **changes})

    assert error(answer) == (400, "invalid_grant")
    assert attacked.memory() == before


async def test_a_code_expires_after_a_minute(attacked: AttackedServer) -> None:
    form, late = await code_form(attacked), await code_form(attacked)

    attacked.clock.advance(59)
    in_time = await sent(attacked, form)
    attacked.clock.advance(1)
    before = attacked.memory()
    too_late = await sent(attacked, late)

    assert in_time.status_code == 200
    assert error(too_late) == (400, "invalid_grant")
    assert attacked.memory() == before


async def test_a_replay_revokes_all_tokens_also_those_sent_through_the_browser(
    attacked: AttackedServer,
) -> None:
    cookie = await attacked.consenting_session()
    address = query(response_type="code id_token token")
    redirected = await attacked.http.get(f"authorize?{address}", headers=cookie)
    answer = dict(parse_qsl(urlsplit(redirected.headers["location"]).fragment))
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, **CLIENT}
    form["code"] = answer["code"]
    given = await tokens(attacked, form)
    both = (answer["access_token"], given["access_token"])
    assert all([await attacked.back_channel.is_active(token) for token in both])

    replay = await sent(attacked, form)

    assert error(replay) == (400, "invalid_grant")
    assert not any([await attacked.back_channel.is_active(token) for token in both])


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as it was"),
        pytest.param({"redirect_uri": "https://evil.example/"}, id="from elsewhere"),
        pytest.param({"code_verifier": "w" * 43}, id="with another verifier"),
    ],
)
async def test_every_kind_of_replay_revokes_the_tokens_of_the_code(
    attacked: AttackedServer, changes: Changes
) -> None:
    form = await code_form(attacked)
    given = await tokens(attacked, form)

    replay = await sent(attacked, form, changes)

    assert error(replay) == (400, "invalid_grant")
    assert not await attacked.back_channel.is_active(given["access_token"])
    refreshed = await attacked.back_channel.refresh(given["refresh_token"])
    assert error(refreshed) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_secret": "guess"}, id="who is not the client"),
        pytest.param(PUBLIC_CLIENT, id="another client"),
    ],
)
async def test_a_used_code_in_the_hands_of_a_thief_revokes_nothing(
    attacked: AttackedServer, changes: Changes
) -> None:
    form = await code_form(attacked)
    given = await tokens(attacked, form)
    before = attacked.memory()

    await sent(attacked, form, changes)

    assert attacked.memory() == before
    assert await attacked.back_channel.is_active(given["access_token"])


@pytest.mark.parametrize("valid_form", [code_form, refresh_form], ids=["code", "refresh token"])
async def test_one_of_many_simultaneous_requests_gets_tokens_and_they_are_revoked(
    attacked: AttackedServer, valid_form: Callable[[AttackedServer], Awaitable[dict[str, str]]]
) -> None:
    form = await valid_form(attacked)

    answers = await asyncio.gather(*(sent(attacked, form) for _ in range(8)))

    (given,) = [answer.json() for answer in answers if answer.status_code == 200]
    refused = [error(answer) for answer in answers if answer.status_code != 200]
    assert refused == [(400, "invalid_grant")] * 7
    assert not await attacked.back_channel.is_active(given["access_token"])
    assert not await attacked.back_channel.is_active(given["refresh_token"])


async def test_a_reused_refresh_token_revokes_all_its_successors(
    attacked: AttackedServer,
) -> None:
    form = await refresh_form(attacked)
    second = await tokens(attacked, form)
    third = await tokens(attacked, {**form, "refresh_token": second["refresh_token"]})

    reused = await sent(attacked, form)

    assert error(reused) == (400, "invalid_grant")
    for token in (second["access_token"], third["access_token"], third["refresh_token"]):
        assert not await attacked.back_channel.is_active(token)


@pytest.mark.parametrize(
    "name", ["code", "access_token", "id_token"], ids=lambda name: name.replace("_", " ")
)
async def test_other_tokens_are_refused_as_refresh_tokens(
    attacked: AttackedServer, name: str
) -> None:
    form = await code_form(attacked)
    given = {**await tokens(attacked, form), "code": form["code"]}
    before = attacked.memory()

    answer = await attacked.back_channel.refresh(given[name])

    assert error(answer) == (400, "invalid_grant")
    assert attacked.memory() == before


@pytest.mark.parametrize(
    "name", ["refresh_token", "access_token", "id_token"], ids=lambda name: name.replace("_", " ")
)
async def test_other_values_are_refused_as_codes(attacked: AttackedServer, name: str) -> None:
    form = await code_form(attacked)
    given = await tokens(attacked, form)
    before = attacked.memory()

    answer = await sent(attacked, form, {"code": given[name]})

    assert error(answer) == (400, "invalid_grant")
    assert attacked.memory() == before


async def test_a_token_of_a_narrower_refresh_lacks_the_omitted_scopes(
    attacked: AttackedServer,
) -> None:
    form = await refresh_form(attacked)

    narrowed = await tokens(attacked, {**form, "scope": "read:contacts"})

    assert narrowed["scope"] == "read:contacts"
    assert "id_token" not in narrowed
    refused = await attacked.http.get(
        "userinfo", headers={"Authorization": f"Bearer {narrowed['access_token']}"}
    )
    assert refused.status_code in {401, 403}
    assert set(SCOPES) > {"read:contacts"}


async def test_the_log_contains_no_secret_no_code_and_no_token(
    attacked: AttackedServer, caplog: pytest.LogCaptureFixture
) -> None:
    form = await code_form(attacked)

    with caplog.at_level(0):
        given = await tokens(attacked, form)
        await sent(attacked, form)
        await sent(attacked, form, {"client_secret": "a guess"})

    secrets = [*given.values(), form["code"], VERIFIER, SECRET, "a guess"]
    found = [value for value in secrets if isinstance(value, str) and len(value) > 6]
    assert [value for value in found if value in caplog.text] == []
