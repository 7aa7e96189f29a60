"""ARCHITECTURE.md names every file: one that is not named there has no place yet."""

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
SOURCES = [CHECKOUT / "middleware" / "asgi_bearer", CHECKOUT / "resource_api"]
MODULES = sorted(
    path.relative_to(CHECKOUT)
    for source in SOURCES
    for path in source.rglob("*.py")
    if not path.name.startswith("_") and "migrations" not in path.parts
)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_has_its_place_in_the_architecture(module: Path) -> None:
    text = (CHECKOUT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    name = f"{module.parent.name}/{module.stem}" if module.parent.name == "keys" else module.stem

    assert f"`{name}`" in text
