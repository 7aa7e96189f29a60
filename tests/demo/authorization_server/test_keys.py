"""Signing keys: rotation keeps tokens valid, and only the owner can read the key file."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from demo.authorization_server.keys.key_file import (
    FILE,
    MAX_BYTES,
    KeyFile,
    KeyFileError,
    KeyFileMissing,
    load,
    load_or_create,
)
from demo.authorization_server.keys.signing_keys import (
    MAX_PUBLISHED,
    RetiredKey,
    SigningKey,
    SigningKeys,
    TooManyKeys,
    thumbprint,
)
from tests.support.authorization_server.example_registrations import signing_key, signing_keys

NOW = 1_700_000_000
CLIENTS = ("web-application", "command-line")

Document = dict[str, Any]


@pytest.fixture(scope="session")
def other_key() -> SigningKey:
    return SigningKey.generated()


@pytest.fixture
def one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new key file gets the key of the test run, because generating keys is slow."""
    key = signing_key()
    monkeypatch.setattr(SigningKey, "generated", lambda: key)


@pytest.fixture
def key_file(tmp_path: Path, one_key: None) -> KeyFile:
    return load_or_create(tmp_path, CLIENTS)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def kids(keys: SigningKeys, now: float) -> list[str]:
    return [key.kid for key in keys.published(now)]


# One key


def test_the_thumbprint_of_the_rfc_example_key_is_right() -> None:
    # RFC 7638 §3.1.
    jwk: dict[str, object] = {
        "kty": "RSA",
        "n": (
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSo"
            "c_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YG"
            "jQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt"
            "-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDK"
            "gw"
        ),
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    }

    assert thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_published_key_has_its_public_part_only() -> None:
    jwk = signing_key().public_jwk()

    assert set(jwk) == {"kty", "kid", "use", "alg", "n", "e"}
    assert jwk["kid"] == thumbprint(jwk)
    assert (jwk["use"], jwk["alg"]) == ("sig", "RS256")


def test_a_retired_key_cannot_be_made_from_a_private_key() -> None:
    with pytest.raises(ValueError, match="has a private part"):
        RetiredKey.from_public_jwk(signing_key().private_jwk(), NOW)


# Rotation


async def test_after_a_rotation_the_new_key_comes_first_and_the_old_one_is_still_published() -> (
    None
):
    keys = signing_keys()
    old = keys.current

    new = await keys.rotate(now=NOW, keep_seconds=60)

    assert keys.current is new
    assert kids(keys, NOW) == [new.kid, old.kid]
    assert keys.published(NOW)[1].public_jwk() == old.public_jwk()


async def test_after_a_rotation_the_private_part_of_the_old_key_is_deleted() -> None:
    keys = signing_keys()

    await keys.rotate(now=NOW, keep_seconds=60)

    assert not any(hasattr(key, "private_key") for key in keys.published(NOW)[1:])


async def test_an_old_key_stays_published_until_its_tokens_have_expired(
    other_key: SigningKey,
) -> None:
    keys = SigningKeys(signing_key(), generated=lambda: other_key)

    await keys.rotate(now=NOW + 0.5, keep_seconds=60)

    assert kids(keys, NOW + 60.5) == [other_key.kid, signing_key().kid]
    assert kids(keys, NOW + 61) == [other_key.kid]


async def test_the_number_of_published_keys_is_limited(
    other_key: SigningKey,
) -> None:
    keys = SigningKeys(signing_key(), generated=lambda: other_key)
    for _ in range(MAX_PUBLISHED - 1):
        await keys.rotate(now=NOW, keep_seconds=60)

    with pytest.raises(TooManyKeys):
        await keys.rotate(now=NOW + 59, keep_seconds=60)

    assert len(keys.published(NOW)) == MAX_PUBLISHED


async def test_when_old_keys_have_expired_the_keys_can_be_rotated_again(
    other_key: SigningKey,
) -> None:
    keys = SigningKeys(signing_key(), generated=lambda: other_key)
    for _ in range(MAX_PUBLISHED - 1):
        await keys.rotate(now=NOW, keep_seconds=60)

    await keys.rotate(now=NOW + 60, keep_seconds=60)

    assert len(keys.published(NOW + 60)) == 2


async def test_two_rotations_at_once_lose_no_key() -> None:
    keys = signing_keys()

    one, other = await asyncio.gather(
        keys.rotate(now=NOW, keep_seconds=60), keys.rotate(now=NOW, keep_seconds=60)
    )

    assert set(kids(keys, NOW)) == {signing_key().kid, one.kid, other.kid}


