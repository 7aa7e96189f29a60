"""What a test does where a program that it needs is not there."""

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test; fail it where the environment has `CI`, since nothing may be missing there.

    Arguments:
        reason: what is not there, for the person who reads the summary.
    """
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
