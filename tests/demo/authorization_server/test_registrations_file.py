"""The registrations file: how it is read, and how its faults are reported."""

import logging
from pathlib import Path

import pytest

from demo.authorization_server.registrations.file import (
    MAX_BYTES,
    SHIPPED,
    RegistrationsFaults,
    RegistrationsFile,
    read,
)
from demo.authorization_server.registrations.model import Api, Client, Registrations, User
from demo.authorization_server.registrations.values import RESPONSE_TYPES
from tests.support.authorization_server.example_registrations import cheap_hash

WEB_APPLICATION = "http://localhost:8080/"
HASH = cheap_hash("correct horse")
CONTACTS = "https://api.example/contacts"

API = f"""
[[api]]
identifier = "{CONTACTS}"
name = "Contacts"
"""
CLIENT = """
[[client]]
client_id = "app"
name = "App"
type = "confidential"
client_secret = "sixteen letters."
redirect_uris = ["https://app.example/callback"]
grant_types = ["authorization_code", "implicit"]
"""
PUBLIC_CLIENT = CLIENT.replace("confidential", "public").replace(
    'client_secret = "sixteen letters."', ""
)
USER = f"""
[[user]]
username = "alice"
password_hash = "{HASH}"
"""


def read_text(folder: Path, text: str) -> RegistrationsFile:
    file = folder / "registrations.toml"
    file.write_bytes(text.encode())
    return read(file, web_application=WEB_APPLICATION)


def registered(folder: Path, text: str) -> Registrations:
    return read_text(folder, text).with_secrets({})


