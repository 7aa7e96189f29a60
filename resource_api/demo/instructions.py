"""What the demo prints: where things are, and three commands with the answer each will get."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

DATA = Path("data")
API_PORT = 8000
ISSUER_PORT = 9000
DEFAULT_ISSUER = f"http://127.0.0.1:{ISSUER_PORT}/"
USER = "alice"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running demo is; both end in a slash."""

    api: str
    issuer: str
    data: Path


def python_command() -> str:
    """Return how to call this interpreter from a shell in the present folder."""
    # Not resolved: the interpreter of a virtual environment is a link, and following it leaves
    # the environment.
    interpreter = Path(sys.executable)
    folder = Path.cwd()
    if interpreter.is_relative_to(folder):
        interpreter = interpreter.relative_to(folder)
    return shlex.quote(str(interpreter))


def instructions(addresses: Addresses) -> str:
    """Return the text; every command in it can be copied as it stands."""
    contacts = f"curl -i {addresses.api}contacts"
    examples = [
        ("401", "no token", contacts),
        ("200", f"{USER}'s token to read", _with_token(contacts, addresses, "read:contacts")),
        ("403", "a token only to write", _with_token(contacts, addresses, "write:contacts")),
    ]
    lines = [
        f"API       {addresses.api}contacts",
        f"OpenAPI   {addresses.api}openapi.json",
        f"Issuer    {addresses.issuer}",
        f"Data      {addresses.data}/",
        "",
        "In a second terminal, in this folder:",
        "",
    ]
    for status, what, command in examples:
        lines += [f"{status}  {what}", f"     {command}", ""]
    lines.append("Ctrl-C ends both.")
    return "\n".join(lines)


def _with_token(contacts: str, addresses: Addresses, scope: str) -> str:
    words = [python_command(), "-m resource_api token --scope", scope]
    if addresses.data != DATA:
        words += ["--data", shlex.quote(str(addresses.data))]
    if addresses.issuer != DEFAULT_ISSUER:
        words += ["--issuer", addresses.issuer]
    return f'{contacts} -H "Authorization: Bearer $({" ".join(words)})"'
