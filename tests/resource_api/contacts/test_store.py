"""The contract of `ContactStore`; the fixture `store` runs it with each implementation."""

import asyncio
from uuid import UUID

import pytest

from asgi_bearer.testing import FakeClock
from resource_api.contacts.model import ContactFields, Owner
from resource_api.contacts.store import ContactChanged, ContactNotFound, ContactStore

ALICE = Owner("https://issuer.example/", "alice")
OTHER_OWNERS = [
    pytest.param(Owner(ALICE.issuer, "bob"), id="another-subject"),
    pytest.param(Owner("https://other.example/", "alice"), id="another-issuer"),
    pytest.param(Owner(ALICE.issuer, "Alice"), id="another-case"),
    pytest.param(Owner(ALICE.issuer, "alice "), id="a-trailing-space"),
]
FIELDS = ContactFields(name="Bob", email="bob@example.org", phone="1", note="a\nb")
UNKNOWN = UUID("01890000-0000-7000-8000-000000000000")


async def test_an_added_contact_can_be_read(store: ContactStore, clock: FakeClock) -> None:
    added = await store.add(ALICE, FIELDS)

    found = await store.get(ALICE, added.id)

    assert found == added
    assert (found.fields, found.version) == (FIELDS, 1)
    assert found.created == found.updated == int(clock.now * 1000)


@pytest.mark.parametrize("name", ["Zoë 🦊", "O'Hara; DROP TABLE contacts", "%_\\"])
async def test_text_is_stored_unchanged(store: ContactStore, name: str) -> None:
    added = await store.add(ALICE, ContactFields(name=name))

    assert (await store.get(ALICE, added.id)).fields.name == name


async def test_an_unknown_contact_is_not_found(store: ContactStore) -> None:
    with pytest.raises(ContactNotFound):
        await store.get(ALICE, UNKNOWN)
    with pytest.raises(ContactNotFound):
        await store.replace(ALICE, UNKNOWN, FIELDS)
    with pytest.raises(ContactNotFound):
        await store.remove(ALICE, UNKNOWN)


@pytest.mark.parametrize("other", OTHER_OWNERS)
async def test_another_owner_finds_nothing_and_changes_nothing(
    store: ContactStore, other: Owner
) -> None:
    added = await store.add(ALICE, FIELDS)

    assert await store.page(other, limit=10) == []
    with pytest.raises(ContactNotFound):
        await store.get(other, added.id)
    with pytest.raises(ContactNotFound):
        await store.replace(other, added.id, FIELDS, versions={1})
    with pytest.raises(ContactNotFound):
        await store.remove(other, added.id, versions={2})

    assert await store.get(ALICE, added.id) == added


async def test_replacing_keeps_the_identifier_and_increments_the_version(
    store: ContactStore, clock: FakeClock
) -> None:
    added = await store.add(ALICE, FIELDS)
    clock.advance(5)

    replaced = await store.replace(ALICE, added.id, ContactFields(name="Robert"))

    assert replaced == await store.get(ALICE, added.id)
    assert replaced.fields == ContactFields(name="Robert")
    assert (replaced.id, replaced.created, replaced.version) == (added.id, added.created, 2)
    assert replaced.updated == added.updated + 5000


async def test_a_change_needs_one_of_the_required_versions(store: ContactStore) -> None:
    added = await store.add(ALICE, FIELDS)
    changed = await store.replace(ALICE, added.id, FIELDS, versions={7, 1})

    with pytest.raises(ContactChanged):
        await store.replace(ALICE, added.id, ContactFields(name="late"), versions={1})
    with pytest.raises(ContactChanged):
        await store.remove(ALICE, added.id, versions=frozenset())

    assert await store.get(ALICE, added.id) == changed


async def test_a_removed_contact_is_not_found(store: ContactStore) -> None:
    added = await store.add(ALICE, FIELDS)

    await store.remove(ALICE, added.id, versions={1})

    with pytest.raises(ContactNotFound):
        await store.get(ALICE, added.id)


async def test_of_many_changes_of_the_same_version_only_one_succeeds(store: ContactStore) -> None:
    added = await store.add(ALICE, FIELDS)

    outcomes = await asyncio.gather(
        *(
            store.replace(ALICE, added.id, ContactFields(name=f"n{number}"), versions={1})
            for number in range(20)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, ContactChanged) for outcome in outcomes) == 19
    assert (await store.get(ALICE, added.id)).version == 2


async def test_many_writers_at_the_same_time_all_succeed(store: ContactStore) -> None:
    added = await asyncio.gather(*(store.add(ALICE, FIELDS) for _ in range(200)))

    found = await store.page(ALICE, limit=1000)

    assert {contact.id for contact in found} == {contact.id for contact in added}


async def test_pages_follow_the_order_of_creation(store: ContactStore) -> None:
    added = [await store.add(ALICE, ContactFields(name=f"n{number}")) for number in range(7)]

    first = await store.page(ALICE, limit=3)
    second = await store.page(ALICE, limit=10, after=first[-1].id)

    assert [*first, *second] == added


async def test_a_page_can_start_after_a_removed_contact(store: ContactStore) -> None:
    added = [await store.add(ALICE, FIELDS) for _ in range(4)]
    await store.remove(ALICE, added[1].id)

    assert await store.page(ALICE, limit=10, after=added[1].id) == added[2:]


async def test_a_ping_returns_if_the_database_answers(store: ContactStore) -> None:
    await store.ping()
