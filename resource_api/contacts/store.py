"""Where contacts are kept: the promise, and how it can fail.

Every method answers for one owner only. What another owner has does not exist.
"""

from collections.abc import Set as AbstractSet
from typing import Protocol
from uuid import UUID

from resource_api.contacts.model import ContactFields, Owner, StoredContact


class ContactNotFound(Exception):
    """This owner has no such contact."""


class ContactChanged(Exception):
    """The contact has none of the versions that the caller requires."""


class StoreUnavailable(Exception):
    """The database does not answer now."""


class ContactStore(Protocol):
    """Keeps contacts; what a method returned is there for good, whatever happens to the process.

    Every method raises `StoreUnavailable`.
    """

    async def page(
        self, owner: Owner, *, limit: int, after: UUID | None = None
    ) -> list[StoredContact]:
        """At most `limit` contacts in the order of their identifiers, those behind `after`."""
        ...

    async def get(self, owner: Owner, contact_id: UUID) -> StoredContact:
        """Raises `ContactNotFound`."""
        ...

    async def add(self, owner: Owner, fields: ContactFields) -> StoredContact:
        """Keeps a new contact under a new identifier."""
        ...

    async def replace(
        self,
        owner: Owner,
        contact_id: UUID,
        fields: ContactFields,
        *,
        versions: AbstractSet[int] | None = None,
    ) -> StoredContact:
        """Replaces the fields if the contact has one of `versions` (None: any), in one step.

        Raises `ContactNotFound` or `ContactChanged`.
        """
        ...

    async def remove(
        self, owner: Owner, contact_id: UUID, *, versions: AbstractSet[int] | None = None
    ) -> None:
        """Removes the contact under the same condition as `replace`, with the same failures."""
        ...

    async def ping(self) -> None:
        """Returns if the database answers."""
        ...

    async def aclose(self) -> None:
        """Gives back every connection."""
        ...
