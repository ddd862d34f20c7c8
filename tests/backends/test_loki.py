"""Log records written to a real Loki, by its push API and over OTLP, and read back by its query API."""

import time

import grpc
import programs
import pytest
import records

pytestmark = pytest.mark.backend("loki")

NAME = "Loki 3.7.8"
DAY = 86_400 * 10**9
PLAIN = {"default_labels_enabled": {"exporter": False, "job": False, "level": False}}
RESOURCE = {
    "service.name": "cart",
    "service.namespace": "shop",
    "k8s.namespace.name": "prod",
    "k8s.pod.name": "cart-7f",
    "service.instance.id": "i-1",
    "hub.received_at": "hub-3",
    "cluster.id": "edge-1",
}


def pushing(folder, loki, tenant, **settings):
    return programs.Tidegate(folder, "loki", {"endpoint": loki.endpoint, "tenant": tenant, **settings})


def over_otlp(folder, loki, tenant):
    return programs.Tidegate(folder, "otlp_http", {"endpoint": f"{loki.endpoint}/otlp", "headers": {"X-Scope-OrgID": tenant}})


def test_streams_have_the_labels_that_were_chosen_and_entries_the_rest(tmp_path, loki, row):
    now = time.time_ns()
    sent = [
        records.record("a line", {"http.route": "/cart", "user": {"id": 7, "roles": ["a", "b"]}}, time_unix_nano=now,
                       observed_time_unix_nano=now + 5, severity_number=9, severity_text="Information",
                       trace_id=bytes(range(16)), span_id=bytes(range(8)), flags=1),
        records.record("another", time_unix_nano=now - 1, severity_number=17),
    ]
    with pushing(tmp_path, loki, "chosen", labels={"resource": ["service.name", "k8s.namespace.name", "cluster.id"]}).run() as tidegate:
        records.send(tidegate.grpc, records.of(RESOURCE, sent, scope={"name": "lib", "version": "2"}))
    held = loki.wait_for_entries("chosen", 2)
    labels = {"cluster_id": "edge-1", "exporter": "OTLP", "job": "shop/cart", "k8s_namespace_name": "prod", "service_name": "cart"}
    common = {"k8s_pod_name": "cart-7f", "scope_name": "lib", "scope_version": "2", "service_instance_id": "i-1", "service_namespace": "shop"}
    own = {
        "detected_level": "info", "flags": "1", "http_route": "/cart", "observed_timestamp": str(now + 5), "severity_number": "9",
        "severity_text": "Information", "span_id": bytes(range(8)).hex(), "trace_id": bytes(range(16)).hex(), "user_id": "7",
        "user_roles": '["a","b"]',
    }
    assert held == [
        (now - 1, "another", tuple(sorted({**labels, "level": "ERROR"}.items())),
         tuple(sorted({**common, "detected_level": "error", "severity_number": "17"}.items()))),
        (now, "a line", tuple(sorted({**labels, "level": "INFO"}.items())), tuple(sorted({**common, **own}.items()))),
    ]
    # By a label, and by a pair of structured metadata.
    assert [line for _, line, _, _ in loki.entries("chosen", '{job="shop/cart"} | trace_id="000102030405060708090a0b0c0d0e0f"')] == ["a line"]
    row(NAME, "loki", "2 records: labels chosen, the rest structured metadata", "2 records, 7 resource attributes", f"2 entries in 2 streams of {len(labels) + 1} labels; attributes equal, `hub.received_at` left out")


def test_a_pipeline_of_many_pods_makes_no_stream_for_each(tmp_path, loki, row):
    pods = [{**RESOURCE, "k8s.pod.name": f"cart-{i}", "service.instance.id": f"i-{i}", "hub.received_at": f"hub-{i % 3}"} for i in range(60)]
    with pushing(tmp_path, loki, "pods").run() as tidegate:
        for pod in pods:
            records.send(tidegate.grpc, records.of(pod, [records.record(pod["k8s.pod.name"])]))
    held = loki.wait_for_entries("pods", len(pods))
    assert {line for _, line, _, _ in held} == {dict(metadata)["k8s_pod_name"] for *_, metadata in held}
    streams = {labels for _, _, labels, _ in held}
    assert len(streams) == 1
    row(NAME, "loki", "60 batches of 60 pods through 3 hubs", f"{len(pods)} records", f"{len(held)} entries in {len(streams)} stream")


BODIES = {
    "a text, as it is: \"x\" \\ \n\ttwo lines, Grüße 世界": "a text, as it is: \"x\" \\ \n\ttwo lines, Grüße 世界",
    42: "42",
    -0.5: "-0.5",
    True: "true",
    b"\x00\xff": "AP8=",
}


def test_bodies_that_are_no_text_are_json(tmp_path, loki, row):
    bodies = [*BODIES.items(), (["x", 1, [False]], '["x",1,[false]]'), ({"user": {"id": 7, "tags": ["a"]}}, '{"user":{"id":7,"tags":["a"]}}')]
    now = time.time_ns()
    with pushing(tmp_path, loki, "bodies").run() as tidegate:
        records.send(tidegate.grpc, records.of({}, [records.record(body, time_unix_nano=now + i) for i, (body, _) in enumerate(bodies)]))
    held = loki.wait_for_entries("bodies", len(bodies))
    assert [line for _, line, _, _ in held] == [line for _, line in bodies]
    row(NAME, "loki", "bodies of every type", f"{len(bodies)} records", f"{len(held)} lines: text equal, others JSON")


