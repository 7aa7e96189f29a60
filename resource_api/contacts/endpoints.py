"""What the paths under /contacts do: who may, what is asked, what is answered."""

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
from resource_api.contacts.etags import etag, is_known, required_versions
from resource_api.contacts.model import Contact, ContactFields, Owner, StoredContact, contact_id
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
    """The operations on contacts. Scopes are checked before anything else is looked at."""

    def __init__(self, store: ContactStore) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """One route per operation."""
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
        """The caller's contacts, oldest first, and where the next page starts."""
        asked = page_request(request.query_params)
        # One more than asked for tells whether there is a next page.
        found = await self._store.page(_owner(request), limit=asked.limit + 1, after=asked.after)
        contacts = found[: asked.limit]
        following = cursor(contacts[-1].id) if len(found) > asked.limit else None
        headers: dict[str, str] = {}
        if following is not None:
            # Relative to this request (RFC 3986 §5.2.2), so that the Host header has no say.
            query = urlencode({"limit": asked.limit, "cursor": following})
            headers["Link"] = f'<?{query}>; rel="next"'
        content: ContactPage = {
            "contacts": [contact.representation() for contact in contacts],
            "next_cursor": following,
        }
        return JSONResponse(content, headers=headers)

    @requires(WRITE)
    async def create(self, request: Request) -> Response:
        """A new contact of the caller."""
        fields = await read_model(request, ContactFields)
        contact = await self._store.add(_owner(request), fields)
        root: str = request.scope.get("root_path", "")
        location = f"{root.rstrip('/')}/contacts/{contact.id}"
        return _answer(contact, status=201, Location=location)

    @requires(READ)
    async def read(self, request: Request) -> Response:
        """One contact of the caller."""
        with _refusals():
            contact = await self._store.get(_owner(request), _contact_id(request))
        if is_known(request, contact):
            return Response(status_code=304, headers={"ETag": etag(contact)})
        return _answer(contact)

    @requires(WRITE)
    async def replace(self, request: Request) -> Response:
        """Other fields for one contact of the caller, if it is still as the caller saw it."""
        with _refusals():
            wanted = _contact_id(request)
            versions = required_versions(request)
            fields = await read_model(request, ContactFields)
            owner = _owner(request)
            return _answer(await self._store.replace(owner, wanted, fields, versions=versions))

    @requires(WRITE)
    async def remove(self, request: Request) -> Response:
        """The end of one contact of the caller, if it is still as the caller saw it."""
        with _refusals():
            versions = required_versions(request)
            await self._store.remove(_owner(request), _contact_id(request), versions=versions)
        return Response(status_code=204)


@contextmanager
def _refusals() -> Generator[None]:
    try:
        yield
    except ContactNotFound:
        raise Problem(404, "There is no such contact.") from None
    except ContactChanged:
        raise Problem(412, "The contact has changed since it was read.") from None


def _owner(request: Request) -> Owner:
    user = request.user
    if not isinstance(user, Principal) or user.subject is None:
        raise TypeError("the endpoint stands behind no verifier that demands a subject")
    return Owner(issuer=user.issuer, subject=user.subject)


def _contact_id(request: Request) -> UUID:
    identifier = contact_id(request.path_params["contact_id"])
    if identifier is None:
        # No identifier of anything looks like this, so it is as unknown as any other.
        raise ContactNotFound
    return identifier


def _answer(contact: StoredContact, *, status: int = 200, **headers: str) -> Response:
    return JSONResponse(
        contact.representation(), status_code=status, headers={"ETag": etag(contact), **headers}
    )
