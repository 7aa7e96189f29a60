"""The options of a PostgreSQL URL, with the meaning that PostgreSQL's own clients give them."""

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
    """Return the arguments of the driver."""
    assert fault(query) is None
    return driver_arguments(async_url(f"postgres://u@h/d?{query}"))


@pytest.fixture(autouse=True)
def no_certificate_authorities_of_the_operator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Return files: a certificate, its key, the key encrypted with a password, and a text."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db.example")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, SHA256())
    )
    pem, form = Encoding.PEM, PrivateFormat.PKCS8
    content = {
        "ca": certificate.public_bytes(pem),
        "key": key.private_bytes(pem, form, NoEncryption()),
        "encrypted": key.private_bytes(pem, form, BestAvailableEncryption(b"hunter2")),
        "text": b"no certificate",
    }
    for stem, text in content.items():
        (tmp_path / stem).write_bytes(text)
    return {stem: tmp_path / stem for stem in content}


@pytest.mark.parametrize("mode", SSL_MODES[:4])
def test_a_mode_that_verifies_nothing_is_passed_to_the_driver(mode: str) -> None:
    assert arguments(f"sslmode={mode}") == {"ssl": mode}


def test_without_sslmode_the_driver_reads_its_environment() -> None:
    """An operator who sets PGSSLMODE=verify-full gets nothing weaker."""
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
def test_a_mode_with_files_verifies_as_in_libpq(
    query: str, verifies: bool, checks_the_name: bool, files: dict[str, Path]
) -> None:
    """With a root certificate, even `require` verifies."""
    context = arguments(query.format_map(files))["ssl"]

    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode is ssl.CERT_REQUIRED) is verifies
    assert context.check_hostname is checks_the_name


def test_only_the_named_authority_is_trusted(files: dict[str, Path]) -> None:
    context = arguments(f"sslmode=verify-full&sslrootcert={files['ca']}")["ssl"]

    assert isinstance(context, ssl.SSLContext)
    assert context.cert_store_stats()["x509"] == 1


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_certificate_authorities_of_the_operator_are_found_as_in_libpq(
    mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql/root.crt").touch()
    assert arguments(f"sslmode={mode}") == {"ssl": mode}

    monkeypatch.setenv("HOME", "/")
    monkeypatch.setenv("PGSSLROOTCERT", "/ca.pem")
    assert arguments(f"sslmode={mode}") == {"ssl": mode}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sslmode=on", "as sslmode: disable, allow, prefer, require, verify-ca, verify-full"),
        ("sslmode=VERIFY-FULL", "as sslmode"),
        ("sslmode=", "the option sslmode without a value"),
        ("sslmode", "the option sslmode without a value"),
        ("sslmode=require&sslmode=disable", "the option sslmode more than once"),
        ("sslmode=require&sslmode=", "the option sslmode more than once"),
        (
            "ssl=true",
            "unknown options: ssl; known are: application_name, host, port, sslcert, sslkey",
        ),
        ("channel_binding=require&sslmode=require&a=b", "unknown options: a, channel_binding;"),
        ("SSLMODE=require", "unknown options: SSLMODE;"),
        ("hunter2=", "unknown options: hunter2;"),
        ("port=0", "a port from 1 to 65535"),
        ("port=65536", "a port from 1 to 65535"),
        ("port=x", "a port from 1 to 65535"),
        (
            "sslrootcert={ca}",
            "names an sslrootcert, which needs one of these as sslmode: require, verify-ca",
        ),
        ("sslmode=prefer&sslrootcert={ca}", "names an sslrootcert, which needs one of these"),
        ("sslmode=disable&sslcert={ca}&sslkey={key}", "names an sslcert, which needs one of these"),
        ("sslmode=verify-ca&sslrootcert=system", "needs the sslmode verify-full"),
        ("sslmode=require&sslrootcert=/none.pem", "as sslrootcert that does not exist"),
        ("sslmode=require&sslrootcert=%00", "as sslrootcert that does not exist"),
        ("sslmode=require&sslcert=/none.pem", "as sslcert that does not exist"),
        ("sslmode=require&sslcert=system", "as sslcert that does not exist"),
        ("sslmode=require&sslcert={ca}&sslkey=/none.pem", "as sslkey that does not exist"),
        ("sslmode=require&sslkey={key}", "an sslkey without an sslcert"),
        ("sslmode=verify-ca&sslrootcert={text}", "must name files in PEM"),
        ("sslmode=verify-ca&sslrootcert={key}", "must name files in PEM"),
        ("sslmode=require&sslcert={ca}", "must name files in PEM"),
        ("sslmode=require&sslcert={ca}&sslkey={encrypted}", "and an unencrypted key"),
    ],
)
def test_an_option_that_is_invalid_or_would_have_no_effect_is_refused(
    query: str, message: str, files: dict[str, Path]
) -> None:
    assert message in (fault(query.format_map(files)) or "")


def test_a_message_does_not_quote_what_may_be_a_part_of_the_password() -> None:
    """As in postgres://u:p@ss?hunter2@h/d, whose password is not escaped."""
    message = fault("hunter2@h/d")

    assert message is not None
    assert "hunter2" not in message
