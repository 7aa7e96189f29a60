"""Paging through the list of contacts."""

import base64

import pytest

from resource_api.contacts.model import new_contact_id
from resource_api.contacts.paging import cursor
from tests.resource_api.conftest import Api
from tests.resource_api.contacts.test_endpoints import problem


async def names(api: Api, limit: int = 2, *, sub: str = "alice") -> list[str]:
    """Return the names on all pages; follow the cursors."""
    found: list[str] = []
    query = f"?limit={limit}"
    while True:
        page = (await api.request("GET", f"/contacts{query}", sub=sub)).json()
        assert len(page["contacts"]) <= limit
        found += [contact["name"] for contact in page["contacts"]]
        if page["next_cursor"] is None:
            return found
        query = f"?limit={limit}&cursor={page['next_cursor']}"


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 100])
async def test_the_pages_together_hold_every_contact_once(api: Api, limit: int) -> None:
    for number in range(6):
        await api.create(f"n{number}")

    assert await names(api, limit) == [f"n{number}" for number in range(6)]


async def test_a_page_without_limit_holds_fifty_contacts(api: Api) -> None:
    for number in range(51):
        await api.create(f"n{number}")

    page = (await api.request("GET", "/contacts")).json()

    assert len(page["contacts"]) == 50
    assert page["next_cursor"]


async def test_a_cursor_stays_valid_while_contacts_are_added_and_deleted(api: Api) -> None:
    paths = [await api.create(f"n{number}") for number in range(6)]
    first = (await api.request("GET", "/contacts?limit=3")).json()

    await api.request("DELETE", paths[0])
    await api.request("DELETE", paths[2])  # the contact that the cursor names
    await api.request("DELETE", paths[4])
    await api.create("new")

    rest = await api.request("GET", f"/contacts?cursor={first['next_cursor']}")
    assert [contact["name"] for contact in rest.json()["contacts"]] == ["n3", "n5", "new"]


async def test_the_link_header_leads_to_the_next_page(api: Api) -> None:
    for name in "AB":
        await api.create(name)
    page = await api.request("GET", "/contacts?limit=1")

    address = page.links["next"]["url"]
    following = await api.request("GET", str(page.request.url.join(address)))

    assert address.startswith("?")
    assert [contact["name"] for contact in following.json()["contacts"]] == ["B"]


async def test_a_cursor_of_another_owner_shows_only_the_callers_contacts(api: Api) -> None:
    for name in "ABC":
        await api.create(name, sub="alice")
    await api.create("mine", sub="bob")
    page = (await api.request("GET", "/contacts?limit=1", sub="alice")).json()

    answer = await api.request("GET", f"/contacts?cursor={page['next_cursor']}", sub="bob")

    assert [contact["name"] for contact in answer.json()["contacts"]] == ["mine"]


@pytest.mark.parametrize(
    "limit", ["", "0", "-1", "101", "1.0", "1e1", "+1", "01", " 1", "x", "٣", "9" * 5000]
)
async def test_an_invalid_limit_is_refused(api: Api, limit: str) -> None:
    answer = await api.request("GET", "/contacts", params={"limit": limit})

    assert "limit" in problem(answer, 400)["detail"]


VALID = cursor(new_contact_id())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("x", id="short"),
        pytest.param(VALID + "A", id="long"),
        pytest.param(VALID + "==", id="padded"),
        pytest.param(VALID[:-1] + "!", id="not-base64"),
        pytest.param(VALID[:-1] + chr(ord(VALID[-1]) + 1), id="another-spelling"),
        pytest.param("é" * 22, id="not-ascii"),
        pytest.param(
            base64.urlsafe_b64encode(bytes(16)).decode().rstrip("="), id="not-an-identifier"
        ),
        pytest.param("A" * 10_000, id="huge"),
    ],
)
async def test_an_invalid_cursor_is_refused(api: Api, text: str) -> None:
    answer = await api.request("GET", "/contacts", params={"cursor": text})

    assert "cursor" in problem(answer, 400)["detail"]


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", f"cursor={VALID}&cursor={VALID}"], ids=["limit", "cursor"]
)
async def test_a_parameter_that_is_sent_twice_is_refused(api: Api, query: str) -> None:
    problem(await api.request("GET", f"/contacts?{query}"), 400)