def faults(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(RegistrationsFaults) as refusal:
        read_text(folder, text)
    return refusal.value.faults


# The default file


@pytest.fixture(scope="module")
def shipped() -> RegistrationsFile:
    return read(SHIPPED, web_application=WEB_APPLICATION)


def test_the_default_file_registers_what_the_demo_shows(shipped: RegistrationsFile) -> None:
    secrets = {client_id: f"secret of {client_id}" for client_id in shipped.without_secret}

    registrations = shipped.with_secrets(secrets)

    assert list(registrations.apis) == [CONTACTS, "https://api.example/calendar"]
    assert list(registrations.users) == ["alice", "bob"]
    assert list(registrations.clients) == ["web-application", "command-line", "contacts-api"]
    web_application = registrations.clients["web-application"]
    assert web_application.redirect_uris == ("http://localhost:8080/callback",)
    assert web_application.post_logout_redirect_uris == ("http://localhost:8080/",)
    assert web_application.response_types == frozenset(RESPONSE_TYPES)
    assert web_application.client_secret == "secret of web-application"
    assert registrations.clients["contacts-api"].introspects == {CONTACTS}
    assert registrations.apis[CONTACTS].allow_offline_access
    assert not registrations.apis["https://api.example/calendar"].allow_offline_access


def test_the_default_file_contains_no_client_secret(shipped: RegistrationsFile) -> None:
    assert shipped.without_secret == {"web-application", "command-line", "contacts-api"}


def test_nothing_in_the_default_file_is_ignored(caplog: pytest.LogCaptureFixture) -> None:
    read(SHIPPED, web_application=WEB_APPLICATION)

    assert caplog.messages == []


# Valid entries


def test_an_api_has_the_values_of_its_entry(tmp_path: Path) -> None:
    registrations = registered(
        tmp_path,
        """
        [[api]]
        identifier = "https://api.example/calendar"
        name = "Calendar"
        token_profile = "rfc9068"
        allow_offline_access = true
        token_lifetime = 86400
        front_channel_token_lifetime = 1
        scopes = { "read:calendar" = "Read your calendar" }
        """,
    )

    assert registrations.apis == {
        "https://api.example/calendar": Api(
            identifier="https://api.example/calendar",
            name="Calendar",
            scopes={"read:calendar": "Read your calendar"},
            token_profile="rfc9068",
            allow_offline_access=True,
            token_lifetime=86400,
            front_channel_token_lifetime=1,
        )
    }


def test_optional_members_of_an_api_have_the_defaults_of_auth0(tmp_path: Path) -> None:
    api = registered(tmp_path, API).apis[CONTACTS]

    assert api == Api(
        identifier=CONTACTS,
        name="Contacts",
        scopes={},
        token_profile="jwt",
        allow_offline_access=False,
        token_lifetime=86400,
        front_channel_token_lifetime=7200,
    )


def test_a_client_has_the_values_of_its_entry(tmp_path: Path) -> None:
    registrations = registered(
        tmp_path,
        API
        + CLIENT
        + f"""
        post_logout_redirect_uris = ["https://app.example/"]
        response_types = ["code", "id_token code"]
        introspects = ["{CONTACTS}"]
        """,
    )

    assert registrations.clients == {
        "app": Client(
            client_id="app",
            name="App",
            type="confidential",
            client_secret="sixteen letters.",
            redirect_uris=("https://app.example/callback",),
            post_logout_redirect_uris=("https://app.example/",),
            response_types=frozenset({frozenset({"code"}), frozenset({"code", "id_token"})}),
            grant_types=frozenset({"authorization_code", "implicit"}),
            introspects=frozenset({CONTACTS}),
        )
    }


def test_a_public_client_has_no_secret_and_needs_none(tmp_path: Path) -> None:
    file = read_text(tmp_path, PUBLIC_CLIENT)

    assert file.without_secret == frozenset()
    assert file.with_secrets({}).clients["app"].is_public


def test_a_public_client_has_the_origins_that_its_entry_names(tmp_path: Path) -> None:
    origins = ("https://docs.example", "https://docs.example:8443", "http://localhost:5173")
    text = f"{PUBLIC_CLIENT}origins = {list(origins)}"

    assert registered(tmp_path, text).clients["app"].origins == origins


@pytest.mark.parametrize(
    "origin",
    [
        *("", "*", "null", "docs.example", "//docs.example", "http://docs.example"),
        *("https://docs.example/", "https://docs.example/docs", "https://docs.example?x"),
        *("https://docs.example#x", "https://docs.example:443", "https://DOCS.example"),
        *("HTTPS://docs.example", "https://user@docs.example"),
        *("com.example.app:", "file://", "javascript:alert(1)", "https://docs.example:99999"),
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(tmp_path: Path, origin: str) -> None:
    (told,) = faults(tmp_path, f'{PUBLIC_CLIENT}origins = ["{origin}"]')

    assert told.startswith('client "app": origins[0] must ')


def test_a_confidential_client_has_no_origins(tmp_path: Path) -> None:
    (told,) = faults(tmp_path, f'{CLIENT}origins = ["https://docs.example"]')

    assert told.startswith('client "app": origins must be absent')


def test_a_client_in_the_comments_of_the_default_file_can_be_registered(tmp_path: Path) -> None:
    lines = SHIPPED.read_text().splitlines()
    start = lines.index("# [[client]]")
    end = lines.index("# A person who can sign in.")
    entries = [
        line.removeprefix("# ") for line in lines[start:end] if " = " in line or "[[" in line
    ]

    clients = registered(tmp_path, "\n".join(entries)).clients

    assert list(clients) == ["swagger-ui", "desktop"]
    assert all(client.is_public for client in clients.values())


def test_a_client_without_a_secret_gets_a_generated_one(tmp_path: Path) -> None:
    without = CLIENT.replace('client_secret = "sixteen letters."', "")
    file = read_text(tmp_path, without + CLIENT.replace('"app"', '"other"'))

    clients = file.with_secrets({"app": "generated", "other": "ignored"}).clients

    assert clients["app"].client_secret == "generated"
    assert clients["other"].client_secret == "sixteen letters."


@pytest.mark.parametrize("secrets", [{}, {"app": ""}], ids=["missing", "empty"])
def test_a_confidential_client_never_becomes_a_public_one(
    tmp_path: Path, secrets: dict[str, str]
) -> None:
    file = read_text(tmp_path, CLIENT.replace('client_secret = "sixteen letters."', ""))

    with pytest.raises(ValueError, match="secrets lacks app"):
        file.with_secrets(secrets)


def test_a_user_has_the_values_of_its_entry(tmp_path: Path) -> None:
    registrations = registered(
        tmp_path,
        USER
        + """
        shown_password = "correct horse"
        [user.claims]
        name = "Alice"
        email_verified = false
        updated_at = 1700000000
        address = { country = "Arcadia" }
        "https://contacts.example/teams" = ["red", 1, 0.5, true, { lead = "bob" }]
        """,
    )

    assert registrations.users == {
        "alice": User(
            username="alice",
            password_hash=HASH,
            shown_password="correct horse",
            claims={
                "name": "Alice",
                "email_verified": False,
                "updated_at": 1700000000,
                "address": {"country": "Arcadia"},
                "https://contacts.example/teams": ["red", 1, 0.5, True, {"lead": "bob"}],
            },
        )
    }


def test_an_empty_file_registers_nothing(tmp_path: Path) -> None:
    registrations = registered(tmp_path, "")

    assert registrations == Registrations({}, {}, {})


@pytest.mark.parametrize(
    "name",
    [
        "team",
        "sub",
        "iss",
        "aud",
        "exp",
        "scope",
        "gty",
        "https://",
        "https:///team",
        "http://user@contacts.example/team",
        "https://contacts.example/a team",
        "https://contacts.example/#team",
        "HTTPS://contacts.example/team",
        "ftp://contacts.example/team",
        "urn:contacts:team",
        "",
    ],
)
def test_a_claim_with_another_name_is_ignored_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    claims = f'[user.claims]\nname = "Alice"\n"{name}" = "what only alice may know"'

    with caplog.at_level(logging.WARNING):
        user = registered(tmp_path, USER + claims).users["alice"]

    assert user.claims == {"name": "Alice"}
    (message,) = caplog.messages
    assert "'alice'" in message
    assert repr(name) in message
    assert "may know" not in caplog.text


@pytest.mark.parametrize(
    "name",
    [
        "https://contacts.example/team",
        "http://contacts.example:8080/team",
        "https://contacts.example",
    ],
)
def test_a_claim_with_a_url_as_name_is_accepted(tmp_path: Path, name: str) -> None:
    user = registered(tmp_path, f'{USER}[user.claims]\n"{name}" = "red"').users["alice"]

    assert user.claims == {name: "red"}


# Redirect URIs


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example",
        "https://app.example/callback?tenant=a%20b&x=1",
        "https://app.example:8443/callback",
        "http://localhost:8080/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:8080/callback",
        "com.example.app:/callback",
        "com.example.app://host/callback",
        "https://app.example/a..b/.well-known/callback",
    ],
)
def test_a_safe_redirect_uri_is_accepted(tmp_path: Path, uri: str) -> None:
    text = CLIENT.replace("https://app.example/callback", uri)

    assert registered(tmp_path, text).clients["app"].redirect_uris == (uri,)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("", "must be an absolute URI"),
        ("/callback", "must be https"),
        ("//app.example/callback", "must be https"),
        ("app.example/callback", "must be https"),
        ("https:/callback", "with a host"),
        ("https:///callback", "with a host"),
        ("http://app.example/callback", "must be https"),
        ("http://localhost.app.example/callback", "must be https"),
        ("http://127.0.0.1.app.example/callback", "must be https"),
        ("http://app.example@127.0.0.1/callback", "user name"),
        ("https://app.example/callback#", "must not have a fragment"),
        ("https://app.example/callback#top", "must not have a fragment"),
        ("https://alice:secret@app.example/callback", "user name"),
        ("com.example.app://alice@host/callback", "user name"),
        ("com.example.app://[host/callback", "valid host"),
        ("https://[::1/callback", "valid host"),
        ("https://app.example:port/callback", "valid host and port"),
        ("https://app.example/a/../callback", ". or .."),
        ("https://app.example/a/./callback", ". or .."),
        ("https://app.example/a/%2E%2e/callback", ". or .."),
        ("https://app.example/a%2f..%5Ccallback", ". or .."),
        ("com.example.app:/..", ". or .."),
        ("https://app.example/a\\\\b", "with valid characters"),
        ("https://app.example\\\\@evil.example/", "with valid characters"),
        ("https://app.example/a b", "with valid characters"),
        ("https://app.example/callback\\n", "with valid characters"),
        ("https://app.example/\\u0000", "with valid characters"),
        ("https://app.exämple/callback", "with valid characters"),
        ("https://app.example/%zz", "with valid characters"),
        ("https://*.app.example/{callback}", "with valid characters"),
        ("https://app.example/{web_application}", "with valid characters"),
        ("javascript:alert(1)", "must be https"),
        ("JavaScript:alert(1)", "must be https"),
        ("data:text/html,hello", "must be https"),
        ("file:///etc/passwd", "must be https"),
        ("app:/callback", "must be https"),
        ("https://app.example/" + "x" * 2048, "at most 2048 characters"),
    ],
)
def test_an_unsafe_redirect_uri_is_refused(tmp_path: Path, uri: str, expected: str) -> None:
    text = CLIENT.replace("https://app.example/callback", uri)

    (fault,) = faults(tmp_path, text)

    assert fault.startswith('client "app": redirect_uris[0] ')
    assert expected in fault
    assert "secret" not in fault


