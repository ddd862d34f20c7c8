"""What docs/security.md says of certificates is true when somebody follows it word for word."""

import shutil

import pytest
import walk
from ports import free_port

missing = [program for program in ("bash", "curl", "openssl", "timeout") if shutil.which(program) is None]
pytestmark = pytest.mark.skipif(missing != [], reason=f"there is no {', '.join(missing)} here")

PORTS = ("4317", "4443", "4318", "8888", "8889")


def test_a_hub_and_two_edges_are_set_up_as_the_page_says(tmp_path):
    with walk.Walk(tmp_path, instead={port: str(free_port()) for port in PORTS}) as walker:
        walker.follow("security.md", "A hub and two edges, step by step")
