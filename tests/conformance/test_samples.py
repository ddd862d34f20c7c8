"""The sample `mask-emails` in each language: the same of the same, and the same refusals."""

import json
import os
import re

import conformance
import pytest

LANGUAGES = ("rust", "python", "javascript", "go", "c")
CONFIGS = [json.loads(text) for text in sorted({json.dumps(case["config"], sort_keys=True) for case in conformance.CASES.values()})]


def module(language):
    path = os.environ.get(f"MODULE_{language.upper()}")
    if path is None:
        pytest.skip(f"MODULE_{language.upper()} names no module")
    return path


@pytest.fixture(scope="module", params=LANGUAGES)
def host(request, tmp_path_factory):
    """One collector a language, with the limits that there are by default."""
    host = conformance.Host(module(request.param), tmp_path_factory.mktemp(request.param), CONFIGS)
    with host.run(os.environ["TIDEGATE"]):
        yield host


@pytest.mark.parametrize("name", conformance.CASES)
def test_the_same_comes_of_the_same(host, name):
    case = conformance.CASES[name]
    delivered = host.send(case["signal"], case["config"], case["in"])
    assert (json.loads(delivered) if delivered else None) == case["out"], case["what"]


def test_many_rows_are_one_batch_within_the_default_limits(host):
    records = [
        {"body": {"stringValue": f"number {n} from user{n}@example.com" if n % 2 else "none"}, "severityNumber": n % 24}
        for n in range(1000)
    ]
    request = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    delivered = json.loads(host.send("logs", {}, request))
    (scope,) = delivered["resourceLogs"][0]["scopeLogs"]
    assert [record["body"]["stringValue"] for record in scope["logRecords"]] == [
        f"number {n} from [email]" if n % 2 else "none" for n in range(1000)
    ]
    marks = [record.get("attributes") for record in scope["logRecords"]]
    assert marks == [[{"key": "masked", "value": {"intValue": "1"}}] if n % 2 else None for n in range(1000)]
    assert "failed" not in host.log()


def test_the_same_request_gives_the_same_bytes_again_and_in_another_process(host, tmp_path):
    case = conformance.CASES["nested"]
    first = [host.send(case["signal"], case["config"], case["in"]) for _ in range(3)]
    other = conformance.Host(host.module, tmp_path, CONFIGS)
    with other.run(os.environ["TIDEGATE"]):
        first.append(other.send(case["signal"], case["config"], case["in"]))
    assert len(set(first)) == 1


def test_what_was_masked_is_counted_and_what_was_dropped_is_told(host):
    def counted():
        metric = rf'tidegate_module_counter_total\{{[^}}]*name="masked"[^}}]*\}} (\d+)'
        return sum(int(number) for number in re.findall(metric, host.page("/metrics")))

    before = counted()
    for name in ("overlapping", "dropped"):
        case = conformance.CASES[name]
        host.send(case["signal"], case["config"], case["in"])
    # Nine in texts of the one; a text and an owner that stay, and an owner that goes with all that it owns, in the other.
    assert counted() - before == 12
    assert "dropped 5 items" in host.log()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_configuration_that_is_wrong_is_refused_by_its_key(tmp_path, language):
    path = module(language)
    wrong = conformance.Host(path, tmp_path, [error["config"] for error in conformance.ERRORS])
    said = conformance.refusals(os.environ["TIDEGATE"], wrong)
    for error in conformance.ERRORS:
        name = wrong.names[json.dumps(error["config"], sort_keys=True)]
        lines = [line for line in said.splitlines() if f"wasm/{name} " in line]
        assert lines, f"{error['what']} It was taken.\n{said}"
        for word in error["says"]:
            assert all(word in line for line in lines), f"{error['what']}\n{lines}"