def test_records_go_to_their_tenants(tmp_path, loki, row):
    def hinted(body, team):
        return records.record(body, {"loki.tenant": "team", "team": team})

    mixed = [hinted("of blue", "blue"), records.record("of the usual one"), hinted("of red", "red"), hinted("of blue, too", "blue")]
    with pushing(tmp_path, loki, "usual").run() as tidegate:
        records.send(tidegate.grpc, records.of(RESOURCE, mixed))
    held = {tenant: sorted(line for _, line, _, _ in loki.wait_for_entries(tenant, count)) for tenant, count in (("usual", 1), ("blue", 2), ("red", 1))}
    assert held == {"usual": ["of the usual one"], "blue": ["of blue", "of blue, too"], "red": ["of red"]}
    row(NAME, "loki", "one batch for three tenants (`tenant`, and the hint `loki.tenant`)", "1, 2 and 1 records", "1, 2 and 1 entries, each with its tenant")


def test_a_sender_hears_that_loki_wants_a_tenant(tmp_path, loki, row):
    tidegate = programs.Tidegate(tmp_path, "loki", {"endpoint": loki.endpoint})
    with tidegate.run(), pytest.raises(grpc.RpcError) as error:
        records.send(tidegate.grpc, records.of(RESOURCE, [records.record("nobody's")]))
    assert error.value.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    assert "401" in error.value.details()
    row(NAME, "loki", "no tenant where Loki wants one", "1 record", "nothing; the sender is told for good")


def test_a_large_batch_arrives_whole_in_pieces(tmp_path, loki, row):
    count, start = 40_000, time.time_ns()
    bodies = [f"{i:06d} " + "x" * 200 for i in range(count)]
    # Every other one late, so that entries have to be put in order.
    times = [start + (i ^ 1) * 1000 for i in range(count)]
    batch = [records.record(body, time_unix_nano=when, severity_number=9) for body, when in zip(bodies, times)]
    with pushing(tmp_path, loki, "large").run() as tidegate:
        records.send(tidegate.grpc, records.of(RESOURCE, batch))
        sent = tidegate.counted("otelcol_exporter_sent_log_records")
    held = loki.wait_for_entries("large", count)
    assert [(when, line) for when, line, _, _ in held] == sorted(zip(times, bodies))
    assert sent == {"": count}
    row(NAME, "loki", f"one batch of {count} records, about 10 MB, not in order", f"{count} records", f"{len(held)} entries, equal")


def old_and_new(now):
    old = [records.record(f"old {i}", time_unix_nano=now - 30 * DAY - i * 10**9) for i in range(3)]
    new = [records.record(f"new {i}", time_unix_nano=now + i) for i in range(5)]
    return [new[0], old[0], new[1], new[2], old[1], old[2], new[3], new[4]]


def test_entries_that_are_too_old_are_rejected_and_counted_while_the_rest_is_in(tmp_path, loki, row):
    with pushing(tmp_path, loki, "old").run() as tidegate:
        records.send(tidegate.grpc, records.of(RESOURCE, old_and_new(time.time_ns())))
        sent = tidegate.counted("otelcol_exporter_sent_log_records")
        rejected = tidegate.counted("tidegate_exporter_rejected_log_records")
        failed = tidegate.counted("otelcol_exporter_send_failed_log_records")
    held = loki.wait_for_entries("old", 5)
    assert [line for _, line, _, _ in held] == [f"new {i}" for i in range(5)]
    assert (sent, rejected, failed) == ({"": 5}, {"greater_than_max_sample_age": 3}, {"": 3})
    assert tidegate.log().count("took only a part") == 1
    row(NAME, "loki", "3 records that are too old among 8", "8 records", "5 entries; 3 counted as `greater_than_max_sample_age`, never sent again")


def test_the_rest_is_in_over_otlp_too(tmp_path, loki, row):
    tidegate = over_otlp(tmp_path, loki, "old-otlp")
    with tidegate.run(), pytest.raises(grpc.RpcError) as error:
        records.send(tidegate.grpc, records.of(RESOURCE, old_and_new(time.time_ns())))
    assert "too old" in error.value.details() or "400" in error.value.details()
    held = loki.wait_for_entries("old-otlp", 5)
    assert [line for _, line, _, _ in held] == [f"new {i}" for i in range(5)]
    row(NAME, "otlp_http", "3 records that are too old among 8", "8 records", "5 entries; Loki's answer fails the request as a whole, for good")


