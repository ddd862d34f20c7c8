"""The module's own counters, which the host exports among the collector's."""

from .wit import host_counters

# What was counted where there is no host, for a test to look at.
counts = {}


def add(name, value):
    """Adds to the counter of this name: letters, digits and underscores. A call to the host, so add up first."""
    if host_counters is None:
        counts[name] = counts.get(name, 0) + value
    else:
        host_counters.add(name, value)
