"""What the guard adds to the headers of a response: Cache-Control, and Vary if it is optional."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from asgi_bearer import Principal
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import (
    Message,
    RecordingApplication,
    answer_ok,
    bearer_fields,
    client,
    converse,
    http_scope,
)

Headers = list[tuple[bytes, bytes]]

issuer = FakeIssuer()
PRIVATE = (b"cache-control", b"private")
VARY = (b"vary", b"Authorization")
OWN = (b"content-type", b"text/plain")
SETTINGS: list[tuple[dict[str, bool], Headers]] = [
    ({}, [PRIVATE]),
    ({"cache_control": True}, [PRIVATE]),
    ({"cache_control": False}, []),
    ({"optional": True}, [PRIVATE, VARY]),
    ({"optional": True, "cache_control": False}, [VARY]),
]
settings = pytest.mark.parametrize(("arguments", "added"), SETTINGS, ids=repr)


def never(_: Principal) -> bool:
    return False


def authorized() -> Message:
    """Return the scope of a request with a good token."""
    return http_scope(headers=bearer_fields(issuer.token()))


async def added_by(app: Any, arguments: dict[str, bool], scope: Message) -> Headers:
    """Return the headers of a response of the guarded application that it did not send itself."""
    start, *_ = await converse(issuer.guard(app, **arguments), scope)
    assert start["status"] == 200
    return [header for header in start["headers"] if header != OWN]


@pytest.mark.conforms(
    "no shared cache stores an answer to an authorized request",
    "where requests may be anonymous, the answer varies by Authorization",
)
@settings
async def test_the_settings_say_which_headers_a_response_gets(
    arguments: dict[str, bool], added: Headers
) -> None:
    assert await added_by(answer_ok, arguments, authorized()) == added
    assert await added_by(RecordingApplication([OWN]), arguments, authorized()) == added


@pytest.mark.conforms("where requests may be anonymous, the answer varies by Authorization")
@pytest.mark.parametrize("cache_control", [True, False])
async def test_a_response_to_an_anonymous_request_varies_too(cache_control: bool) -> None:
    arguments = {"optional": True, "cache_control": cache_control}

    assert VARY in await added_by(answer_ok, arguments, http_scope())


@pytest.mark.conforms("no shared cache stores an answer to an authorized request")
@settings
@pytest.mark.parametrize("name", [b"cache-control", b"Cache-Control", b"CACHE-CONTROL"])
async def test_cache_control_of_the_application_stays_alone(
    name: bytes, arguments: dict[str, bool], added: Headers
) -> None:
    own = (name, b"max-age=60")

    headers = await added_by(RecordingApplication([own]), arguments, authorized())

    assert headers == [own, *(header for header in added if header != PRIVATE)]


@pytest.mark.conforms("no shared cache stores an answer to an authorized request")
@pytest.mark.parametrize("name", [b"cache-contro1", b"x-cache-contr", b"cache-controls", b"vary"])
async def test_a_header_with_another_name_is_not_taken_for_cache_control(name: bytes) -> None:
    own = (name, b"max-age=60")

    assert await added_by(RecordingApplication([own]), {}, authorized()) == [own, PRIVATE]


@settings
@pytest.mark.parametrize("status", [401, 403, 400])
async def test_a_refusal_is_never_stored_whatever_the_settings_say(
    arguments: dict[str, bool], added: Headers, status: int
) -> None:
    verifier = issuer.verifier(rules={"never": never} if status == 403 else None)
    field = {400: b"Bearer a b", 401: b"Bearer x", 403: f"Bearer {issuer.token()}".encode()}
    scope = http_scope(headers=[(b"authorization", field[status])])

    start, _ = await converse(issuer.guard(verifier=verifier, **arguments), scope)

    assert start["status"] == status
    assert [value for name, value in start["headers"] if name == b"cache-control"] == [b"no-store"]


@settings
async def test_a_public_response_gets_no_headers(
    arguments: dict[str, bool], added: Headers
) -> None:
    guarded = issuer.guard(public=["/"], **arguments)

    start, _ = await converse(guarded, http_scope())

    assert start["headers"] == []


FORMS: dict[str, Callable[[Headers], Iterable[tuple[bytes, bytes]]]] = {
    "list": list,
    "tuple": tuple,
    "generator": lambda headers: (header for header in headers),
    "iterator": iter,
    "dictionary view": lambda headers: dict(headers).items(),
}


@pytest.mark.parametrize(("arguments", "added"), [row for row in SETTINGS if row[1]], ids=repr)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_each_response_is_marked_once_if_its_message_is_sent_many_times(
    form: Callable[[Headers], Any], arguments: dict[str, bool], added: Headers
) -> None:
    """An application may keep the message that it sends; its headers may be any iterable."""
    message: Message = {"type": "http.response.start", "status": 200, "headers": form([OWN])}

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send(message)
        await send({"type": "http.response.body", "body": b""})

    guarded = issuer.guard(app, **arguments)
    for _ in range(5):
        start, _ = await converse(guarded, authorized())
        assert start["headers"] == [OWN, *added]


@settings
@pytest.mark.parametrize("form", [list, tuple])
async def test_the_headers_of_the_application_do_not_grow(
    form: Callable[[Headers], Any], arguments: dict[str, bool], added: Headers
) -> None:
    """An application may send the same headers in each message."""
    headers = form([OWN])

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    for _ in range(5):
        start, _ = await converse(issuer.guard(app, **arguments), authorized())
        assert list(start["headers"]) == [OWN, *added]
        assert headers == form([OWN])


@settings
async def test_a_message_without_headers_is_marked_too(
    arguments: dict[str, bool], added: Headers
) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b""})

    start, _ = await converse(issuer.guard(app, **arguments), authorized())

    assert list(start.get("headers", [])) == added


@settings
async def test_two_guards_mark_a_response_once(arguments: dict[str, bool], added: Headers) -> None:
    inner = issuer.guard(RecordingApplication([OWN]), **arguments)

    assert await added_by(inner, arguments, authorized()) == added


@settings
async def test_other_messages_are_sent_as_they_are(
    arguments: dict[str, bool], added: Headers
) -> None:
    others: list[Message] = [
        {"type": "http.response.debug", "info": {}},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.pathsend", "path": "/x"},
        {"type": "http.response.trailers", "headers": [OWN], "more_trailers": False},
    ]

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in others:
            await send(message)

    copies = [dict(message) for message in others]
    sent = await converse(issuer.guard(app, **arguments), authorized())

    assert sent == copies
    assert all(one is other for one, other in zip(sent, others, strict=True))


async def test_httpx_sees_one_header_each() -> None:
    http = client(issuer.guard(RecordingApplication([(b"vary", b"Accept")]), optional=True))

    answer = await http.get("/", headers={"authorization": f"Bearer {issuer.token()}"})

    assert answer.headers.get_list("cache-control") == ["private"]
    assert answer.headers.get_list("vary", split_commas=True) == ["Accept", "Authorization"]
