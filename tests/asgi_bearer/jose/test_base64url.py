"""base64url decoding, compared with a slow reference decoder for every short text."""

import itertools
import string
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asgi_bearer.jose.encoding import base64url_decode, base64url_decode_bytes

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
"""RFC 4648 §5, table 2; the index of a character is its value."""

FOREIGN = "=+/., \n\r\t\v\f\0!%~\x7f\x80\xe9\u0100\u212a\u2028\uff21\U0001f600\ud800"
"""Padding, the standard alphabet, white space, and letters that case folding maps to ASCII."""

CHARACTERS = [chr(code) for code in range(0x180)] + sorted(
    set(FOREIGN) - set(map(chr, range(0x180)))
)


def ours(text: str) -> bytes | None:
    """Return the decoded text, or None if it is refused."""
    try:
        return base64url_decode(text)
    except ValueError:
        return None


def reference(text: str) -> bytes | None:
    """Decode bit by bit, six bits a character; return None if the text is refused."""
    if not set(text) <= set(ALPHABET):
        return None
    bits = "".join(f"{ALPHABET.index(character):06b}" for character in text)
    whole = len(bits) // 8 * 8
    # Six leftover bits are a surplus character; two or four leftover bits must be zero.
    if len(bits) - whole == 6 or "1" in bits[whole:]:
        return None
    return bytes(int(bits[start : start + 8], 2) for start in range(0, whole, 8))


def encoded(data: bytes) -> str:
    """Return the one text that encodes `data`: its bits, six to a character."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 6)
    return "".join(ALPHABET[int(bits[start : start + 6], 2)] for start in range(0, len(bits), 6))


def disagreements(texts: Iterator[str]) -> list[str]:
    return [text for text in texts if ours(text) != reference(text)]


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
def test_every_text_of_up_to_two_characters_is_decoded_like_the_reference() -> None:
    pairs = map("".join, itertools.product(CHARACTERS, repeat=2))

    assert disagreements(iter(["", *CHARACTERS])) == []
    assert disagreements(pairs) == []


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
def test_a_text_of_three_characters_is_accepted_only_if_it_encodes_two_bytes() -> None:
    encodings = {
        encoded(bytes(data)): bytes(data) for data in itertools.product(range(256), repeat=2)
    }
    letters = ALPHABET + FOREIGN[:8]

    texts = map("".join, itertools.product(letters, repeat=3))

    assert [text for text in texts if ours(text) != encodings.get(text)] == []


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
def test_every_text_of_three_to_seven_chosen_characters_is_decoded_like_the_reference() -> None:
    # No bit set, one bit set, all bits set, padding, and a character that lenient decoders skip.
    few = "AE_=!"

    for length in range(3, 8):
        assert disagreements(map("".join, itertools.product(few, repeat=length))) == []


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
@pytest.mark.parametrize("length", range(1, 13))
def test_a_foreign_character_is_refused_at_every_position(length: int) -> None:
    """Inserted, or in place of another character, for every length of the last group."""
    text = encoded(bytes(range(200, 200 + length)))
    places = [(start, end) for start in range(len(text) + 1) for end in (start, start + 1)]

    changed = (
        text[:start] + character + text[end:] for start, end in places for character in CHARACTERS
    )

    assert ours(text) == bytes(range(200, 200 + length))
    assert disagreements(changed) == []


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
@pytest.mark.parametrize("length", range(1, 13))
def test_padding_of_any_length_is_refused(length: int) -> None:
    text = encoded(bytes(length))

    assert [ours(text + "=" * count) for count in range(1, 9)] == [None] * 8


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
@pytest.mark.parametrize("length", range(1, 13))
def test_a_last_character_with_unused_bits_set_is_refused(length: int) -> None:
    text = encoded(b"\xff" * length)

    accepted = [letter for letter in ALPHABET if ours(text[:-1] + letter) is not None]

    assert disagreements(text[:-1] + letter for letter in ALPHABET) == []
    assert len(accepted) == {0: 64, 2: 4, 3: 16}[len(text) % 4]


@given(st.binary(max_size=600))
@settings(max_examples=100, deadline=None)
def test_encoded_bytes_are_decoded_to_the_same_bytes(data: bytes) -> None:
    assert ours(encoded(data)) == data


@given(st.text(ALPHABET, max_size=40) | st.text(ALPHABET + FOREIGN, max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_text_is_decoded_like_the_reference(text: str) -> None:
    assert ours(text) == reference(text)


def ours_of_bytes(encoded: bytes) -> bytes | None:
    """Return the decoded bytes, or None if they are refused; fail if there is a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return base64url_decode_bytes(encoded)
        except ValueError:
            return None


LONG = encoded(bytes(range(256)) * 2)
"""Long enough for each of the wide instructions by which compiled decoders read many characters."""


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
@pytest.mark.parametrize("length", [180, 182, 183])
def test_every_foreign_byte_is_refused_at_every_position_of_a_long_segment(length: int) -> None:
    """Bytes beyond ASCII as well, and without a warning."""
    text = LONG[:length].encode()[:-1] + b"A"
    foreign = sorted(set(range(256)) - set(ALPHABET.encode()))
    assert ours_of_bytes(text) == urlsafe_b64decode(text + b"==")

    for at in range(length):
        for byte in foreign:
            one = bytes([byte])
            assert ours_of_bytes(text[:at] + one + text[at + 1 :]) is None, (at, one)
            if at % 8 == 0:
                assert ours_of_bytes(text[:at] + one + text[at:]) is None, (at, one)


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
@pytest.mark.parametrize(
    "damage",
    [
        b"=",
        b"==",
        b"===",
        b"====",
        b"=A==",
        b"AA==",
        b"AAA=",
        b"A===",
        b"\n",
        b"\r\n",
        b" ",
        b"    ",
        b"\0",
    ],
)
@pytest.mark.parametrize("count", [0, 1, 15, 16, 24, 31, 32, 33, 48, 64, 96, 128, 129])
def test_padding_or_white_space_before_within_or_after_a_segment_is_refused(
    damage: bytes, count: int
) -> None:
    """Whatever the lengths on its two sides are."""
    for length in range(8):
        text = LONG[: 4 * count].encode() + damage + LONG[:length].encode()
        assert ours_of_bytes(text) is None, length


@pytest.mark.conforms("base64url is canonical: no padding, no whitespace, no stray bits")
@pytest.mark.parametrize("length", [62, 63, 130, 131, 258, 259])
def test_the_last_character_of_a_long_segment_has_no_stray_bits(length: int) -> None:
    text = LONG[: length - 1]

    accepted = [letter for letter in ALPHABET if ours(text + letter) is not None]

    assert accepted == list(ALPHABET[:: {2: 16, 3: 4}[length % 4]])
