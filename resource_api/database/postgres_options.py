"""The options of a PostgreSQL URL, as PostgreSQL's own clients read them."""

import os
import ssl
from pathlib import Path
from urllib.parse import parse_qsl

from sqlalchemy import URL

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""What `sslmode` may be."""

SYSTEM = "system"
"""As `sslrootcert`: the authorities that this system trusts."""

_ENCRYPTED = ("require", "verify-ca", "verify-full")
_FILES = ("sslrootcert", "sslcert", "sslkey")
_OPTIONS = ("application_name", "host", "port", "sslcert", "sslkey", "sslmode", "sslrootcert")
_MAX_PORT = 65535


def option_fault(url: URL, query: str) -> str | None:
    """What is wrong with the options of a PostgreSQL URL.

    Arguments:
        query: the options as they are written; the URL leaves out those without a value.
    """
    if "@" in query:
        # What stands before it may be a part of the password, so nothing of it is shown.
        return "has an @ behind a question mark; in a password, write %40 and %3F"
    names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    if unknown := sorted(set(names) - set(_OPTIONS)):
        understood = ", ".join(_OPTIONS)
        return f"has options that are unknown: {', '.join(unknown)}; {understood} are understood"
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        return f"has the option {repeated[0]} more than once"
    if empty := sorted(set(names) - url.query.keys()):
        return f"has the option {empty[0]} without a value"
    port = _option(url, "port")
    if port is not None and not (
        port.isascii() and port.isdigit() and 0 < int(port[:6]) <= _MAX_PORT
    ):
        return f"must have a port from 1 to {_MAX_PORT}"
    return _mode_fault(url) or _file_fault(url)


def driver_arguments(url: URL) -> dict[str, object]:
    """What the options of a checked URL are for the driver, asyncpg.

    Without sslmode it is the driver that decides: by PGSSLMODE, or else `prefer`.
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
        return f"must have one of {', '.join(SSL_MODES)} as sslmode"
    if _option(url, "sslkey") and not _option(url, "sslcert"):
        return "has an sslkey without its sslcert"
    named = [name for name in _FILES if _option(url, name)]
    if named and mode not in _ENCRYPTED:
        # They would go unused where the server, or whoever stands before it, offers no TLS.
        return f"names an {named[0]}, which needs one of {', '.join(_ENCRYPTED)} as sslmode"
    if _option(url, "sslrootcert") == SYSTEM and mode != "verify-full":
        # Anybody has a certificate of some authority; libpq demands the same.
        return f"has the sslrootcert {SYSTEM}, which needs the sslmode verify-full"
    return None


def _file_fault(url: URL) -> str | None:
    for name in _FILES:
        path = _option(url, name)
        if path is not None and (name, path) != ("sslrootcert", SYSTEM) and not _is_file(path):
            return f"names a file as {name} that is not there"
    try:
        driver_arguments(url)
    except (OSError, ValueError):  # an SSLError is an OSError
        return "names files that are no certificate and unencrypted key in PEM"
    return None


def _is_file(path: str) -> bool:
    return "\0" not in path and Path(path).is_file()


def _option(url: URL, name: str) -> str | None:
    value = url.query.get(name)
    return value if isinstance(value, str) else None


def _needs_context(url: URL) -> bool:
    """Whether asyncpg's own modes are not enough for what the URL says of TLS."""
    if any(_option(url, name) for name in _FILES):
        return True
    # asyncpg, like libpq, takes authorities from this variable or this file, and else none; then
    # those that this system trusts serve.
    own = "PGSSLROOTCERT" in os.environ or Path("~/.postgresql/root.crt").expanduser().exists()
    return (_option(url, "sslmode") or "").startswith("verify") and not own


def _context(url: URL) -> ssl.SSLContext:
    root, certificate = _option(url, "sslrootcert"), _option(url, "sslcert")
    mode = _option(url, "sslmode")
    context = ssl.create_default_context(cafile=None if root == SYSTEM else root)
    context.check_hostname = mode == "verify-full"
    if mode == "require" and root is None:
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        # Without a password, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, _option(url, "sslkey"), password="")
    return context