def test_more_unlike_faults_than_fit_into_a_line_are_counted_each(tmp_path, loki, row):
    now, count = time.time_ns(), 2000
    old = [records.record("old", time_unix_nano=now - 30 * DAY - i * 10**9) for i in range(count)]
    with pushing(tmp_path, loki, "very-old").run() as tidegate:
        records.send(tidegate.grpc, records.of(RESOURCE, [*old, records.record("new", time_unix_nano=now)]))
        rejected = tidegate.counted("tidegate_exporter_rejected_log_records")
    assert [line for _, line, _, _ in loki.wait_for_entries("very-old", 1)] == ["new"]
    assert rejected == {"greater_than_max_sample_age": count}
    row(NAME, "loki", f"{count} records that are too old, each by another second, and one more", f"{count + 1} records", f"1 entry; {count} counted")


def test_a_stream_that_loki_refuses_is_counted_by_its_entries(tmp_path, loki, row):
    few, many = {"service.name": "few"}, {**RESOURCE, "service.name": "many"}
    with pushing(tmp_path, loki, "strict", **PLAIN).run() as tidegate:
        records.send(
            tidegate.grpc,
            records.of(few, [records.record(f"few {i}") for i in range(2)]),
            records.of(many, [records.record(f"many {i}") for i in range(4)]),
        )
        sent = tidegate.counted("otelcol_exporter_sent_log_records")
        rejected = tidegate.counted("tidegate_exporter_rejected_log_records")
    assert [line for _, line, _, _ in loki.wait_for_entries("strict", 2)] == ["few 0", "few 1"]
    assert (sent, rejected) == ({"": 2}, {"max_label_names_per_series": 4})
    row(NAME, "loki", "a stream with more labels than the tenant may have", "2 and 4 records", "2 entries; 4 counted as `max_label_names_per_series`")


def test_what_loki_puts_off_arrives_later_and_once(tmp_path, loki, row):
    retry = {"initial_interval": "200ms", "max_interval": "1s"}
    with pushing(tmp_path, loki, "slow", retry_on_failure=retry).run() as tidegate:
        for batch in range(3):
            records.send(tidegate.grpc, records.of(RESOURCE, [records.record(f"{batch} {i} " + "y" * 8000) for i in range(100)]))
        assert "rate_limited" in tidegate.log()
        assert tidegate.counted("otelcol_exporter_sent_log_records") == {"": 300}
    assert len(loki.wait_for_entries("slow", 300)) == 300
    row(NAME, "loki", "more than the tenant's rate (429)", "300 records", "300 entries, each once, after `Retry-After` or a pause")


def test_both_ways_hold_the_same(tmp_path, loki, row):
    now = time.time_ns()
    attributes = {
        "http.method": "GET", "a..b--c": "run", "_lead": "x", "9digit": 1, "größe": "ü", "truth": True, "ratio": 0.1, "large": 2**62 + 1,
        "huge": 1e300, "tiny": 1.5e-9, "list": ["a", 2, {"k": None}], "map": {"x": {"y": "deep", "z": 3}}, "bytes": b"\x01\x02", "nothing": "",
    }
    attributes["list"] = ["a", 2, ["b"]]
    batch = [
        records.record("a line", attributes, time_unix_nano=now, observed_time_unix_nano=now + 1, severity_number=13, severity_text="WARN", flags=1,
                       dropped_attributes_count=2, trace_id=bytes(range(16)), span_id=bytes(range(8))),
        records.record({"k": [1, "v"]}, time_unix_nano=now + 1, severity_number=22),
        records.record("seen only", time_unix_nano=0, observed_time_unix_nano=now + 2),
    ]
    scope = {"name": "lib", "version": "1", "attributes": records.pairs({"scope.key": "s"}), "dropped_attributes_count": 1}
    # Those that Loki indexes by itself.
    labels = {"resource": ["service.name", "service.namespace", "service.instance.id", "k8s.namespace.name", "k8s.pod.name"]}
    for tenant, tidegate in (
        ("by-push", pushing(tmp_path, loki, "by-push", labels=labels, exclude_resource_attributes=[], **PLAIN)),
        ("by-otlp", over_otlp(tmp_path, loki, "by-otlp")),
    ):
        with tidegate.run():
            records.send(tidegate.grpc, records.of(RESOURCE, batch, scope))
        assert len(loki.wait_for_entries(tenant, 3)) == 3
    pushed, otlp = loki.entries("by-push"), loki.entries("by-otlp")
    assert pushed == otlp
    pairs = sum(len(metadata) for *_, metadata in pushed)
    row(NAME, "loki and otlp_http", "the same batch both ways", f"{len(batch)} records each", f"equal: {len(pushed)} entries, labels, {pairs} pairs of metadata")


def test_without_structured_metadata_the_line_tells_all(tmp_path, loki, row):
    with pushing(tmp_path, loki, "lines", structured_metadata=False).run() as tidegate:
        records.send(tidegate.grpc, records.of(RESOURCE, [records.record("b", {"http.route": "/x"}, severity_text="INFO")]))
    [(_, line, _, _)] = loki.wait_for_entries("lines", 1)
    parsed = loki.entries("lines", '{service_name="cart"} | json | attributes_http_route="/x" | resources_cluster_id="edge-1"')
    assert len(parsed) == 1, line
    row(NAME, "loki", "`structured_metadata: false`: the form of the Collector's former exporter", "1 record", "1 line of JSON, found by LogQL's `json` parser")
