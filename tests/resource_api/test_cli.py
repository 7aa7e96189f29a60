"""The command line of the API."""

import pytest
from click.testing import CliRunner

from resource_api.cli import main


def run(*arguments: str) -> str:
    """Return what the command prints."""
    return CliRunner().invoke(main, arguments).output


def test_the_help_lists_every_command() -> None:
    printed = run("--help")

    for command in ("migrate",):
        assert f"\n  {command} " in printed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RESOURCE_API_DATABASE_URL", "sqlite://u:pw@/x"),
        ("RESOURCE_API_DATABASE_URL", "sqlite:////tmp/x%00y"),
        ("RESOURCE_API_TOKEN_PROFIL", "jwt"),
    ],
)
def test_migrate_with_wrong_settings_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("RESOURCE_API_ISSUER", "https://issuer.example/")
    monkeypatch.setenv("RESOURCE_API_AUDIENCE", "x")
    monkeypatch.setenv("RESOURCE_API_DATABASE_URL", "sqlite:////dev/null/x")
    monkeypatch.setenv(name, value)

    ended = CliRunner().invoke(main, ["migrate"])

    assert ended.exit_code == 2
    assert name in ended.output


def test_migrate_without_a_usable_database_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESOURCE_API_ISSUER", "https://issuer.example/")
    monkeypatch.setenv("RESOURCE_API_AUDIENCE", "x")
    monkeypatch.setenv("RESOURCE_API_DATABASE_URL", "sqlite:////dev/null/x")

    ended = CliRunner().invoke(main, ["migrate"])

    assert ended.exit_code == 1
    assert "/dev/null" in ended.output
