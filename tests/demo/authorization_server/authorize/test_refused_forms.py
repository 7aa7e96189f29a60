"""Forged forms: sent from another site, or for another user, they do nothing.

The tests cover sign-in, consent, sign-out, and the rotation of keys.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import httpx
import pytest
import pytest_asyncio

from demo.authorization_server.authorize.consent import page_token
from demo.authorization_server.authorize.request import authorization_request
from demo.authorization_server.requests.cookies import CSRF_COOKIE, SESSION_COOKIE
from demo.authorization_server.requests.parameters import parameters
from tests.refusals.authorization_requests import FOREIGN_REDIRECT_URIS
from tests.support.authorization_server.attacked_server import AttackedServer, attacked_server
from tests.support.authorization_server.example_registrations import ISSUER, registrations
from tests.support.authorization_server.front_channel import (
    ORIGIN,
    PASSWORDS,
    address,
    browser_of,
    query,
)
from tests.support.user_agent import UserAgent

pytestmark = pytest.mark.asyncio(loop_scope="module")

Which = Literal["sign-in", "consent", "sign-out"]
Headers = Sequence[tuple[str, str]]

FORMS: Sequence[Which] = ("sign-in", "consent", "sign-out")
HOME = "http://localhost:8080/"
ROTATE = "/.demo/rotate-keys"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[AttackedServer]:
    async with attacked_server(tmp_path_factory.mktemp("state")) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def browser(attacked: AttackedServer) -> AsyncGenerator[UserAgent]:
    async with browser_of(attacked.app) as browser:
        yield browser


async def signed_in(server: AttackedServer, browser: UserAgent, username: str = "bob") -> str:
    """Give the browser a session of a user who has allowed nothing, and return its secret."""
    secret = await server.state.sessions.open(username, signed_in_for="another request")
    browser.client.cookies.set(SESSION_COOKIE, secret, domain="127.0.0.1", path="/")
    return secret


@dataclass(frozen=True, slots=True)
class Filled:
    """A form of a page, filled in."""

    action: str
    fields: dict[str, str]


async def filled(server: AttackedServer, browser: UserAgent, which: Which) -> Filled:
    """Return a valid form, ready to be sent."""
    if which == "sign-in":
        page = await browser.get(address())
        fields = {"username": "alice", "password": PASSWORDS["alice"]}
        form = page.form("/authorize/sign-in")
    elif which == "consent":
        await signed_in(server, browser)
        page = await browser.get(address(prompt="consent"))
        fields = {"decision": "allow"}
        form = page.form("/authorize/consent")
    else:
        await signed_in(server, browser)
        page = await browser.get(f"{ISSUER}oidc/logout")
        fields = {}
        form = page.form("/oidc/logout")
    return Filled(form.action, {**form.fields, **fields})


async def sent(browser: UserAgent, form: Filled, headers: Headers = ()) -> httpx.Response:
    return await browser.client.post(ORIGIN + form.action, data=form.fields, headers=list(headers))


def assert_forbidden(answer: httpx.Response) -> None:
    assert answer.status_code == 403
    assert {"location", "set-cookie"}.isdisjoint(answer.headers)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Forged:
    """A form that no page of this server sent.

    Arguments:
        csrf: the hidden field; None keeps its value.
        cookie: the CSRF cookie; None keeps its value, "" removes it.
    """

    case: str
    csrf: str | None = None
    cookie: str | None = None
    headers: Headers = field(default_factory=tuple)


FORGED: Sequence[Forged] = (
    Forged("no cookie", cookie=""),
    Forged("another cookie", cookie="u" * 43),
    Forged("empty field", csrf=""),
    Forged("another field", csrf="u" * 43),
    Forged("field cut", csrf="u" * 42),
    Forged("neither", csrf="", cookie=""),
    Forged("both, but short", csrf="x", cookie="x"),
    Forged("both, but not of our letters", csrf="\u00fc" * 43, cookie="'" * 43),
    Forged("very long field", csrf="u" * 9000),
    Forged("other site", headers=[("Origin", "https://evil.example")]),
    Forged("sandbox", headers=[("Origin", "null")]),
    Forged("empty origin", headers=[("Origin", "")]),
    Forged("other port of this host", headers=[("Origin", "http://127.0.0.1:8080")]),
    Forged("other name of this host", headers=[("Origin", "http://localhost:9000")]),
    Forged("other scheme", headers=[("Origin", "https://127.0.0.1:9000")]),
    Forged("slash behind", headers=[("Origin", f"{ORIGIN}/")]),
    Forged("ours in front", headers=[("Origin", f"{ORIGIN}.evil.example")]),
    Forged("two in one", headers=[("Origin", f"{ORIGIN}, https://evil.example")]),
    Forged("two", headers=[("Origin", ORIGIN), ("Origin", "https://evil.example")]),
    Forged("cross-site", headers=[("Sec-Fetch-Site", "cross-site")]),
    Forged("same-site", headers=[("Sec-Fetch-Site", "same-site")]),
    Forged("typed in", headers=[("Sec-Fetch-Site", "none")]),
    Forged("ours, but cross-site", headers=[("Origin", ORIGIN), ("Sec-Fetch-Site", "cross-site")]),
    Forged(
        "two sites", headers=[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]
    ),
)


@pytest.mark.parametrize("which", FORMS)
async def test_the_valid_form_behind_the_forged_ones_is_accepted(
    attacked: AttackedServer, browser: UserAgent, which: Which
) -> None:
    form = await filled(attacked, browser, which)
    before = attacked.memory()

    answer = await sent(browser, form, [("Origin", ORIGIN), ("Sec-Fetch-Site", "same-origin")])

    assert answer.status_code == {"sign-in": 303, "consent": 303, "sign-out": 200}[which]
    assert attacked.memory() != before


@pytest.mark.parametrize("which", FORMS)
@pytest.mark.parametrize("row", FORGED, ids=lambda row: row.case)
async def test_a_forged_form_is_refused(
    attacked: AttackedServer, browser: UserAgent, which: Which, row: Forged
) -> None:
    form = await filled(attacked, browser, which)
    if row.csrf is not None:
        form.fields["csrf"] = row.csrf
    if row.cookie == "":
        browser.client.cookies.delete(CSRF_COOKIE)
    elif row.cookie is not None:
        browser.client.cookies.set(CSRF_COOKIE, row.cookie, domain="127.0.0.1", path="/")
    before = attacked.memory()

    answer = await sent(browser, form, row.headers)

    assert_forbidden(answer)
    assert attacked.memory() == before


@pytest.mark.parametrize(
    ("which", "name"),
    [
        ("sign-in", "csrf"),
        ("sign-in", "username"),
        ("sign-in", "password"),
        ("consent", "csrf"),
        ("consent", "decision"),
        ("consent", "page_token"),
        ("sign-out", "csrf"),
    ],
)
async def test_a_field_that_is_sent_twice_has_no_value(
    attacked: AttackedServer, browser: UserAgent, which: Which, name: str
) -> None:
    form = await filled(attacked, browser, which)
    before = attacked.memory()

    answer = await browser.client.post(
        ORIGIN + form.action, data={**form.fields, name: [form.fields[name]] * 2}
    )

    assert answer.status_code in {400, 403}
    assert "location" not in answer.headers
    assert attacked.memory() == before


@pytest.mark.parametrize("which", FORMS)
@pytest.mark.parametrize(
    "content_types",
    [
        ["text/plain"],
        ["application/json"],
        ["multipart/form-data; boundary=x"],
        [],
        ["application/x-www-form-urlencoded", "text/plain"],
    ],
    ids=["text", "JSON", "multipart", "none", "two"],
)
async def test_a_body_that_is_not_a_form_is_refused(
    attacked: AttackedServer, browser: UserAgent, which: Which, content_types: list[str]
) -> None:
    form = await filled(attacked, browser, which)
    request = browser.client.build_request("POST", ORIGIN + form.action, data=form.fields)
    others = [pair for pair in request.headers.multi_items() if pair[0] != "content-type"]
    types = [("content-type", value) for value in content_types]
    request.headers = httpx.Headers([*others, *types])
    before = attacked.memory()

    answer = await browser.client.send(request)

    assert answer.status_code == 400
    assert attacked.memory() == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/authorize/sign-in", 303),  # to /authorize, with the same request
        ("/authorize/consent", 303),
        ("/oidc/logout/confirmed", 405),
    ],
)
async def test_a_get_request_does_not_do_what_a_form_does(
    attacked: AttackedServer, browser: UserAgent, path: str, status: int
) -> None:
    await signed_in(attacked, browser)
    before = attacked.memory()

    answer = await browser.client.get(f"{ORIGIN}{path}?{query()}&decision=allow")

    assert answer.status_code == status
    assert attacked.memory() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "openid read:contacts write:contacts offline_access"},
        {"scope": "openid"},
        {"audience": "https://api.example/calendar", "scope": "openid"},
        {"audience": None, "scope": "openid"},
        {"state": "another"},
        {"state": None},
        {"nonce": "another"},
        {"response_type": "code id_token token"},
        {"response_mode": "form_post"},
        {"code_challenge": "c" * 43, "code_challenge_method": "S256"},
        {"prompt": None},
        {
            "client_id": "single-page",
            "redirect_uri": "http://localhost:8081/callback",
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        },
    ],
    ids=", ".join,
)
async def test_a_consent_page_of_one_request_decides_no_other_request(
    attacked: AttackedServer, browser: UserAgent, changes: dict[str, str | None]
) -> None:
    shown = await filled(attacked, browser, "consent")
    other = query(**{"prompt": "consent", **changes})
    before = attacked.memory()

    answer = await sent(browser, Filled(f"/authorize/consent?{other}", shown.fields))

    assert_forbidden(answer)
    assert attacked.memory() == before


@pytest.mark.parametrize("username", ["alice", "bob"])
async def test_a_consent_page_of_one_sign_in_decides_nothing_in_another(
    attacked: AttackedServer, browser: UserAgent, username: str
) -> None:
    shown = await filled(attacked, browser, "consent")
    await signed_in(attacked, browser, username)
    before = attacked.memory()

    answer = await sent(browser, shown)

    assert_forbidden(answer)
    assert attacked.memory() == before


async def test_values_of_an_attackers_page_are_useless_in_the_victims_browser(
    attacked: AttackedServer, browser: UserAgent
) -> None:
    async with browser_of(attacked.app) as attackers:
        theirs = await filled(attacked, attackers, "consent")
    victims = await filled(attacked, browser, "consent")
    before = attacked.memory()

    answers = [
        await sent(browser, theirs),
        await sent(
            browser, Filled(victims.action, {**victims.fields, "csrf": theirs.fields["csrf"]})
        ),
        await sent(
            browser,
            Filled(victims.action, {**victims.fields, "page_token": theirs.fields["page_token"]}),
        ),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert attacked.memory() == before


async def test_a_user_other_than_the_hinted_one_cannot_consent(
    attacked: AttackedServer, browser: UserAgent
) -> None:
    """The client sends an ID token of alice, but bob signs in and skips the check at /authorize."""
    tokens = await attacked.back_channel.tokens(scopes=("openid",), audience=None)
    asked = address(id_token_hint=tokens["id_token"], prompt="consent")
    page = await browser.get(asked)
    form = page.form("/authorize/sign-in")
    bob = {**form.fields, "username": "bob", "password": PASSWORDS["bob"]}
    onward = await sent(browser, Filled(form.action, bob))
    shown = page_token_from_the_cookie(browser, asked)
    action = onward.headers["location"].replace("/authorize?", "/authorize/consent?")
    fields = {"csrf": form.fields["csrf"], "decision": "allow", "page_token": shown}
    before = attacked.memory()

    answer = await sent(browser, Filled(action, fields))

    assert "code=" not in answer.headers.get("location", "")
    assert attacked.memory()["codes"] == before["codes"]
    assert attacked.memory()["consents"] == before["consents"]


def page_token_from_the_cookie(browser: UserAgent, asked: str) -> str:
    """Return the page token that the consent page would have, from the browser's own cookie."""
    sent = parameters(asked.partition("?")[2].encode())
    request = authorization_request(sent, registrations())
    return page_token(browser.client.cookies[SESSION_COOKIE], request)


