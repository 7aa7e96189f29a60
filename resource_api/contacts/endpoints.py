"""The endpoints under /contacts: the scope that each needs, its request and its answer."""

from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import urlencode
from uuid import UUID

from pydantic import with_config
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typing_extensions import TypedDict

from asgi_bearer import Principal
from asgi_bearer.starlette import requires
from resource_api.contacts.etags import etag, matches_if_none_match, required_versions
from resource_api.contacts.model import (
    Contact,
    ContactFields,
    Owner,
    StoredContact,
    parse_contact_id,
)
from resource_api.contacts.paging import cursor, page_request
from resource_api.contacts.store import ContactChanged, ContactNotFound, ContactStore
from resource_api.web.bodies import read_model
from resource_api.web.problems import Problem

READ = "read:contacts"
WRITE = "write:contacts"


@with_config(extra="forbid")
class ContactPage(TypedDict):
    """A page of the caller's contacts; `next_cursor` is null on the last page."""

    contacts: list[Contact]
    next_cursor: str | None


class ContactEndpoints:
    """The operations on the caller's contacts. Each checks the scope before anything else."""

    def __init__(self, store: ContactStore) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """Return one route for each operation."""
        one = "/contacts/{contact_id}"
        return [
            Route("/contacts", self.page, methods=["GET"]),
            Route("/contacts", self.create, methods=["POST"]),
            Route(one, self.read, methods=["GET"]),
            Route(one, self.replace, methods=["PUT"]),
            Route(one, self.remove, methods=["DELETE"]),
        ]

    @requires(READ)
    async def page(self, request: Request) -> Response:
        """Answer with a page of contacts, oldest first, and the cursor of the next page."""
        page = page_request(request.query_params)
        # One contact more than the limit tells whether there is a next page.
        found = await self._store.page(_owner(request), limit=page.limit + 1, after=page.after)
        contacts = found[: page.limit]
        next_cursor = cursor(contacts[-1].id) if len(found) > page.limit else None
        headers: dict[str, str] = {}
        if next_cursor is not None:
            # Relative to this request (RFC 3986 §5.2.2), so it does not depend on the Host header.
            query = urlencode({"limit": page.limit, "cursor": next_cursor})
            headers["Link"] = f'<?{query}>; rel="next"'
        content: ContactPage = {
            "contacts": [contact.representation() for contact in contacts],
            "next_cursor": next_cursor,
        }
        return JSONResponse(content, headers=headers)

    @requires(WRITE)
    async def create(self, request: Request) -> Response:
        """Create a contact."""
        fields = await read_model(request, ContactFields)
        contact = await self._store.add(_owner(request), fields)
        root: str = request.scope.get("root_path", "")
        location = f"{root.rstrip('/')}/contacts/{contact.id}"
        return _answer(contact, status=201, Location=location)

    @requires(READ)
    async def read(self, request: Request) -> Response:
        """Answer with a contact, or with 304 if the caller has it already."""
        with _refusals():
            contact = await self._store.get(_owner(request), _contact_id(request))
        if matches_if_none_match(request, contact):
            return Response(status_code=304, headers={"ETag": etag(contact)})
        return _answer(contact)

    @requires(WRITE)
    async def replace(self, request: Request) -> Response:
        """Replace the fields of a contact, if it has a version that If-Match names."""
        with _refusals():
            contact_id = _contact_id(request)
            versions = required_versions(request)
            fields = await read_model(request, ContactFields)
            owner = _owner(request)
            return _answer(await self._store.replace(owner, contact_id, fields, versions=versions))

    @requires(WRITE)
    async def remove(self, request: Request) -> Response:
        """Delete a contact, if it has a version that If-Match names."""
        with _refusals():
            versions = required_versions(request)
            await self._store.remove(_owner(request), _contact_id(request), versions=versions)
        return Response(status_code=204)


@contextmanager
def _refusals() -> Generator[None]:
    try:
        yield
    except ContactNotFound:
        raise Problem(404, "This contact does not exist.") from None
    except ContactChanged:
        raise Problem(412, "The contact has changed since it was read.") from None


def _owner(request: Request) -> Owner:
    user = request.user
    if not isinstance(user, Principal) or user.subject is None:
        raise TypeError("the verifier in front of this endpoint must require a subject")
    return Owner(issuer=user.issuer, subject=user.subject)


def _contact_id(request: Request) -> UUID:
    identifier = parse_contact_id(request.path_params["contact_id"])
    if identifier is None:
        # No contact has such an identifier, so the answer is the same as for an unknown one.
        raise ContactNotFound
    return identifier


def _answer(contact: StoredContact, *, status: int = 200, **headers: str) -> Response:
    return JSONResponse(
        contact.representation(), status_code=status, headers={"ETag": etag(contact), **headers}
    )
