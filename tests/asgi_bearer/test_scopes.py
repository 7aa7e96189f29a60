"""The grammar of scope names, and the message about missing scopes."""

import pytest

from asgi_bearer.scopes import is_scope_name, missing_scopes_reason


@pytest.mark.conforms("realm, scope and description stay within their character sets")
@pytest.mark.parametrize("name", ["a", "!", "#", "[", "]", "~", "read:contacts", "https://x/y?z"])
def test_a_scope_name_is_printable_ascii_without_quote_and_backslash(name: str) -> None:
    assert is_scope_name(name)


@pytest.mark.conforms("realm, scope and description stay within their character sets")
@pytest.mark.parametrize("name", ["", " ", "a b", '"', "\\", "\n", "\x00", "\x7f", "é", "\u00a0"])
def test_any_other_text_is_not_a_scope_name(name: str) -> None:
    assert not is_scope_name(name)


@pytest.mark.parametrize(
    ("needed", "granted", "any_of", "message"),
    [
        (("b", "a"), {"d", "c"}, False, "needs b a, the token has c d"),
        (("a",), set[str](), False, "needs a, the token has none"),
        (("b", "a"), {"c"}, True, "needs one of b a, the token has c"),
        (("a",), {"b\nrefused"}, False, "needs a, the token has 'b\\nrefused'"),
        (("a",), {"é" * 99}, False, f"needs a, the token has {ascii('é' * 99)[:64]}..."),
    ],
)
def test_the_message_for_the_operator_names_needed_and_granted_scopes(
    needed: tuple[str, ...], granted: set[str], any_of: bool, message: str
) -> None:
    """Granted scopes are escaped: an application's own verifier may return any text."""
    assert missing_scopes_reason(needed, granted, any_of=any_of) == message


def test_the_message_names_only_some_of_hundreds_of_scopes() -> None:
    message = missing_scopes_reason(["a"], {f"scope:{number:04}" for number in range(999)})

    assert message.startswith("needs a, the token has scope:0000 scope:0001 ")
    assert message.endswith("...")
    assert len(message) < 300
