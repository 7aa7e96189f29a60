"""Which settings the environment may hold, and the messages about invalid ones."""

import os

import pytest

from asgi_bearer import ALGORITHMS
from resource_api.settings import (
    Settings,
    SettingsFaults,
    database_url_from_environment,
    from_environment,
)

GOOD = {"ISSUER": "https://issuer.example/", "AUDIENCE": "https://api.example/contacts"}

INVALID_ORIGINS = [
    *("null", "a.example", "//a.example", "https://", "file://", "capacitor://localhost"),
    *("https://a.example/", "https://a.example/path", "https://a b.example", "https://*.example"),
    *("https://A.example", "HTTPS://a.example", "https://bücher.example", "https://-"),
    *("https://.", "https://.example", "https://a..example", "https://a-.example"),
    *("https://a.example:443", "http://a.example:80", "https://a.example:", "https://a:x"),
    *("https://a.example:0", "https://a.example:65536", "https://a.example:08443"),
    *("https://[::1", "https://[x]", "http://[]", "https://[0:0::1]", "https://[::FFFF]"),
]
ORIGINS = [
    *("http://my_app:3000", "https://xn--bcher-kva.example", "https://10.0.0.1:65535"),
    *("https://a-b.example", "https://a.example.", "http://a.example:443"),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the two required settings and no others."""
    for name in os.environ:
        if name.upper().startswith("RESOURCE_API_"):
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(f"RESOURCE_API_{name}", value)


def test_the_defaults_are_those_of_the_documentation() -> None:
    settings = from_environment()

    assert settings.model_dump() == {
        "issuer": GOOD["ISSUER"],
        "audience": (GOOD["AUDIENCE"],),
        "allow_http": (),
        "audience_claim": "aud",
        "scope_claims": None,
        "cors_origins": (),
        "jwks_uri": None,
        "algorithms": ALGORITHMS,
        "token_profile": "jwt",
        "grant_types": None,
        "host": "127.0.0.1",
        "port": 8000,
        "database_url": "sqlite:///data/contacts.sqlite3",
        "log_level": "info",
    }


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("ISSUER", "http://127.0.0.1:9000/", "issuer", "http://127.0.0.1:9000/"),
        ("ISSUER", "https://h/tenant", "issuer", "https://h/tenant"),
        ("AUDIENCE", "urn:contacts", "audience", ("urn:contacts",)),
        ("AUDIENCE", "a, https://b/", "audience", ("a", "https://b/")),
        ("AUDIENCE_CLAIM", "client_id", "audience_claim", "client_id"),
        ("SCOPE_CLAIMS", "permissions", "scope_claims", (("permissions",),)),
        (
            *("SCOPE_CLAIMS", "https://x/roles, realm_access > roles", "scope_claims"),
            (("https://x/roles",), ("realm_access", "roles")),
        ),
        ("ALLOW_HTTP", "keycloak:8080, idp", "allow_http", ("keycloak:8080", "idp")),
        ("CORS_ORIGINS", "https://a.example", "cors_origins", ("https://a.example",)),
        (
            *("CORS_ORIGINS", "http://localhost:3000,https://[::1]:8443", "cors_origins"),
            ("http://localhost:3000", "https://[::1]:8443"),
        ),
        *(("CORS_ORIGINS", origin, "cors_origins", (origin,)) for origin in ORIGINS),
        ("AUDIENCE", '["https://x/?a,b", "c"]', "audience", ("https://x/?a,b", "c")),
        ("AUDIENCE", "urn:a, b c", "audience", ("urn:a", "b c")),
        ("DATABASE_URL", "sqlite:///c", "database_url", "sqlite:///c"),
        ("JWKS_URI", "http://[::1]:9/keys?x=1", "jwks_uri", "http://[::1]:9/keys?x=1"),
        ("ALGORITHMS", "RS256", "algorithms", ("RS256",)),
        ("ALGORITHMS", "ES256, EdDSA", "algorithms", ("ES256", "EdDSA")),
        ("TOKEN_PROFILE", "rfc9068", "token_profile", "rfc9068"),
        ("GRANT_TYPES", "a, b-c", "grant_types", ("a", "b-c")),
        ("GRANT_TYPES", "", "grant_types", None),
        ("HOST", "0.0.0.0", "host", "0.0.0.0"),  # noqa: S104 (a value, not bound)
        ("HOST", "::", "host", "::"),
        ("HOST", "localhost", "host", "localhost"),
        ("PORT", "0", "port", 0),
        ("PORT", "65535", "port", 65535),
        ("DATABASE_URL", "sqlite:////var/c.db", "database_url", "sqlite:////var/c.db"),
        ("DATABASE_URL", "sqlite+aiosqlite:///c", "database_url", "sqlite+aiosqlite:///c"),
        ("LOG_LEVEL", "debug", "log_level", "debug"),
        ("LOG_LEVEL", "WARNING", "log_level", "warning"),
        ("PORT", "", "port", 8000),
    ],
)
def test_each_setting_is_read_from_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, field: str, expected: object
) -> None:
    monkeypatch.setenv(f"RESOURCE_API_{name}", value)

    assert getattr(from_environment(), field) == expected


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ISSUER", "", "is not set"),
        ("ISSUER", "issuer", "is 'issuer'; expected the issuer identifier"),
        ("ISSUER", "http://issuer.example/", "must be https"),
        ("ISSUER", "https://issuer.example/#x", "must not have a fragment"),
        ("ISSUER", "https://issuer.example/?x", "must not have a query"),
        ("ISSUER", "https://" + "a" * 5000, "a…'"),
        ("AUDIENCE", "", "is not set"),
        ("AUDIENCE", "a,,b", "must not contain an empty name"),
        ("AUDIENCE", "a,", "must not contain an empty name"),
        ("AUDIENCE", "a\tb", "or a control character"),
        ("AUDIENCE", "[]", "must not contain an empty name"),
        ("AUDIENCE", '[""]', "must not contain an empty name"),
        ("AUDIENCE", '["a", 1]', "must be a JSON list of strings"),
        ("AUDIENCE", '["a"', "must be a JSON list of strings"),
        ("AUDIENCE", "[" * 100_000, "must be a JSON list of strings"),
        ("SCOPE_CLAIMS", "a,", "must not contain an empty name"),
        ("SCOPE_CLAIMS", "a>>b", "must not contain an empty name"),
        ("ALLOW_HTTP", "http://k", "(it must name hosts: 'http://k' is not a host"),
        ("ALLOW_HTTP", "keycloak,*", "'*' is not a host"),
        ("ALLOW_HTTP", "*,http://k", "keycloak:8080; 'http://k' is not a host"),
        (
            "CORS_ORIGINS",
            "*",
            "must be scheme://host[:port], exactly as browsers send it; wrong: '*')",
        ),
        ("CORS_ORIGINS", "https://a.example,", "wrong: ''"),
        (
            "CORS_ORIGINS",
            "*,https://a.example,https://B.example",
            "wrong: '*', 'https://B.example'",
        ),
        ("CORS_ORIGINS", "https://me:hunter2@a.example", "wrong: 'https://a.example'"),
        ("CORS_ORIGINS", "https://a.example?x", "wrong: 'https://a.example'"),
        *(("CORS_ORIGINS", origin, f"wrong: {origin!r}") for origin in INVALID_ORIGINS),
        ("ALGORITHMS", "RS384,RS512", "must name RS256 or at most one"),
        (
            "DATABASE_URL",
            "postgres://h/d?sslmode=on",
            "must name one of these as sslmode: disable, allow",
        ),
        ("DATABASE_URL", "postgres://h/d?ssl=true", "has unknown options: ssl;"),
        ("DATABASE_URL", "postgres://h/d?sslmode=", "has the option sslmode without a value"),
        ("DATABASE_URL", "postgres://h/d?sslmode=require&sslcert=/none.pem", "does not exist"),
        ("JWKS_URI", "file:///etc/keys", "is 'file:///etc/keys'"),
        ("JWKS_URI", "http://10.0.0.1/keys", "must be https"),
        ("ALGORITHMS", "HS256", "comma-separated list of RS256"),
        ("ALGORITHMS", "none", "is 'none'"),
        ("ALGORITHMS", "RS256,", "is 'RS256,'"),
        ("ALGORITHMS", "rs256", "is 'rs256'"),
        ("TOKEN_PROFILE", "JWT", "expected jwt or rfc9068"),
        ("GRANT_TYPES", "a,,b", "must not contain an empty name"),
        ("GRANT_TYPES", "a b", "or a name with a space"),
        ("HOST", "http://x", "expected the IP address or host name"),
        ("PORT", "http", "whole number from 1 to 65535"),
        ("PORT", "65536", "is '65536'"),
        ("PORT", "-1", "is '-1'"),
        ("PORT", "80.5", "is '80.5'"),
        ("PORT", "tcp://10.0.0.7:80", "is 'tcp://10.0.0.7:80'"),
        ("DATABASE_URL", "c.sqlite3", "is '…'"),
        ("DATABASE_URL", "mysql://h/d", "is 'mysql://…'"),
        ("DATABASE_URL", "sqlite://", "must name a file"),
        ("DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("DATABASE_URL", "sqlite:///file:c?mode=memory&uri=true", "must name a file"),
        ("DATABASE_URL", "sqlite://u:pw@/x", "must name a file and nothing else"),
        ("DATABASE_URL", "sqlite://:5/x", "must name a file and nothing else"),
        ("DATABASE_URL", "sqlite://host/x", "must name a file and nothing else"),
        ("DATABASE_URL", "sqlite:////tmp/x%00y", "must not contain a NUL"),
        ("DATABASE_URL", "postgresql://u:p%00@h/d", "must not contain a NUL"),
        ("DATABASE_URL", "postgresql://u:p@h/d?x=%00", "must not contain a NUL"),
        ("LOG_LEVEL", "trace", "expected critical, error, warning, info or debug"),
    ],
)
def test_the_error_names_the_wrong_variable_and_what_was_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"RESOURCE_API_{name}", value)

    with pytest.raises(SettingsFaults) as caught:
        from_environment()

    first, *faults = str(caught.value).splitlines()
    assert first == "resource_api cannot start: 1 setting is wrong."
    assert len(faults) == 1
    assert faults[0].startswith(f"  RESOURCE_API_{name} ")
    assert message in faults[0]
    assert len(faults[0]) < 400


def test_all_wrong_settings_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"ISSUER": "x", "AUDIENCE": "", "PORT": "x", "LOG_LEVEL": "x", "JWKS_URI": "x"}
    for name, value in wrong.items():
        monkeypatch.setenv(f"RESOURCE_API_{name}", value)

    with pytest.raises(SettingsFaults) as caught:
        from_environment()

    lines = str(caught.value).splitlines()
    assert lines[0] == "resource_api cannot start: 5 settings are wrong."
    assert {line.split()[0].removeprefix("RESOURCE_API_") for line in lines[1:]} == set(wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ISSUER", "https://user:hunter2@issuer.example/"),
        ("ISSUER", "http://hunter2@issuer.example/?hunter2"),
        ("ISSUER", "https://user:a/hunter2@issuer.example/"),
        ("ISSUER", "https:user:hunter2@issuer.example"),
        ("ISSUER", "user:hunter2@issuer.example"),
        ("ISSUER", "https://issuer.example/#hunter2"),
        ("JWKS_URI", "https://user:a/hunter2@issuer.example/"),
        ("JWKS_URI", "https:user:hunter2@issuer.example"),
        ("JWKS_URI", "user:hunter2@issuer.example"),
        ("JWKS_URI", "https://issuer.example/#hunter2"),
        ("JWKS_URI", "http://issuer.example/keys?key=hunter2"),
        ("JWKS_URI", "//user:a@hunter2@x"),
        ("DATABASE_URL", "postgres://user:hunter2@h/d?sslmode=on"),
        ("DATABASE_URL", "postgres://user:p@ss?hunter2@h/d"),
        ("DATABASE_URL", "postgresql//user:hunter2@h/d"),
        ("DATABASE_URL", "postgresql+psycopg://h/d?password=hunter2"),
        ("DATABASE_URL", "postgresql://user:hunter2@h:port/d"),
        ("DATABASE_URL", "postgresql//user:hunter2@h/d?://"),
        ("DATABASE_URL", "sqlite://user:hunter2@/d"),
        ("DATABASE_URL", "sqlite:///hunter2%00"),
        ("AUDIENC", "hunter2"),
    ],
)
def test_no_message_quotes_a_secret(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"RESOURCE_API_{name}", value)

    with pytest.raises(SettingsFaults) as caught:
        from_environment()

    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RESOURCE_API_TOKEN_PROFIL", "RESOURCE_API_TOKEN_PROFILE"),
        ("resource_api_prt", "RESOURCE_API_PORT"),
        ("RESOURCE_API_JWKS_URL", "RESOURCE_API_JWKS_URI"),
    ],
)
def test_a_misspelt_setting_is_refused_and_similar_names_are_suggested(
    monkeypatch: pytest.MonkeyPatch, name: str, expected: str
) -> None:
    monkeypatch.setenv(name, "hunter2")

    with pytest.raises(SettingsFaults) as caught:
        from_environment()

    _, *faults = str(caught.value).splitlines()
    assert len(faults) == 1
    assert faults[0].startswith(f"  {name} is not a setting; expected {expected}")


def test_a_misspelt_setting_is_reported_with_the_other_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESOURCE_API_ADIENCE", "https://api.example/contacts")
    monkeypatch.delenv("RESOURCE_API_AUDIENCE")

    with pytest.raises(SettingsFaults) as caught:
        from_environment()

    assert {line.split()[0] for line in str(caught.value).splitlines()[1:]} == {
        "RESOURCE_API_ADIENCE",
        "RESOURCE_API_AUDIENCE",
    }


def test_an_unknown_variable_that_is_empty_counts_as_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESOURCE_API_TOKEN_PROFIL", "")

    assert from_environment().token_profile == "jwt"


@pytest.mark.parametrize(("present", "usable"), [(True, True), (False, False)])
def test_postgresql_needs_its_driver(
    monkeypatch: pytest.MonkeyPatch, present: bool, usable: bool
) -> None:
    def find_spec(name: str) -> bool | None:
        return present or None

    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    monkeypatch.setenv("RESOURCE_API_DATABASE_URL", "postgresql://u:p@h/d")

    if usable:
        assert from_environment().database_url == "postgresql://u:p@h/d"
    else:
        with pytest.raises(SettingsFaults, match="needs the package asyncpg"):
            from_environment()


def test_settings_from_the_constructor_ignore_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESOURCE_API_PORT", "1")

    assert Settings(issuer=GOOD["ISSUER"], audience=("x",)).port == 8000


def test_the_repr_of_the_settings_does_not_hold_the_database_url() -> None:
    settings = Settings(issuer=GOOD["ISSUER"], audience=("x",), database_url="sqlite:///hunter2")

    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    "name", ["SERVICE_HOST", "SERVICE_PORT", "PORT_8000_TCP", "PORT_8000_TCP_ADDR", "XYZ", ""]
)
def test_a_variable_that_resembles_no_setting_is_ignored(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Kubernetes sets some of these for a service named resource-api."""
    monkeypatch.setenv(f"RESOURCE_API_{name}", "10.0.0.1")

    assert from_environment().port == 8000


def test_an_issuer_need_not_be_a_url_if_jwks_uri_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESOURCE_API_ISSUER", "kubernetes/serviceaccount")
    monkeypatch.setenv("RESOURCE_API_JWKS_URI", "https://k8s.example/keys")

    assert from_environment().issuer == "kubernetes/serviceaccount"


def test_only_the_named_hosts_may_be_used_without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESOURCE_API_ISSUER", "http://keycloak:8080/realms/x")
    with pytest.raises(SettingsFaults, match=r"must be https .* RESOURCE_API_ALLOW_HTTP"):
        from_environment()

    monkeypatch.setenv("RESOURCE_API_ALLOW_HTTP", "keycloak:8080")

    assert from_environment().issuer == "http://keycloak:8080/realms/x"


def test_another_audience_claim_is_refused_with_the_profile_rfc9068(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RESOURCE_API_TOKEN_PROFILE", "rfc9068")
    monkeypatch.setenv("RESOURCE_API_AUDIENCE_CLAIM", "client_id")

    with pytest.raises(SettingsFaults, match="must be aud if the token profile is rfc9068"):
        from_environment()


def test_migrating_needs_only_the_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESOURCE_API_ISSUER")
    monkeypatch.setenv("RESOURCE_API_PORT", "no number")
    monkeypatch.setenv("RESOURCE_API_DATABASE_URL", "sqlite:///c.db")

    assert database_url_from_environment() == "sqlite:///c.db"


@pytest.mark.parametrize("variable", ["RESOURCE_API_DATABASE_ULR", "RESOURCE_API_DATABASE_URL"])
def test_migrating_refuses_a_wrong_or_misspelt_database_url(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "mysql://u:hunter2@h/d")

    with pytest.raises(SettingsFaults, match=variable) as caught:
        database_url_from_environment()

    assert "hunter2" not in str(caught.value)
