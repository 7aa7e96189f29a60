"""The interface of a store for contacts, and the exceptions that it raises.

Each method works on the contacts of one owner; contacts of other owners are as if they did not
exist.
"""

from collections.abc import Set as AbstractSet
from typing import Protocol
from uuid import UUID

from resource_api.contacts.model import ContactFields, Owner, StoredContact


class ContactNotFound(Exception):
    """The owner has no contact with this identifier."""


class ContactChanged(Exception):
    """The contact has none of the versions that the caller requires."""


class StoreUnavailable(Exception):
    """The database does not answer, or is too busy."""


class ContactStore(Protocol):
    """Stores contacts. A change is durable when its method returns, even if the process is killed.

    Every method may raise `StoreUnavailable`.
    """

    async def page(
        self, owner: Owner, *, limit: int, after: UUID | None = None
    ) -> list[StoredContact]:
        """Return at most `limit` contacts after the contact `after`, ordered by identifier."""
        ...

    async def get(self, owner: Owner, contact_id: UUID) -> StoredContact:
        """Return a contact; raises `ContactNotFound`."""
        ...

    async def add(self, owner: Owner, fields: ContactFields) -> StoredContact:
        """Store a new contact under a new identifier."""
        ...

    async def replace(
        self,
        owner: Owner,
        contact_id: UUID,
        fields: ContactFields,
        *,
        versions: AbstractSet[int] | None = None,
    ) -> StoredContact:
        """Replace the fields atomically, if the contact has one of `versions` (None: any).

        Raises `ContactNotFound` or `ContactChanged`.
        """
        ...

    async def remove(
        self, owner: Owner, contact_id: UUID, *, versions: AbstractSet[int] | None = None
    ) -> None:
        """Delete a contact under the same condition and with the same exceptions as `replace`."""
        ...

    async def ping(self) -> None:
        """Return if the database answers."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...
