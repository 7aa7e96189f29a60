"""Which request bodies the API refuses, and with which status."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.requests import Request

from resource_api.web.bodies import MAX_BODY, MAX_DISCARDED, MAX_FAULTS, read_body
from resource_api.web.problems import Problem
from tests.resource_api.conftest import Api
from tests.resource_api.contacts.test_endpoints import problem

JSON = "application/json"


async def post(
    api: Api, content: bytes | AsyncGenerator[bytes], media_type: str | None = JSON, **headers: str
) -> Any:
    """Send a request with this body, unchanged."""
    named = {"content-type": media_type} if media_type is not None else {}
    return await api.request("POST", "/contacts", content=content, headers={**named, **headers})


@pytest.mark.parametrize(
    "media_type",
    [
        JSON,
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json ;\tcharset=UTF-8 ",
        'application/json;charset="utf-8"',
    ],
)
async def test_a_body_of_json_in_utf_8_is_accepted(api: Api, media_type: str) -> None:
    assert (await post(api, b'{"name": "Bob"}', media_type)).status_code == 201


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=latin-1",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; q=1",
        "application/json, text/plain",
        "application/problem+json",
    ],
)
async def test_a_body_of_another_content_type_is_refused(api: Api, media_type: str | None) -> None:
    problem(await post(api, b'{"name": "Bob"}', media_type), 415)


async def test_a_body_with_two_content_types_is_refused(api: Api) -> None:
    headers = [("authorization", api.caller()["authorization"]), *[("content-type", JSON)] * 2]

    problem(await api.client.post("/contacts", content=b"{}", headers=headers), 415)


@pytest.mark.parametrize("encodings", [("identity", "gzip"), ("gzip", "identity")])
async def test_a_body_is_refused_if_one_of_two_content_encodings_says_compressed(
    api: Api, encodings: tuple[str, str]
) -> None:
    headers = [
        ("authorization", api.caller()["authorization"]),
        ("content-type", JSON),
        *(("content-encoding", encoding) for encoding in encodings),
    ]

    answer = await api.client.post("/contacts", content=b'{"name": "Bob"}', headers=headers)

    problem(answer, 415)


async def test_a_compressed_body_is_refused(api: Api) -> None:
    problem(await post(api, b"{}", **{"content-encoding": "gzip"}), 415)
    accepted = await post(api, b'{"name": "Bob"}', **{"content-encoding": "identity"})
    assert accepted.status_code == 201


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b'{"name": "Bob"} x', id="text-after-it"),
        pytest.param(b"{'name': 'Bob'}", id="single-quotes"),
        pytest.param(b'{"name": "Bob",}', id="trailing-comma"),
        pytest.param(b'{"name": "Bob", "name": "Eve"}', id="a-name-twice"),
        pytest.param(b'{"name": {"a": 1, "a": 2}}', id="a-name-twice-inside"),
        pytest.param(b'{"name": "B\xff"}', id="not-utf-8"),
        pytest.param('{"name": "Bob"}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'\xef\xbb\xbf{"name": "Bob"}', id="byte-order-mark"),
        pytest.param(b'{"name": "\\ud800"}', id="half-a-surrogate-pair"),
        pytest.param(b'{"name": "Bob", "\\udfff": 1}', id="half-a-surrogate-pair-in-a-name"),
        pytest.param(b'{"name": "a\nb"}', id="raw-line-break"),
        pytest.param(b'{"name": NaN}', id="nan"),
        pytest.param(b'{"name": -Infinity}', id="infinity"),
        pytest.param(b'{"name": 1e999}', id="a-number-beyond-any-float"),
        pytest.param(b'{"name": ' + b"9" * 5000 + b"}", id="a-number-of-5000-digits"),
        pytest.param(b"[" * 60_000, id="nesting-unclosed"),
        pytest.param(b'{"name": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", id="nesting"),
    ],
)
async def test_a_body_that_is_not_strict_json_is_refused_with_400(api: Api, content: bytes) -> None:
    problem(await post(api, content), 400)


@pytest.mark.parametrize("content", [b"[]", b'"Bob"', b"null", b"1", b'[{"name": "Bob"}]'])
async def test_a_body_that_is_not_an_object_is_refused_with_422(api: Api, content: bytes) -> None:
    assert problem(await post(api, content), 422)["errors"] == [
        {"pointer": "", "detail": "An object is expected."}
    ]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        pytest.param({}, "/name", id="no-name"),
        pytest.param({"name": None}, "/name", id="null-name"),
        pytest.param({"name": ""}, "/name", id="empty-name"),
        pytest.param({"name": " \t\n"}, "/name", id="blank-name"),
        pytest.param({"name": 1}, "/name", id="number-for-name"),
        pytest.param({"name": True}, "/name", id="boolean-for-name"),
        pytest.param({"name": ["Bob"]}, "/name", id="list-for-name"),
        pytest.param({"name": {"a": 1}}, "/name", id="object-for-name"),
        pytest.param({"name": 10**4000}, "/name", id="huge-number-for-name"),
        pytest.param({"name": "a" * 201}, "/name", id="long-name"),
        pytest.param({"name": "a\0b"}, "/name", id="nul-in-name"),
        pytest.param({"name": "a\nb"}, "/name", id="line-break-in-name"),
        pytest.param({"name": "a\x85b"}, "/name", id="c1-control-in-name"),
        pytest.param({"name": "B", "email": "bob"}, "/email", id="email-without-at"),
        pytest.param({"name": "B", "email": "@x"}, "/email", id="email-without-name"),
        pytest.param({"name": "B", "email": "x@"}, "/email", id="email-without-domain"),
        pytest.param({"name": "B", "email": "a@b@c"}, "/email", id="email-with-two-at"),
        pytest.param({"name": "B", "email": "a b@c"}, "/email", id="email-with-space"),
        pytest.param({"name": "B", "email": "a@" + "b" * 253}, "/email", id="long-email"),
        pytest.param({"name": "B", "email": 1}, "/email", id="number-for-email"),
        pytest.param({"name": "B", "phone": "1" * 51}, "/phone", id="long-phone"),
        pytest.param({"name": "B", "phone": "1\x7f"}, "/phone", id="control-in-phone"),
        pytest.param({"name": "B", "note": "a" * 4001}, "/note", id="long-note"),
        pytest.param({"name": "B", "note": "a\0"}, "/note", id="nul-in-note"),
        pytest.param({"name": "B", "id": "x"}, "/id", id="identifier-in-the-body"),
        pytest.param({"name": "B", "owner": "eve"}, "/owner", id="owner-in-the-body"),
        pytest.param({"name": "B", "a/b~c": 1}, "/a~1b~0c", id="pointer-is-escaped"),
        pytest.param({"name": "B", "": 1}, "/", id="empty-member-name"),
    ],
)
async def test_the_answer_points_at_the_invalid_member(
    api: Api, fields: dict[str, object], pointer: str
) -> None:
    errors = problem(await post(api, json.dumps(fields).encode()), 422)["errors"]

    assert [error["pointer"] for error in errors] == [pointer]
    assert all(error["detail"].endswith(".") for error in errors)


async def test_the_answer_lists_every_fault_and_quotes_no_value(api: Api) -> None:
    fields = {"email": "secret", "phone": 5, "note": "a\0secret", "x": "secret"}

    answer = await post(api, json.dumps(fields).encode())

    errors = problem(answer, 422)["errors"]
    assert {error["pointer"] for error in errors} == {"/name", "/email", "/phone", "/note", "/x"}
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("unknown", "end"),
    [
        (MAX_FAULTS - 1, "invalid."),
        (MAX_FAULTS, f"invalid ({MAX_FAULTS + 1} in all; the first {MAX_FAULTS} are listed)."),
        (5000, f"invalid (5001 in all; the first {MAX_FAULTS} are listed)."),
    ],
)
async def test_if_a_body_has_very_many_faults_only_the_first_are_listed(
    api: Api, unknown: int, end: str
) -> None:
    fields = {str(number): 0 for number in range(unknown)}

    body = problem(await post(api, json.dumps(fields).encode()), 422)

    assert len(body["errors"]) == MAX_FAULTS
    assert body["errors"][0]["pointer"] == "/name"
    assert body["detail"].endswith(end)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"name": "a" * 200}, id="longest-name"),
        pytest.param({"name": "B", "email": "a@" + "b" * 252}, id="longest-email"),
        pytest.param({"name": "B", "note": "é" * 4000}, id="longest-note"),
        pytest.param({"name": "B", "note": "a\r\n\tb"}, id="layout-in-a-note"),
        pytest.param({"name": "B", "email": None, "phone": None, "note": None}, id="nulls"),
        pytest.param({"name": "👩‍👩‍👧 العربية"}, id="any-script"),
    ],
)
async def test_values_within_the_limits_are_stored_unchanged(
    api: Api, fields: dict[str, object]
) -> None:
    answer = await post(api, json.dumps(fields).encode())

    assert answer.status_code == 201
    assert {**answer.json(), **fields} == answer.json()


def padded(size: int) -> bytes:
    """Return a valid body of `size` bytes."""
    body = b'{"name": "Bob"}'
    return body + b" " * (size - len(body))


async def in_pieces(body: bytes, size: int = 1000) -> AsyncGenerator[bytes]:
    """Yield a body in pieces; httpx sends it without Content-Length."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_the_largest_size_is_accepted_and_one_byte_more_refused(
    api: Api, chunked: bool
) -> None:
    largest, too_large = padded(MAX_BODY), padded(MAX_BODY + 1)

    accepted = await post(api, in_pieces(largest) if chunked else largest)
    refused = await post(api, in_pieces(too_large) if chunked else too_large)

    assert accepted.status_code == 201
    problem(refused, 413)


