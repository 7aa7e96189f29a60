"""The Python of the pages about Django runs, each page in a process of its own: Django is
configured once in a process, and a page has its own settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.page_runs import write_files
from tests.support.demo_process import CHECKOUT

PAGES = ["django", "django-rest-framework", "django-ninja", "channels"]

RUN = """
import sys
from pathlib import Path
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

for block in Sybil([PythonCodeBlockParser()]).parse(Path(sys.argv[1])):
    block.evaluate()
"""


@pytest.mark.parametrize("page", PAGES)
def test_the_python_blocks_of_a_page_run_and_its_test_passes(page: str, tmp_path: Path) -> None:
    document = CHECKOUT / "docs" / "frameworks" / f"{page}.md"
    write_files(document.read_text(encoding="utf-8"), tmp_path)
    paths = os.pathsep.join((str(CHECKOUT / "middleware"), str(tmp_path)))
    environment = {**os.environ, "PYTHONPATH": paths}
    environment.pop("DJANGO_SETTINGS_MODULE", None)

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", *command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    run("-c", RUN, str(document))

    assert "Ran 1 test in" in run("-m", "django", "test", "--settings=settings")
