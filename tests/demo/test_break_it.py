"""The "Break it" page with all three parties: each entry is refused for the reason it names.

The API gives clients the same sentence for most faults. The reason is in its log.
"""

import logging
import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest

from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.registrations.values import TokenProfile
from demo.required_registrations import AUDIENCE
from demo.web_application.breakage.attacks import MENU
from tests.support.demo_parties import (
    CONTACT_BOOK,
    ISSUER,
    RunningParties,
    running_parties,
    shipped_registrations,
)
from tests.support.user_agent import Page

CALENDAR = "https://api.example/calendar"
EVERYTHING = "openid profile read:contacts offline_access"

REASONS: dict[str, tuple[list[str], list[str]]] = {
    "state": (["This web application status 400 failed check state"], []),
    "nonce": (["This web application status 400 failed check nonce"], []),
    "signature": (
        [
            "This web application status 400 failed check ID token: signature",
            "The API status 401 error invalid_token",
        ],
        ["signature_invalid"],
    ),
    "audience": (["The API status 401 error invalid_token"], ["audience_mismatch"]),
    "expiry": (["The API status 401 error invalid_token"], ["token_expired"]),
    "scope": (["The API status 403 error insufficient_scope"], ["insufficient_scope"]),
    "code-replay": (
        [
            "The authorization server status 400 error invalid_grant",
            "The authorization server status 400 error invalid_grant",
            "The authorization server status 401 error invalid_token",
        ],
        ["token_revoked"],
    ),
}
"""For each entry: who refuses on the page, and the error codes in the log."""

_REFUSED = re.compile(r"refused (?:\S+ \S+: )?([a-z_]+): ")


@pytest.fixture
async def parties(tmp_path: Path) -> AsyncGenerator[RunningParties]:
    async with running_parties(tmp_path) as running:
        yield running


async def signed_in(parties: RunningParties, response_type: str = "code id_token token") -> Page:
    """Sign in at the web application, and return its session page."""
    chosen = [("response_type", response_type), *(("scope", one) for one in EVERYTHING.split())]
    start = await parties.agent.get(f"{CONTACT_BOOK}?{urlencode(chosen)}")
    answer = await parties.allowed(
        next(link for link in start.links if link.startswith(f"{ISSUER}authorize"))
    )
    return await parties.deliver(answer, answer.fragment)


def logged_codes(caplog: pytest.LogCaptureFixture) -> list[str]:
    matches = [_REFUSED.match(message) for message in caplog.messages]
    return [match[1] for match in matches if match]


@pytest.mark.parametrize("what", [attack.name for attack in MENU])
async def test_the_api_refuses_each_broken_token_for_the_reason_that_was_changed(
    parties: RunningParties, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    refusals, codes = REASONS[what]
    session = await signed_in(parties)

    with caplog.at_level(logging.INFO, "asgi_bearer"):
        page = await parties.agent.submit(session, session.form(f"/break/{what}"))

    text = " ".join(page.text.split())
    assert [f"refused by {refusal}" in text for refusal in refusals] == [True] * len(refusals)
    assert text.count("refused by") == len(refusals)
    assert logged_codes(caplog) == codes


def test_every_entry_of_the_menu_has_an_expected_reason() -> None:
    assert list(REASONS) == [attack.name for attack in MENU]


def with_apis(contacts: TokenProfile, calendar: TokenProfile) -> Registrations:
    """Return the demo's registrations with these profiles."""
    shipped = shipped_registrations()
    profiles = {AUDIENCE: contacts, CALENDAR: calendar}
    apis = {name: replace(api, token_profile=profiles[name]) for name, api in shipped.apis.items()}
    return replace(shipped, apis=apis)


@pytest.mark.parametrize("profiles", [("jwt", "jwt"), ("jwt", "rfc9068"), ("rfc9068", "rfc9068")])
async def test_a_token_of_another_api_is_refused_for_its_audience_with_each_profile(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    profiles: tuple[TokenProfile, TokenProfile],
) -> None:
    async with running_parties(tmp_path, registrations=with_apis(*profiles)) as parties:
        session = await signed_in(parties)
        with caplog.at_level(logging.INFO, "asgi_bearer"):
            await parties.agent.submit(session, session.form("/break/audience"))

    assert logged_codes(caplog) == ["audience_mismatch"]


async def test_an_api_whose_tokens_are_refused_for_another_reason_is_not_offered(
    tmp_path: Path,
) -> None:
    async with running_parties(tmp_path, registrations=with_apis("rfc9068", "jwt")) as parties:
        session = await signed_in(parties)

    assert not [form for form in session.forms if "/break/audience" in form.action]


async def test_an_api_without_scopes_is_not_offered(tmp_path: Path) -> None:
    shipped = shipped_registrations()
    apis = {**shipped.apis, CALENDAR: replace(shipped.apis[CALENDAR], scopes={})}
    registrations = replace(shipped, apis=apis)
    async with running_parties(tmp_path, registrations=registrations) as parties:
        session = await signed_in(parties)

    assert not [form for form in session.forms if "/break/audience" in form.action]
