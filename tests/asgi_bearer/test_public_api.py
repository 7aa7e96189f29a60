"""What the package promises to those who import it."""

import inspect
import json
import subprocess
import sys

import pytest

import asgi_bearer
import asgi_bearer.keys
import asgi_bearer.starlette
from asgi_bearer import errors

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
    "Presented",
    "Principal",
    "Recalling",
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
    "remote_keys",
]


def test_the_public_names_are_these() -> None:
    assert asgi_bearer.__all__ == PUBLIC
    assert sorted(asgi_bearer.__all__) == asgi_bearer.__all__


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
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
    """Return what a fresh interpreter has imported after `statement`."""
    script = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=120
    )
    return {name.partition(".")[0] for name in json.loads(finished.stdout)}


def test_importing_the_package_imports_no_http_client_and_no_framework() -> None:
    imported = _modules_after("import asgi_bearer")

    assert "asgi_bearer" in imported
    assert imported.isdisjoint({"httpx", "starlette", "fastapi", "anyio"})


def test_making_a_verifier_imports_no_http_client() -> None:
    imported = _modules_after(
        "from asgi_bearer import JWTVerifier\n"
        "JWTVerifier(issuer='https://issuer.example/', audience='api')"
    )

    assert "httpx" not in imported


def test_the_opt_in_modules_list_their_names() -> None:
    assert asgi_bearer.keys.__all__ == [
        "AtHand",
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
        "log_key_events",
        "remote_keys",
    ]
    assert asgi_bearer.starlette.__all__ == [
        "Refused",
        "refused_response",
        "requires",
        "requires_any",
    ]
