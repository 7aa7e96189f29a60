"""The options of a PostgreSQL URL, as PostgreSQL's own clients read them."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from resource_api.database.connect import async_url
from resource_api.database.postgres_options import SSL_MODES, driver_arguments, option_fault


def fault(query: str) -> str | None:
    """Return what is wrong with the options."""
    return option_fault(async_url(f"postgres://u@h/d?{query}"), query)


def arguments(query: str) -> dict[str, object]:
    """Return what the driver is told."""
    assert fault(query) is None
    return driver_arguments(async_url(f"postgres://u@h/d?{query}"))


@pytest.fixture(autouse=True)
def no_authorities_of_the_operator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Return the files of a certificate, its key, that key behind a password, and a text."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db.example")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, SHA256())
    )
    pem, form = Encoding.PEM, PrivateFormat.PKCS8
    content = {
        "ca": made.public_bytes(pem),
        "key": key.private_bytes(pem, form, NoEncryption()),
        "locked": key.private_bytes(pem, form, BestAvailableEncryption(b"hunter2")),
        "text": b"no certificate",
    }
    for stem, text in content.items():
        (tmp_path / stem).write_bytes(text)
    return {stem: tmp_path / stem for stem in content}


@pytest.mark.parametrize("mode", SSL_MODES[:4])
def test_a_mode_that_verifies_nothing_is_the_drivers_own(mode: str) -> None:
    assert arguments(f"sslmode={mode}") == {"ssl": mode}


def test_without_a_mode_the_environment_of_the_driver_decides() -> None:
    """An operator who sets PGSSLMODE=verify-full gets that and nothing weaker."""
    assert arguments("") == {}


def test_other_options_reach_the_driver() -> None:
    assert arguments("application_name=contacts&host=/run/postgresql&port=5433") == {
        "server_settings": {"application_name": "contacts"},
        "host": "/run/postgresql",
        "port": 5433,
    }


@pytest.mark.parametrize(
    ("query", "verifies", "checks_the_name"),
    [
        ("sslmode=verify-ca", True, False),
        ("sslmode=verify-full", True, True),
        ("sslmode=verify-full&sslrootcert=system", True, True),
        ("sslmode=verify-ca&sslrootcert={ca}", True, False),
        ("sslmode=verify-full&sslrootcert={ca}", True, True),
        ("sslmode=require&sslrootcert={ca}", True, False),
        ("sslmode=require&sslcert={ca}&sslkey={key}", False, False),
        ("sslmode=verify-full&sslcert={ca}&sslkey={key}", True, True),
    ],
)
def test_a_mode_with_files_verifies_what_it_says(
    query: str, verifies: bool, checks_the_name: bool, files: dict[str, Path]
) -> None:
    """As PostgreSQL's own clients read it: require with a root certificate verifies."""
    context = arguments(query.format_map(files))["ssl"]

    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode is ssl.CERT_REQUIRED) is verifies
    assert context.check_hostname is checks_the_name


def test_only_the_named_authority_is_trusted(files: dict[str, Path]) -> None:
    context = arguments(f"sslmode=verify-full&sslrootcert={files['ca']}")["ssl"]

    assert isinstance(context, ssl.SSLContext)
    assert context.cert_store_stats()["x509"] == 1


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_authorities_of_the_operator_are_found_where_other_clients_find_them(
    mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql/root.crt").touch()
    assert arguments(f"sslmode={mode}") == {"ssl": mode}

    monkeypatch.setenv("HOME", "/")
    monkeypatch.setenv("PGSSLROOTCERT", "/ca.pem")
    assert arguments(f"sslmode={mode}") == {"ssl": mode}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sslmode=on", "one of disable, allow, prefer, require, verify-ca, verify-full as sslmode"),
        ("sslmode=VERIFY-FULL", "as sslmode"),
        ("sslmode=", "the option sslmode without a value"),
        ("sslmode", "the option sslmode without a value"),
        ("sslmode=require&sslmode=disable", "the option sslmode more than once"),
        ("sslmode=require&sslmode=", "the option sslmode more than once"),
        ("ssl=true", "unknown: ssl; application_name, host, port, sslcert, sslkey, sslmode"),
        ("channel_binding=require&sslmode=require&a=b", "unknown: a, channel_binding;"),
        ("SSLMODE=require", "unknown: SSLMODE;"),
        ("hunter2=", "unknown: hunter2;"),
        ("port=0", "a port from 1 to 65535"),
        ("port=65536", "a port from 1 to 65535"),
        ("port=x", "a port from 1 to 65535"),
        ("sslrootcert={ca}", "names an sslrootcert, which needs one of require, verify-ca"),
        ("sslmode=prefer&sslrootcert={ca}", "names an sslrootcert, which needs one of"),
        ("sslmode=disable&sslcert={ca}&sslkey={key}", "names an sslcert, which needs one of"),
        ("sslmode=verify-ca&sslrootcert=system", "needs the sslmode verify-full"),
        ("sslmode=require&sslrootcert=/none.pem", "as sslrootcert that is not there"),
        ("sslmode=require&sslrootcert=%00", "as sslrootcert that is not there"),
        ("sslmode=require&sslcert=/none.pem", "as sslcert that is not there"),
        ("sslmode=require&sslcert=system", "as sslcert that is not there"),
        ("sslmode=require&sslcert={ca}&sslkey=/none.pem", "as sslkey that is not there"),
        ("sslmode=require&sslkey={key}", "an sslkey without its sslcert"),
        ("sslmode=verify-ca&sslrootcert={text}", "no certificate and unencrypted key in PEM"),
        ("sslmode=verify-ca&sslrootcert={key}", "no certificate and unencrypted key in PEM"),
        ("sslmode=require&sslcert={ca}", "no certificate and unencrypted key in PEM"),
        ("sslmode=require&sslcert={ca}&sslkey={locked}", "and unencrypted key in PEM"),
    ],
)
def test_an_option_that_would_not_do_what_it_says_is_a_fault(
    query: str, said: str, files: dict[str, Path]
) -> None:
    assert said in (fault(query.format_map(files)) or "")


def test_what_may_be_a_piece_of_the_password_is_not_shown() -> None:
    """As in postgres://u:p@ss?hunter2@h/d, whose password is not escaped."""
    said = fault("hunter2@h/d")

    assert said is not None
    assert "hunter2" not in said
