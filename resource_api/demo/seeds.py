"""The contacts that the demo's user finds at the first start."""

from resource_api.contacts import ContactFields, Owner
from resource_api.store import ContactStore

CONTACTS = (
    ContactFields(
        name="Bob Baker",
        email="bob@example.com",
        phone="+1 555 0100",
        note="Knows where the keys are.",
    ),
    ContactFields(name="Carol Carter", email="carol@example.com"),
    ContactFields(name="Dave Dyer", phone="+1 555 0199"),
)


async def seed(store: ContactStore, owner: Owner) -> None:
    """Give the owner the contacts above, unless there are any already."""
    if await store.page(owner, limit=1):
        return
    for fields in CONTACTS:
        await store.add(owner, fields)
