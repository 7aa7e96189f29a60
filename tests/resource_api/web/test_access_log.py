"""How the access log shows the path of a request."""

import logging
from typing import Any

import pytest

from resource_api.web.access_log import AccessLog
from tests.support.asgi import converse, http_scope

TOKEN = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9." + "s3cr3t" * 20


async def logged_path(path: str, caplog: pytest.LogCaptureFixture) -> str:
    """Return what the access log shows of `path`."""

    async def application(*_: Any) -> None:
        """Send nothing."""

    with caplog.at_level(logging.INFO, logger="resource_api.access"):
        await converse(AccessLog(application), http_scope(path=path))
    _, method, logged, *_ = caplog.messages[-1].split()
    assert method == "GET"
    return logged


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        pytest.param("/contacts", "/contacts", id="short"),
        pytest.param("/" + "a" * 64 + "/b", "/" + "a" * 64 + "/b", id="longest-segment"),
        pytest.param("/" + "a" * 65 + "/b", "/aaaaaaaa.../b", id="segment-too-long"),
        pytest.param("/" + "é" * 65, "/" + "%C3%A9" * 8 + "...", id="cut-between-characters"),
        pytest.param("/a" * 128, "/a" * 128, id="longest-path"),
        pytest.param("/a" * 129, "/a" * 128 + "...", id="path-too-long"),
        pytest.param("/a\n/b", "/a%0A/b", id="line-break"),
    ],
)
async def test_the_log_shortens_long_paths_and_escapes_line_breaks(
    caplog: pytest.LogCaptureFixture, path: str, logged: str
) -> None:
    assert await logged_path(path, caplog) == logged


async def test_an_access_log_with_a_name_writes_its_lines_under_that_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def silent(*_: Any) -> None:
        """Answer nothing."""

    with caplog.at_level(logging.INFO, logger="web_application.access"):
        await converse(AccessLog(silent, "web_application"), http_scope(path="/"))

    assert [record.name for record in caplog.records] == ["web_application.access"]


@pytest.mark.parametrize("path", [f"/contacts/{TOKEN}", f"/{TOKEN}/contacts", f"/{TOKEN}\n"])
async def test_a_token_in_the_path_is_not_logged(
    caplog: pytest.LogCaptureFixture, path: str
) -> None:
    logged = await logged_path(path, caplog)

    assert TOKEN[:9] not in logged
    assert "s3cr3t" not in logged
