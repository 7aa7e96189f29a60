"""Two decoders for JSON: the one for verified payloads agrees with the strict one for all bytes."""

import json
import sys
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asgi_bearer.jose.encoding import is_array, is_object, json_object, verified_json_object

Decoder = Callable[[bytes], dict[str, object]]


def outcome(decode: Decoder, encoded: bytes) -> tuple[str, object]:
    """Return what a decoder makes of `encoded`: the value with all types, or the error."""
    try:
        return "value", with_types(decode(encoded))
    except ValueError as err:
        return "error", str(err)


def with_types(value: object) -> object:
    """Return something that differs if a type, the order of names or the sign of zero does."""
    if is_object(value):
        assert type(value) is dict
        return "object", [(with_types(name), with_types(member)) for name, member in value.items()]
    if is_array(value):
        assert type(value) is list
        return "array", [with_types(member) for member in value]
    return type(value), repr(value)


def assert_agreement(encoded: bytes) -> None:
    """Fail if the two decoders differ."""
    assert outcome(verified_json_object, encoded) == outcome(json_object, encoded)


DIGITS = sys.get_int_max_str_digits()
NUMBERS = [
    *("0", "-0", "-0.0", "0.0", "0e0", "-0e0", "0E+0", "1.0", "1.00", "1e0", "1E2", "1e+2"),
    *("1e-7", "0.0000001", "1e15", "1e16", "1e17", "1e21", "1e22", "1e23", "123456789.123"),
    *("0.1", "0.10", "0.30000000000000004", "5e-324", "4.9e-324", "2.4703282292062327e-324"),
    *("1.7976931348623157e308", "1.7976931348623159e308", "1e308", "1e309", "-1e309", "1e-400"),
    *("1e999999999", "1e-999999999", "9007199254740993", "9007199254740993.0"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    *("-9223372036854775809", "18446744073709551615", "18446744073709551616", "1" * 40),
    *("9" * 308, "9" * 309, "9" * 400, "9" * DIGITS, "9" * (DIGITS + 1), f"-{'9' * DIGITS}"),
    *("01", "-01", "+1", ".5", "5.", "1.e1", "1e", "1e+", "--1", "- 1", "0x10", "1_000", "\u0661"),
    *("NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf", "1e400", "True", "None"),
]
STRINGS = [
    *('""', '"a"', '"\\n"', '"\\/"', '"/"', '"\\u0041"', '"\\u00e9"', '"\\u00E9"', '"é"', '"😀"'),
    *('"\\ud83d\\ude00"', '"\\ud800"', '"\\udc00"', '"\\ud800\\ud800"', '"\\ude00\\ud83d"'),
    *('"\\ud800a"', '"\\ud800\\n"', '"\\\\ud800"', '"\\u0000"', '"\\u001f"', '"\\u001F"'),
    *('"\x00"', '"\x1f"', '"\n"', '"\t"', '"\x7f"', '"\\u007f"', '"\u2028"', '"\ufeff"'),
    *('"\\b\\f\\r\\t\\"\\\\"', '"\\x41"', '"\\a"', '"\\u12"', '"\\u 123"', '"\\', '"', "'a'"),
    *('"\\uD83D\\uDE00"', '"a\\u0000b"', '"\u0085"', '"\xa0"', '"\uffff"', '"\U0010ffff"'),
]
MEMBERS = [
    # As long as {"a":1000000.0}, which the compiled decoder makes of it.
    '"a":1,"a":1e6',
    *('"a":1,"a":1', '"a":1,"a":2', '"a":1,"\\u0061":1', '"":1,"":2', '"é":1,"\\u00e9":1'),
    *('"x":{"a":1,"a":1}', '"x":[{"a":1,"a":1}]', '"x":{"y":{"z":{"a":1,"a":2}}}', '"a":1,'),
    *('"x":[[{"a":1,"a":2}]]', ',"a":1', '"a"', '"a":', '"a" 1', '"a":1 "b":2', "a:1", "1:1"),
    *('"\\ud800":1', '"a":1,"b":{"a":1}', '"a":[1,]', '"a":[,1]', '"a":[1 2]', '"a":[]'),
    *('"__proto__":{}', '"type":"x"', '"a":null,"b":true,"c":false', '"a":nul', '"a":TRUE'),
    *(f'"a{depth}":{"[" * depth}{"]" * depth}' for depth in (1, 2, 3, 4, 5, 15, 16, 17)),
    *(f'"a":{"[" * depth}{"]" * depth}' for depth in (500, 5_000, 60_000)),
    *(f'"a":{"[" * depth}' for depth in (15, 16, 60_000)),
    *('"x":' * depth for depth in (1, 2)),
    *('"x":' + '{"x":' * depth + "1" + "}" * depth for depth in (1, 2, 3, 4, 5, 15, 16, 5_000)),
    *('"x":' + '[{"x":' * depth + "1" + "}]" * depth for depth in (1, 2, 3, 4, 8, 1_000)),
]
AROUND = [
    b"",
    *(b" ", b"\n", b"\t\r\n ", b"\x0b", b"\x0c", b"\xc2\xa0", b"\x00", b"\xff", b"x", b","),
    *(b"{}", b"}", b"\xef\xbb\xbf", b"\xff\xfe", b"//", b"/**/", b"\xe2\x80\xa8", b"\x1e", b"#"),
]


@pytest.mark.conforms("header and claims are bounded JSON objects in UTF-8")
@pytest.mark.parametrize("number", NUMBERS, ids=range(len(NUMBERS)))
def test_both_decoders_read_a_number_alike(number: str) -> None:
    for text in ('{"exp":%s}', '{"exp": %s}', '{"a":[%s,%s]}', '{"a":{"b":[{"c":%s}]}}', "%s"):
        assert_agreement(text.replace("%s", number).encode())


@pytest.mark.conforms("header and claims are bounded JSON objects in UTF-8")
@pytest.mark.parametrize("string", STRINGS, ids=range(len(STRINGS)))
def test_both_decoders_read_a_string_alike(string: str) -> None:
    for text in ('{"a":%s}', "{%s:1}", '{"a":["b",%s]}', '{"a": {%s: %s}}', '{"a":[{%s:[]}]}'):
        assert_agreement(text.replace("%s", string).encode())


@pytest.mark.conforms(
    "duplicate names in header or claims are refused",
    "header and claims are bounded JSON objects in UTF-8",
)
@pytest.mark.parametrize("members", MEMBERS, ids=range(len(MEMBERS)))
def test_both_decoders_read_members_alike(members: str) -> None:
    for text in ("{%s}", '{"first":"x",%s}', "[{%s}]", '{"nested":{%s}}', "{%s"):
        assert_agreement(text.replace("%s", members).encode())


@pytest.mark.conforms("header and claims are bounded JSON objects in UTF-8")
@pytest.mark.parametrize("before", AROUND, ids=repr)
def test_both_decoders_read_what_stands_around_the_object_alike(before: bytes) -> None:
    for text in (b'{"a":1}', b"{}", b'{"a":"\xc3\xa9"}', b"", b'"{}"', b"null"):
        for after in AROUND:
            assert_agreement(before + text + after)


@pytest.mark.conforms("header and claims are bounded JSON objects in UTF-8")
@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"])
def test_both_decoders_refuse_another_encoding_alike(codec: str) -> None:
    assert_agreement('{"a":"é"}'.encode(codec))


@pytest.mark.conforms("header and claims are bounded JSON objects in UTF-8")
@pytest.mark.parametrize(
    "text", [b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xf0\x9f\x98"]
)
def test_both_decoders_refuse_text_that_is_not_utf_8_alike(text: bytes) -> None:
    for encoded in (b'{"a":"%s"}', b'{"%s":1}', b'{"a":{"%s":"b"}}', b'{"a":"bb%sb"}', b'{"a":%s}'):
        assert_agreement(encoded.replace(b"%s", text))
        assert outcome(verified_json_object, encoded.replace(b"%s", text))[0] == "error"


_space = st.sampled_from(["", "", "", "", "", "", " ", "\n", "\t\r\n"])
_number = st.one_of(
    st.sampled_from(NUMBERS[:40]),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.integers().map(str),
    st.floats().map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(msgspec.json.encode).map(bytes.decode),
)
_string = st.one_of(
    st.sampled_from(STRINGS),
    st.text(max_size=8).map(json.dumps),
    st.text(max_size=8).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.text("abc\x1f\x7f\xa0é😀\ud800", max_size=4).map(lambda text: f'"{text}"'),
)
_name = st.sampled_from(['"a"', '"b"', '"\\u0061"', '"iss"', '"exp"']) | _string
_scalar = st.one_of(_number, _string, st.sampled_from(["true", "false", "null"]))


def _array(items: list[str], space: str) -> str:
    return f"[{space}{f',{space}'.join(items)}]"


def _member(name: str, space: str, value: str) -> str:
    return f"{name}{space}:{space}{value}"


def _object(members: list[str], space: str) -> str:
    return f"{{{space}{f',{space}'.join(members)}{space}}}"


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    members = st.builds(_member, _name, _space, values)
    return st.builds(_object, st.lists(members, max_size=4), _space)


def _containers(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(_array, st.lists(values, max_size=3), _space) | _objects(values)


_texts = _objects(st.recursive(_scalar, _containers, max_leaves=12))


@pytest.mark.conforms(
    "duplicate names in header or claims are refused",
    "header and claims are bounded JSON objects in UTF-8",
)
@given(text=_texts)
@example('{"a":{"b":[{"c":{"d":1}}]}}')
@settings(max_examples=300)
def test_both_decoders_read_any_object_alike(text: str) -> None:
    assert_agreement(text.encode("utf-8", "surrogatepass"))


@pytest.mark.conforms("header and claims are bounded JSON objects in UTF-8")
@given(
    text=_texts,
    at=st.integers(0, 10_000),
    removed=st.integers(0, 2),
    inserted=st.one_of(
        st.binary(max_size=2),
        st.sampled_from([b",", b"}", b"]", b'"', b"\\", b"0", b"\xef\xbb\xbf"]),
    ),
)
@settings(max_examples=300)
def test_both_decoders_read_any_damaged_object_alike(
    text: str, at: int, removed: int, inserted: bytes
) -> None:
    encoded = text.encode("utf-8", "surrogatepass")
    at %= len(encoded) + 1

    assert_agreement(encoded[:at] + inserted + encoded[at + removed :])


_json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=10),
    ),
    lambda values: (
        st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3)
    ),
    max_leaves=12,
)


@given(claims=st.dictionaries(st.text(max_size=8), _json, max_size=5))
@settings(max_examples=200)
def test_any_compact_claims_are_decoded_to_the_values_that_were_encoded(
    claims: dict[str, object],
) -> None:
    encoded = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()

    assert with_types(verified_json_object(encoded)) == with_types(claims)
