"""The contacts that the demo's users find at the first start."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from demo.authorization_server.registrations.model import CLIENT_SUFFIX
from demo.required_registrations import COMMAND_LINE
from resource_api.contacts.model import ContactFields, Owner
from resource_api.contacts.store import ContactStore

_BOB = ContactFields(
    name="Bob Baker",
    email="bob@example.com",
    phone="+1 555 0100",
    note="Knows where the keys are.",
)
_CAROL = ContactFields(name="Carol Carter", email="carol@example.com")
_DAVE = ContactFields(name="Dave Dyer", phone="+1 555 0199")
_ALICE = ContactFields(name="Alice Archer", email="alice@example.com", note="Asks good questions.")

CONTACTS_OF: Mapping[str, Sequence[ContactFields]] = MappingProxyType(
    {
        "alice": (_BOB, _CAROL, _DAVE),
        "bob": (_ALICE, _CAROL),
        COMMAND_LINE + CLIENT_SUFFIX: (_BOB, _CAROL, _DAVE),
    }
)
"""By the subject of the tokens that find them."""


async def give(store: ContactStore, owner: Owner, contacts: Sequence[ContactFields]) -> None:
    """Give the owner these contacts, unless there are any already."""
    if await store.page(owner, limit=1):
        return
    for fields in contacts:
        await store.add(owner, fields)