# Faults


FAULTS = [
    # The file
    pytest.param("[api", "The file must be TOML: ", id="no TOML"),
    pytest.param("a = " + "[" * 5000, "The file has too many nested lists", id="deep"),
    pytest.param("#" * (MAX_BYTES + 1), f"The file must be at most {MAX_BYTES} bytes", id="long"),
    pytest.param("[[apis]]", "apis: is unknown; expected [[api]]", id="unknown table"),
    pytest.param("api = 1", "api: must be tables, each under [[api]]", id="a number of APIs"),
    pytest.param("[user]", "user: must be tables, each under [[user]]", id="one user"),
    pytest.param("client = [1]", "client: must be tables", id="a number as a client"),
    # APIs
    pytest.param(
        API.replace('name = "Contacts"', ""), f'api "{CONTACTS}": name is missing', id="no name"
    ),
    pytest.param(
        API.replace(f'"{CONTACTS}"', "1"),
        "api 1: identifier must be text",
        id="number as identifier",
    ),
    pytest.param(
        API.replace(CONTACTS, ""), "api 1: identifier must have 1 to 255", id="empty identifier"
    ),
    pytest.param(
        API.replace(CONTACTS, "the contacts"), "identifier must not contain a space", id="space"
    ),
    pytest.param(API.replace(CONTACTS, "contäcts"), "ASCII", id="identifier not ASCII"),
    pytest.param(API.replace("Contacts", " "), "name must be one line", id="blank name"),
    pytest.param(API.replace("Contacts", "a\\nb"), "name must be one line", id="two lines"),
    pytest.param(API + "scope = {}", "scope is unknown", id="unknown key"),
    pytest.param(API + "scopes = []", "scopes must be a table", id="list of scopes"),
    pytest.param(
        API + 'scopes = { openid = "x" }', "scopes.openid must not be a scope of", id="openid"
    ),
    pytest.param(
        API + 'scopes = { offline_access = "x" }', "must not be a scope of OpenID", id="offline"
    ),
    pytest.param(
        API + 'scopes = { "read contacts" = "x" }', "must be a scope name", id="scope with space"
    ),
    pytest.param(API + 'scopes = { "" = "x" }', "must be a scope name", id="empty scope"),
    pytest.param(
        API + 'scopes = { read = "" }', "scopes.read must be one line", id="no description"
    ),
    pytest.param(
        API + 'token_profile = "JWT"', "token_profile must be 'jwt' or 'rfc9068'", id="profile"
    ),
    pytest.param(
        API + 'allow_offline_access = "yes"', "must be true or false", id="text for a boolean"
    ),
    pytest.param(API + "token_lifetime = 0", "must be from 1 to 86400", id="no lifetime"),
    pytest.param(API + "token_lifetime = 86401", "must be from 1 to 86400", id="long lifetime"),
    pytest.param(API + "token_lifetime = 1.5", "must be a whole number", id="part of a second"),
    pytest.param(
        API + "front_channel_token_lifetime = true", "must be a whole number", id="true seconds"
    ),
    pytest.param(API + API, f'api "{CONTACTS}": identifier is used twice', id="two APIs"),
    # Clients
    pytest.param(
        CLIENT.replace('"app"', '"app@clients"'),
        "client_id must not end in @clients",
        id="@clients",
    ),
    pytest.param(
        CLIENT.replace("confidential", "secret"), "type must be 'confidential' or", id="type"
    ),
    pytest.param(
        CLIENT.replace("sixteen letters.", "fifteen letters"), "at least 16", id="short secret"
    ),
    pytest.param(
        CLIENT.replace("sixteen letters.", "x" * 256), "at most 255 characters", id="long secret"
    ),
    pytest.param(
        CLIENT.replace("sixteen letters.", "sixteen létters."), "ASCII", id="secret not ASCII"
    ),
    pytest.param(
        CLIENT.replace("confidential", "public"), "client_secret must be absent", id="no secret"
    ),
    pytest.param(CLIENT + "redirect_uri = []", "redirect_uri is unknown", id="misspelt"),
    pytest.param(
        CLIENT + 'post_logout_redirect_uris = "x"', "must be a list", id="one address, no list"
    ),
    pytest.param(
        CLIENT + "post_logout_redirect_uris = [1]",
        "post_logout_redirect_uris[0] must be text",
        id="number as address",
    ),
    pytest.param(
        CLIENT + 'post_logout_redirect_uris = ["https://app.example/", "data:x"]',
        "post_logout_redirect_uris[1] must be https",
        id="data after logout",
    ),
    pytest.param(
        CLIENT.replace('"implicit"', '"password"'),
        "grant_types[1] must be 'authorization_code',",
        id="unknown grant",
    ),
    pytest.param(
        CLIENT.replace('"authorization_code"', '"refresh_token"'),
        "grant_types must have authorization_code if it has refresh_token",
        id="refresh alone",
    ),
    pytest.param(
        PUBLIC_CLIENT.replace('"implicit"', '"client_credentials"'),
        "grant_types must not have client_credentials",
        id="public client for itself",
    ),
    *(
        pytest.param(
            f"{CLIENT}response_types = [{value}]", "response_types[0] must be one of", id=value
        )
        for value in ('"token"', '"id_token"', '"code code"', '"code  token"', '"none"', '""', "1")
    ),
    pytest.param(
        CLIENT.replace(', "implicit"', "") + 'response_types = ["code", "code token"]',
        "response_types needs authorization_code and implicit in grant_types",
        id="hybrid without implicit",
    ),
    pytest.param(
        CLIENT.replace('"authorization_code", "implicit"', "") + 'response_types = ["code"]',
        "response_types needs authorization_code in grant_types",
        id="code without its grant",
    ),
    pytest.param(
        CLIENT.replace('"https://app.example/callback"', "") + 'response_types = ["code"]',
        "response_types needs redirect_uris",
        id="nowhere to answer",
    ),
    pytest.param(
        API
        + CLIENT
        + 'introspects = ["https://api.example/contacts", "https://api.example/other"]',
        "introspects[1] must be the identifier of an [[api]]",
        id="unknown API",
    ),
    pytest.param(
        API + PUBLIC_CLIENT + f'introspects = ["{CONTACTS}"]',
        "introspects must be absent",
        id="public client introspects",
    ),
    pytest.param(CLIENT + CLIENT, 'client "app": client_id is used twice', id="two clients"),
    # Users
    pytest.param(
        USER.replace("alice", "app@clients"), "username must not end in @clients", id="user@clients"
    ),
    pytest.param(
        USER.replace("alice", "app@CLIENTS"), "username must not end in @clients", id="capitals"
    ),
    pytest.param(USER.replace("alice", "alice b"), "must not contain a space", id="space in name"),
    pytest.param(USER.replace("alice", "x" * 256), "1 to 255 ASCII", id="long name"),
    pytest.param(
        USER.replace(HASH, "correct horse"), "password_hash must be an Argon2id hash", id="plain"
    ),
    pytest.param(
        USER.replace("m=8,", "m=9999999,"),
        "password_hash must have m of at most",
        id="costly",
    ),
    pytest.param(
        USER + 'shown_password = "battery staple"',
        'user "alice": shown_password must be the password of',
        id="another password",
    ),
    pytest.param(USER + "claims = 1", "claims must be a table", id="number of claims"),
    pytest.param(
        USER + "claims = { email_verified = 1 }",
        "claims must hold true or false in email_verified",
        id="verified",
    ),
    pytest.param(
        USER + "claims = { updated_at = true }", "a whole number of seconds", id="updated"
    ),
    pytest.param(USER + "claims = { name = 1 }", "claims must hold text in name", id="name"),
    pytest.param(USER + 'claims = { address = "x" }', "a table in address", id="address"),
    pytest.param(
        USER + "claims = { address = { since = 2001-01-01 } }",
        "a table in address",
        id="date in it",
    ),
    pytest.param(
        USER + 'claims = { "https://x.example/a" = 2001-01-01 }',
        "claims must hold text, numbers,",
        id="date",
    ),
    pytest.param(
        USER + 'claims = { "https://x.example/a" = [nan] }', "claims must hold text,", id="nan"
    ),
    pytest.param(
        USER + 'claims = { "https://x.example/a" = inf }', "claims must hold text,", id="infinite"
    ),
    pytest.param(
        USER + f'claims = {{ "https://x.example/a" = {"[" * 9}{"]" * 9} }}', "claims", id="depth"
    ),
    pytest.param(
        USER + f'claims = {{ name = "{"x" * 5000}" }}', "claims must be at most 4096", id="size"
    ),
    pytest.param(USER + USER, 'user "alice": username is used twice', id="two users"),
    # Faults between entries
    pytest.param(
        API
        + 'scopes = { "https://x.example/a" = "x" }'
        + USER
        + 'claims = { "https://x.example/a" = 1 }',
        "scopes.https://x.example/a must not be the name of a user's claim",
        id="claim as scope",
    ),
]


