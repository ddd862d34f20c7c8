"""Lines in the collector's own log, with the module's name and digest; the host bounds their length and rate."""

from .wit import host_log

# What was said where there is no host: (level, line), for a test to look at.
lines = []


def _write(level, message):
    if host_log is None:
        lines.append((level, message))
    else:
        host_log.write(host_log.Level[level.upper()], message)


def debug(message):
    """Writes a line for the module's author."""
    _write("debug", message)


def info(message):
    """Writes a line for the record."""
    _write("info", message)


def warn(message):
    """Writes a line about something that is off, and handled."""
    _write("warn", message)


def error(message):
    """Writes a line about something that failed."""
    _write("error", message)
