"""A next hop that takes OTLP over gRPC and HTTP and keeps the requests."""

import gzip
import json
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces_grpc

REQUESTS = {
    "/v1/logs": logs.ExportLogsServiceRequest,
    "/v1/traces": traces.ExportTraceServiceRequest,
    "/v1/metrics": metrics.ExportMetricsServiceRequest,
}


class Sink:
    def __init__(self):
        self.requests = []
        self._server = grpc.server(ThreadPoolExecutor(4))
        for servicer, add, answer in (
            (logs_grpc.LogsServiceServicer, logs_grpc.add_LogsServiceServicer_to_server, logs.ExportLogsServiceResponse),
            (traces_grpc.TraceServiceServicer, traces_grpc.add_TraceServiceServicer_to_server, traces.ExportTraceServiceResponse),
            (metrics_grpc.MetricsServiceServicer, metrics_grpc.add_MetricsServiceServicer_to_server, metrics.ExportMetricsServiceResponse),
        ):
            keeping = type("Keeping", (servicer,), {"Export": self._export(answer)})
            add(keeping(), self._server)
        self.grpc = self._server.add_insecure_port("127.0.0.1:0")
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http = self._web.server_port

    def _export(self, answer):
        def export(_servicer, request, _context):
            self.requests.append(request)
            return answer()

        return export

    def _handler(sink):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                plain = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}
                body = plain[self.headers.get("content-encoding")](self.body())
                is_json = self.headers["content-type"] == "application/json"
                sink.requests.append(json.loads(body) if is_json else REQUESTS[self.path].FromString(body))
                answer = b"{}" if is_json else b""
                self.send_response(200)
                self.send_header("content-type", self.headers["content-type"])
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def body(self):
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers["content-length"]))
                chunks = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    chunks.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(chunks)

            def log_message(self, *_):
                pass

        return Handler

    def __enter__(self):
        self._server.start()
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.stop(None)
        self._web.shutdown()
        self._web.server_close()
