"""Tokens that the issuer did not sign, or signed with a key of another algorithm.

These are for an issuer with keys of every kind; the rows of the public table are for any issuer.
"""

import base64
from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from asgi_bearer import KeyNotFound, SignatureInvalid
from asgi_bearer.testing import FakeIssuer, SigningKey, signing_key
from asgi_bearer.testing.attacks import FORGERIES
from asgi_bearer.testing.attacks.forgeries import hmac_attacks, public_bytes
from asgi_bearer.testing.signing import b64, compact, signed
from tests.refusals.rows import Refused, of_attacks, token_of

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493

_RSA_KEY_TEXTS: dict[str, Callable[[SigningKey], bytes]] = {
    # RFC 8725 §3.1. Only RSA keys have these.
    "PKCS1 PEM": lambda key: public_bytes(key, Encoding.PEM, PublicFormat.PKCS1),
    "PKCS1 DER": lambda key: public_bytes(key, Encoding.DER, PublicFormat.PKCS1),
    "n": lambda key: base64.urlsafe_b64decode(key.jwk()["n"] + "=="),
    "n as text": lambda key: str(key.jwk()["n"]).encode(),
}


def _signed_with(issuer: FakeIssuer, alg: str, edit: Callable[[bytes], bytes] = bytes) -> str:
    """Return a token signed with the issuer's key for `alg`, with an edited signature."""
    key = signing_key(alg, alg)
    signing_input = f"{b64(issuer.header(alg=alg, kid=alg))}.{b64(issuer.claims())}"
    return f"{signing_input}.{b64(edit(key.sign(signing_input.encode())))}"


def _der(raw: bytes) -> bytes:
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half]), int.from_bytes(raw[half:]))


def _with_scalar_beyond_order(raw: bytes) -> bytes:
    """Return the same EdDSA signature with another number for the same scalar."""
    return raw[:32] + (int.from_bytes(raw[32:], "little") + _ED25519_ORDER).to_bytes(32, "little")


_ONE = (1).to_bytes(32)
_ORDER = _P256_ORDER.to_bytes(32)

_EDITED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    # RFC 7518 §3.4.
    "ES256 in DER": ("ES256", _der),
    "ES256 without its last byte": ("ES256", lambda raw: raw[:-1]),
    "ES256 without its first byte": ("ES256", lambda raw: raw[1:]),
    "ES256 with a trailing byte": ("ES256", lambda raw: raw + b"\0"),
    "ES256 with a leading byte": ("ES256", lambda raw: b"\0" + raw),
    "ES256 of one byte": ("ES256", lambda raw: raw[:1]),
    "ES256 padded halves": ("ES256", lambda raw: b"\0" + raw[:32] + b"\0" + raw[32:]),
    "ES256 halves swapped": ("ES256", lambda raw: raw[32:] + raw[:32]),
    "ES384 of 64 bytes": ("ES384", lambda raw: raw[:64]),
    "ES384 in DER": ("ES384", _der),
    "ES512 of 131 bytes": ("ES512", lambda raw: raw[1:]),
    "ES512 in DER": ("ES512", _der),
    # RFC 7518 §3.4.
    "ES256 all zero": ("ES256", lambda raw: bytes(64)),
    "ES384 all zero": ("ES384", lambda raw: bytes(96)),
    "ES512 all zero": ("ES512", lambda raw: bytes(132)),
    "ES256 r zero": ("ES256", lambda raw: bytes(32) + raw[32:]),
    "ES256 s zero": ("ES256", lambda raw: raw[:32] + bytes(32)),
    "ES256 r and s one": ("ES256", lambda raw: _ONE + _ONE),
    "ES256 r and s the order": ("ES256", lambda raw: _ORDER + _ORDER),
    "ES256 all ones": ("ES256", lambda raw: b"\xff" * 64),
    "EdDSA all zero": ("EdDSA", lambda raw: bytes(64)),
    "EdDSA the neutral point": ("EdDSA", lambda raw: _ONE[::-1] + bytes(32)),
    "EdDSA with a scalar beyond the order": ("EdDSA", _with_scalar_beyond_order),
    "EdDSA without its last byte": ("EdDSA", lambda raw: raw[:-1]),
    "EdDSA with a trailing byte": ("EdDSA", lambda raw: raw + b"\0"),
    "EdDSA one bit off": ("EdDSA", lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])),
    "PS256 without its last byte": ("PS256", lambda raw: raw[:-1]),
    "PS256 all zero": ("PS256", lambda raw: bytes(256)),
}


def _rows() -> list[Refused]:
    rows = of_attacks((*FORGERIES, *hmac_attacks(_RSA_KEY_TEXTS)), "jwt", "rfc9068")
    rows += [
        Refused(name, SignatureInvalid, partial(_signed_with, alg=alg, edit=edit))
        for name, (alg, edit) in _EDITED.items()
    ]
    rows += [
        # RFC 8725 §3.1.
        Refused(
            "PS256 by a key for RS256",
            KeyNotFound,
            lambda issuer: signed(
                f"{b64(issuer.header(alg='PS256'))}.{b64(issuer.claims())}", issuer.key, "PS256"
            ),
        ),
        Refused(
            "RS512 by a key for RS256",
            KeyNotFound,
            lambda issuer: signed(
                f"{b64(issuer.header(alg='RS512'))}.{b64(issuer.claims())}", issuer.key, "RS512"
            ),
        ),
        # RFC 7518 §3.4.
        Refused(
            "ES256 by a key on P-384",
            KeyNotFound,
            lambda issuer: compact(
                issuer.header(alg="ES256", kid="ES384"),
                issuer.claims(),
                signing_key("ES384"),
                "ES384",
            ),
        ),
        Refused(
            "ES384 in the header, ES256 signature",
            KeyNotFound,
            lambda issuer: compact(
                issuer.header(alg="ES384", kid="ES256"), issuer.claims(), signing_key("ES256")
            ),
        ),
        Refused(
            "EdDSA in the header, RS256 signature",
            KeyNotFound,
            lambda issuer: token_of(issuer, issuer.header(alg="EdDSA"), issuer.claims()),
        ),
    ]
    return rows


FORGED_TOKENS = _rows()
