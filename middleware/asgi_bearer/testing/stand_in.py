"""Lets verifiers of an application trust a `FakeIssuer` for a while.

The verifier class has no method for it: production code must not be able to replace keys. What is
replaced are the attributes of the object.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from asgi_bearer import ALGORITHMS, JWTVerifier
from asgi_bearer.jwt import Expected
from asgi_bearer.jwt.token_cache import TokenCache
from asgi_bearer.testing.provider_claims import Facts
from asgi_bearer.testing.shapes import SHAPES, Shape
from asgi_bearer.testing.signing import Json, signing_key

if TYPE_CHECKING:
    from asgi_bearer.testing.issuer import FakeIssuer

_REPLACED: Final = ("_keys", "_known_keys", "_cache", "_clock")
_CACHED_TOKENS: Final = 1024

_blocks: WeakKeyDictionary[JWTVerifier, list[Json]] = WeakKeyDictionary()
"""The attributes of a verifier outside of all blocks, and those of each block it is in."""


def configuration(verifiers: Sequence[object]) -> Json:
    """Return the arguments of a `FakeIssuer` whose tokens the first verifier accepts.

    Raises:
        ValueError: the verifiers are not of one issuer.
        TypeError: an object is not a `JWTVerifier`.
    """
    for verifier in verifiers:
        if not isinstance(verifier, JWTVerifier):
            raise TypeError(
                f"instead_of takes JWTVerifier objects, not {type(verifier).__name__};"
                " pass the JWTVerifier that it uses"
            )
    issuers = sorted({_expected(verifier).issuer for verifier in verifiers})
    if len(issuers) != 1:
        found = ", ".join(map(repr, issuers)) or "none"
        raise ValueError(f"instead_of takes verifiers of one issuer, not of {found}")
    expected = _expected(verifiers[0])
    accepted: frozenset[str] = vars(verifiers[0])["_algorithms"]
    # ES256 if it is accepted, because its keys are made at once.
    alg = min(accepted, key=lambda name: (name != "ES256", ALGORITHMS.index(name)))
    return {
        "issuer": expected.issuer,
        "audience": min(expected.audiences),
        "key": signing_key(alg),
        "shape": _shape(expected),
    }


@contextmanager
def trusting(issuer: "FakeIssuer", verifiers: Sequence[JWTVerifier]) -> Generator[None]:
    """Within the block, verify with the keys and the clock of `issuer`, and with empty caches."""
    replaced: list[tuple[JWTVerifier, Json]] = []
    try:
        for verifier in verifiers:
            attributes = _replacements(issuer, verifier)
            _replace(verifier, attributes)
            replaced.append((verifier, attributes))
        yield
    finally:
        for verifier, attributes in replaced:
            _put_back(verifier, attributes)


def _replace(verifier: JWTVerifier, attributes: Json) -> None:
    blocks = _blocks.setdefault(verifier, [{}])
    blocks[-1].update({name: vars(verifier)[name] for name in _REPLACED})
    blocks.append(attributes)
    vars(verifier).update(attributes)


def _put_back(verifier: JWTVerifier, attributes: Json) -> None:
    """End a block. Blocks of fixtures and threads need not end in the order of their begin."""
    blocks = _blocks[verifier]
    is_current = blocks[-1] is attributes
    blocks[:] = [block for block in blocks if block is not attributes]
    if is_current:
        vars(verifier).update(blocks[-1])
    if len(blocks) == 1:
        del _blocks[verifier]


def _replacements(issuer: "FakeIssuer", verifier: JWTVerifier) -> dict[str, Any]:
    attributes = vars(verifier)
    cache = attributes["_cache"] and TokenCache(
        _CACHED_TOKENS, rsa_default=attributes["_rsa_default"]
    )
    replacements = (issuer.remote_keys(), None, cache, issuer.clock)
    return dict(zip(_REPLACED, replacements, strict=True))


def _expected(verifier: object) -> Expected:
    expected: Expected = vars(verifier)["_expected"]
    return expected


def _shape(expected: Expected) -> Shape:
    """Return a shape with the audience and the scopes where the verifier looks for them."""
    usual = SHAPES["rfc9068"]

    def claims(facts: Facts) -> Json:
        written = usual.claims(facts)
        written[expected.audience_claim] = written.pop("aud")
        return written

    shape = replace(usual, claims=claims, audience_claim=expected.audience_claim)
    if not expected.scope_claims:
        return shape
    place = expected.scope_claims[0]
    path = (place,) if isinstance(place, str) else place

    def scopes(scope: str) -> Json:
        value: Any = scope if path == ("scope",) else scope.split()
        for name in reversed(path):
            value = {name: value}
        return dict(value)

    return replace(shape, scopes=scopes, scope_claims=expected.scope_claims)
