"""Verifies a token with this library and with PyJWT, and compares the results.

Each token is verified three times: twice by a verifier that has cached all earlier tokens, and once
by a new verifier. A cached token must not change the result of another.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from asgi_bearer import InvalidTokenError, JWTVerifier, Principal
from asgi_bearer.credentials import Presented
from asgi_bearer.jose.jws import parse
from asgi_bearer.testing import FakeIssuer
from tests.agreement.pyjwt_reading import LEEWAY, Reading, read_with_pyjwt
from tests.agreement.signed_tokens import NOW, static_keys
from tests.agreement.stricter_rules import STRICTER_RULES

Result = str | type[InvalidTokenError]
"""The principal as JSON text, or the class of the refusal."""


def new_verifier(profile: str, clock: Callable[[], float] = lambda: NOW) -> JWTVerifier:
    """Return a verifier without cached tokens."""
    return FakeIssuer(clock=clock).verifier(keys=static_keys(), profile=profile, leeway=LEEWAY)


_USED_VERIFIERS: Final = {profile: new_verifier(profile) for profile in ("jwt", "rfc9068")}


def as_json(value: object) -> str:
    """Return JSON text in which 1, 1.0 and True differ; mappings and arrays may have any type."""
    return json.dumps(value, default=dict)


def our_header(token: str) -> object:
    """Return all members of the header as this library reads them."""
    return parse(token, max_bytes=len(token)).header.members


async def our_result(verifier: JWTVerifier, token: str) -> Result:
    """Return this library's result for a token."""
    try:
        principal = await verifier.verify(Presented(token))
    except InvalidTokenError as refusal:
        return type(refusal)
    return as_text(principal)


def as_text(principal: Principal) -> str:
    """Return the principal as JSON text."""
    return as_json(
        [
            (principal.issuer, principal.subject, principal.client_id, principal.expires_at),
            sorted(principal.scopes),
            principal.claims,
        ]
    )


def expected(reading: Reading) -> str:
    """Return the principal that PyJWT's reading of a token leads to, as JSON text."""
    claims = reading.claims
    client_id = claims.get("client_id", claims.get("azp"))
    scope: Any = claims.get("scope", claims.get("scp") if reading.profile == "jwt" else None) or ""
    names = scope.split() if isinstance(scope, str) else scope
    return as_json(
        [
            (claims["iss"], claims.get("sub"), client_id, float(claims["exp"])),
            sorted(set(names)),
            claims,
        ]
    )


def compare(ours: Result, pyjwt_reading: Reading | None) -> None:
    """Check that both results agree, or that a stricter rule explains the difference."""
    if pyjwt_reading is None:
        assert not isinstance(ours, str), "this library accepts it, and PyJWT refuses it"
        return
    names = {rule.name: rule.refusal for rule in STRICTER_RULES if rule.applies(pyjwt_reading)}
    if isinstance(ours, str):
        assert names == {}, f"this library accepts it, and these rules apply: {list(names)}"
        assert ours == expected(pyjwt_reading), f"{ours} is not {expected(pyjwt_reading)}"
        header = as_json(our_header(pyjwt_reading.token))
        assert header == as_json(pyjwt_reading.header), (
            f"{header} is not {as_json(pyjwt_reading.header)}"
        )
    else:
        assert ours in names.values(), (
            f"PyJWT accepts it, this library's result is {ours}; rules: {list(names)}"
        )


async def check_agreement(token: str, profile: str) -> Reading | None:
    """Check that this library's results are all the same and agree with PyJWT's; return PyJWT's."""
    ours = await our_result(_USED_VERIFIERS[profile], token)
    pyjwt_reading = read_with_pyjwt(token, profile, now=NOW)

    compare(ours, pyjwt_reading)
    assert await our_result(_USED_VERIFIERS[profile], token) == ours, (
        "another result the second time"
    )
    assert await our_result(new_verifier(profile), token) == ours, (
        "another result from a new verifier"
    )
    return pyjwt_reading
