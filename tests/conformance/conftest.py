"""What has to be set: the binary, and the modules that are looked at."""

import os
import sys
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


def pytest_sessionstart(session):
    if "TIDEGATE" not in os.environ:
        pytest.exit("TIDEGATE has to name the binary", returncode=2)