@pytest.mark.parametrize("planted", ["attacker's own", "made up"])
async def test_a_planted_session_is_replaced_at_sign_in(
    attacked: AttackedServer, browser: UserAgent, planted: str
) -> None:
    secret = "p" * 43
    if planted == "attacker's own":
        secret = await attacked.state.sessions.open("bob", signed_in_for="another request")
    browser.client.cookies.set(SESSION_COOKIE, secret, domain="127.0.0.1", path="/")
    page = await browser.get(address(prompt="login"))
    form = page.form("/authorize/sign-in")
    alice = {**form.fields, "username": "alice", "password": PASSWORDS["alice"]}

    await sent(browser, Filled(form.action, alice))

    assert await attacked.state.sessions.find(secret) is None
    assert secret not in str(browser.client.cookies)


@pytest.mark.parametrize(
    "encoded",
    [
        query(redirect_uri="https://evil.example/"),
        query(client_id="somebody"),
        f"{query()}&redirect_uri=https://evil.example/",
        "",
    ],
    ids=["foreign address", "unknown client", "two addresses", "nothing"],
)
@pytest.mark.parametrize("which", ["sign-in", "consent"])
async def test_the_request_in_the_url_of_a_form_is_checked(
    attacked: AttackedServer, browser: UserAgent, which: Which, encoded: str
) -> None:
    form = await filled(attacked, browser, which)
    before = attacked.memory()

    answer = await sent(browser, Filled(f"/authorize/{which}?{encoded}", form.fields))

    assert answer.status_code == 400
    assert {"location", "set-cookie"}.isdisjoint(answer.headers)
    assert attacked.memory() == before


