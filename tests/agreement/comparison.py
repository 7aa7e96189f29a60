"""A token judged by our verifier and by PyJWT, and what must be true of the two verdicts.

Each token is judged twice by a verifier that has judged all the ones before, and by a new one:
what is remembered of one token must not change what is said of another.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from asgi_bearer import InvalidTokenError, JWTVerifier, Principal
from asgi_bearer.credentials import Presented
from asgi_bearer.jose.jws import parse
from asgi_bearer.jwt.verifier import LONGEST_RECALLED
from tests.agreement.pyjwt_reading import LEEWAY, Reading, reading
from tests.agreement.signed_tokens import NOW, static_keys
from tests.agreement.stricter_rules import STRICTNESSES
from tests.support.fake_issuer import FakeIssuer

Verdict = str | type[InvalidTokenError]
"""What a principal holds, as JSON, or the class of the refusal."""


def new_verifier(profile: str, clock: Callable[[], float] = lambda: NOW) -> JWTVerifier:
    """Return a verifier that has seen no token yet."""
    return FakeIssuer(clock=clock).verifier(keys=static_keys(), profile=profile, leeway=LEEWAY)


_SEASONED: Final = {profile: new_verifier(profile) for profile in ("jwt", "rfc9068")}


def as_json(value: object) -> str:
    """Return text in which 1, 1.0 and True differ; a mapping or an array may be of any kind."""
    return json.dumps(value, default=dict)


def our_header(token: str) -> object:
    """Return all members of the header, as we read them."""
    return parse(token, max_bytes=len(token)).header.members


async def verdict(verifier: JWTVerifier, token: str) -> Verdict:
    """Return what our verifier says of a token."""
    try:
        principal = await verifier.verify(Presented(token))
    except InvalidTokenError as refusal:
        return type(refusal)
    return told(principal)


def told(principal: Principal) -> str:
    """Return what `principal` holds."""
    return as_json(
        [
            (principal.issuer, principal.subject, principal.client_id, principal.expires_at),
            sorted(principal.scopes),
            principal.claims,
        ]
    )


def recalled(verifier: JWTVerifier, token: str) -> str | None:
    """Return what our verifier remembers of a token."""
    principal = verifier.recall(Presented(token).credentials)
    return None if principal is None else told(principal)


def expected(of: Reading) -> str:
    """Return what the principal of a token must hold, by PyJWT's reading of it."""
    claims = of.claims
    client_id = claims.get("client_id", claims.get("azp"))
    scope: Any = claims.get("scope", claims.get("scp") if of.profile == "jwt" else None) or ""
    names = scope.split() if isinstance(scope, str) else scope
    return as_json(
        [
            (claims["iss"], claims.get("sub"), client_id, float(claims["exp"])),
            sorted(set(names)),
            claims,
        ]
    )


def compare(ours: Verdict, theirs: Reading | None) -> None:
    """Check that both said the same, or that the difference has a name."""
    if theirs is None:
        assert not isinstance(ours, str), "accepted here, and PyJWT refuses it"
        return
    names = {rule.name: rule.refusal for rule in STRICTNESSES if rule.holds(theirs)}
    if isinstance(ours, str):
        assert names == {}, f"accepted here, and these rules hold: {list(names)}"
        assert ours == expected(theirs), f"{ours} is not {expected(theirs)}"
        header = as_json(our_header(theirs.token))
        assert header == as_json(theirs.header), f"{header} is not {as_json(theirs.header)}"
    else:
        assert ours in names.values(), f"PyJWT accepts it, ours is {ours}; rules: {list(names)}"


async def judge(token: str, profile: str) -> Reading | None:
    """Check that all of our verdicts are the same and agree with PyJWT's; return the latter."""
    ours = await verdict(_SEASONED[profile], token)
    theirs = reading(token, profile, now=NOW)

    compare(ours, theirs)
    is_known = isinstance(ours, str) and len(Presented(token).credentials) <= MAX_RECALLED_BYTES
    assert recalled(_SEASONED[profile], token) == (ours if is_known else None)
    assert await verdict(_SEASONED[profile], token) == ours, "another verdict the second time"
    assert await verdict(new_verifier(profile), token) == ours, "another verdict when new"
    return theirs
