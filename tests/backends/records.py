"""Log records, sent over OTLP/gRPC."""

import time

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as service
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.common.v1 import common_pb2 as common
from opentelemetry.proto.logs.v1 import logs_pb2 as logs
from opentelemetry.proto.resource.v1 import resource_pb2 as resource


def value(given):
    if isinstance(given, bool):
        return common.AnyValue(bool_value=given)
    if isinstance(given, int):
        return common.AnyValue(int_value=given)
    if isinstance(given, float):
        return common.AnyValue(double_value=given)
    if isinstance(given, bytes):
        return common.AnyValue(bytes_value=given)
    if isinstance(given, list):
        return common.AnyValue(array_value=common.ArrayValue(values=[value(entry) for entry in given]))
    if isinstance(given, dict):
        return common.AnyValue(kvlist_value=common.KeyValueList(values=pairs(given)))
    return common.AnyValue(string_value=given)


def pairs(attributes):
    return [common.KeyValue(key=key, value=value(given)) for key, given in attributes.items()]


def record(body, attributes=None, **fields):
    fields.setdefault("time_unix_nano", time.time_ns())
    return logs.LogRecord(body=value(body), attributes=pairs(attributes or {}), **fields)


def of(attributes, records, scope=None):
    """The records of one resource."""
    scope = common.InstrumentationScope(**(scope or {}))
    return logs.ResourceLogs(
        resource=resource.Resource(attributes=pairs(attributes)),
        scope_logs=[logs.ScopeLogs(scope=scope, log_records=records)],
    )


def send(port, *resource_logs):
    """Sends them in one request; what its answer says."""
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        return logs_grpc.LogsServiceStub(channel).Export(service.ExportLogsServiceRequest(resource_logs=resource_logs), timeout=60)