async def test_sign_out_redirects_to_no_unregistered_address(
    attacked: AttackedServer, browser: UserAgent
) -> None:
    await signed_in(attacked, browser)
    before = attacked.memory()

    answers = {
        uri: await browser.client.get(
            f"{ISSUER}oidc/logout",
            params={"client_id": "web-application", "post_logout_redirect_uri": uri},
        )
        for uri in FOREIGN_REDIRECT_URIS
        if uri != HOME
    }

    # The table has a test for each row elsewhere.
    assert [uri for uri, answer in answers.items() if answer.status_code != 400] == []
    assert [uri for uri, answer in answers.items() if "location" in answer.headers] == []
    assert attacked.memory() == before


@pytest.mark.parametrize(
    "headers",
    [[], [("Origin", "https://evil.example")], [("Sec-Fetch-Site", "cross-site")]],
    ids=["plain", "foreign", "cross-site"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_another_site_can_sign_nobody_out_without_an_id_token(
    attacked: AttackedServer, browser: UserAgent, method: str, headers: Headers
) -> None:
    await signed_in(attacked, browser)
    asked = {"client_id": "web-application", "post_logout_redirect_uri": HOME}
    before = attacked.memory()

    answer = await browser.client.request(
        method,
        f"{ISSUER}oidc/logout",
        params=asked if method == "GET" else None,
        data=asked if method == "POST" else None,
        headers=list(headers),
        follow_redirects=True,
    )

    assert answer.status_code == 200
    assert "<form" in answer.text
    assert attacked.memory() == before


EVERYWHERE = (
    ("GET", f"/authorize?{query()}"),
    ("POST", "/authorize/sign-in"),
    ("POST", "/oauth/token"),
    ("POST", ROTATE),
    ("GET", "/oidc/logout"),
    ("GET", "/.well-known/openid-configuration"),
    ("GET", "/"),
)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9000",
        "127.0.0.1.evil.example:9000",
        "127.0.0.1@evil.example",
        "0.0.0.0:9000",
        "127.1:9000",
        "2130706433:9000",
        "[::1]:9000",
        "localhost:9000",
        "",
        "127.0.0.1, evil.example",
    ],
    ids=ascii,
)
async def test_requests_for_another_host_name_are_refused(
    attacked: AttackedServer, browser: UserAgent, host: str
) -> None:
    """Against DNS rebinding. One host name also keeps the cookies apart from other applications."""
    await signed_in(attacked, browser, "alice")
    kid, before = attacked.keys.current.kid, attacked.memory()

    answers = [
        await browser.client.request(method, ORIGIN + path, headers={"Host": host})
        for method, path in EVERYWHERE
    ]

    assert {(answer.status_code, answer.text) for answer in answers} == {
        (400, "Invalid host header")
    }
    assert attacked.keys.current.kid == kid
    assert attacked.memory() == before


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        pytest.param("192.0.2.1", [], id="another machine"),
        pytest.param("192.0.2.1", [("X-Forwarded-For", "127.0.0.1")], id="says it is this one"),
        pytest.param("192.0.2.1", [("Forwarded", "for=127.0.0.1")], id="says so in another way"),
        pytest.param("::ffff:192.0.2.1", [], id="another machine, mapped"),
        pytest.param("0.0.0.0", [], id="no machine"),  # noqa: S104
        pytest.param("127.0.0.1.evil.example", [], id="a name"),
        pytest.param("127.0.0.1", [("Origin", "https://evil.example")], id="foreign page"),
        pytest.param("127.0.0.1", [("Origin", "null")], id="sandboxed page"),
        pytest.param("127.0.0.1", [("Origin", HOME.rstrip("/"))], id="page of the application"),
        pytest.param("127.0.0.1", [("Sec-Fetch-Site", "cross-site")], id="cross-site"),
        pytest.param("127.0.0.1", [("Sec-Fetch-Site", "same-site")], id="same-site"),
    ],
)
async def test_other_sites_and_machines_cannot_rotate_the_keys(
    attacked: AttackedServer, peer: str, headers: Headers
) -> None:
    kid = attacked.keys.current.kid
    transport = httpx.ASGITransport(attacked.app, client=(peer, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as http:
        answer = await http.post(ROTATE, headers=list(headers))

    assert answer.status_code == 403
    assert attacked.keys.current.kid == kid
