"""The names of what is counted, and how often each runs."""

from typing import Final

TOKENS: Final = 100
"""Tokens that are used in turn, each of another user."""

TURNS: Final = (1, 3)
"""How often all tokens are used in turn, in the two forks of a subject."""

NOTHING: Final = "a call that does nothing"
NOTHING_AWAITED: Final = "a coroutine that does nothing"
NO_GUARD: Final = "no guard"
KNOWN: Final = "known token"
KNOWN_WITHOUT_HEADER: Final = "known token, `cache_control=False`"
NEW: Final = "new token"
PYJWT: Final = "plain PyJWT middleware, new token"
BARE: Final = "no guard, no framework"
BARE_KNOWN: Final = "known token, no framework"
RAW: Final = "{} check alone"
VERIFY: Final = "verify {}, new token"
VERIFY_KNOWN: Final = "verify, known token"
VERIFY_LONG: Final = "verify, known token, 12 KiB of claims"
VERIFY_SCOPES: Final = "verify, known token, 500 scopes"
JUNK: Final = "refuse 16 KiB of numbers, forged"
RAW_JUNK: Final = "its signature check alone"
STEPS: Final = (
    DIGEST := "SHA-256 of the signature",
    FIND := "find the header",
    PARSE := "parse the header",
    SPLIT := "split, decode the signature",
    DECODE := "decode the claims",
    SIGNATURE := "find the key, check the signature",
    CLAIMS := "check the claims",
    PRINCIPAL := "scopes and principal",
)
ALGORITHMS: Final = ("RS256", "ES256", "Ed25519")
