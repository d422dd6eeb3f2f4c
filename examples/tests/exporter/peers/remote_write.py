"""A receiver of Prometheus remote write that decodes with Google's protobuf and the snappy of cramjam.

    remote_write.py KIND

KIND is "2.0", or how a receiver of 1.0 answers a message of 2.0: "415", "400", or "silent", which finds nothing in it and
says that all is well. Prints its address, then for each request a line of JSON: the version, and for each series its
labels, value, time, type and help. What breaks the specification is an error, and answered with 422.
"""

import json
import re
import struct
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto
STALE = 0x7FF0000000000002
V1, V2 = "prometheus.WriteRequest", "io.prometheus.write.v2.Request"

# Messages by name, and their fields: name, number, type, and whether it is repeated.
TYPES = {
    V1: [("timeseries", 1, "prometheus.TimeSeries", True)],
    "prometheus.TimeSeries": [("labels", 1, "prometheus.Label", True), ("samples", 2, "prometheus.Sample", True)],
    "prometheus.Label": [("name", 1, FIELD.TYPE_STRING, False), ("value", 2, FIELD.TYPE_STRING, False)],
    "prometheus.Sample": [("value", 1, FIELD.TYPE_DOUBLE, False), ("timestamp", 2, FIELD.TYPE_INT64, False)],
    V2: [("symbols", 4, FIELD.TYPE_STRING, True), ("timeseries", 5, "io.prometheus.write.v2.TimeSeries", True)],
    "io.prometheus.write.v2.TimeSeries": [
        ("labels_refs", 1, FIELD.TYPE_UINT32, True),
        ("samples", 2, "io.prometheus.write.v2.Sample", True),
        ("metadata", 5, "io.prometheus.write.v2.Metadata", False),
    ],
    "io.prometheus.write.v2.Sample": [
        ("value", 1, FIELD.TYPE_DOUBLE, False),
        ("timestamp", 2, FIELD.TYPE_INT64, False),
        ("start_timestamp", 3, FIELD.TYPE_INT64, False),
    ],
    "io.prometheus.write.v2.Metadata": [
        ("type", 1, FIELD.TYPE_INT32, False),
        ("help_ref", 3, FIELD.TYPE_UINT32, False),
        ("unit_ref", 4, FIELD.TYPE_UINT32, False),
    ],
}


def message_classes():
    pool = descriptor_pool.DescriptorPool()
    for package in ("prometheus", "io.prometheus.write.v2"):
        file = descriptor_pb2.FileDescriptorProto(name=package, package=package, syntax="proto3")
        for full_name, fields in TYPES.items():
            if full_name.rpartition(".")[0] != package:
                continue
            message = file.message_type.add(name=full_name.rpartition(".")[2])
            for name, number, kind, is_repeated in fields:
                field = message.field.add(name=name, number=number)
                field.label = FIELD.LABEL_REPEATED if is_repeated else FIELD.LABEL_OPTIONAL
                if isinstance(kind, str):
                    field.type, field.type_name = FIELD.TYPE_MESSAGE, "." + kind
                else:
                    field.type = kind
        pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in (V1, V2)
    }


CLASSES = message_classes()


def check(is_right, fault):
    if not is_right:
        raise ValueError(fault)


def decode(body, name):
    """Returns the series of a message, checked against the specification."""
    message = CLASSES[name].FromString(bytes(cramjam.snappy.decompress_raw(body)))
    # Unknown fields are kept, so a message that has some is longer than what its known fields are written as.
    again = CLASSES[name].FromString(message.SerializeToString())
    again.DiscardUnknownFields()
    check(len(again.SerializeToString()) == len(message.SerializeToString()), "it has unknown fields")
    if name == V2:
        symbols = list(message.symbols)
        check(symbols and symbols[0] == "", "the first symbol is not empty")
        check(len(set(symbols)) == len(symbols), "a symbol occurs twice")
    all_series = []
    for series in message.timeseries:
        if name == V1:
            labels, metadata = [(label.name, label.value) for label in series.labels], [None, None]
        else:
            refs = list(series.labels_refs)
            check(len(refs) % 2 == 0, "a label has no value")
            texts = [symbols[ref] for ref in refs]
            labels = list(zip(texts[::2], texts[1::2]))
            check(series.HasField("metadata"), "a series has no metadata")
            metadata = [series.metadata.type, symbols[series.metadata.help_ref]]
        names = [name for name, _ in labels]
        check(names == sorted(set(names)), f"labels are not sorted, or occur twice: {names}")
        check(all(name and value for name, value in labels), f"a label is empty: {labels}")
        check("__name__" in names, "a series has no name")
        if name == V1:
            check(all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) for name in names), f"bad names: {names}")
        check(len(series.samples) == 1, "a series has not one sample")
        sample = series.samples[0]
        is_stale = struct.unpack("<Q", struct.pack("<d", sample.value))[0] == STALE
        value = None if is_stale else sample.value
        all_series.append([labels, value, sample.timestamp, *metadata])
    return all_series


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    kind = "2.0"

    def log_message(self, *_):
        pass

    def answer(self, status, body="", written=None):
        self.send_response(status)
        if written is not None:
            for what, count in (("Samples", written), ("Histograms", 0), ("Exemplars", 0)):
                self.send_header(f"X-Prometheus-Remote-Write-{what}-Written", str(count))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        version = self.headers["X-Prometheus-Remote-Write-Version"]
        content_type = self.headers["Content-Type"]
        name = {
            ("2.0.0", f"application/x-protobuf;proto={V2}"): V2,
            ("0.1.0", "application/x-protobuf"): V1,
        }.get((version, content_type))
        if name == V2 and self.kind in ("415", "400"):
            return self.answer(int(self.kind), "unknown message")
        if name == V2 and self.kind == "silent":
            return self.answer(204)
        try:
            check(name, f"version {version} and content type {content_type} do not fit")
            check(self.headers["Content-Encoding"] == "snappy", "it is not compressed with snappy")
            check(self.headers["User-Agent"], "it has no user agent")
            series = decode(body, name)
        except Exception as error:
            print(json.dumps({"error": str(error)}), flush=True)
            return self.answer(422, str(error))
        print(json.dumps({"version": version, "series": series}), flush=True)
        self.answer(204, written=len(series) if name == V2 else None)


Receiver.kind = sys.argv[1]
server = HTTPServer(("127.0.0.1", 0), Receiver)
print(f"127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
