"""What the access log tells of a request's path."""

import logging
from typing import Any

import pytest

from resource_api.web.access_log import AccessLog
from tests.support.asgi import converse, http_scope

TOKEN = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9." + "s3cr3t" * 20


async def logged_path(path: str, caplog: pytest.LogCaptureFixture) -> str:
    """Return the path that the line about a request for `path` shows."""

    async def silent(*_: Any) -> None:
        """Answer nothing."""

    with caplog.at_level(logging.INFO, logger="resource_api.access"):
        await converse(AccessLog(silent), http_scope(path=path))
    _, method, shown, *_ = caplog.messages[-1].split()
    assert method == "GET"
    return shown


@pytest.mark.parametrize(
    ("path", "shown"),
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
async def test_a_path_is_shown_as_far_as_a_reader_needs_it(
    caplog: pytest.LogCaptureFixture, path: str, shown: str
) -> None:
    assert await logged_path(path, caplog) == shown


@pytest.mark.parametrize("path", [f"/contacts/{TOKEN}", f"/{TOKEN}/contacts", f"/{TOKEN}\n"])
async def test_a_token_in_the_path_is_not_logged(
    caplog: pytest.LogCaptureFixture, path: str
) -> None:
    shown = await logged_path(path, caplog)

    assert TOKEN[:9] not in shown
    assert "s3cr3t" not in shown