async def test_a_key_that_cannot_be_saved_does_not_sign(other_key: SigningKey) -> None:
    def fail_to_save(_current: SigningKey, _retired: tuple[RetiredKey, ...]) -> None:
        raise KeyFileError("no space left")

    keys = SigningKeys(signing_key(), save=fail_to_save, generated=lambda: other_key)

    with pytest.raises(KeyFileError):
        await keys.rotate(now=NOW, keep_seconds=60)

    assert kids(keys, NOW) == [signing_key().kid]


# The file


def test_a_second_start_finds_the_key_and_the_secrets_of_the_first(tmp_path: Path) -> None:
    first = load_or_create(tmp_path, CLIENTS)

    second = load_or_create(tmp_path, CLIENTS)

    assert second.keys.current.public_jwk() == first.keys.current.public_jwk()
    assert second.client_secrets == first.client_secrets


async def test_a_start_after_a_rotation_finds_both_keys_and_the_secrets(
    tmp_path: Path, key_file: KeyFile
) -> None:
    new = await key_file.keys.rotate(now=NOW, keep_seconds=60)

    found = load(tmp_path)

    assert kids(found.keys, NOW) == [new.kid, signing_key().kid]
    assert kids(found.keys, NOW + 60) == [new.kid]
    assert found.keys.published(NOW)[1].public_jwk() == signing_key().public_jwk()
    assert found.client_secrets == key_file.client_secrets


async def test_after_a_rotation_the_old_private_key_is_nowhere_in_the_file(
    tmp_path: Path, key_file: KeyFile
) -> None:
    private = str(signing_key().private_jwk()["d"])
    before = text(tmp_path)

    await key_file.keys.rotate(now=NOW, keep_seconds=60)

    assert private in before
    assert private not in text(tmp_path)


def test_each_client_gets_its_own_long_secret(key_file: KeyFile) -> None:
    assert set(key_file.client_secrets) == set(CLIENTS)
    assert len(set(key_file.client_secrets.values())) == len(CLIENTS)
    assert all(len(secret) >= 43 for secret in key_file.client_secrets.values())


def test_a_client_that_is_registered_later_gets_a_secret_and_the_others_keep_theirs(
    tmp_path: Path, key_file: KeyFile
) -> None:
    load_or_create(tmp_path, [*CLIENTS, "new"])

    found = load(tmp_path).client_secrets

    assert set(found) == {*CLIENTS, "new"}
    assert all(found[client] == secret for client, secret in key_file.client_secrets.items())


@pytest.mark.usefixtures("key_file")
def test_the_secret_of_a_client_that_needs_none_is_deleted(tmp_path: Path) -> None:
    load_or_create(tmp_path, CLIENTS[:1])

    assert set(load(tmp_path).client_secrets) == {CLIENTS[0]}


def test_two_data_folders_share_nothing(tmp_path: Path) -> None:
    one, other = (
        load_or_create(tmp_path / "one", CLIENTS),
        load_or_create(tmp_path / "other", CLIENTS),
    )

    assert one.keys.current.kid != other.keys.current.kid
    assert set(one.client_secrets.values()).isdisjoint(other.client_secrets.values())


@pytest.mark.usefixtures("one_key")
def test_only_its_owner_can_read_the_file_and_its_folders(tmp_path: Path) -> None:
    load_or_create(tmp_path / "data", CLIENTS)

    assert mode(tmp_path / "data" / FILE) == 0o600
    assert mode((tmp_path / "data" / FILE).parent) == 0o700
    assert mode(tmp_path / "data") == 0o700


@pytest.mark.usefixtures("one_key")
def test_only_the_owner_can_read_the_new_parent_folders(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        load_or_create(tmp_path / "var" / "lib" / "data", CLIENTS)
    finally:
        os.umask(before)

    made = [path for path in tmp_path.rglob("*") if path.is_dir()]
    assert {mode(path) for path in made} == {0o700}
    assert len(made) == 4
    assert mode(tmp_path / "var" / "lib" / "data" / FILE) == 0o600


@pytest.mark.usefixtures("one_key")
def test_an_existing_data_folder_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)

    load_or_create(tmp_path / "data", CLIENTS)

    assert mode(tmp_path / "data") == 0o755


@pytest.mark.usefixtures("key_file")
def test_no_temporary_file_is_left_beside_the_key_file(tmp_path: Path) -> None:
    assert [path.name for path in (tmp_path / FILE).parent.iterdir()] == [FILE.name]