@pytest.mark.parametrize(("text", "expected"), FAULTS)
def test_a_fault_is_reported_with_its_place_and_the_expected_value(
    tmp_path: Path, text: str, expected: str
) -> None:
    (fault,) = faults(tmp_path, text)

    assert expected in fault


def test_a_fault_of_a_secret_does_not_quote_the_secret(tmp_path: Path) -> None:
    text = CLIENT.replace("sixteen letters.", "pass") + USER + 'shown_password = "tr0ub4dor"'

    told = "\n".join(faults(tmp_path, text + "\nclaims = { name = 4711 }"))

    assert not any(secret in told for secret in ('"pass"', "tr0ub4dor", HASH, "4711"))


def test_all_faults_are_reported_at_once_with_the_file_name(tmp_path: Path) -> None:
    text = (
        API.replace("Contacts", "")
        + "token_lifetime = 0\nunknown = 1"
        + CLIENT.replace("https://app.example/callback", "/callback")
        + 'response_types = ["code", "token"]\nintrospects = ["other"]'
        + USER.replace(HASH, "x")
        + "[[users]]"
    )

    with pytest.raises(RegistrationsFaults) as refusal:
        read_text(tmp_path, text)

    told = str(refusal.value)
    assert told.startswith(f"The registrations {tmp_path}/registrations.toml have 8 faults:\n  ")
    for place in (
        f'api "{CONTACTS}": name ',
        f'api "{CONTACTS}": token_lifetime ',
        f'api "{CONTACTS}": unknown ',
        'client "app": redirect_uris[0] ',
        'client "app": response_types[1] ',
        'client "app": introspects[0] ',
        'user "alice": password_hash ',
        "users: ",
    ):
        assert f"\n  {place}" in told


