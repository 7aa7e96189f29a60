"""The endpoints under /contacts: valid requests, their answers, and who may send them."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from resource_api.contacts.model import can_own
from tests.resource_api.conftest import Api

OPERATIONS = [
    pytest.param("GET", "/contacts", "read:contacts", id="list"),
    pytest.param("HEAD", "/contacts", "read:contacts", id="list-head"),
    pytest.param("POST", "/contacts", "write:contacts", id="create"),
    pytest.param("GET", "/contacts/x", "read:contacts", id="read"),
    pytest.param("HEAD", "/contacts/x", "read:contacts", id="read-head"),
    pytest.param("PUT", "/contacts/x", "write:contacts", id="replace"),
    pytest.param("DELETE", "/contacts/x", "write:contacts", id="delete"),
]
UNKNOWN = "/contacts/01890000-0000-7000-8000-000000000000"


def problem(answer: httpx.Response, status: int) -> Mapping[str, Any]:
    """Return the body of an answer after checking that it is a problem (RFC 9457)."""
    body: dict[str, Any] = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert (body["type"], body["status"]) == ("about:blank", status)
    assert body["title"]
    assert body["detail"].endswith(".")
    return body


async def test_a_created_contact_is_answered_with_its_location_and_entity_tag(api: Api) -> None:
    fields = {"name": " Zoë ", "email": "z@example.org", "phone": "", "note": "a\nb"}

    answer = await api.request("POST", "/contacts", json=fields)

    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/contacts/{body['id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "private"
    assert body == {
        "id": body["id"],
        "name": "Zoë",
        "email": "z@example.org",
        "phone": None,
        "note": "a\nb",
        "created_at": "2023-11-14T22:13:20.000Z",
        "updated_at": "2023-11-14T22:13:20.000Z",
    }


async def test_a_created_contact_can_be_read_and_listed(api: Api) -> None:
    created = await api.request("POST", "/contacts", json={"name": "Bob"})

    read = await api.request("GET", created.headers["location"])
    listed = await api.request("GET", "/contacts")

    assert (read.status_code, read.json()) == (200, created.json())
    assert read.headers["etag"] == created.headers["etag"]
    assert listed.json() == {"contacts": [created.json()], "next_cursor": None}
    assert "link" not in listed.headers


async def test_replacing_a_contact_removes_the_fields_that_are_not_sent(api: Api) -> None:
    path = await api.create("Bob", email="bob@example.org")

    answer = await api.request("PUT", path, json={"name": "Robert"})

    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    assert (answer.json()["name"], answer.json()["email"]) == ("Robert", None)
    assert (await api.request("GET", path)).json() == answer.json()


async def test_a_deleted_contact_is_gone(api: Api) -> None:
    path = await api.create()

    answer = await api.request("DELETE", path)

    assert (answer.status_code, answer.content) == (204, b"")
    problem(await api.request("GET", path), 404)
    problem(await api.request("DELETE", path), 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_contact_of_another_owner_looks_like_an_unknown_one(api: Api, method: str) -> None:
    path = await api.create(sub="alice")
    arguments: dict[str, Any] = {"sub": "mallory"}
    if method == "PUT":
        arguments["json"] = {"name": "Mallory"}

    answers = [
        await api.request(method, wanted, **arguments)
        for wanted in (path, UNKNOWN, "/contacts/1", "/contacts/" + "a" * 5000, UNKNOWN.upper())
    ]

    assert len({answer.content for answer in answers[:4]}) == 1
    for answer in answers:
        problem(answer, 404)
    assert (await api.request("GET", path)).json()["name"] == "Bob"


async def test_a_caller_lists_only_own_contacts(api: Api) -> None:
    await api.create(sub="alice")

    assert (await api.request("GET", "/contacts", sub="bob")).json()["contacts"] == []


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
async def test_an_operation_without_a_token_is_refused(
    api: Api, method: str, path: str, scope: str
) -> None:
    answer = await api.client.request(method, path)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="contacts"'


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
async def test_the_scope_is_checked_before_anything_else_of_the_request(
    api: Api, method: str, path: str, scope: str
) -> None:
    granted = {"read:contacts", "write:contacts", "openid"} - {scope}
    headers = {**api.caller(scope=" ".join(granted)), "content-type": "text/plain"}

    answer = await api.client.request(
        method, f"{path}?limit=x", headers=headers, content=b"x" * 100_000
    )

    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert f'scope="{scope}"' in answer.headers["www-authenticate"]
    if method != "HEAD":
        assert problem(answer, 403)["error"] == "insufficient_scope"


@pytest.mark.parametrize(
    ("subject", "status"),
    [
        pytest.param(None, 403, id="none"),
        pytest.param("a" * 256, 403, id="too-long"),
        pytest.param("a\0b", 401, id="nul"),
        pytest.param("a\ud800", 401, id="half-a-surrogate-pair"),
        pytest.param("a\nb", 401, id="line-break"),
    ],
)
async def test_a_subject_that_cannot_own_contacts_is_refused(
    api: Api, subject: str | None, status: int
) -> None:
    answer = await api.client.get("/contacts", headers=api.caller(subject))

    problem(answer, status)


@pytest.mark.parametrize("subject", [None, "", "a" * 256, "a\0", "a\ud800", "\n"])
def test_a_subject_that_the_database_cannot_store_owns_nothing(subject: str | None) -> None:
    assert not can_own(subject)


@pytest.mark.parametrize(
    "subject", ["a" * 255, "auth0|5f7c", "日本", " ", "a'b\"c;--", "%", "alice@clients"]
)
async def test_an_unusual_subject_owns_its_own_contacts(api: Api, subject: str) -> None:
    await api.create("Another", sub="alice")

    await api.create("Mine", sub=subject)

    found = (await api.request("GET", "/contacts", sub=subject)).json()["contacts"]
    assert [contact["name"] for contact in found] == ["Mine"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/contacts", "GET, HEAD, POST"),
        ("PATCH", "/contacts", "GET, HEAD, POST"),
        ("POST", UNKNOWN, "DELETE, GET, HEAD, PUT"),
        ("OPTIONS", UNKNOWN, "DELETE, GET, HEAD, PUT"),
        ("POST", "/healthz", "GET, HEAD"),
        ("POST", "/readyz", "GET, HEAD"),
        ("DELETE", "/openapi.json", "GET, HEAD"),
    ],
)
async def test_a_method_that_is_not_supported_is_refused_with_the_supported_ones(
    api: Api, method: str, path: str, allowed: str
) -> None:
    answer = await api.request(method, path)

    problem(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/contacts/",
        "/contact",
        "/contacts/x/y",
        "//contacts",
        "/Contacts",
        "/docs",
        "/contacts%0d",
        "/%0acontacts",
    ],
)
async def test_an_unknown_path_gets_a_problem_and_no_redirect(api: Api, path: str) -> None:
    problem(await api.request("GET", path), 404)
    problem(await api.client.get(path), 401)


async def test_head_answers_as_get_does(api: Api) -> None:
    path = await api.create()

    answer = await api.request("HEAD", path)

    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'


async def test_addresses_in_answers_do_not_depend_on_the_host_header(api: Api) -> None:
    await api.create()
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example"}

    created = await api.request("POST", "/contacts", json={"name": "Bob"}, headers=headers)
    listed = await api.request("GET", "/contacts?limit=1", headers=headers)

    assert "evil" not in f"{created.headers} {listed.headers}"


async def test_a_database_failure_is_answered_with_503_without_internals(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    await api.lose_database()

    answer = await api.request("POST", "/contacts", json={"name": "Confidential"})

    assert problem(answer, 503)["detail"] == "The contacts are unavailable at the moment."
    assert answer.headers["retry-after"] == "1"
    assert "Confidential" not in caplog.text


async def test_a_database_failure_is_one_log_line_with_the_drivers_message(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    await api.lose_database()

    await api.request("GET", "/contacts")

    (record,) = caplog.records
    reason = "OperationalError: no such table: contacts"
    assert record.getMessage() == f"the database does not answer: {reason}"
    assert record.exc_info is None
