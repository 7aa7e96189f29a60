"""Skips a test if a program that it needs is not installed."""

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test; on CI, where every program must be installed, fail it.

    Arguments:
        reason: which program is missing; it is shown in the summary.
    """
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
