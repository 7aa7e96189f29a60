"""The grammar of scope names."""

import pytest

from asgi_bearer.scopes import is_scope_name, missing_scopes_reason


@pytest.mark.conforms("realm, scope and description stay within their character sets")
@pytest.mark.parametrize("name", ["a", "!", "#", "[", "]", "~", "read:contacts", "https://x/y?z"])
def test_a_scope_name_is_printable_ascii_without_quote_and_backslash(name: str) -> None:
    assert is_scope_name(name)


@pytest.mark.conforms("realm, scope and description stay within their character sets")
@pytest.mark.parametrize("name", ["", " ", "a b", '"', "\\", "\n", "\x00", "\x7f", "é", "\u00a0"])
def test_nothing_else_is_a_scope_name(name: str) -> None:
    assert not is_scope_name(name)


@pytest.mark.parametrize(
    ("needed", "granted", "any_of", "said"),
    [
        (("b", "a"), {"d", "c"}, False, "needs b a, the token has c d"),
        (("a",), set[str](), False, "needs a, the token has none"),
        (("b", "a"), {"c"}, True, "needs one of b a, the token has c"),
        (("a",), {"b\nrefused"}, False, "needs a, the token has 'b\\nrefused'"),
        (("a",), {"é" * 99}, False, f"needs a, the token has {ascii('é' * 99)[:64]}..."),
    ],
)
def test_the_operator_is_told_which_scopes_are_missing_scopes_reason(
    needed: tuple[str, ...], granted: set[str], any_of: bool, said: str
) -> None:
    """Escaped: a verifier of somebody else's may take anything for a scope."""
    assert missing_scopes_reason(needed, granted, any_of=any_of) == said


def test_of_hundreds_of_scopes_a_few_are_told() -> None:
    said = missing_scopes_reason(["a"], {f"scope:{number:04}" for number in range(999)})

    assert said.startswith("needs a, the token has scope:0000 scope:0001 ")
    assert said.endswith("...")
    assert len(said) < 300