@pytest.mark.usefixtures("key_file")
def test_a_start_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    before = os.stat(tmp_path / FILE)

    load_or_create(tmp_path, CLIENTS)

    after = os.stat(tmp_path / FILE)
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_reading_a_missing_key_file_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyFileMissing):
        load(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("key_file")
@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660], ids=oct)
def test_a_key_file_that_other_users_can_read_is_refused(tmp_path: Path, bits: int) -> None:
    (tmp_path / FILE).chmod(bits)

    with pytest.raises(KeyFileError, match="Other users of this machine can read") as refusal:
        load_or_create(tmp_path, CLIENTS)

    assert str(tmp_path / FILE) in str(refusal.value)


def text(data: Path) -> str:
    return (data / FILE).read_text()


def set_member(document: Document, name: str, content: object) -> None:
    document[name] = content


def ec_key() -> dict[str, object]:
    return dict(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True))


def small_key() -> dict[str, object]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    return dict(RSAAlgorithm.to_jwk(key, as_dict=True))


def public_part(document: Document) -> None:
    for name in ("d", "p", "q", "dp", "dq", "qi"):
        del document["signing_key"][name]


def retired(**entry: object) -> Callable[[Document], object]:
    whole = {"until": NOW, "key": signing_key().public_jwk()}
    return lambda document: set_member(document, "retired_keys", [{**whole, **entry}])


DAMAGE: dict[str, Callable[[Document], object]] = {
    "no key": lambda d: d.pop("signing_key"),
    "empty key": lambda d: set_member(d, "signing_key", {}),
    "another kind of key": lambda d: set_member(d, "signing_key", ec_key()),
    "small key": lambda d: set_member(d, "signing_key", small_key()),
    "public key": public_part,
    "not base64url": lambda d: d["signing_key"].update(n="!"),
    "number for text": lambda d: d["signing_key"].update(d=7),
    "no secrets": lambda d: d.pop("client_secrets"),
    "empty secret": lambda d: d["client_secrets"].update({CLIENTS[0]: ""}),
    "null for a secret": lambda d: d["client_secrets"].update({CLIENTS[0]: None}),
    "no retired keys": lambda d: d.pop("retired_keys"),
    "retired keys as an object": lambda d: set_member(d, "retired_keys", {}),
    "text for a retired key": lambda d: set_member(d, "retired_keys", ["kid"]),
    "retired key without an end": retired(until=None),
    "retired key until true": retired(until=True),
    "retired key without a key": retired(key=None),
    "small retired key": retired(key=small_key()),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_content_is_reported_with_the_file_name_and_without_secrets(
    tmp_path: Path, key_file: KeyFile, damage: Callable[[Document], object]
) -> None:
    path = tmp_path / FILE
    document: Document = json.loads(path.read_text())
    private = str(document["signing_key"]["d"])
    damage(document)
    path.write_text(json.dumps(document))

    with pytest.raises(KeyFileError, match="is damaged") as refusal:
        load_or_create(tmp_path, CLIENTS)

    assert str(path) in str(refusal.value)
    assert not any(secret in str(refusal.value) for secret in key_file.client_secrets.values())
    assert private not in str(refusal.value)
    assert path.read_text() == json.dumps(document), "the damaged file is left for its owner"


@pytest.mark.usefixtures("key_file")
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"[" * 20_000, id="deep"),
        pytest.param(b" " * (MAX_BYTES + 1), id="too long"),
    ],
)
def test_a_file_that_is_not_a_key_file_is_reported(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(KeyFileError, match="is damaged"):
        load_or_create(tmp_path, CLIENTS)


def test_a_folder_in_place_of_the_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir(parents=True)

    with pytest.raises(KeyFileError, match="cannot be read: Is a directory"):
        load_or_create(tmp_path, CLIENTS)


def test_a_file_in_place_of_the_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / FILE.parent).write_text("a file where the folder goes")

    with pytest.raises(KeyFileError, match="cannot be read: Not a directory"):
        load_or_create(tmp_path, CLIENTS)


@pytest.mark.usefixtures("one_key")
def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / FILE.parent).symlink_to(tmp_path / "nowhere")

    with pytest.raises(KeyFileError, match="cannot be written: File exists"):
        load_or_create(tmp_path, CLIENTS)


def test_no_repr_shows_a_secret(key_file: KeyFile) -> None:
    shown = repr(key_file) + repr(key_file.keys.current)

    assert not any(secret in shown for secret in key_file.client_secrets.values())
    assert "private" not in shown.lower()
