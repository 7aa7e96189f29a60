"""The contacts page: the call of the API, its response, and the sign-in after a 403."""

from itertools import pairwise
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from asgi_bearer.jose.jws import parse
from demo.web_application.flow.contacts_api import Contact
from tests.demo.web_application.conftest import API, WEB, Parties
from tests.support.fake_provider import PROVIDER


def sent_tokens(parties: Parties) -> list[dict[str, Any]]:
    """Return the claims of the access tokens that were sent to the API."""
    headers = [
        request.headers["authorization"]
        for request in parties.network.sent
        if str(request.url).startswith(API)
    ]
    return [
        dict(parse(header.removeprefix("Bearer "), max_bytes=9000).claims) for header in headers
    ]


async def test_the_page_shows_the_contacts_of_the_person(parties: Parties) -> None:
    session = await parties.signed_in()

    page = await parties.person.follow(session, "/contacts")

    assert page.status == 200
    assert "Bob Baker" in page.text
    assert "bob@example.com" in page.text
    assert "Carol <Carter>" in page.text
    assert "<Carter>" not in page.response.text


async def test_the_request_and_the_answer_are_shown_with_the_token_abbreviated(
    parties: Parties,
) -> None:
    await parties.signed_in()

    page = await parties.person.get(f"{WEB}contacts")

    assert f"GET {API}contacts" in page.text
    assert "Authorization: Bearer eyJhbG…" in page.text
    assert "200 OK" in page.text
    token = parties.network.sent[-1].headers["authorization"].removeprefix("Bearer ")
    assert token not in page.response.text


@pytest.mark.parametrize(
    ("query", "gty"),
    [("", "code"), ("?token=exchanged", "code"), ("?token=front-channel", "implicit")],
)
async def test_the_selected_access_token_is_sent(parties: Parties, query: str, gty: str) -> None:
    await parties.signed_in()

    await parties.person.get(f"{WEB}contacts{query}")

    assert [claims["gty"] for claims in sent_tokens(parties)] == [gty]


async def test_a_front_channel_token_that_was_not_requested_is_not_found(parties: Parties) -> None:
    await parties.signed_in("code id_token")

    page = await parties.person.get(f"{WEB}contacts?token=front-channel")

    assert page.status == 404
    assert sent_tokens(parties) == []


async def test_an_unknown_token_name_is_not_found(parties: Parties) -> None:
    await parties.signed_in()

    assert (await parties.person.get(f"{WEB}contacts?token=refresh")).status == 404


async def test_without_a_sign_in_there_are_no_contacts(parties: Parties) -> None:
    page = await parties.person.get(f"{WEB}contacts")

    assert page.url == WEB


async def test_a_missing_scope_is_shown_with_the_challenge(parties: Parties) -> None:
    await parties.signed_in(scopes=("openid",))

    page = await parties.person.get(f"{WEB}contacts")

    assert "403 insufficient_scope" in page.text
    assert 'scope="read:contacts"' in page.text
    assert "Missing scope: read:contacts" in page.text
    assert "Bob Baker" not in page.text


async def test_after_a_403_the_person_can_sign_in_again_with_the_missing_scope(
    parties: Parties,
) -> None:
    await parties.signed_in("code id_token", ("openid", "email"))
    refused = await parties.person.get(f"{WEB}contacts")
    assert "Sign in again with it" in refused.text

    session = await parties.hand_over(await parties.person.follow(refused, "/authorize?"))
    page = await parties.person.get(f"{WEB}contacts")

    requested = parties.provider.requested[-1]
    assert requested["scope"] == "openid email read:contacts"
    assert requested["response_type"] == "code id_token"
    assert session.url == f"{WEB}session"
    assert "Bob Baker" in page.text
    assert "Missing" not in page.text