async def test_the_server_stops_reading_a_body_that_is_far_too_large(api: Api) -> None:
    taken = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal taken
        while taken < 10 * MAX_DISCARDED:
            taken += 10_000
            yield b"x" * 10_000

    answer = await post(api, endless())

    problem(answer, 413)
    assert answer.headers["connection"] == "close"
    assert taken <= MAX_DISCARDED + 10_000


def request(*messages: dict[str, Any], **headers: str) -> Request:
    """Return a request whose client sends `messages` and then stays silent."""
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop(0)

    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": fields}, receive)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"content_length": str(MAX_DISCARDED + 1)}, 413, id="far-too-large"),
        pytest.param({"content_length": "9" * 19}, 413, id="19-digits"),
        pytest.param({"content_length": "1" + "0" * 18}, 413, id="19-digits-mostly-zeros"),
        pytest.param({"content_length": "9" * 5000}, 413, id="5000-digits"),
        pytest.param({"content_length": "0" * 30 + "9" * 8}, 413, id="leading-zeros"),
        pytest.param({"content_length": "0" * 5000 + "5"}, 408, id="nothing-but-leading-zeros"),
        pytest.param({"content_length": "70000", "expect": "100-continue"}, 413, id="asks-first"),
        pytest.param({"content_length": "10"}, 408, id="silent"),
        pytest.param({"content_length": "x"}, 408, id="not-a-number"),
    ],
)
async def test_the_server_does_not_wait_for_a_body_that_never_arrives(
    headers: dict[str, str], status: int
) -> None:
    with pytest.raises(Problem) as caught:
        await read_body(request(**headers), seconds=0.01)

    assert caught.value.status_code == status
    assert dict(caught.value.headers or {})["Connection"] == "close"


async def test_a_client_that_disconnects_during_its_body_gets_400() -> None:
    with pytest.raises(Problem) as caught:
        await read_body(request({"type": "http.disconnect"}))

    assert caught.value.status_code == 400
