"""The application that each server runs: that of one framework behind the guard.

The environment names the framework and the issuer. With a token in the environment, the key source
is used when the server loads the application, which may be before it forks.
"""

import asyncio
import importlib
import os
from concurrent.futures import ThreadPoolExecutor

from asgi_bearer import BearerMiddleware, JWTVerifier, Presented, remote_keys
from tests.matrix import behaviour, variables


def make_app() -> BearerMiddleware:
    """Return the guarded application."""
    verifier = JWTVerifier(
        issuer=os.environ[variables.ISSUER],
        audience=os.environ[variables.AUDIENCE],
        keys=remote_keys(jwks_uri=os.environ[variables.JWKS_URI]),
    )
    if token := os.environ.get(variables.EARLY_TOKEN):
        # Some servers load the application while an event loop runs in this thread.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, verifier.verify(Presented(token))).result()
        behaviour.report(behaviour.KEYS_FETCHED)
    application = importlib.import_module(
        f"tests.matrix.applications.{os.environ[variables.FRAMEWORK]}"
    )
    return BearerMiddleware(
        application.app, verifier=verifier, scopes=variables.SCOPE, public={"/public"}
    )


app = make_app()
