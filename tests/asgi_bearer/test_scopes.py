"""The grammar of scope names."""

import pytest

from asgi_bearer.scopes import is_scope_name


@pytest.mark.parametrize("name", ["a", "!", "#", "[", "]", "~", "read:contacts", "https://x/y?z"])
def test_a_scope_name_is_printable_ascii_without_quote_and_backslash(name: str) -> None:
    """Row 21."""
    assert is_scope_name(name)


@pytest.mark.parametrize("name", ["", " ", "a b", '"', "\\", "\n", "\x00", "\x7f", "é", "\u00a0"])
def test_nothing_else_is_a_scope_name(name: str) -> None:
    """Row 21."""
    assert not is_scope_name(name)
