"""The program that runs under Valgrind: each subject in two forks, with one and with three turns.

Valgrind counts the instructions of each process from its start. A fork inherits the count, so the
difference between the two forks of a subject is two turns of it and nothing else.
"""

import asyncio
import gc
import os

from benchmarks.child_process import line_writer
from benchmarks.instructions.names import TURNS
from benchmarks.instructions.subjects import Run, subjects

_WARM_UP = 2
"""Turns before the counted ones: the interpreter specialises code that runs often, and each subject
its own, whatever ran before."""


def main() -> None:
    """Write a line for each fork: the subject, the turns and the process id."""
    write = line_writer()
    loop = asyncio.new_event_loop()
    runs = subjects(loop)
    for name, run in runs.items():
        for turns in TURNS:
            write([name, turns, _in_fork(run, turns)])


def _in_fork(run: Run, turns: int) -> int:
    """Run in a fork and return its process id."""
    process = os.fork()
    if not process:
        status = 1
        try:
            run(_WARM_UP)
            gc.collect()
            # Otherwise a collection in the middle would visit all objects.
            gc.freeze()
            run(turns)
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(process, 0)[1]:
        raise RuntimeError("a subject failed")
    return process


if __name__ == "__main__":
    main()
