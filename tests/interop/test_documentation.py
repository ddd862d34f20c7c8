"""What docs/security.md says of certificates is true when somebody follows it word for word."""

import walk
from ports import free_port

PORTS = ("4317", "4443", "4318", "8888", "8889")


def test_a_hub_and_two_edges_are_set_up_as_the_page_says(tmp_path):
    with walk.Walk(tmp_path, instead={port: str(free_port()) for port in PORTS}) as walker:
        walker.follow("security.md", "A hub and two edges, step by step")
