"""Real backends for the tests, and the table of what was sent and what they hold.

A backend is named by a variable of the environment, which `cargo xtask test` sets where it is built; the tests of one that is not
there are skipped, and say so."""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import loki_backend  # noqa: E402

BACKENDS = {
    "loki": "LOKI",
    "prometheus": "PROMETHEUS",
    "prometheus_v1": "PROMETHEUS_V1",
    "kafka": "KAFKA",
    "otelcol": "OTELCOL",
}


def pytest_sessionstart(session):
    if "TIDEGATE" not in os.environ:
        pytest.exit("TIDEGATE has to name the binary", returncode=2)


def pytest_configure(config):
    config.addinivalue_line("markers", "backend(name): needs this backend, and is skipped where it is not built")


def pytest_runtest_setup(item):
    for marker in item.iter_markers("backend"):
        for name in marker.args:
            if BACKENDS[name] not in os.environ:
                pytest.skip(f"{name} is not built; `cargo xtask test --backends` builds it")


@pytest.fixture(scope="session")
def loki(tmp_path_factory):
    """One Loki for all tests; each has a tenant of its own there."""
    with loki_backend.running(os.environ["LOKI"], tmp_path_factory.mktemp("loki")) as backend:
        yield backend


@pytest.fixture
def row(request):
    """Notes a row of the table: what was sent, by which exporter, and what the backend held."""
    rows = []

    def note(backend, exporter, what, sent, held):
        rows.append((backend, exporter, what, str(sent), str(held)))

    yield note
    report = getattr(request.node, "passed", False)
    if report and (path := os.environ.get("BACKENDS_TABLE")):
        with open(path, "a", encoding="utf-8") as table:
            table.writelines("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n" for cells in rows)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.passed = report.passed
