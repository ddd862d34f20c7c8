"""A receiver of Prometheus' remote write, of both versions, that keeps the series that it was sent."""

import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def snappy(data):
    """What a block of Snappy holds."""
    size, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            length = tag >> 2
            if length >= 60:
                more = length - 59
                length = int.from_bytes(data[at : at + more], "little")
                at += more
            out += data[at : at + length + 1]
            at += length + 1
            continue
        if kind == 1:
            length, back, at = 4 + (tag >> 2 & 7), (tag >> 5) << 8 | data[at], at + 1
        else:
            width = 2 if kind == 2 else 4
            length, back, at = 1 + (tag >> 2), int.from_bytes(data[at : at + width], "little"), at + width
        for _ in range(length):
            out.append(out[-back])
    assert len(out) == size, f"{len(out)} bytes and not {size}"
    return bytes(out)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at


def fields(data):
    """The fields of a message: by number, a list of what stands there."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = data[at : at + 8], at + 8
        elif wire == 2:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            raise ValueError(f"wire type {wire}")
        found.setdefault(tag >> 3, []).append(value)
    return found


def packed(message, number):
    values = []
    for data in message.get(number, []):
        at = 0
        while isinstance(data, bytes) and at < len(data):
            value, at = varint(data, at)
            values.append(value)
    return values


def double(message, number):
    return struct.unpack("<d", message.get(number, [bytes(8)])[-1])[0]


def signed(message, number):
    value = message.get(number, [0])[-1]
    return value - (1 << 64) if value >> 63 else value


def zigzag(value):
    return value >> 1 ^ -(value & 1)


def number(value):
    """A number as JSON can hold it, with what tells a stale marker from any other."""
    return value if value - value == 0 else struct.pack(">d", value).hex()


def histogram(message):
    spans = lambda at: [[zigzag(s.get(1, [0])[-1]), s.get(2, [0])[-1]] for s in map(fields, message.get(at, []))]
    deltas = lambda at: [zigzag(v) for v in packed(message, at)]
    bounds = b"".join(message.get(16, []))
    return {
        "count": message.get(1, [0])[-1],
        "sum": number(double(message, 3)),
        "schema": zigzag(message.get(4, [0])[-1]),
        "zero_threshold": double(message, 5),
        "zero_count": message.get(6, [0])[-1],
        "negative": [spans(8), deltas(9)],
        "positive": [spans(11), deltas(12)],
        "time": signed(message, 15),
        "bounds": [struct.unpack("<d", bounds[at : at + 8])[0] for at in range(0, len(bounds), 8)],
        "start": signed(message, 17),
    }


def read_v1(body):
    request = fields(body)
    pairs = lambda m: [(p.get(1, [b""])[-1].decode(), p.get(2, [b""])[-1].decode()) for p in map(fields, m.get(1, []))]
    for series in map(fields, request.get(1, [])):
        yield {
            "labels": pairs(series),
            "samples": [[number(double(s, 1)), signed(s, 2)] for s in map(fields, series.get(2, []))],
            "exemplars": [[pairs(e), double(e, 2), signed(e, 3)] for e in map(fields, series.get(3, []))],
            "histograms": [histogram(h) for h in map(fields, series.get(4, []))],
        }


def metadata_v1(body):
    for family in map(fields, fields(body).get(3, [])):
        text = lambda at: family.get(at, [b""])[-1].decode()
        yield {"type": family.get(1, [0])[-1], "name": text(2), "help": text(4), "unit": text(5)}


def read_v2(body):
    request = fields(body)
    symbols = [s.decode() for s in request.get(4, [])]

    def pairs(message):
        refs = [symbols[at] for at in packed(message, 1)]
        return list(zip(refs[::2], refs[1::2]))

    for series in map(fields, request.get(5, [])):
        family = fields(series.get(5, [b""])[-1])
        yield {
            "labels": pairs(series),
            "samples": [[number(double(s, 1)), signed(s, 2), signed(s, 3)] for s in map(fields, series.get(2, []))],
            "histograms": [histogram(h) for h in map(fields, series.get(3, []))],
            "exemplars": [[pairs(e), double(e, 2), signed(e, 3)] for e in map(fields, series.get(4, []))],
            "metadata": [family.get(1, [0])[-1], symbols[family.get(3, [0])[-1]], symbols[family.get(4, [0])[-1]]],
        }


class RemoteWrite:
    """Takes whatever comes; `series` are those of all requests, in order."""

    def __init__(self, answer=lambda _request: (204, {}, b"")):
        self.series, self.metadata, self.requests, self.answer = [], [], [], answer
        self._web = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._web.server_port}/api/v1/write"

    def _handler(sink):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = snappy(self.rfile.read(int(self.headers["content-length"])))
                is_v2 = "v2" in self.headers["content-type"]
                series = list(read_v2(body) if is_v2 else read_v1(body))
                sink.requests.append((dict(self.headers), series))
                status, headers, text = sink.answer(series)
                if status < 300:
                    sink.series += series
                    sink.metadata += [] if is_v2 else metadata_v1(body)
                    if is_v2:
                        headers = {f"x-prometheus-remote-write-{k}-written": str(sum(len(s[k]) for s in series)) for k in ("samples", "histograms", "exemplars")} | headers
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("content-length", str(len(text)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(text)

            def log_message(self, *_):
                pass

        return Handler

    def __enter__(self):
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._web.shutdown()
        self._web.server_close()


def sorted_series(series):
    """In an order that does not depend on who sent them."""
    for one in series:
        one["labels"] = sorted(one["labels"])
        one["exemplars"] = sorted(one["exemplars"], key=json.dumps)
        for exemplar in one["exemplars"]:
            exemplar[0] = sorted(exemplar[0])
    return sorted(series, key=lambda one: json.dumps(one["labels"]))
