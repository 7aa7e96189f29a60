"""Passwords: Argon2id hashes in PHC form (RFC 9106), made and compared off the event loop."""

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
"""KiB. With the two numbers below, what OWASP recommends first for Argon2id."""

ITERATIONS = 2
LANES = 1
"""Also in every registered hash: OpenSSL shares its threads in the whole process, and two hashes
of several lanes at a time fail, or wait for each other without end."""

SALT_BYTES = 16
HASH_BYTES = 32

MAX_BYTES = 1024
"""Of a password in UTF-8; a longer one is wrong before anything is computed."""

MAX_MEMORY = 256 * 1024
MAX_ITERATIONS = 10
"""What a registered hash may cost (KiB, and times): anybody can have the server pay for it."""

AT_ONCE = 2
"""Comparisons at a time; each holds a thread and its memory, and anybody may ask for one."""

MAX_ASKED = 16
"""Comparisons that are asked for and not done yet. Further ones are turned away, so that who asks
for thousands keeps nobody waiting for long."""

DUMMY_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$RkSbsPd7q/y/yN5Sl"
    "Tljng$Az5UOIdU2UywDD1cc1nsmQGkTJmSrusUDN40dJ6KU6Y"
)
"""Of a password that nobody knows: with an unknown user, the work is done all the same."""

_PHC = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]{0,3}),p=([1-9][0-9]{0,2})"
    r"\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)"
)


class TooManyComparisons(Exception):
    """So many comparisons wait already that this one is not made."""


@dataclass(slots=True)
class _Workers:
    threads: ThreadPoolExecutor
    asked: int = 0


def hashed(password: str) -> str:
    """Return a new hash of the password, with a salt of its own.

    Raises ValueError for a password that is empty or longer than `MAX_BYTES`.
    """
    encoded = _encoded(password)
    if not encoded or len(encoded) > MAX_BYTES:
        raise ValueError(f"a password has 1 to {MAX_BYTES} bytes")
    argon2 = Argon2id(
        salt=secrets.token_bytes(SALT_BYTES),
        length=HASH_BYTES,
        iterations=ITERATIONS,
        lanes=LANES,
        memory_cost=MEMORY,
    )
    return argon2.derive_phc_encoded(encoded)


def matches(password: str, password_hash: str) -> bool:
    """Whether the hash is of this password; takes long, on purpose."""
    encoded = _encoded(password)
    if len(encoded) > MAX_BYTES:
        return False
    try:
        Argon2id.verify_phc_encoded(encoded, password_hash)
    except (InvalidKey, ValueError):  # another password; a hash that is none
        return False
    return True


async def verifies(password: str, password_hash: str) -> bool:
    """Whether the hash is of this password; other tasks run on meanwhile.

    Raises TooManyComparisons while `MAX_ASKED` others are under way.
    """
    workers = _workers()
    if workers.asked >= MAX_ASKED:
        raise TooManyComparisons
    workers.asked += 1
    try:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(workers.threads, matches, password, password_hash)
    finally:
        workers.asked -= 1


def hash_fault(password_hash: str) -> str | None:
    """Return what a hash that the server is to verify has to be other than it is, or None."""
    parts = _PHC.fullmatch(password_hash)
    if parts is None:
        return "must be an Argon2id hash in PHC form, as the command hash-password prints it"
    memory, iterations, lanes = (int(part) for part in parts.groups()[:3])
    if memory > MAX_MEMORY or iterations > MAX_ITERATIONS or lanes != LANES:
        return f"must have m of {MAX_MEMORY} at most, t of {MAX_ITERATIONS} at most, p of {LANES}"
    # In base64, without padding: at least 8 bytes of salt (RFC 9106 §3.1), and 16 of hash.
    if memory < 8 or len(parts[4]) < 11 or len(parts[5]) < 22:
        return "must have m of 8 at least, 8 bytes of salt at least, and 16 of hash"
    return None


def _encoded(password: str) -> bytes:
    # Keyboards differ in how they compose an accent; RFC 8265 §4.2.2 makes them one. Half a
    # surrogate pair is a wrong password like any other.
    if len(password) <= MAX_BYTES:
        password = unicodedata.normalize("NFC", password)
    return password.encode(errors="surrogatepass")


@cache
def _workers() -> _Workers:
    # No asyncio.Semaphore: that would belong to one event loop.
    return _Workers(ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords"))
