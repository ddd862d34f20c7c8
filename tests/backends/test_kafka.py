"""The `kafka` exporter and receiver with a real Kafka: what was sent is what Kafka's own consumer reads, and what comes out
of a receiver; nothing is lost when either end is killed."""

import collections
import contextlib
import json
import os
import pathlib
import signal
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request

import kafka_backend
import pytest
from google.protobuf import json_format
from kafka_backend import PASSWORD, is_open, wait_for
from ports import free_port
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_service
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_service

pytestmark = pytest.mark.backend("kafka")

REQUESTS = {
    "logs": logs_service.ExportLogsServiceRequest,
    "traces": trace_service.ExportTraceServiceRequest,
    "metrics": metrics_service.ExportMetricsServiceRequest,
}
KAFKA = "Kafka 4.1.0"
TOPICS = {"logs": "otlp_logs", "traces": "otlp_spans", "metrics": "otlp_metrics"}


@pytest.fixture(scope="module")
def kafka(tmp_path_factory):
    jars = os.environ.get("KAFKA") or pathlib.Path.home() / ".cache/tidegate/tools/kafka-4.1.0/lib"
    with kafka_backend.running(kafka_backend.install(jars), tmp_path_factory.mktemp("kafka")) as kafka:
        yield kafka


@pytest.fixture
def topics(request, kafka):
    """A topic a signal, of this test alone, with four partitions."""
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    topics = {signal: f"{name}-{signal}" for signal in REQUESTS}
    kafka.create(*topics.values())
    return topics


def text(key, value):
    return {"key": key, "value": {"stringValue": value}}


def trace_id(number):
    return number.to_bytes(16, "big")


def sample(signal, first=0, items=12, clusters=3, size=10):
    """A request with items of several clusters, each with a number of its own and, where it has one, one of four traces."""
    request = REQUESTS[signal]()
    for cluster in range(clusters):
        resource = getattr(request, {"logs": "resource_logs", "traces": "resource_spans", "metrics": "resource_metrics"}[signal]).add()
        resource.schema_url = "https://opentelemetry.io/schemas/1.30.0"
        json_format.ParseDict({"attributes": [text("cluster.id", f"edge-{cluster}"), text("ünï", "cödé")]}, resource.resource)
        for scope_number in range(2):
            numbers = [n for n in range(first, first + items) if n % clusters == cluster and n // clusters % 2 == scope_number]
            if not numbers:
                continue
            scope = getattr(resource, {"logs": "scope_logs", "traces": "scope_spans", "metrics": "scope_metrics"}[signal]).add()
            scope.scope.name = f"scope-{scope_number}"
            for n in numbers:
                if signal == "logs":
                    record = scope.log_records.add(time_unix_nano=1_700_000_000_000_000_000 + n, severity_number=9)
                    record.body.string_value = f"record {n} " + "x" * size
                    record.trace_id, record.span_id = trace_id(n % 4 + 1), (n + 1).to_bytes(8, "big")
                elif signal == "traces":
                    span = scope.spans.add(name=f"span {n} " + "x" * size, kind=2, start_time_unix_nano=5, end_time_unix_nano=9)
                    span.trace_id, span.span_id = trace_id(n % 4 + 1), (n + 1).to_bytes(8, "big")
                    span.events.add(name="event", time_unix_nano=6)
                    # The Collector writes a status also where there is none.
                    span.status.code = 1
                elif n % 2:
                    metric = scope.metrics.add(name=f"sum.{n}", unit="By")
                    metric.sum.aggregation_temporality, metric.sum.is_monotonic = 2, True
                    metric.sum.data_points.add(as_int=n, time_unix_nano=7)
                else:
                    metric = scope.metrics.add(name=f"histogram.{n}", unit="s")
                    metric.histogram.aggregation_temporality = 1
                    metric.histogram.data_points.add(count=3, sum=1.5, bucket_counts=[1, 2], explicit_bounds=[0.5], time_unix_nano=8)
    return request


def items(signal, requests):
    """Every item with the resource and the scope around it, and how often it is there."""
    found = collections.Counter()
    for request in requests:
        for resource in getattr(request, request.DESCRIPTOR.fields[0].name):
            around = resource.resource.SerializeToString(deterministic=True) + resource.schema_url.encode()
            for scope in getattr(resource, resource.DESCRIPTOR.fields_by_number[2].name):
                within = around + scope.scope.SerializeToString(deterministic=True)
                for item in getattr(scope, scope.DESCRIPTOR.fields_by_number[2].name):
                    found[within + item.SerializeToString(deterministic=True)] += 1
    return found


def parsed(signal, values):
    return [REQUESTS[signal].FromString(value) for value in values]


def in_file(signal, path):
    """The requests in a file that the `file` exporter writes, the last of which may not be whole yet."""
    found, data, at = [], path.read_bytes() if path.exists() else b"", 0
    while at + 4 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 4 + length > len(data):
            break
        found.append(REQUESTS[signal].FromString(data[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


class Collector:
    """A collector with this configuration; `http` is the port of its `otlp` receiver, where it has one."""

    def __init__(self, folder, name, receivers, exporters, pipelines, binary=None):
        self.folder, self.name, self.binary = folder, name, binary or os.environ["TIDEGATE"]
        self.http, self.told = free_port(), free_port()
        if "otlp" in receivers:
            receivers = {**receivers, "otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.http}", **receivers["otlp"]}}}}
        metrics = {"level": "none"} if binary else {"address": f"127.0.0.1:{self.told}"}
        self.config = {
            "receivers": receivers,
            "exporters": exporters,
            "service": {"telemetry": {"metrics": metrics}, "pipelines": pipelines},
        }
        self.process = None

    @property
    def log(self):
        return self.folder / f"{self.name}.log"

    def start(self):
        path = self.folder / f"{self.name}.yaml"
        path.write_text(json.dumps(self.config, indent=1))
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [self.binary, "--config", str(path)], stdout=out, stderr=subprocess.STDOUT, cwd=self.folder
            )
        ports = ([] if self.binary != os.environ["TIDEGATE"] else [self.told]) + ([self.http] if "otlp" in self.config["receivers"] else [])
        for port in ports:
            wait_for(lambda: self._listens(port), f"{self.name} to listen")

    def _listens(self, port):
        assert self.process.poll() is None, self.log.read_text()
        return is_open(port)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.log.read_text()

    def send(self, signal, request, headers=None, patience=60):
        """Sends until it is taken, as any client of OTLP does."""
        url = f"http://127.0.0.1:{self.http}/v1/{signal}"
        headers = {"content-type": "application/x-protobuf", **(headers or {})}
        end = time.monotonic() + patience
        while True:
            try:
                with urllib.request.urlopen(urllib.request.Request(url, request.SerializeToString(), headers), timeout=30):
                    return
            except urllib.error.HTTPError as error:
                assert error.code in (429, 503) and time.monotonic() < end, error.read()
                time.sleep(0.1)

    def metric(self, name, **labels):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.told}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        values = [line for line in lines if line.split("{")[0].split(" ")[0] == name and all(w in line for w in wanted)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in values)


