"""Runs something at a chosen instruction of a call, as another thread might."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType, ModuleType
from typing import Any


def call_interrupted(
    call: Callable[[], object],
    *,
    by: Callable[[], object],
    at: int,
    module: ModuleType,
    would_block: Callable[[], bool] = bool,
) -> int:
    """Make `call`, and `by` before its instruction number `at`; return its number of instructions.

    Arguments:
        module: the module whose instructions are counted.
        would_block: says whether `by` would wait for a lock at that point.
    """
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if frame.f_code.co_filename != module.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += 1
            if count - 1 == at and not would_block():
                sys.settrace(None)
                by()
                sys.settrace(trace)
        return trace

    def run() -> None:
        sys.settrace(trace)
        try:
            call()
        finally:
            sys.settrace(None)

    # In its own thread: coverage measurement uses the trace function of this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(run).result()
    return count