async def test_a_sign_in_again_does_not_end_the_sign_in_of_another_tab(parties: Parties) -> None:
    await parties.signed_in(scopes=("openid",))
    other_tab = await parties.start()
    await parties.person.get(f"{WEB}contacts")

    page = await parties.hand_over(await parties.person.follow(other_tab, "/authorize?"))

    assert page.url == f"{WEB}session"


async def test_a_scope_that_was_requested_and_not_granted_is_named_without_a_sign_in(
    parties: Parties,
) -> None:
    token = parties.provider.access_token(scope="openid")
    parties.provider.tokens = {"access_token": token, "scope": "openid"}
    parties.provider.exchanged_id_token = {"at_hash": None}
    await parties.signed_in()

    page = await parties.person.get(f"{WEB}contacts")

    assert "Missing scope: read:contacts" in page.text
    assert "did not grant it" in page.text
    assert not [link for link in page.links if "/authorize?" in link]


async def test_while_the_provider_is_away_a_403_page_offers_no_sign_in(parties: Parties) -> None:
    parties.provider.lifetime = 3600
    await parties.signed_in(scopes=("openid",))
    # The cached metadata expires before the access token.
    parties.clock.advance(601)
    parties.network.off.add(PROVIDER)

    page = await parties.person.get(f"{WEB}contacts")

    assert "Missing scope: read:contacts" in page.text
    assert not [link for link in page.links if "/authorize?" in link]


async def test_an_expired_token_is_shown_with_the_challenge(parties: Parties) -> None:
    await parties.signed_in(scopes=("openid", "read:contacts"))
    parties.clock.advance(700)

    page = await parties.person.get(f"{WEB}contacts")

    assert "401 invalid_token" in page.text
    assert "WWW-Authenticate: Bearer" in page.text


async def test_a_token_that_expires_soon_is_refreshed_first(parties: Parties) -> None:
    await parties.signed_in()
    parties.clock.advance(595)

    page = await parties.person.get(f"{WEB}contacts")

    assert "Bob Baker" in page.text
    assert parties.provider.requests[-1]["grant_type"] == "refresh_token"


async def test_a_token_that_cannot_be_refreshed_is_sent_unchanged(parties: Parties) -> None:
    await parties.signed_in()
    parties.clock.advance(700)
    parties.provider.token_fault = (400, {"error": "invalid_grant"})

    page = await parties.person.get(f"{WEB}contacts")

    assert "401 invalid_token" in page.text


async def test_a_refused_refresh_token_is_not_sent_again(parties: Parties) -> None:
    await parties.signed_in()
    parties.clock.advance(700)
    parties.provider.token_fault = (400, {"error": "invalid_grant"})

    for _ in range(3):
        await parties.person.get(f"{WEB}contacts")

    assert len(parties.provider.requests) == 2


async def test_a_valid_token_is_sent_while_the_provider_is_away(parties: Parties) -> None:
    await parties.signed_in()
    parties.clock.advance(595)
    parties.network.off.add(PROVIDER)

    page = await parties.person.get(f"{WEB}contacts")

    assert "Bob Baker" in page.text


async def test_an_expired_token_is_not_sent_while_the_provider_is_away(parties: Parties) -> None:
    await parties.signed_in()
    parties.clock.advance(601)
    parties.network.off.add(PROVIDER)

    page = await parties.person.get(f"{WEB}contacts")

    assert page.status == 503
    assert sent_tokens(parties) == []


async def test_no_level_of_headings_is_skipped(parties: Parties) -> None:
    await parties.signed_in()

    page = await parties.person.get(f"{WEB}contacts")

    levels = [int(start[0]) for start in page.response.text.split("<h")[1:] if start[0].isdigit()]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


async def test_the_page_says_that_the_api_does_not_answer(parties: Parties) -> None:
    await parties.signed_in()
    parties.network.off.add(API)

    page = await parties.person.get(f"{WEB}contacts")

    assert page.status == 200
    assert "The API does not answer" in page.text


