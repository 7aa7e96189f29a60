"""Passwords: makes and verifies Argon2id hashes in PHC form (RFC 9106), in threads."""

import asyncio
import re
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MEMORY = 19 * 1024
"""KiB. With the two numbers below, the first recommendation of OWASP for Argon2id."""

ITERATIONS = 2
LANES = 1
"""Registered hashes must have one lane, too: OpenSSL shares its threads in the whole process, and
two simultaneous hashes with several lanes fail or deadlock."""

SALT_BYTES = 16
HASH_BYTES = 32

MAX_BYTES = 1024
"""Of a password in UTF-8; a longer one is refused without computing its hash."""

MAX_MEMORY = 256 * 1024
MAX_ITERATIONS = 10
"""The highest cost of a registered hash (KiB, iterations), because anybody can trigger it."""

AT_ONCE = 2
"""Simultaneous verifications; each needs a thread and memory, and anybody can trigger one."""

MAX_WAITING = 16
"""Verifications that run or wait. Further ones are refused, so that a client that sends thousands
of passwords does not block the others for long."""

DUMMY_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$RkSbsPd7q/y/yN5Sl"
    "Tljng$Az5UOIdU2UywDD1cc1nsmQGkTJmSrusUDN40dJ6KU6Y"
)
"""The hash of an unknown password. It is verified for unknown users, so that the duration of an
answer does not reveal which users exist."""

_PHC = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]{0,3}),p=([1-9][0-9]{0,2})"
    r"\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
)


class TooManyVerifications(Exception):
    """`MAX_WAITING` verifications already run or wait."""


@dataclass(slots=True)
class _Workers:
    threads: ThreadPoolExecutor
    waiting: int = 0


def hash_password(password: str) -> str:
    """Return a new hash of the password, with a salt of its own.

    Raises ValueError for a password that is empty or longer than `MAX_BYTES`.
    """
    encoded = _encoded(password)
    if not encoded or len(encoded) > MAX_BYTES:
        raise ValueError(f"a password must have 1 to {MAX_BYTES} bytes")
    argon2 = Argon2id(
        salt=secrets.token_bytes(SALT_BYTES),
        length=HASH_BYTES,
        iterations=ITERATIONS,
        lanes=LANES,
        memory_cost=MEMORY,
    )
    return argon2.derive_phc_encoded(encoded)


def matches(password: str, password_hash: str) -> bool:
    """Return whether the hash is of this password; slow on purpose."""
    encoded = _encoded(password)
    if len(encoded) > MAX_BYTES:
        return False
    try:
        Argon2id.verify_phc_encoded(encoded, password_hash)
    except (InvalidKey, ValueError):  # InvalidKey: another password; ValueError: an invalid hash
        return False
    return True


async def verify(password: str, password_hash: str) -> bool:
    """Return whether the hash is of this password, without blocking the event loop.

    Raises TooManyVerifications if `MAX_WAITING` others run or wait.
    """
    workers = _workers()
    if workers.waiting >= MAX_WAITING:
        raise TooManyVerifications
    workers.waiting += 1
    try:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(workers.threads, matches, password, password_hash)
    finally:
        workers.waiting -= 1


def hash_fault(password_hash: str) -> str | None:
    """Return what is wrong with a registered hash, or None."""
    parts = _PHC.fullmatch(password_hash)
    if parts is None:
        return "must be an Argon2id hash in PHC form, as the command hash-password prints it"
    memory, iterations, lanes = (int(part) for part in parts.groups()[:3])
    if memory > MAX_MEMORY or iterations > MAX_ITERATIONS or lanes != LANES:
        return f"must have m of at most {MAX_MEMORY}, t of at most {MAX_ITERATIONS}, and p={LANES}"
    # Lengths in base64 without padding: 8 bytes of salt (RFC 9106 §3.1), 16 bytes of hash.
    if memory < 8 or len(parts[4]) < 11 or len(parts[5]) < 22:
        return "must have m of at least 8, at least 8 bytes of salt, and at least 16 bytes of hash"
    return None


def _encoded(password: str) -> bytes:
    # Keyboards compose accents differently; NFC makes them equal (RFC 8265 §4.2.2). Half a
    # surrogate pair is not an error, only a wrong password.
    if len(password) <= MAX_BYTES:
        password = unicodedata.normalize("NFC", password)
    return password.encode(errors="surrogatepass")


@cache
def _workers() -> _Workers:
    # Not an asyncio.Semaphore, which belongs to one event loop.
    return _Workers(ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords"))