@contextlib.contextmanager
def running(*collectors):
    try:
        for collector in collectors:
            collector.start()
        yield collectors[0] if len(collectors) == 1 else collectors
        for collector in collectors:
            collector.stop()
    finally:
        for collector in collectors:
            if collector.process and collector.process.poll() is None:
                collector.kill()


def retry():
    return {"initial_interval": "100ms", "max_interval": "1s"}


def writer(kafka, folder, topics, signals=REQUESTS, name="writer", receiver=None, **more):
    exporter = {"brokers": [kafka.address], "retry_on_failure": retry(), **more}
    for signal in signals:
        exporter[signal] = {"topic": topics[signal], **more.get(signal, {})}
    pipelines = {signal: {"receivers": ["otlp"], "exporters": ["kafka"]} for signal in signals}
    return Collector(folder, name, {"otlp": receiver or {}}, {"kafka": exporter}, pipelines)


def reader(kafka, folder, topics, signals=REQUESTS, name="reader", **more):
    receiver = {
        "brokers": [kafka.address],
        "group_id": f"{folder.name}-{name}",
        "initial_offset": "earliest",
        "error_backoff": retry(),
        "session_timeout": "2s",
        "heartbeat_interval": "500ms",
        **more,
    }
    for signal in signals:
        receiver[signal] = {"topics": [topics[signal]], **more.get(signal, {})}
    files = {f"file/{signal}": {"path": str(folder / f"{signal}.bin"), "format": "proto", "append": True} for signal in signals}
    pipelines = {signal: {"receivers": ["kafka"], "exporters": [f"file/{signal}"]} for signal in signals}
    return Collector(folder, name, {"kafka": receiver}, files, pipelines)


