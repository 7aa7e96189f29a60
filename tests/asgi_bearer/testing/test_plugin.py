"""The pytest plugin in projects of users: nothing is configured."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from asgi_bearer import Presented, TokenExpired
from asgi_bearer.testing import ATTACKS, AttackToken, FakeIssuer
from tests.asgi_bearer.testing.projects import run_pytest

IN_A_FOLDER = """
from asgi_bearer import BearerMiddleware, Presented
import asyncio, httpx, pytest

def verified(issuer, token):
    return asyncio.run(issuer.verifier().verify(Presented(token)))

def test_token(issuer, token):
    principal = verified(issuer, token(scope="a b", sub="bob"))
    assert (principal.subject, principal.scopes) == ("bob", {"a", "b"})

def test_auth_headers(issuer, auth_headers):
    scheme, _, token = auth_headers(scope="a")["Authorization"].partition(" ")
    assert scheme == "Bearer"
    assert verified(issuer, token).scopes == {"a"}

def test_attack_tokens(attack_tokens):
    assert len(attack_tokens) >= 60
"""

PARAMETRIZED = """
import asyncio
import pytest
from asgi_bearer import AccessTokenError, Presented
from asgi_bearer.testing import ATTACKS

@pytest.mark.parametrize("attack", ATTACKS)
def test_refused(attack, issuer):
    with pytest.raises(AccessTokenError) as refused:
        asyncio.run(issuer.verifier().verify(Presented(attack.token(issuer))))
    assert (refused.value.code, refused.value.status) == (attack.code, attack.status)
"""

ASYNCHRONOUS = """
import pytest
from asgi_bearer import Presented

@pytest.mark.asyncio
async def test_pytest_asyncio(issuer, token):
    assert (await issuer.verifier().verify(Presented(token()))).subject == "alice"

@pytest.mark.anyio
async def test_anyio(issuer, token):
    assert (await issuer.verifier().verify(Presented(token()))).subject == "alice"

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""

OVERRIDDEN = """
import pytest
from asgi_bearer.testing import FakeIssuer

@pytest.fixture(scope="session")
def issuer():
    return FakeIssuer("https://tenant.example/", "orders", shape="auth0")
"""

ITS_TEST = """
import asyncio
from asgi_bearer import JWTVerifier, Presented

def test_issuer_and_audience(issuer, token, attack_tokens):
    claims = issuer.claims()
    assert claims["iss"] == "https://tenant.example/"
    assert claims["aud"][0] == "orders"
    principal = asyncio.run(issuer.verifier().verify(Presented(token(sub="bob"))))
    assert principal.subject == "bob"
"""


def outcomes(output: str) -> dict[str, int]:
    """Return the numbers of the last line of pytest, by outcome."""
    last = output.strip().splitlines()[-1]
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", last) if word != "in"}


def test_an_empty_folder_has_the_fixtures_for_each_kind_of_test(tmp_path: Path) -> None:
    """Synchronous, pytest-asyncio and anyio; the id of an attack is the id of its test."""
    files = {
        "test_it.py": IN_A_FOLDER,
        "test_async.py": ASYNCHRONOUS,
        "test_table.py": PARAMETRIZED,
    }

    finished = run_pytest(tmp_path, files, "-v", "-k", "not refused or iss")

    assert finished.returncode == 0, finished.stdout
    assert outcomes(finished.stdout)["passed"] > 15
    assert "test_table.py::test_refused[iss cut short] PASSED" in finished.stdout


def test_a_project_with_an_issuer_of_its_own_runs_the_table_over_xdist_in_random_order(
    tmp_path: Path,
) -> None:
    """It overrides one fixture; the others follow."""
    files = {"conftest.py": OVERRIDDEN, "test_it.py": ITS_TEST, "test_table.py": PARAMETRIZED}

    finished = run_pytest(tmp_path, files, "-n", "2", "-p", "randomly")

    assert finished.returncode == 0, finished.stdout
    assert outcomes(finished.stdout)["passed"] == len(ATTACKS) + 1


async def test_the_issuer_of_the_fixtures_can_let_time_pass(
    issuer: FakeIssuer, token: Callable[..., str]
) -> None:
    verifier = issuer.verifier()
    presented = Presented(token())
    await verifier.verify(presented)

    issuer.clock.advance(3600)

    with pytest.raises(TokenExpired):
        await verifier.verify(presented)


def test_each_attack_token_says_what_is_wrong_and_does_not_show_the_token(
    attack_tokens: list[AttackToken],
) -> None:
    assert [attack.id for attack in attack_tokens] == [attack.id for attack in ATTACKS]
    for attack in attack_tokens:
        assert attack.wrong
        assert attack.status == 401
        assert attack.error == "invalid_token"
        assert attack.headers == {"Authorization": f"Bearer {attack.token}"}
        assert attack.token not in repr(attack)


def test_the_headers_carry_a_token_of_the_shape(
    auth_headers: Callable[..., dict[str, str]], issuer: FakeIssuer
) -> None:
    assert auth_headers("google") == {"Authorization": f"Bearer {issuer.token('google')}"}
