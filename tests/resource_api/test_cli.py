"""The command line."""

import importlib.util

import pytest
from click.testing import CliRunner

from resource_api.cli import main


def run(*arguments: str) -> str:
    """Return what the command prints."""
    return CliRunner().invoke(main, arguments).output


def test_the_help_lists_every_command() -> None:
    printed = run("--help")

    for command in ("migrate", "demo", "token"):
        assert f"\n  {command} " in printed


def test_the_demos_commands_are_loaded_by_name() -> None:
    assert "--scope" in run("token", "--help")


@pytest.mark.parametrize("missing", [None, ModuleNotFoundError("resource_api.demo")])
def test_without_the_demo_its_commands_do_not_exist(
    monkeypatch: pytest.MonkeyPatch, missing: ModuleNotFoundError | None
) -> None:
    def find_spec(name: str) -> None:
        if missing is not None:
            raise missing

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)

    assert "demo" not in run("--help")
    assert "No such command 'token'" in run("token")


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
