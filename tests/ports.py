"""Ports for programs that are told where to listen."""

import random
import socket

# Below those that the kernel gives to clients, of which one might have it by the time that the program listens.
FIRST, LAST = 15000, 32000

given = set()


def free_port():
    """A port that nobody listens at, and that was not given to anybody before: of two in one configuration none is the other."""
    while True:
        port = random.SystemRandom().randrange(FIRST, LAST)
        if port in given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        given.add(port)
        return port