@pytest.mark.parametrize(
    ("name", "initials"),
    [("Bob Baker", "BB"), ("Bob", "B"), ("Ana María de la Cruz", "AC"), ("", ""), ("  ", "")],
)
def test_a_contact_has_at_most_two_initials(name: str, initials: str) -> None:
    assert Contact(name, "", "", "").initials == initials


class TestAnotherApi:
    """Responses of an API that behaves differently."""

    @pytest.fixture
    def answers(self) -> list[Response]:
        return []

    @pytest.fixture
    def contacts_api(self, answers: list[Response]) -> Starlette:
        async def respond(_request: Request) -> Response:
            return answers[0]

        return Starlette(routes=[Route("/contacts", respond)])

    @pytest.mark.parametrize(
        ("answer", "line"),
        [
            (JSONResponse({"detail": "Later."}, 503, {"Retry-After": "5"}), "Retry-After: 5"),
            (JSONResponse({"detail": "Oops."}, 500), "500 Internal Server Error"),
            (Response("", 299), "299"),
            (Response("<html>", 200), "200 OK"),
            (JSONResponse({"contacts": {}}), "200 OK"),
            (Response("", 302, {"Location": "https://attacker.example/"}), "302 Found"),
        ],
        ids=["later", "broken", "no such status", "no JSON", "no list", "redirect"],
    )
    async def test_an_unexpected_response_is_shown_without_a_list(
        self, parties: Parties, answers: list[Response], answer: Response, line: str
    ) -> None:
        answers.append(answer)
        await parties.signed_in()

        page = await parties.person.get(f"{WEB}contacts")

        assert page.status == 200
        assert line in page.text
        assert 'class="fault"' in page.response.text

    async def test_malformed_entries_are_left_out(
        self, parties: Parties, answers: list[Response]
    ) -> None:
        entries = [{"name": "Bob", "email": 7}, "Carol"]
        answers.append(JSONResponse({"contacts": entries, "next_cursor": "abc"}))
        await parties.signed_in()

        page = await parties.person.get(f"{WEB}contacts")

        assert page.response.text.count('class="contact"') == 1
        assert "There are more contacts than these." in page.text

    async def test_an_empty_list_is_shown_as_a_sentence(
        self, parties: Parties, answers: list[Response]
    ) -> None:
        answers.append(JSONResponse({"contacts": [], "next_cursor": None}))
        await parties.signed_in()

        page = await parties.person.get(f"{WEB}contacts")

        assert "There are no contacts yet." in page.text

    @pytest.mark.parametrize(
        ("parameters", "sentence"),
        [
            ('error="insufficient_scope"', "a rule of the API refuses this token"),
            ('scope="read:everything"', "Missing scope: read:everything"),
            ('scope="write:contacts read:all"', "Missing scopes: write:contacts, read:all"),
            ('old_scope="read:contacts"', "a rule of the API refuses this token"),
            ('scope="', "a rule of the API refuses this token"),
        ],
        ids=["rule", "not offered", "one not offered", "another parameter", "malformed"],
    )
    async def test_a_403_that_another_sign_in_cannot_change_offers_none(
        self, parties: Parties, answers: list[Response], parameters: str, sentence: str
    ) -> None:
        challenge = {"WWW-Authenticate": f'Bearer realm="api", {parameters}'}
        answers.append(JSONResponse(None, 403, challenge))
        await parties.signed_in(scopes=("openid",))

        page = await parties.person.get(f"{WEB}contacts")

        assert sentence in page.text
        assert not [link for link in page.links if "/authorize?" in link]

    async def test_an_api_that_fails_gives_no_verdict(
        self, parties: Parties, answers: list[Response]
    ) -> None:
        answers.append(Response("", 500))
        session = await parties.signed_in()

        page = await parties.press(session, "/break/scope")

        assert "neither a refusal nor a success" in page.text
        assert "There is no verdict" in page.text
        assert "refused by" not in page.text
