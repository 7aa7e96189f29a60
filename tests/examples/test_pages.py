"""Each page of docs/frameworks leads to a guarded and tested endpoint, from that page alone."""

import shutil
from pathlib import Path

import pytest

from tests.examples.page_runs import page_files, run_page
from tests.support.demo_process import CHECKOUT

PAGES = sorted(
    page
    for page in (CHECKOUT / "docs" / "frameworks").glob("*.md")
    if page_files(page.read_text(encoding="utf-8"))
)


def test_the_pages_of_fastapi_and_starlette_are_run() -> None:
    assert {"fastapi", "starlette"} <= {page.stem for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")

    assert run_page(page.read_text(encoding="utf-8"), tmp_path) > 3


def test_a_page_that_shows_another_output_fails(tmp_path: Path) -> None:
    page = "<!-- run: page -->\n```console\n$ echo one\ntwo\n```\n"

    with pytest.raises(AssertionError, match="line 2: echo one"):
        run_page(page, tmp_path)