def test_a_shown_password_is_not_compared_with_an_invalid_hash(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, USER.replace(HASH, "x") + 'shown_password = "correct horse"')

    assert "password_hash" in fault


def test_an_entry_without_a_name_is_identified_by_its_number(tmp_path: Path) -> None:
    found = faults(tmp_path, CLIENT + "[[client]]")

    assert {fault.partition(":")[0] for fault in found} == {"client 2"}


def test_a_place_is_one_line_with_any_content_of_the_file(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, USER.replace("alice", 'a\\nuser \\"bob\\": x'))

    assert "\n" not in fault


@pytest.mark.parametrize("name", ["missing.toml", "."], ids=["missing", "a folder"])
def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path, name: str) -> None:
    with pytest.raises(RegistrationsFaults, match="The file cannot be read: ") as refusal:
        read(tmp_path / name, web_application=WEB_APPLICATION)

    assert str(tmp_path / name) in str(refusal.value)


def test_a_file_in_another_encoding_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "registrations.toml"
    file.write_bytes(b"# \xe9")

    with pytest.raises(RegistrationsFaults, match="1 fault:\n  The file must be UTF-8"):
        read(file, web_application=WEB_APPLICATION)


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    file = read_text(tmp_path, CLIENT + USER + 'shown_password = "correct horse"')

    shown = repr(file) + repr(file.with_secrets({}))

    assert "app" in shown
    assert not any(secret in shown for secret in ("sixteen", HASH, "horse"))
