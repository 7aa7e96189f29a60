"""The call of the API with a Bearer token, and its response as a page shows it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from asgi_bearer.jose import is_array, is_object
from demo.web_application.checks.display import abbreviated
from demo.web_application.provider.http import Answer, NoAnswer, send

READ_SCOPE = "read:contacts"
WRITE_SCOPE = "write:contacts"

SHOWN_HEADERS = ("WWW-Authenticate", "Content-Type", "Cache-Control", "Retry-After", "Link")

MAX_SHOWN = 600
"""Characters of a header or a text of another party that a page shows."""

_EXPLANATIONS: Mapping[int, str] = {
    400: "The API says that the request is malformed.",
    401: "The API does not accept this token. It says only whether the token has expired: any other"
    " detail would help an attacker who tries forged tokens.",
    403: "The API accepts the token, but the token does not permit this request.",
    503: "The API cannot verify the token at the moment, because the issuer's keys are not "
    "available. The token may be valid: keep it and try again.",
}


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact, as the page shows it."""

    name: str
    email: str
    phone: str
    note: str

    @property
    def initials(self) -> str:
        """One or two letters, shown instead of a picture."""
        words = self.name.split()
        letters = [word[0] for word in (words[:1] + words[1:][-1:])]
        return "".join(letters).upper()


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """An HTTP request and its response, as a page shows them, without tokens and secrets.

    Arguments:
        request: lines of text.
        status: None if there is no response.
        headers: those of the response that are of interest.
        error: the error code in the response, empty if there is none.
        detail: the sentence of the response about the error.
        scopes: what the challenge's `scope` says is needed (RFC 6750 §3).
    """

    request: tuple[str, ...]
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    error: str = ""
    detail: str = ""
    scopes: tuple[str, ...] = ()

    @property
    def status_line(self) -> str:
        """The status and its phrase."""
        try:
            return f"{self.status} {HTTPStatus(self.status or 0).phrase}"
        except ValueError:
            return str(self.status)


@dataclass(frozen=True, slots=True)
class ContactsAnswer:
    """The response of the API; `contacts` is None if it contains no list."""

    exchange: HttpExchange
    contacts: tuple[Contact, ...] | None
    more: bool = False

    @property
    def explanation(self) -> str:
        """What the status means."""
        status = self.exchange.status
        if status is None:
            return "The API does not answer. Is it running?"
        return _EXPLANATIONS.get(status, "This application does not expect such a response.")


@dataclass(frozen=True, slots=True)
class ContactsApi:
    """The API at `address`, which ends in a slash."""

    address: str
    http: httpx.AsyncClient

    async def contacts(self, access_token: str) -> ContactsAnswer:
        """Request the contacts of the token's subject."""
        exchange, content = await bearer_exchange(
            self.http, f"{self.address}contacts", access_token
        )
        entries = content.get("contacts")
        if exchange.status != 200 or not is_array(entries):
            return ContactsAnswer(exchange, None)
        contacts = tuple(_contact(entry) for entry in entries if is_object(entry))
        return ContactsAnswer(exchange, contacts, more=content.get("next_cursor") is not None)


async def bearer_exchange(
    http: httpx.AsyncClient, url: str, access_token: str
) -> tuple[HttpExchange, Mapping[str, object]]:
    """Send a GET request with a token; return the exchange, and the JSON object of the response."""
    accept = "application/json"
    request = http.build_request(
        "GET", url, headers={"Authorization": f"Bearer {access_token}", "Accept": accept}
    )
    lines = (
        f"GET {request.url}",
        f"Authorization: Bearer {abbreviated(access_token)}",
        f"Accept: {accept}",
    )
    try:
        answer = await send(http, request)
    except NoAnswer:
        return HttpExchange(lines, None), {}
    content = answer.json()
    return _exchange(lines, answer, content if answer.status != 200 else {}), content


def _exchange(lines: tuple[str, ...], answer: Answer, fault: Mapping[str, object]) -> HttpExchange:
    headers = tuple(
        (name, answer.headers[name][:MAX_SHOWN]) for name in SHOWN_HEADERS if name in answer.headers
    )
    challenge = answer.headers.get("www-authenticate", "")
    error = fault.get("error") or _parameter(challenge, "error")
    detail = fault.get("error_description") or fault.get("detail") or ""
    return HttpExchange(
        lines,
        answer.status,
        headers,
        str(error)[:MAX_SHOWN],
        str(detail)[:MAX_SHOWN],
        tuple(_parameter(challenge, "scope")[:MAX_SHOWN].split()),
    )


def _parameter(challenge: str, name: str) -> str:
    found = re.search(rf'[\s,]{name}="([^"]*)"', challenge)
    return found[1] if found else ""


def _contact(entry: Mapping[str, object]) -> Contact:
    def text(name: str) -> str:
        value = entry.get(name)
        return value if isinstance(value, str) else ""

    return Contact(text("name"), text("email"), text("phone"), text("note"))
