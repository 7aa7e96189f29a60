"""The authorization response: each check refuses, and the steps after it are not taken."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from asgi_bearer.testing import signing_key
from tests.demo.web_application.conftest import WEB, Parties
from tests.support.fake_provider import (
    ANNEX,
    AUDIENCE,
    PROVIDER,
    FakeProvider,
    unsigned,
)
from tests.support.user_agent import Page

HYBRID = ("code id_token", "code token", "code id_token token")

FRONT_CHANNEL = [
    "state",
    "iss",
    "error",
    "components",
    "ID token: signature",
    "ID token: claims",
    "nonce",
    "c_hash",
    "at_hash",
]

Json = dict[str, Any]


def outcomes(page: Page) -> list[tuple[str, str]]:
    """Return the results on a page: outcome (a CSS class) and name of each check."""
    rows = page.response.text.split('<li class="')[1:]
    return [
        (row.partition('"')[0], row.partition("<strong>")[2].partition("</strong>")[0])
        for row in rows
        if 'class="mark"' in row
    ]


def assert_refused_at(page: Page, parties: Parties, row: str) -> None:
    """Assert that this check failed, the ones before it passed, and no code was exchanged."""
    assert page.status == 400
    assert outcomes(page)[: len(FRONT_CHANNEL)] == [
        *(("passed", name) for name in FRONT_CHANNEL[: FRONT_CHANNEL.index(row)]),
        ("failed", row),
        *(("not-reached", name) for name in FRONT_CHANNEL[FRONT_CHANNEL.index(row) + 1 :]),
    ]
    assert all(outcome == "not-reached" for outcome, _ in outcomes(page)[len(FRONT_CHANNEL) :])
    assert parties.provider.requests == []


@pytest.mark.parametrize("response_type", HYBRID)
async def test_a_valid_response_signs_the_person_in(parties: Parties, response_type: str) -> None:
    page = await parties.hand_over(await parties.at_callback(response_type))

    assert page.url == f"{WEB}session"
    assert "Alice Example" in page.text
    assert {outcome for outcome, _ in outcomes(page)} <= {"passed", "none"}


async def test_the_page_shows_the_checks_in_their_order(parties: Parties) -> None:
    page = await parties.hand_over(await parties.at_callback())

    assert outcomes(page)[: len(FRONT_CHANNEL)] == [("passed", name) for name in FRONT_CHANNEL]


async def test_without_an_id_token_its_checks_have_nothing_to_check(parties: Parties) -> None:
    page = await parties.hand_over(await parties.at_callback("code token"))

    assert outcomes(page)[4:9] == [("none", name) for name in FRONT_CHANNEL[4:]]


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"state": "of-another-request"}, "state"),
        ({"state": None}, "state"),
        ({"state": ""}, "state"),
        ({"iss": "http://127.0.0.1:9001/"}, "iss"),
        ({"iss": PROVIDER.rstrip("/")}, "iss"),
        ({"iss": None, "id_token": None}, "iss"),
        ({"iss": None, "id_token": ""}, "iss"),
        ({"error": "server_error"}, "error"),
        ({"error": ""}, "error"),
        ({"code": None}, "components"),
        ({"code": ""}, "components"),
        ({"id_token": None}, "components"),
        ({"access_token": None}, "components"),
        ({"token_type": "mac"}, "components"),
        ({"token_type": None}, "components"),
        ({"expires_in": "soon"}, "components"),
        ({"expires_in": None}, "components"),
        ({"access_token": "t\u00f6ken"}, "components"),
        ({"access_token": "a token"}, "components"),
        ({"access_token": "token\r\nX: y"}, "components"),
        ({"id_token": "not.a.token"}, "ID token: signature"),
        ({"id_token": unsigned({"iss": PROVIDER, "sub": "alice"})}, "ID token: signature"),
        ({"code": "another-code"}, "c_hash"),
        ({"access_token": "another-token"}, "at_hash"),
    ],
)
async def test_a_tampered_response_is_refused_at_its_check(
    parties: Parties, changes: dict[str, str | None], row: str
) -> None:
    page = await parties.hand_over(await parties.at_callback(), changes)

    assert_refused_at(page, parties, row)


@pytest.mark.parametrize(
    ("claims", "row"),
    [
        ({"iss": "http://127.0.0.1:9001/"}, "ID token: claims"),
        ({"iss": None}, "ID token: claims"),
        ({"aud": AUDIENCE}, "ID token: claims"),
        ({"aud": ["web-application", "other"]}, "ID token: claims"),
        ({"aud": None}, "ID token: claims"),
        ({"azp": "other"}, "ID token: claims"),
        ({"exp": 1_699_999_000}, "ID token: claims"),
        ({"exp": None}, "ID token: claims"),
        ({"exp": "1800000000"}, "ID token: claims"),
        ({"iat": 1_700_001_000}, "ID token: claims"),
        ({"iat": None}, "ID token: claims"),
        ({"nbf": 1_700_001_000}, "ID token: claims"),
        ({"sub": None}, "ID token: claims"),
        ({"sub": ""}, "ID token: claims"),
        ({"sub": "a" * 256}, "ID token: claims"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": 5}, "nonce"),
        ({"c_hash": None}, "c_hash"),
        ({"c_hash": "another"}, "c_hash"),
        ({"at_hash": None}, "at_hash"),
        ({"at_hash": "another"}, "at_hash"),
    ],
)
async def test_a_wrong_id_token_is_refused_at_its_check(
    parties: Parties, claims: Json, row: str
) -> None:
    parties.provider.id_token = claims

    page = await parties.hand_over(await parties.at_callback())

    assert_refused_at(page, parties, row)


def _foreign_key(provider: FakeProvider) -> None:
    provider.signing_key = signing_key(number=1)


def _unknown_kid(provider: FakeProvider) -> None:
    provider.id_token_header = {"kid": "k2"}


def _access_token_type(provider: FakeProvider) -> None:
    provider.id_token_header = {"typ": "at+jwt"}


def _critical(provider: FakeProvider) -> None:
    provider.id_token_header = {"crit": ["b64"], "b64": False}


def _symmetric(provider: FakeProvider) -> None:
    provider.id_token_header = {"alg": "HS256"}


@pytest.mark.parametrize(
    "misbehave", [_foreign_key, _unknown_kid, _access_token_type, _critical, _symmetric]
)
async def test_an_id_token_that_the_provider_did_not_sign_as_one_is_refused(
    parties: Parties, misbehave: Callable[[FakeProvider], None]
) -> None:
    misbehave(parties.provider)

    page = await parties.hand_over(await parties.at_callback())

    assert_refused_at(page, parties, "ID token: signature")


async def test_an_access_token_that_was_not_requested_is_refused(parties: Parties) -> None:
    callback = await parties.at_callback("code id_token")

    more = {"access_token": "token", "token_type": "Bearer", "expires_in": "600"}
    page = await parties.hand_over(callback, more)

    assert_refused_at(page, parties, "components")


async def test_an_id_token_that_was_not_requested_is_refused(parties: Parties) -> None:
    callback = await parties.at_callback("code token")

    page = await parties.hand_over(callback, {"id_token": "a.b.c"})

    assert_refused_at(page, parties, "components")


async def test_unknown_parameters_are_ignored(parties: Parties) -> None:
    page = await parties.hand_over(await parties.at_callback(), {"session_state": "abc"})

    assert page.url == f"{WEB}session"


async def test_an_id_token_names_the_issuer_if_the_response_does_not(parties: Parties) -> None:
    page = await parties.hand_over(await parties.at_callback(), {"iss": None})

    assert page.url == f"{WEB}session"
    assert outcomes(page)[1] == ("none", "iss")
    assert "Received: none, although the provider announces one." in page.text


async def test_a_response_without_issuer_and_id_token_is_refused(parties: Parties) -> None:
    page = await parties.hand_over(await parties.at_callback("code token"), {"iss": None})

    assert_refused_at(page, parties, "iss")


async def test_a_provider_that_does_not_announce_iss_need_not_send_it(parties: Parties) -> None:
    parties.provider.metadata = {"authorization_response_iss_parameter_supported": None}
    parties.provider.response = {"iss": None}

    page = await parties.hand_over(await parties.at_callback("code token"))

    assert page.url == f"{WEB}session"
    assert outcomes(page)[1] == ("none", "iss")


async def test_an_iss_that_was_not_announced_is_compared(parties: Parties) -> None:
    parties.provider.metadata = {"authorization_response_iss_parameter_supported": None}

    page = await parties.hand_over(
        await parties.at_callback(), {"iss": "https://attacker.example/"}
    )

    assert_refused_at(page, parties, "iss")


async def test_the_page_says_that_the_person_denied_access(parties: Parties) -> None:
    parties.provider.error = "access_denied"

    page = await parties.hand_over(await parties.at_callback())

    assert_refused_at(page, parties, "error")
    assert "access_denied" in page.text
    assert "You denied access" in page.text


async def test_the_page_shows_the_error_code_escaped(parties: Parties) -> None:
    parties.provider.error = "<script>alert(1)</script>"

    page = await parties.hand_over(await parties.at_callback())

    assert_refused_at(page, parties, "error")
    assert "<script>alert" not in page.response.text


async def test_an_error_with_a_wrong_state_is_refused_at_state(parties: Parties) -> None:
    parties.provider.error = "access_denied"

    page = await parties.hand_over(await parties.at_callback(), {"state": "of-another-request"})

    assert_refused_at(page, parties, "state")
    assert "You denied access" not in page.text


@pytest.mark.parametrize(
    "fragment",
    [
        "",
        "nothing",
        "state=a&state=a",
        "code=%ff&state=a",
        "state=" + "a" * (33 * 1024),
        "&".join(f"p{number}=1" for number in range(40)),
    ],
    ids=["empty", "no form", "repeated", "no UTF-8", "too long", "too many"],
)
async def test_an_ambiguous_fragment_is_refused(parties: Parties, fragment: str) -> None:
    page = await parties.hand_over_text(await parties.at_callback(), fragment)

    assert page.status == 400
    assert "cannot be read" in page.text
    assert parties.provider.requests == []


async def test_a_response_with_a_repeated_parameter_is_refused(parties: Parties) -> None:
    callback = await parties.at_callback()

    twice = urlencode([*callback.fragment.items(), ("code", callback.fragment["code"])])
    page = await parties.hand_over_text(callback, twice)

    assert page.status == 400
    assert parties.provider.requests == []


@pytest.mark.parametrize(
    "changes",
    [{"code": "another"}, {"error": "access_denied"}, {"iss": "https://attacker.example/"}],
)
async def test_a_refused_response_ends_its_request(
    parties: Parties, changes: dict[str, str | None]
) -> None:
    callback = await parties.at_callback()
    await parties.hand_over(callback, changes)

    page = await parties.hand_over(callback)

    assert_refused_at(page, parties, "state")


async def test_a_response_is_accepted_once(parties: Parties) -> None:
    callback = await parties.at_callback()
    await parties.hand_over(callback)

    page = await parties.person.submit(
        callback,
        callback.form("/callback"),
        {"fragment": urlencode(callback.fragment), "form_token": await form_token(parties)},
    )

    assert page.status == 400
    assert outcomes(page)[0] == ("failed", "state")
    assert len(parties.provider.exchanges()) == 1


async def form_token(parties: Parties) -> str:
    page = await parties.person.get(f"{WEB}callback")
    return page.form("/callback").fields["form_token"]


async def test_a_response_after_ten_minutes_is_refused(parties: Parties) -> None:
    callback = await parties.at_callback()
    parties.clock.advance(601)

    page = await parties.hand_over(callback)

    assert_refused_at(page, parties, "state")


async def test_a_response_in_another_browser_is_refused(parties: Parties) -> None:
    callback = await parties.at_callback()
    parties.person.client.cookies.clear()

    page = await parties.hand_over(callback)

    assert_refused_at(page, parties, "state")
    assert parties.cookie() is None


@pytest.mark.parametrize("others", HYBRID)
async def test_two_tabs_can_both_sign_in(parties: Parties, others: str) -> None:
    first, second = await parties.start("code id_token"), await parties.start(others)

    pages = [
        await parties.hand_over(await parties.person.follow(tab, "/authorize?"))
        for tab in (first, second)
    ]

    assert [page.url for page in pages] == [f"{WEB}session"] * 2
    assert len(parties.provider.exchanges()) == 2


@pytest.mark.parametrize(
    "query", ["code=abc&state=def", "error=access_denied", "id_token=a.b.c", "access_token=abc"]
)
async def test_a_response_in_the_query_is_refused_and_leaves_the_request_pending(
    parties: Parties, query: str
) -> None:
    callback = await parties.at_callback()

    page = await parties.person.get(f"{WEB}callback?{query}")

    assert page.status == 400
    assert "is in the query" in page.text
    assert (await parties.hand_over(callback)).url == f"{WEB}session"


@pytest.mark.parametrize(
    "fragment",
    ["x=1", "code=abc", "code=abc&state=made-up", "code=abc&state=", "state=a&state=a", "x"],
)
async def test_a_forged_response_leaves_other_requests_pending(
    parties: Parties, fragment: str
) -> None:
    first, second = await parties.start("code id_token"), await parties.start("code token")
    foreign = await parties.person.get(f"{WEB}callback#{fragment}")

    refused = await parties.hand_over_text(foreign, fragment)
    pages = [
        await parties.hand_over(await parties.person.follow(tab, "/authorize?"))
        for tab in (first, second)
    ]

    assert refused.status == 400
    assert [page.url for page in pages] == [f"{WEB}session"] * 2


@pytest.mark.parametrize(
    ("field", "value"), [("form_token", "another"), ("form_token", ""), ("form_token", None)]
)
async def test_a_callback_form_without_the_sessions_token_is_refused(
    parties: Parties, field: str, value: str | None
) -> None:
    callback = await parties.at_callback()

    page = await parties.person.submit(
        callback,
        callback.form("/callback"),
        {"fragment": urlencode(callback.fragment), field: value},
    )

    assert page.status == 403
    assert parties.provider.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:8080", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_a_callback_form_from_another_site_is_refused(
    parties: Parties, headers: dict[str, str]
) -> None:
    callback = await parties.at_callback()
    form = {**callback.form("/callback").fields, "fragment": urlencode(callback.fragment)}

    answer = await parties.person.client.post(f"{WEB}callback", data=form, headers=headers)

    assert answer.status_code == 403
    assert parties.provider.requests == []


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"fragment=a&fragment=b", "application/x-www-form-urlencoded", 400),
        (b"fragment=\xff", "application/x-www-form-urlencoded", 400),
        (b"fragment=" + b"a" * 50_000, "application/x-www-form-urlencoded", 413),
    ],
    ids=["JSON", "field twice", "no form", "too long"],
)
async def test_a_callback_body_that_is_not_a_form_is_refused(
    parties: Parties, content: bytes, content_type: str, status: int
) -> None:
    await parties.at_callback()

    answer = await parties.person.client.post(
        f"{WEB}callback", content=content, headers={"Content-Type": content_type}
    )

    assert answer.status_code == status


async def test_the_session_has_a_new_cookie_after_sign_in(parties: Parties) -> None:
    callback = await parties.at_callback()
    before = parties.cookie()
    assert before is not None

    await parties.hand_over(callback)

    assert parties.cookie() not in {None, before}
    assert await parties.sessions.session(before) is None


async def test_a_session_that_ends_during_the_sign_in_stays_ended(parties: Parties) -> None:
    callback = await parties.at_callback()

    async def end(_request: httpx.Request) -> None:
        await parties.sessions.close(parties.cookie() or "")

    parties.network.meanwhile = end
    page = await parties.hand_over(callback)

    assert page.status == 400
    assert (await parties.person.get(f"{WEB}session")).url == WEB


async def test_a_sign_in_to_an_ended_session_revokes_its_refresh_token(
    parties: Parties,
) -> None:
    callback = await parties.at_callback()

    async def end(_request: httpx.Request) -> None:
        await parties.sessions.close(parties.cookie() or "")

    parties.network.meanwhile = end
    await parties.hand_over(callback)

    assert len(parties.provider.revocations) == 1


async def test_the_callback_page_has_one_script_of_its_own(parties: Parties) -> None:
    page = await parties.at_callback()

    assert '<script src="/scripts/callback.js" defer></script>' in page.response.text
    assert "JavaScript is switched off" in page.text
    script = (await parties.person.get(f"{WEB}scripts/callback.js")).response.text
    assert "replaceState" in script


async def test_without_the_providers_keys_the_response_is_not_judged(parties: Parties) -> None:
    parties.provider.metadata = {"jwks_uri": f"{ANNEX}jwks"}
    callback = await parties.at_callback()
    parties.network.off.add(ANNEX)

    page = await parties.hand_over(callback)

    assert page.status == 503
    assert "could not be checked" in page.text
    assert parties.provider.requests == []


async def test_the_page_of_a_refusal_contains_no_token_and_no_code(parties: Parties) -> None:
    callback = await parties.at_callback()

    page = await parties.hand_over(callback, {"access_token": "tampered-" + "x" * 40})

    for name in ("code", "id_token", "state"):
        assert callback.fragment[name] not in page.response.text
    assert "tampered-xxx" not in page.response.text


class TestExchange:
    """The checks of the token response."""

    @pytest.mark.parametrize(
        ("claims", "row"),
        [
            ({"iss": "http://127.0.0.1:9001/"}, "ID token: claims"),
            ({"aud": "other"}, "ID token: claims"),
            ({"exp": 1_699_999_000}, "ID token: claims"),
            ({"nonce": "another"}, "nonce"),
            ({"nonce": None}, "nonce"),
            ({"at_hash": "another"}, "at_hash"),
            ({"sub": "mallory"}, "same issuer and subject"),
        ],
    )
    async def test_a_wrong_id_token_signs_no_one_in(
        self, parties: Parties, claims: Json, row: str
    ) -> None:
        parties.provider.exchanged_id_token = claims

        page = await parties.hand_over(await parties.at_callback())

        assert page.status == 400
        assert ("failed", row) in outcomes(page)[len(FRONT_CHANNEL) :]
        assert "discarded" in page.text
        assert (await parties.person.get(f"{WEB}session")).url == WEB

    @pytest.mark.parametrize(
        ("tokens", "row"),
        [
            ({"id_token": None}, "ID token: signature"),
            ({"id_token": "a.b.c"}, "ID token: signature"),
        ],
    )
    async def test_a_token_response_without_a_valid_id_token_signs_no_one_in(
        self, parties: Parties, tokens: Json, row: str
    ) -> None:
        parties.provider.tokens = tokens

        page = await parties.hand_over(await parties.at_callback())

        assert page.status == 400
        assert ("failed", row) in outcomes(page)[len(FRONT_CHANNEL) :]

    async def test_an_id_token_without_at_hash_is_accepted(self, parties: Parties) -> None:
        parties.provider.exchanged_id_token = {"at_hash": None}

        page = await parties.hand_over(await parties.at_callback())

        assert page.url == f"{WEB}session"

    async def test_the_page_shows_the_providers_error_for_a_refused_code(
        self, parties: Parties
    ) -> None:
        callback = await parties.at_callback("code token")

        page = await parties.hand_over(callback, {"code": "made-up"})

        assert page.status == 400
        assert ("failed", "code exchange") in outcomes(page)
        assert "invalid_grant" in page.text

    async def test_a_token_endpoint_that_does_not_answer_gives_no_verdict(
        self, parties: Parties
    ) -> None:
        parties.provider.metadata = {"token_endpoint": f"{ANNEX}token"}
        callback = await parties.at_callback()
        parties.network.off.add(ANNEX)

        page = await parties.hand_over(callback)

        assert page.status == 503

    @pytest.mark.parametrize(
        "fault",
        [(503, {"error": "server_error"}), (500, None), (429, {"error": "slow_down"}), (404, None)],
        ids=str,
    )
    async def test_a_token_endpoint_that_fails_gives_no_verdict(
        self, parties: Parties, fault: tuple[int, Any]
    ) -> None:
        parties.provider.token_fault = fault

        page = await parties.hand_over(await parties.at_callback())

        assert page.status == 503
        assert "could not be checked" in page.text
        assert f"its token endpoint answers {fault[0]}" in page.text
        assert (await parties.person.get(f"{WEB}session")).url == WEB

    @pytest.mark.parametrize(
        "tokens",
        [
            {"access_token": None},
            {"token_type": "mac"},
            {"access_token": "t\u00f6ken"},
            {"access_token": "token\r\nX: y"},
        ],
        ids=str,
    )
    async def test_a_token_response_without_a_usable_access_token_signs_no_one_in(
        self, parties: Parties, tokens: Json
    ) -> None:
        parties.provider.tokens = tokens

        page = await parties.hand_over(await parties.at_callback())

        assert page.status == 503
        assert ("failed", "code exchange") in outcomes(page)
        assert "without an access token of type Bearer" in page.text
        assert (await parties.person.get(f"{WEB}session")).url == WEB


async def test_a_person_who_goes_back_after_signing_in_is_led_to_the_session(
    parties: Parties,
) -> None:
    callback = await parties.at_callback()
    await parties.hand_over(callback)

    again = await parties.person.get(callback.url)
    page = await parties.hand_over(again)

    assert page.status == 400
    assert ("failed", "state") in outcomes(page)
    assert "You are still signed in from before" in page.text
    assert (await parties.person.follow(page, "/session")).status == 200
