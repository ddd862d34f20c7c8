"""What came to the hub's Loki of each cluster: numbered orders, and how they look."""

import re

from deployment import LOKI

MAIL, SSN = "ada@example.com", "123-45-6789"
# What a talker says; what is between brackets is the number.
LINE = "order [{}] of {}, SSN {}"
ORDER = re.compile(r"order \[(\d+)\] (of .*)")
CLUSTER = re.compile(r'\bcluster_id="([^"]*)"')


def line(number):
    return LINE.format(number, MAIL, SSN)


def look(text):
    """What may be read in a line of what nobody should."""
    return frozenset(name for name, secret in (("mail", MAIL), ("SSN", SSN)) if secret in text)


class Arrivals:
    """Of each cluster the orders by their numbers, and how often each came."""

    def __init__(self, backends):
        self._backends = backends
        self._read = 0
        self._texts, self._times = {}, {}

    def read(self):
        """Looks at what has come since."""
        bodies = self._backends.bodies(LOKI, self._read)
        self._read += len(bodies)
        for body in bodies:
            for labels, text in lines(body):
                self._take(labels, text)
        return self

    def _take(self, labels, text):
        cluster, order = CLUSTER.search(labels), ORDER.match(text)
        if not order:
            return
        cluster, number = cluster.group(1) if cluster else "", int(order.group(1))
        self._texts.setdefault(cluster, {})[number] = order.group(2)
        times = self._times.setdefault(cluster, {})
        times[number] = times.get(number, 0) + 1

    def clusters(self):
        return set(self._texts)

    def of(self, cluster):
        """The texts of a cluster, by number."""
        return self._texts.get(cluster, {})

    def latest(self, cluster):
        """The highest number that came, and its text."""
        return max(self.of(cluster).items(), default=None)

    def twice(self, cluster):
        return sum(times - 1 for times in self._times.get(cluster, {}).values())


def lines(body):
    """The lines of a push to Loki, each with the labels of its stream."""
    for _, stream in fields(body, {1}):
        parts = list(fields(stream, {1, 2}))
        labels = b"".join(content for number, content in parts if number == 1).decode()
        for number, entry in parts:
            if number == 2:
                yield labels, b"".join(content for _, content in fields(entry, {2})).decode(errors="replace")


def fields(message, numbers):
    """The fields of a protobuf message that have a length and one of these numbers."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        match key & 7:
            case 0:
                _, at = varint(message, at)
            case 1:
                at += 8
            case 2:
                length, at = varint(message, at)
                if key >> 3 in numbers:
                    yield key >> 3, message[at:at + length]
                at += length
            case 5:
                at += 4
            case kind:
                raise ValueError(f"protobuf has no fields of type {kind}")


def varint(message, at):
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
