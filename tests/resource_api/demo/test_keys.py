"""The key file: a restart breaks no token, nobody else reads it, and damage is told plainly."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from resource_api.demo.key_file import FILE, MAX_BYTES, KeyFileError, KeyFileMissing, kept, loaded
from resource_api.demo.keys import thumbprint

Document = dict[str, dict[str, object]]


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_thumbprint_is_that_of_the_rfc_example() -> None:
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


def test_a_second_start_finds_the_key_and_the_client_of_the_first(tmp_path: Path) -> None:
    first = kept(tmp_path)

    second = kept(tmp_path)

    assert second.key.public_jwk() == first.key.public_jwk()
    assert second.client == first.client


def test_two_data_folders_share_nothing(tmp_path: Path) -> None:
    one, other = kept(tmp_path / "one"), kept(tmp_path / "other")

    assert one.key.kid != other.key.kid
    assert one.client.client_secret != other.client.client_secret


def test_only_its_owner_can_read_the_file_and_its_folders(tmp_path: Path) -> None:
    kept(tmp_path / "data")

    assert mode(tmp_path / "data" / FILE) == 0o600
    assert mode((tmp_path / "data" / FILE).parent) == 0o700
    assert mode(tmp_path / "data") == 0o700


def test_a_data_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)

    kept(tmp_path / "data")

    assert mode(tmp_path / "data") == 0o755


def test_nothing_unfinished_is_left_beside_the_file(tmp_path: Path) -> None:
    kept(tmp_path)

    assert [path.name for path in (tmp_path / FILE).parent.iterdir()] == [FILE.name]


def test_reading_where_no_demo_was_started_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyFileMissing):
        loaded(tmp_path)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o660], ids=oct)
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, bits: int) -> None:
    kept(tmp_path)
    (tmp_path / FILE).chmod(bits)

    with pytest.raises(KeyFileError, match="open to other users") as refusal:
        kept(tmp_path)

    assert str(tmp_path / FILE) in str(refusal.value)


def put(document: Document, name: str, content: dict[str, object]) -> None:
    document[name] = content


def ec_key() -> dict[str, object]:
    return dict(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True))


def small_key() -> dict[str, object]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    return dict(RSAAlgorithm.to_jwk(key, as_dict=True))


def public_part(document: Document) -> None:
    for name in ("d", "p", "q", "dp", "dq", "qi"):
        del document["signing_key"][name]


DAMAGE: dict[str, Callable[[Document], object]] = {
    "no key": lambda d: d.pop("signing_key"),
    "no client": lambda d: d.pop("client"),
    "empty key": lambda d: put(d, "signing_key", {}),
    "another kind of key": lambda d: put(d, "signing_key", ec_key()),
    "small key": lambda d: put(d, "signing_key", small_key()),
    "public key": public_part,
    "not base64url": lambda d: d["signing_key"].update(n="!"),
    "number for text": lambda d: d["signing_key"].update(d=7),
    "no secret": lambda d: d["client"].pop("client_secret"),
    "empty secret": lambda d: d["client"].update(client_secret=""),
    "null for an id": lambda d: d["client"].update(client_id=None),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_content_is_told_with_the_file_and_without_its_secrets(
    tmp_path: Path, damage: Callable[[Document], object]
) -> None:
    secret = kept(tmp_path).client.client_secret
    path = tmp_path / FILE
    document: Document = json.loads(path.read_text())
    private = str(document["signing_key"]["d"])
    damage(document)
    path.write_text(json.dumps(document))

    with pytest.raises(KeyFileError, match="is damaged") as refusal:
        kept(tmp_path)

    assert str(path) in str(refusal.value)
    assert secret not in str(refusal.value)
    assert private not in str(refusal.value)
    assert path.read_text() == json.dumps(document), "the damaged file is left for its owner"


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
def test_a_file_that_is_no_key_file_is_told(tmp_path: Path, content: bytes) -> None:
    kept(tmp_path)
    (tmp_path / FILE).write_bytes(content)

    with pytest.raises(KeyFileError, match="is damaged"):
        kept(tmp_path)


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir(parents=True)

    with pytest.raises(KeyFileError, match="cannot be read: Is a directory"):
        kept(tmp_path)


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "issuer").write_text("a file where the folder goes")

    with pytest.raises(KeyFileError, match="cannot be read: Not a directory"):
        kept(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "issuer").symlink_to(tmp_path / "nowhere")

    with pytest.raises(KeyFileError, match="cannot be written: File exists"):
        kept(tmp_path)


def test_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    content = kept(tmp_path)

    assert content.client.client_secret not in repr(content)
    assert "private" not in repr(content).lower()
