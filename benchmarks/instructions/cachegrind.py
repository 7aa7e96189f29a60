"""Runs the subjects under Valgrind's tool cachegrind and reads the counts."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from benchmarks import ROOT
from benchmarks.instructions.names import TOKENS, TURNS

_COUNT: Final = re.compile(r"I\s+refs:\s+([\d,]+)")
_TIMEOUT: Final = 600.0


def count_instructions() -> Mapping[str, float]:
    """Return the instructions of one call of each subject.

    Raises:
        RuntimeError: Valgrind is not installed, or a subject failed.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise RuntimeError("valgrind was not found; it is a package of most Linux distributions")
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [
                *(
                    valgrind,
                    "--tool=cachegrind",
                    "--cache-sim=no",
                    "--cachegrind-out-file=/dev/null",
                ),
                f"--log-file={folder}/%p",
                *(sys.executable, "-m", "benchmarks.instructions.process"),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        if ran.returncode:
            raise RuntimeError(f"the subjects failed:\n{ran.stderr[-2000:]}")
        counts: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for line in ran.stdout.splitlines():
            name, turns, process = json.loads(line)
            counts[name][turns] = _count(Path(folder, str(process)))
    fewer, more = TURNS
    calls = (more - fewer) * TOKENS
    return {name: (by_turns[more] - by_turns[fewer]) / calls for name, by_turns in counts.items()}


def _count(log: Path) -> int:
    found = _COUNT.search(log.read_text(encoding="utf-8"))
    if found is None:
        raise RuntimeError("Valgrind wrote no count")
    return int(found[1].replace(",", ""))
