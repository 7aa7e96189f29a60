"""Importing a module whose framework is missing says so in one sentence."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import asgi_bearer

PACKAGE = Path(asgi_bearer.__file__).parent / "django"

MISSING = [
    ("__init__.py", "django", "asgi_bearer.django needs Django: pip install django"),
    (
        "rest_framework.py",
        "rest_framework",
        "asgi_bearer.django.rest_framework needs Django REST framework:"
        " pip install djangorestframework",
    ),
    ("ninja.py", "ninja", "asgi_bearer.django.ninja needs django-ninja: pip install django-ninja"),
    (
        "channels.py",
        "channels",
        "asgi_bearer.django.channels needs Channels: pip install channels",
    ),
]


@pytest.mark.parametrize(("module", "framework", "sentence"), MISSING)
def test_a_missing_framework_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, module: str, framework: str, sentence: str
) -> None:
    monkeypatch.setitem(sys.modules, framework, None)

    with pytest.raises(ImportError) as raised:
        # Coverage looks at the name to decide whether it traces a file.
        runpy.run_path(str(PACKAGE / module), run_name=sentence.partition(" ")[0])

    assert str(raised.value) == sentence


def test_importing_asgi_bearer_does_not_import_django() -> None:
    program = "import asgi_bearer, sys; print('django' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == "False"
