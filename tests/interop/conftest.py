"""Where the modules of these tests are found, and what has to be set."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]


def pytest_sessionstart(session):
    if "TIDEGATE" not in os.environ:
        pytest.exit("TIDEGATE has to name the binary", returncode=2)
