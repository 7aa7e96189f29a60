"""The conditions If-Match and If-None-Match."""

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from resource_api.contacts.etags import required_versions
from tests.resource_api.conftest import Api
from tests.resource_api.contacts.test_endpoints import UNKNOWN, problem
from tests.support.asgi import http_scope

METHODS = pytest.mark.parametrize("method", ["PUT", "DELETE"])
MATCHING = ['"1"', "*", '"9", "1"', '"9","1",', ', "1"', 'W/"1", "1"', '"a,b", "1"']
STALE = [
    pytest.param('"2"', id="another-version"),
    pytest.param('W/"1"', id="weak"),
    pytest.param('"01"', id="another-spelling"),
    pytest.param('"1a"', id="another-character"),
    pytest.param('""', id="empty-tag"),
    pytest.param('"a,b"', id="of-another-form"),
    pytest.param(f'"{10**18}"', id="beyond-any-integer-column"),
    pytest.param(f'"{"9" * 5000}"', id="5000-digits"),
]
MALFORMED = ["1", '"1', "", " ", ",", '"1" "2"', '"1 "', "W/1", 'w/"1"', "**", '*, "1"', "'1'"]


def body(method: str) -> dict[str, Any]:
    """Return the arguments of a valid change, without its condition."""
    return {"json": {"name": "Robert"}} if method == "PUT" else {}


@METHODS
@pytest.mark.parametrize("condition", MATCHING)
async def test_a_change_is_made_if_one_tag_matches(api: Api, method: str, condition: str) -> None:
    path = await api.create()

    answer = await api.request(method, path, headers={"if-match": condition}, **body(method))

    assert answer.status_code in (200, 204)


@METHODS
@pytest.mark.parametrize("condition", STALE)
async def test_a_change_is_refused_if_no_tag_matches(api: Api, method: str, condition: str) -> None:
    path = await api.create()

    answer = await api.request(method, path, headers={"if-match": condition}, **body(method))

    problem(answer, 412)
    assert (await api.request("GET", path)).headers["etag"] == '"1"'


@pytest.mark.parametrize(
    ("condition", "versions"),
    [
        (f'"{2**31 - 1}"', frozenset({2**31 - 1})),
        (f'"{2**31}"', frozenset[int]()),
        (f'"1", "{2**31}", "{2**63}"', frozenset({1})),
    ],
)
def test_a_version_that_the_database_column_cannot_hold_is_left_out(
    condition: str, versions: frozenset[int]
) -> None:
    request = Request(http_scope(headers=[(b"if-match", condition.encode())]))

    assert required_versions(request) == versions


@METHODS
@pytest.mark.parametrize("condition", [*MALFORMED, ", ".join(['"1"'] * 101)])
async def test_a_malformed_condition_of_a_change_is_refused(
    api: Api, method: str, condition: str
) -> None:
    path = await api.create()

    answer = await api.request(method, path, headers={"if-match": condition}, **body(method))

    problem(answer, 400)
    assert (await api.request("GET", path)).headers["etag"] == '"1"'


@METHODS
@pytest.mark.parametrize("condition", ['"1"', "*"])
async def test_a_condition_on_an_unknown_contact_is_answered_with_404(
    api: Api, method: str, condition: str
) -> None:
    answer = await api.request(method, UNKNOWN, headers={"if-match": condition}, **body(method))

    problem(answer, 404)


async def test_of_several_writers_with_the_same_tag_only_one_succeeds(api: Api) -> None:
    path = await api.create()
    headers = {"if-match": '"1"'}

    answers = await asyncio.gather(
        *(api.request("PUT", path, headers=headers, json={"name": name}) for name in "ABCDE")
    )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


@pytest.mark.parametrize("condition", ['"1"', 'W/"1"', "*", '"9", "1"', '"9",W/"1"'])
async def test_a_contact_that_the_caller_has_already_is_answered_with_304(
    api: Api, condition: str
) -> None:
    path = await api.create()

    answer = await api.request("GET", path, headers={"if-none-match": condition})

    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == '"1"'


@pytest.mark.parametrize("condition", ['"2"', "1", "", '"1', '"1" x'])
async def test_a_contact_is_sent_if_the_condition_does_not_name_its_tag(
    api: Api, condition: str
) -> None:
    path = await api.create()

    answer = await api.request("GET", path, headers={"if-none-match": condition})

    assert answer.status_code == 200


async def test_a_changed_contact_is_sent_again(api: Api) -> None:
    path = await api.create()
    await api.request("PUT", path, json={"name": "Robert"})

    answer = await api.request("GET", path, headers={"if-none-match": '"1"'})

    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
