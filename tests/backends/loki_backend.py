"""A real Loki on free ports: how it is started, and how it is asked."""

import contextlib
import json
import time
import urllib.parse
import urllib.request

import programs
from ports import free_port

# Entries that an answer has at most; those of one time never fall apart in these tests.
PAGE = 4000
CONFIG = """
auth_enabled: true
server:
  http_listen_address: 127.0.0.1
  http_listen_port: {http}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: {grpc}
  log_level: warn
common:
  instance_addr: 127.0.0.1
  path_prefix: {folder}/data
  replication_factor: 1
  ring: {{ kvstore: {{ store: inmemory }} }}
  storage: {{ filesystem: {{ chunks_directory: {folder}/chunks, rules_directory: {folder}/rules }} }}
schema_config:
  configs:
    - {{ from: 2024-01-01, store: tsdb, object_store: filesystem, schema: v13, index: {{ prefix: index_, period: 24h }} }}
ingester:
  lifecycler: {{ min_ready_duration: 0s }}
limits_config:
  ingestion_rate_mb: 512
  ingestion_burst_size_mb: 512
  per_stream_rate_limit: 512MB
  per_stream_rate_limit_burst: 512MB
  max_query_series: 10000
  max_entries_limit_per_query: 100000
runtime_config: {{ file: "{folder}/overrides.yaml", period: 10s }}
query_range: {{ cache_results: false }}
analytics: {{ reporting_enabled: false }}
"""

# Tenants that may do less.
OVERRIDES = """
overrides:
  slow: { ingestion_rate_mb: 1, ingestion_burst_size_mb: 1 }
  strict: { max_label_names_per_series: 1 }
"""


class Loki:
    def __init__(self, http):
        self.endpoint = f"http://127.0.0.1:{http}"

    def ready(self):
        return programs.get(f"{self.endpoint}/ready") == "ready\n"

    def entries(self, tenant, query='{service_name=~".+"}'):
        """What it holds: time, line, labels of the stream and structured metadata of each entry, by time and line."""
        end, start, found = time.time_ns() + 600 * 10**9, time.time_ns() - 7 * 86_400 * 10**9, []
        while True:
            page = self.page(tenant, query, start, end)
            found += page
            if len(page) < PAGE:
                return sorted(found)
            start = max(when for when, *_ in page) + 1

    def page(self, tenant, query, start, end):
        parameters = {"query": query, "limit": PAGE, "start": start, "end": end, "direction": "forward"}
        url = f"{self.endpoint}/loki/api/v1/query_range?{urllib.parse.urlencode(parameters)}"
        # Otherwise it gives back labels and metadata as one.
        headers = {"X-Scope-OrgID": tenant, "X-Loki-Response-Encoding-Flags": "categorize-labels"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            data = json.load(answer)["data"]
        return [
            (int(when), line, tuple(sorted(stream["stream"].items())), tuple(sorted(more.get("structuredMetadata", {}).items())))
            for stream in data["result"]
            for when, line, more in stream["values"]
        ]

    def wait_for_entries(self, tenant, count, query='{service_name=~".+"}'):
        def whole():
            found = self.entries(tenant, query)
            return found if len(found) >= count else None

        return programs.wait_for(whole, f"{count} entries in Loki")


@contextlib.contextmanager
def running(binary, folder):
    http, grpc = free_port(), free_port()
    config = folder / "loki.yaml"
    config.write_text(CONFIG.format(http=http, grpc=grpc, folder=folder))
    (folder / "overrides.yaml").write_text(OVERRIDES)
    backend = Loki(http)
    with programs.program([binary, f"-config.file={config}", "-target=all"], folder, "loki") as alive:
        programs.wait_for(lambda: alive() and backend.ready(), "Loki to be ready")
        yield backend