@pytest.mark.parametrize("encoding", ["otlp_proto", "otlp_json"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_what_is_sent_is_what_kafkas_consumer_and_a_receiver_read(kafka, topics, tmp_path, encoding, compression, row):
    form = {signal: {"encoding": encoding} for signal in REQUESTS}
    write = writer(kafka, tmp_path, topics, producer={"compression": compression}, **form)
    with running(write, reader(kafka, tmp_path, topics, **form)):
        for signal in REQUESTS:
            sent = [sample(signal, first=100 * n) for n in range(10)]
            for request in sent:
                write.send(signal, request)
            records = kafka.records(topics[signal])
            if encoding == "otlp_proto":
                assert items(signal, parsed(signal, [record["value"] for record in records])) == items(signal, sent)
            else:
                assert all(json.loads(record["value"]) for record in records)
            path = tmp_path / f"{signal}.bin"
            wait_for(lambda: items(signal, in_file(signal, path)) == items(signal, sent), f"{signal} to come out")
    row(KAFKA, "kafka", f"each signal as `{encoding}`, compression {compression}", "10 requests of 12 items", "the same items, by Kafka's consumer and out of our receiver")


def test_each_trace_and_each_cluster_lies_in_one_partition(kafka, topics, tmp_path, row):
    write = writer(
        kafka, tmp_path, topics, partition_traces_by_id=True, partition_logs_by_trace_id=True,
        partition_by_resource_attribute="cluster.id",
    )
    with running(write):
        for signal in REQUESTS:
            sent = [sample(signal, first=100 * n) for n in range(5)]
            for request in sent:
                write.send(signal, request)
            records = kafka.records(topics[signal])
            assert items(signal, parsed(signal, [record["value"] for record in records])) == items(signal, sent)
            places = collections.defaultdict(set)
            for record in records:
                places[record["key"]].add(record["partition"])
            traces = {trace_id(n).hex().encode() for n in range(1, 5)}
            clusters = {f"edge-{n}".encode() for n in range(3)}
            assert set(places) == (clusters if signal == "metrics" else traces)
            assert all(len(partitions) == 1 for partitions in places.values()), places
    row(KAFKA, "kafka", "partitions by trace and by `cluster.id`", "5 requests a signal", "the same items; each of 4 traces and each of 3 clusters in one partition")


def test_a_reader_that_is_killed_loses_nothing(kafka, topics, tmp_path, row):
    write, read = writer(kafka, tmp_path, topics, ["logs"]), reader(kafka, tmp_path, topics, ["logs"])
    sent = [sample("logs", first=1000 * n, items=60, size=2000) for n in range(150)]
    wanted, path = items("logs", sent), tmp_path / "logs.bin"
    with running(write):
        for request in sent[:75]:
            write.send("logs", request)
        with running(read):
            for round in range(3):
                before = len(in_file("logs", path))
                wait_for(lambda: len(in_file("logs", path)) > before or before >= 75, "records to come out")
                read.kill()
                # What the kill left behind of a request that was not acknowledged goes.
                whole = sum(4 + len(request.SerializeToString()) for request in in_file("logs", path))
                os.truncate(path, whole)
                for request in sent[75 + 25 * round : 100 + 25 * round]:
                    write.send("logs", request)
                read.start()
            wait_for(lambda: not wanted - items("logs", in_file("logs", path)), "everything to come out")
            found = items("logs", in_file("logs", path))
            print(f"{sum(wanted.values())} sent, {sum((found - wanted).values())} of them twice")
            assert set(found) == set(wanted)
            end = collections.Counter(record["partition"] for record in kafka.records(topics["logs"]))
            group = read.config["receivers"]["kafka"]["group_id"]
            offsets = {(topics["logs"], partition): offset for partition, offset in end.items()}
            wait_for(lambda: kafka.committed(group) == offsets, "the last offsets to be committed")
    row(KAFKA, "kafka", "the receiver is killed three times", "150 requests, 9000 records", "each record comes out at least once; the last offsets are committed")


def test_a_broker_that_is_killed_loses_nothing_that_was_acknowledged(kafka, topics, tmp_path, row):
    write, read = writer(kafka, tmp_path, topics, ["traces"]), reader(kafka, tmp_path, topics, ["traces"])
    sent = [sample("traces", first=100 * n) for n in range(60)]
    path = tmp_path / "traces.bin"
    with running(write, read):
        taken = []

        def send():
            for request in sent:
                write.send("traces", request, patience=120)
                taken.append(request)

        sending = threading.Thread(target=send)
        sending.start()
        wait_for(lambda: len(taken) > 10, "some to be acknowledged")
        kafka.kill()
        time.sleep(2)
        kafka.start()
        sending.join(180)
        assert len(taken) == len(sent)
        records = parsed("traces", [record["value"] for record in kafka.records(topics["traces"])])
        assert set(items("traces", records)) == set(items("traces", sent))
        wait_for(lambda: not items("traces", sent) - items("traces", in_file("traces", path)), "everything to come out")
    row(KAFKA, "kafka", "the broker is killed", "60 requests", "every span, in Kafka and out of the receiver")


SECURE = {
    "PLAIN": ("SASL_PLAINTEXT", "PLAIN", False),
    "SCRAM-SHA-256": ("SASL_PLAINTEXT", "SCRAM-SHA-256", False),
    "SCRAM-SHA-512 over TLS": ("SASL_SSL", "SCRAM-SHA-512", True),
    "mutual TLS": ("SSL", None, True),
}


def secured(kafka, way, password=PASSWORD):
    listener, mechanism, encrypted = SECURE[way]
    settings = {"brokers": [kafka.at(listener)]}
    if mechanism:
        settings["auth"] = {"sasl": {"mechanism": mechanism, "username": "alice", "password": password}}
    if encrypted:
        settings["tls"] = {"ca_file": str(kafka.ca)}
    if listener == "SSL":
        settings["tls"].update(cert_file=str(kafka.folder / "client.pem"), key_file=str(kafka.folder / "client.key"))
    return settings


@pytest.mark.parametrize("way", SECURE)
def test_brokers_that_want_to_know_who_comes_are_told(kafka, topics, tmp_path, way, row):
    write = writer(kafka, tmp_path, topics, ["logs"], **secured(kafka, way))
    read = reader(kafka, tmp_path, topics, ["logs"], **secured(kafka, way))
    with running(write, read):
        sent = sample("logs")
        write.send("logs", sent)
        path = tmp_path / "logs.bin"
        wait_for(lambda: items("logs", in_file("logs", path)) == items("logs", [sent]), "the request to come out")
    row(KAFKA, "kafka", f"{way}", "1 request", "the same items")


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-512 over TLS"])
def test_a_wrong_password_is_told_with_the_way_out(kafka, topics, tmp_path, way):
    settings = secured(kafka, way, password="wrong")
    write = writer(kafka, tmp_path, topics, ["logs"], **{**settings, "timeout": "2s"})
    read = reader(kafka, tmp_path, topics, ["logs"], **settings)
    with running(write, read):
        with pytest.raises(AssertionError):
            write.config["exporters"]["kafka"]["retry_on_failure"] = {"enabled": False}
            write.send("logs", sample("logs"), patience=3)
        for collector in (write, read):
            wait_for(lambda: "check `username`, `password` and `mechanism` of `auth.sasl`" in collector.log.read_text(), "the way out")


def test_a_broker_of_a_stranger_is_not_believed(kafka, topics, tmp_path):
    settings = secured(kafka, "SCRAM-SHA-512 over TLS")
    settings["tls"] = {}
    write = writer(kafka, tmp_path, topics, ["logs"], **settings)
    with running(write):
        wait_for(lambda: "name its authority in `tls.ca_file`" in write.log.read_text(), "the way out")


def test_a_record_that_is_no_otlp_is_counted_and_passed(kafka, topics, tmp_path, row):
    sent = sample("logs")
    kafka.produce(topics["logs"], b"\xff not OTLP", sent.SerializeToString(), b"\x0a\x03", sent.SerializeToString())
    read = reader(kafka, tmp_path, topics, ["logs"])
    with running(read):
        path = tmp_path / "logs.bin"
        wait_for(lambda: len(in_file("logs", path)) == 2, "what is OTLP to come out")
        assert items("logs", in_file("logs", path)) == items("logs", [sent, sent])
        poison = "otelcol_kafka_receiver_unmarshal_failed_log_records"
        wait_for(lambda: read.metric(poison, topic=topics["logs"], partition=0) == 2, "both to be counted")
        log = read.log.read_text()
        assert "a record is left out" in log and topics["logs"] in log
        group = read.config["receivers"]["kafka"]["group_id"]
        wait_for(lambda: kafka.committed(group) == {(topics["logs"], 0): 4}, "all to be committed")
    row(KAFKA, "kafka", "2 records that are no OTLP among 4", "4 records", "2 requests come out; 2 counted; all 4 offsets committed")


def test_metadata_goes_along_as_headers_and_is_believed_where_that_is_configured(kafka, topics, tmp_path, row):
    write = writer(
        kafka, tmp_path, topics, ["logs"], receiver={"include_metadata": True}, include_metadata_keys=["X-Tenant"],
        record_headers={"from": "edge"}, signal_header=True,
    )
    kafka.create(*(f"{topics['logs']}-{end}" for end in ("trusting", "doubting")), partitions=1)
    again = []
    for end, trusted in (("trusting", ["x-tenant"]), ("doubting", [])):
        again.append(reader(kafka, tmp_path, topics, ["logs"], name=end, trust_headers=trusted))
        exporter = {"brokers": [kafka.address], "logs": {"topic": f"{topics['logs']}-{end}"}}
        again[-1].config["exporters"] = {"kafka": {**exporter, "include_metadata_keys": ["x-tenant", "kafka.topic"]}}
        again[-1].config["service"]["pipelines"] = {"logs": {"receivers": ["kafka"], "exporters": ["kafka"]}}
    with running(write, *again):
        sent = sample("logs")
        write.send("logs", sent, headers={"x-tenant": "blue"})
        (record,) = kafka.records(topics["logs"])
        assert record["headers"] == {"X-Tenant": "blue", "from": "edge", "otelcol.signal": "logs"}
        for end, headers in (("trusting", {"x-tenant": "blue"}), ("doubting", {})):
            (record,) = wait_for(lambda: kafka.records(f"{topics['logs']}-{end}"), f"{end} to write")
            assert record["headers"] == {**headers, "kafka.topic": topics["logs"]}
    row(KAFKA, "kafka", "metadata of a sender as headers", "1 request", "its headers; on again only through a receiver with `trust_headers`")


def test_headers_become_attributes_where_that_is_configured(kafka, topics, tmp_path):
    kafka.produce(topics["logs"], sample("logs").SerializeToString(), headers={"tenant": "blue", "other": "x"})
    read = reader(
        kafka, tmp_path, topics, ["logs"], header_extraction={"extract_headers": True, "headers": ["tenant", "missing"]}
    )
    with running(read):
        path = tmp_path / "logs.bin"
        (request,) = wait_for(lambda: in_file("logs", path), "the record to come out")
        for resource in request.resource_logs:
            attributes = {one.key: one.value.string_value for one in resource.resource.attributes}
            assert attributes["kafka.header.tenant"] == "blue" and "kafka.header.missing" not in attributes


def test_what_is_too_large_for_one_record_or_for_the_topic_is_sent_in_pieces(kafka, topics, tmp_path, row):
    kafka.create("small-records", settings="max.message.bytes=150000")
    ours = writer(kafka, tmp_path, topics, ["logs"], producer={"max_message_bytes": 20000})
    theirs = writer(kafka, tmp_path, {"logs": "small-records"}, ["logs"], name="theirs")
    sent = sample("logs", items=300, size=2000)
    with running(ours, theirs):
        for collector, topic, most in ((ours, topics["logs"], 20000), (theirs, "small-records", 150000)):
            collector.send("logs", sent)
            records = kafka.records(topic)
            assert len(records) > 4 and all(len(record["value"]) <= most for record in records)
            assert items("logs", parsed("logs", [record["value"] for record in records])) == items("logs", [sent])
    row(KAFKA, "kafka", "a request that is too large for one record", "300 log records, about 600 kB", "the same items in records within `max_message_bytes` and within the topic's limit")


def test_a_topic_that_a_resource_names_gets_its_data(kafka, topics, tmp_path, row):
    names = [f"edge-{n}" for n in range(3)]
    kafka.create(*names, partitions=1)
    write = writer(kafka, tmp_path, topics, ["metrics"], topic_from_attribute="cluster.id")
    with running(write):
        sent = sample("metrics")
        write.send("metrics", sent)
        found = []
        for name in names:
            (record,) = kafka.records(name)
            found += parsed("metrics", [record["value"]])
            ((resource,),) = [one.resource_metrics for one in found[-1:]]
            assert resource.resource.attributes[0].value.string_value == name
        assert items("metrics", found) == items("metrics", [sent])
    row(KAFKA, "kafka", "`topic_from_attribute`", "1 request of 3 clusters", "1 record in each of 3 topics, the same items")


def test_partitions_go_to_a_second_reader_and_come_back(kafka, topics, tmp_path):
    write, one = writer(kafka, tmp_path, topics, ["logs"]), reader(kafka, tmp_path, topics, ["logs"])
    two = reader(kafka, tmp_path, topics, ["logs"], name="two")
    two.config["receivers"]["kafka"]["group_id"] = one.config["receivers"]["kafka"]["group_id"]
    two.config["exporters"]["file/logs"]["path"] = str(tmp_path / "two.bin")
    paths = (tmp_path / "logs.bin", tmp_path / "two.bin")
    sent = []

    def all_out():
        return not items("logs", sent) - sum((items("logs", in_file("logs", path)) for path in paths), collections.Counter())

    def send():
        sent.append(sample("logs", first=1000 * len(sent)))
        write.send("logs", sent[-1])

    with running(write, one):
        send()
        wait_for(all_out, "the first to come out")
        with running(two):
            wait_for(lambda: two.metric("otelcol_kafka_receiver_partition_start") == 2, "the second to get its share")
            wait_for(lambda: send() or in_file("logs", paths[1]), "something to come out of the second")
            wait_for(all_out, "all to come out")
        wait_for(lambda: one.metric("otelcol_kafka_receiver_partition_start") >= 6, "its share to come back")
        send()
        wait_for(all_out, "the last to come out")


OTELCOL = os.environ.get("OTELCOL_KAFKA") or pathlib.Path.home() / ".cache/tidegate/peers/otelcol-kafka-0.160.0/otelcol"
needs_otelcol = pytest.mark.skipif(not pathlib.Path(OTELCOL).exists(), reason="no Collector with its kafka components is built")


@needs_otelcol
def test_the_collectors_exporter_writes_what_the_receiver_reads_and_finds_the_same_partitions(kafka, topics, tmp_path, row):
    theirs = writer(kafka, tmp_path, topics, name="theirs", partition_traces_by_id=True)
    theirs = Collector(
        tmp_path, "theirs", {"otlp": {}}, theirs.config["exporters"], theirs.config["service"]["pipelines"], str(OTELCOL)
    )
    ours_topics = {**topics, "traces": f"{topics['traces']}-ours"}
    kafka.create(ours_topics["traces"])
    ours = writer(kafka, tmp_path, ours_topics, ["traces"], name="ours", partition_traces_by_id=True)
    with running(theirs, ours, reader(kafka, tmp_path, topics)):
        for signal in REQUESTS:
            sent = sample(signal)
            theirs.send(signal, sent)
            path = tmp_path / f"{signal}.bin"
            wait_for(lambda: items(signal, in_file(signal, path)) == items(signal, [sent]), f"{signal} to come out")
        ours.send("traces", sample("traces"))
        places = [{r["key"]: r["partition"] for r in kafka.records(name["traces"])} for name in (topics, ours_topics)]
        assert places[0] == places[1] and len(places[0]) == 4
    row(KAFKA, "otelcol's kafka", "the Collector writes, the receiver reads", "1 request a signal", "the same items; the same partitions as ours for 4 traces")


@needs_otelcol
def test_the_collectors_receiver_reads_what_the_exporter_writes(kafka, topics, tmp_path, row):
    receiver = {"brokers": [kafka.address], "group_id": tmp_path.name, "initial_offset": "earliest"}
    receiver.update({signal: {"topics": [topic]} for signal, topic in topics.items()})
    files = {f"file/{signal}": {"path": str(tmp_path / f"{signal}.bin"), "format": "proto", "flush_interval": "100ms"} for signal in topics}
    pipelines = {signal: {"receivers": ["kafka"], "exporters": [f"file/{signal}"]} for signal in topics}
    theirs = Collector(tmp_path, "theirs", {"kafka": receiver}, files, pipelines, str(OTELCOL))
    write = writer(kafka, tmp_path, topics, producer={"compression": "lz4"}, partition_logs_by_trace_id=True)
    with running(write, theirs):
        for signal in REQUESTS:
            sent = sample(signal)
            write.send(signal, sent)
            path = tmp_path / f"{signal}.bin"
            wait_for(lambda: items(signal, in_file(signal, path)) == items(signal, [sent]), f"{signal} to come out")
    row(KAFKA, "kafka", "the Collector's receiver reads", "1 request a signal", "the same items")
