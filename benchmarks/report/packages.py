"""Which versions were measured."""

import platform
from importlib.metadata import version


def versions(*packages: str) -> str:
    """Return Python and these packages with their versions."""
    named = (f"{package} {version(package)}" for package in packages)
    return ", ".join((f"Python {platform.python_version()}", *named))
