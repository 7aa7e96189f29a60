"""The modules for frameworks, where the framework is not installed."""

import importlib
import sys

import pytest


@pytest.mark.parametrize(
    ("framework", "sentence"),
    [
        ("litestar", "asgi_bearer.litestar needs Litestar: pip install litestar"),
        ("quart", "asgi_bearer.quart needs Quart: pip install quart"),
        ("blacksheep", "asgi_bearer.blacksheep needs BlackSheep: pip install blacksheep"),
    ],
)
def test_the_module_says_what_is_missing(
    framework: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"asgi_bearer.{framework}"
    for name in [name for name in sys.modules if f"{name}.".startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, framework, None)

    with pytest.raises(ImportError) as caught:
        importlib.import_module(module)

    assert str(caught.value) == sentence
