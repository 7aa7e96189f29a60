"""The text that the demo prints: the page to open, and three commands with their answers."""

import shlex
import sys
from pathlib import Path

from demo.addresses import Addresses

DATA = Path("data")
API_PORT = 8000
ISSUER_PORT = 9000
WEB_PORT = 8080
DEFAULT_ISSUER = f"http://127.0.0.1:{ISSUER_PORT}/"


def python_command() -> str:
    """Return the shell command for this interpreter in the current folder."""
    # Not resolved: the interpreter of a virtual environment is a link to one outside of it.
    interpreter = Path(sys.executable)
    folder = Path.cwd()
    if interpreter.is_relative_to(folder):
        interpreter = interpreter.relative_to(folder)
    return shlex.quote(str(interpreter))


def instructions(addresses: Addresses) -> str:
    """Return the text; its commands can be copied as they are."""
    contacts = f"curl -i {addresses.api}contacts"
    examples = [
        ("401", "no token", contacts),
        (
            "200",
            "a token with the scope to read",
            _with_token(contacts, addresses, "read:contacts"),
        ),
        (
            "403",
            "a token with the scope to write only",
            _with_token(contacts, addresses, "write:contacts"),
        ),
    ]
    lines = [
        "Open this page and sign in:",
        "",
        f"     {addresses.web_application}",
        "",
        "Or call the API without a browser, from a second terminal in this folder:",
        "",
    ]
    for status, what, command in examples:
        lines += [f"{status}  {what}", f"     {command}", ""]
    lines.append("Ctrl-C ends the demo.")
    return "\n".join(lines)


def _with_token(contacts: str, addresses: Addresses, scope: str) -> str:
    words = [python_command(), "-m demo token --scope", scope]
    if addresses.data != DATA:
        words += ["--data", shlex.quote(str(addresses.data))]
    if addresses.issuer != DEFAULT_ISSUER:
        words += ["--issuer", addresses.issuer]
    return f'{contacts} -H "Authorization: Bearer $({" ".join(words)})"'
