"""The public API: the names that the package promises."""

import ast
import inspect
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import asgi_bearer
import asgi_bearer.fastapi
import asgi_bearer.jose
import asgi_bearer.jwt
import asgi_bearer.keys
import asgi_bearer.mcp
import asgi_bearer.starlette
import asgi_bearer.testing
from asgi_bearer import errors

CHECKOUT = Path(__file__).parents[2]

PUBLIC = [
    "ALGORITHMS",
    "AccessTokenError",
    "AlgorithmNotAllowed",
    "Anonymous",
    "AudienceMismatch",
    "BearerMiddleware",
    "ClaimMalformed",
    "ClaimMissing",
    "ClaimRuleFailed",
    "CredentialsMalformed",
    "CredentialsMissing",
    "CredentialsRepeated",
    "CriticalHeaderNotUnderstood",
    "IDTokenPresented",
    "InsufficientScope",
    "InvalidRequestError",
    "InvalidTokenError",
    "IssuerMismatch",
    "JWTVerifier",
    "KeyAmbiguous",
    "KeyNotFound",
    "KeySource",
    "KeysUnavailable",
    "NotJudgedError",
    "NotPermittedError",
    "OtherJWTPresented",
    "PRINCIPAL_KEY",
    "Presented",
    "Principal",
    "REALM_KEY",
    "Refusal",
    "RemoteKeys",
    "SignatureInvalid",
    "StaticKeys",
    "TokenBoundToKey",
    "TokenEncrypted",
    "TokenExpired",
    "TokenMalformed",
    "TokenNotYetValid",
    "TokenOpaque",
    "TokenTooLarge",
    "TokenTypeNotAllowed",
    "VerificationFaulted",
    "Verifier",
    "__version__",
    "is_scope_name",
    "principal",
    "refusal",
    "remote_keys",
]


def test_the_list_of_public_names() -> None:
    assert sorted(asgi_bearer.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_exists_and_has_a_docstring(name: str) -> None:
    public = getattr(asgi_bearer, name)

    assert isinstance(public, str | tuple) or inspect.getdoc(public)


def test_every_refusal_is_public() -> None:
    refusals = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }

    assert refusals <= set(asgi_bearer.__all__)


def _modules_after(statement: str) -> set[str]:
    """Return the modules that a new interpreter has imported after `statement`."""
    script = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120
    )
    return set(json.loads(finished.stdout))


def test_importing_the_package_imports_no_http_client_and_no_framework() -> None:
    imported = _modules_after("import asgi_bearer")

    assert "asgi_bearer" in imported
    assert imported.isdisjoint({"httpx", "starlette", "fastapi", "anyio", "pytest"})
    assert not [name for name in imported if name.startswith("asgi_bearer.testing")]


def test_making_a_verifier_imports_no_http_client() -> None:
    imported = _modules_after(
        "from asgi_bearer import JWTVerifier\n"
        "JWTVerifier(issuer='https://issuer.example/', audience='api')"
    )

    assert "httpx" not in imported


def test_importing_the_test_support_imports_no_pytest_and_no_http_client() -> None:
    imported = _modules_after("import asgi_bearer.testing")

    assert imported.isdisjoint({"pytest", "httpx", "http.server", "starlette"})


PUBLIC_MODULES = [
    asgi_bearer,
    errors,
    asgi_bearer.fastapi,
    asgi_bearer.jose,
    asgi_bearer.jwt,
    asgi_bearer.keys,
    asgi_bearer.mcp,
    asgi_bearer.starlette,
    asgi_bearer.testing,
]
"""The modules that README.md and docs/api.md name for import."""


def public_names(module: ModuleType) -> set[str]:
    """Return the public names of a module."""
    return set(getattr(module, "__all__", [name for name in vars(module) if name[0] != "_"]))


def test_the_public_modules_list_their_names() -> None:
    assert asgi_bearer.jose.__all__ == [
        "CompactJWS",
        "base64url_decode",
        "check_header",
        "is_array",
        "is_object",
        "json_object",
        "parse",
        "rsa_default",
    ]
    assert asgi_bearer.jwt.__all__ == [
        "Expected",
        "check_audience",
        "check_issuer",
        "check_names",
        "signing_key",
        "validity",
    ]
    assert asgi_bearer.keys.__all__ == [
        "MAX_ADDRESS_CHARACTERS",
        "Document",
        "Fetch",
        "FetchFailed",
        "Key",
        "KeyEvent",
        "KeyObserver",
        "KeySet",
        "KeySetState",
        "KeySetStatus",
        "KeySource",
        "KeyWarning",
        "Missed",
        "NotServed",
        "RemoteKeys",
        "StaticKeys",
        "Warmable",
        "address_fault",
        "allow_http_faults",
        "issuer_fault",
        "log_key_events",
        "on_loopback",
        "remote_keys",
        "shown_address",
    ]
    assert asgi_bearer.fastapi.__all__ == ["BearerAuth", "OptionalBearerAuth"]
    assert asgi_bearer.mcp.__all__ == ["AccessTokenMiddleware", "GuardedTokens"]
    assert asgi_bearer.testing.__all__ == [
        "ATTACKS",
        "AUDIENCE",
        "ISSUER",
        "SHAPES",
        "Attack",
        "AttackToken",
        "FakeClock",
        "FakeIssuer",
        "Shape",
        "SigningKey",
        "assert_guarded",
        "signing_key",
    ]
    assert asgi_bearer.starlette.__all__ == [
        "Refused",
        "refused_response",
        "requires",
        "requires_any",
    ]


@pytest.mark.parametrize("folder", ["resource_api", "demo"])
def test_the_api_and_the_demo_use_only_public_names(folder: str) -> None:
    public = {module.__name__: public_names(module) for module in PUBLIC_MODULES}
    found: set[tuple[str, str]] = set()
    for path in (CHECKOUT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("asgi_bearer"):
                found |= {(node.module or "", name.name) for name in node.names}

    assert len(found) > 10
    assert {(module, name) for module, name in found if name not in public.get(module, ())} == set()
