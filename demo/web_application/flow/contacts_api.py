"""Calling the API: one request with a Bearer token, and its answer as a page shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from asgi_bearer.jose import is_array, is_object
from demo.web_application.checks.display import abbreviated
from demo.web_application.provider.http import Answer, NoAnswer, exchanged

READ_SCOPE = "read:contacts"
WRITE_SCOPE = "write:contacts"

SHOWN_HEADERS = ("WWW-Authenticate", "Content-Type", "Cache-Control", "Retry-After", "Link")

MAX_SHOWN = 600
"""Characters of a header or a sentence of another party that are shown."""

_EXPLANATIONS: Mapping[int, str] = {
    400: "The API says that the request is malformed.",
    401: "The API does not accept this token. What exactly is wrong it does not say, except that "
    "a good token has expired: nobody shall find out by trying.",
    403: "The API accepts the token, and the token does not permit this: it lacks a scope, or a "
    "rule of the API says no.",
    503: "The API cannot judge the token at the moment, because the issuer's keys are not to be "
    "had. The token may be good: keep it and try again.",
}


@dataclass(frozen=True, slots=True)
class ContactShown:
    """A contact on a page."""

    name: str
    email: str
    phone: str
    note: str

    @property
    def initials(self) -> str:
        """One or two letters that stand for a picture."""
        words = self.name.split()
        letters = [word[0] for word in (words[:1] + words[1:][-1:])]
        return "".join(letters).upper()


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, as a page shows them; no secret is in it.

    Arguments:
        request: lines.
        status: None where there is no answer.
        headers: of the answer, those that matter here.
        error: the error code in the answer, empty where there is none.
        detail: what the answer says in words.
    """

    request: tuple[str, ...]
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    error: str = ""
    detail: str = ""

    @property
    def status_line(self) -> str:
        """The status with the words that belong to it."""
        try:
            return f"{self.status} {HTTPStatus(self.status or 0).phrase}"
        except ValueError:
            return str(self.status)


@dataclass(frozen=True, slots=True)
class ContactsAnswer:
    """What the API answered; `contacts` is None unless it gave any list."""

    exchange: Exchange
    contacts: tuple[ContactShown, ...] | None
    more: bool = False

    @property
    def explanation(self) -> str:
        """What the status means."""
        status = self.exchange.status
        if status is None:
            return "The API does not answer. Is it running?"
        return _EXPLANATIONS.get(status, "That is not what this application expects of the API.")


class ContactsApi:
    """The API at `address`, which ends in a slash."""

    def __init__(self, address: str, http: httpx.AsyncClient) -> None:
        self._url = f"{address}contacts"
        self._http = http

    async def contacts(self, access_token: str) -> ContactsAnswer:
        """Ask for the contacts of the person whom the token is about."""
        request = self._http.build_request(
            "GET",
            self._url,
            headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
        )
        lines = request_lines(request, access_token)
        try:
            answer = await exchanged(self._http, request)
        except NoAnswer:
            return ContactsAnswer(Exchange(lines, None), None)
        shown = exchange_shown(lines, answer)
        if answer.status != 200:
            return ContactsAnswer(shown, None)
        content = answer.json()
        entries = content.get("contacts")
        if not is_array(entries):
            return ContactsAnswer(shown, None)
        contacts = tuple(_contact(entry) for entry in entries if is_object(entry))
        return ContactsAnswer(shown, contacts, more=content.get("next_cursor") is not None)


def request_lines(request: httpx.Request, token: str) -> tuple[str, ...]:
    """Return a request that carries a token, as text, with the token abbreviated."""
    return (
        f"{request.method} {request.url}",
        f"Authorization: Bearer {abbreviated(token)}",
        f"Accept: {request.headers['Accept']}",
    )


def exchange_shown(lines: tuple[str, ...], answer: Answer) -> Exchange:
    """Return what a page shows of an answer: of its body only the words about an error."""
    headers = tuple(
        (name, answer.headers[name][:MAX_SHOWN]) for name in SHOWN_HEADERS if name in answer.headers
    )
    content = answer.json() if answer.status != 200 else {}
    challenge = answer.headers.get("www-authenticate", "")
    error = content.get("error") or _quoted(challenge, 'error="')
    detail = content.get("error_description") or content.get("detail") or ""
    return Exchange(lines, answer.status, headers, str(error)[:MAX_SHOWN], str(detail)[:MAX_SHOWN])


def _quoted(challenge: str, start: str) -> str:
    return challenge.partition(start)[2].partition('"')[0] if start in challenge else ""


def _contact(entry: Mapping[str, object]) -> ContactShown:
    def text(name: str) -> str:
        value = entry.get(name)
        return value if isinstance(value, str) else ""

    return ContactShown(text("name"), text("email"), text("phone"), text("note"))
