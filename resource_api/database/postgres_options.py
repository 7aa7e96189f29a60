"""The options of a PostgreSQL URL, with the meaning that PostgreSQL's own clients give them."""

import os
import ssl
from pathlib import Path
from urllib.parse import parse_qsl

from sqlalchemy import URL

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""The values of `sslmode`."""

SYSTEM = "system"
"""The value of `sslrootcert` for the certificate authorities that this system trusts."""

_ENCRYPTED = ("require", "verify-ca", "verify-full")
_FILES = ("sslrootcert", "sslcert", "sslkey")
_OPTIONS = ("application_name", "host", "port", "sslcert", "sslkey", "sslmode", "sslrootcert")
_MAX_PORT = 65535


def option_fault(url: URL, query: str) -> str | None:
    """Return what is wrong with the options of a PostgreSQL URL, or None.

    Arguments:
        query: the query of the URL as written; `url` leaves out options without a value.
    """
    if "@" in query:
        # The text before the @ may be a part of the password, so the message does not quote it.
        return "has an @ after a question mark; in a password, write %40 for @ and %3F for ?"
    names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    if unknown := sorted(set(names) - set(_OPTIONS)):
        return f"has unknown options: {', '.join(unknown)}; known are: {', '.join(_OPTIONS)}"
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        return f"has the option {repeated[0]} more than once"
    if empty := sorted(set(names) - url.query.keys()):
        return f"has the option {empty[0]} without a value"
    port = _option(url, "port")
    if port is not None and not (
        port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _MAX_PORT
    ):
        return f"must name a port from 1 to {_MAX_PORT}"
    return _mode_fault(url) or _file_fault(url)


def driver_arguments(url: URL) -> dict[str, object]:
    """Return the arguments of the driver asyncpg for the options of a checked URL.

    Without `sslmode` the driver decides: it reads PGSSLMODE, and its default is `prefer`.
    """
    arguments: dict[str, object] = {}
    if (mode := _option(url, "sslmode")) is not None:
        arguments["ssl"] = _context(url) if _needs_context(url) else mode
    if (host := _option(url, "host")) is not None:
        arguments["host"] = host
    if (port := _option(url, "port")) is not None:
        arguments["port"] = int(port)
    if (name := _option(url, "application_name")) is not None:
        arguments["server_settings"] = {"application_name": name}
    return arguments


def _mode_fault(url: URL) -> str | None:
    mode = _option(url, "sslmode")
    if mode not in (None, *SSL_MODES):
        return f"must name one of these as sslmode: {', '.join(SSL_MODES)}"
    if _option(url, "sslkey") and not _option(url, "sslcert"):
        return "has an sslkey without an sslcert"
    named = [name for name in _FILES if _option(url, name)]
    if named and mode not in _ENCRYPTED:
        # With another mode the files are not used if the server, or an attacker, offers no TLS.
        return f"names an {named[0]}, which needs one of these as sslmode: {', '.join(_ENCRYPTED)}"
    if _option(url, "sslrootcert") == SYSTEM and mode != "verify-full":
        # Anyone can get a certificate of some authority, so the host name must be checked too.
        # libpq has the same rule.
        return f"has the sslrootcert {SYSTEM}, which needs the sslmode verify-full"
    return None


def _file_fault(url: URL) -> str | None:
    for name in _FILES:
        path = _option(url, name)
        if path is not None and (name, path) != ("sslrootcert", SYSTEM) and not _is_file(path):
            return f"names a file as {name} that does not exist"
    try:
        driver_arguments(url)
    except (OSError, ValueError):  # an SSLError is an OSError
        return "must name files in PEM: certificates, and an unencrypted key"
    return None


def _is_file(path: str) -> bool:
    return "\0" not in path and Path(path).is_file()


def _option(url: URL, name: str) -> str | None:
    value = url.query.get(name)
    return value if isinstance(value, str) else None


def _needs_context(url: URL) -> bool:
    """Return whether asyncpg needs a TLS context, because its own modes are not enough."""
    if any(_option(url, name) for name in _FILES):
        return True
    # asyncpg reads certificate authorities from this variable or this file, as libpq does. If
    # neither exists, our own context uses the authorities that this system trusts.
    driver_has_authorities = (
        "PGSSLROOTCERT" in os.environ or Path("~/.postgresql/root.crt").expanduser().exists()
    )
    return (_option(url, "sslmode") or "").startswith("verify") and not driver_has_authorities


def _context(url: URL) -> ssl.SSLContext:
    root, certificate = _option(url, "sslrootcert"), _option(url, "sslcert")
    mode = _option(url, "sslmode")
    context = ssl.create_default_context(cafile=None if root == SYSTEM else root)
    context.check_hostname = mode == "verify-full"
    if mode == "require" and root is None:
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        # Without a password argument, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, _option(url, "sslkey"), password="")
    return context
