"""What a session holds, sealed with its cookie: who has the file alone, has nothing."""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def sealed(secret: str, content: str) -> str:
    """Return the content, encrypted and authenticated.

    Arguments:
        secret: the cookie's value; only its digest is kept on this side.
    """
    return _fernet(secret).encrypt(content.encode()).decode("ascii")


def unsealed(secret: str, text: str) -> str | None:
    """Return the content, None where this cookie did not seal it."""
    try:
        return _fernet(secret).decrypt(text).decode()
    except InvalidToken:
        return None


def _fernet(secret: str) -> Fernet:
    # HKDF suffices, no password hash: the secret is random and long. `info` keeps the key apart
    # from the digest by which the session is found.
    kdf = HKDF(SHA256(), length=32, salt=None, info=b"content of a web application's session")
    return Fernet(urlsafe_b64encode(kdf.derive(secret.encode())))
