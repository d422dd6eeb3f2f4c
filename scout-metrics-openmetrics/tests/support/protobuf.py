"""Reads messages MetricFamily, each after its length, with Google's protobuf, and prints each as a line of JSON."""

import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, timestamp_pb2
from google.protobuf.internal.decoder import _DecodeVarint32

PACKAGE = "io.prometheus.client"
TYPES = {"COUNTER": 0, "GAUGE": 1, "SUMMARY": 2, "UNTYPED": 3, "HISTOGRAM": 4, "GAUGE_HISTOGRAM": 5}
TIME = ".google.protobuf.Timestamp"

# Fields by message: their name, number and type. A star marks those that are repeated.
MESSAGES = {
    "LabelPair": "name 1 string, value 2 string",
    "Gauge": "value 1 double",
    "Counter": f"value 1 double, exemplar 2 Exemplar, created_timestamp 3 {TIME}",
    "Quantile": "quantile 1 double, value 2 double",
    "Summary": f"sample_count 1 uint64, sample_sum 2 double, quantile* 3 Quantile, created_timestamp 4 {TIME}",
    "Untyped": "value 1 double",
    "BucketSpan": "offset 1 sint32, length 2 uint32",
    "Bucket": "cumulative_count 1 uint64, upper_bound 2 double, exemplar 3 Exemplar, cumulative_count_float 4 double",
    "Histogram": "sample_count 1 uint64, sample_count_float 4 double, sample_sum 2 double, bucket* 3 Bucket, "
    "schema 5 sint32, zero_threshold 6 double, zero_count 7 uint64, zero_count_float 8 double, "
    "negative_span* 9 BucketSpan, negative_delta* 10 sint64, negative_count* 11 double, "
    "positive_span* 12 BucketSpan, positive_delta* 13 sint64, positive_count* 14 double, "
    f"created_timestamp 15 {TIME}, exemplars* 16 Exemplar",
    "Exemplar": f"label* 1 LabelPair, value 2 double, timestamp 3 {TIME}",
    "Metric": "label* 1 LabelPair, gauge 2 Gauge, counter 3 Counter, summary 4 Summary, untyped 5 Untyped, "
    "histogram 7 Histogram, timestamp_ms 6 int64",
    "MetricFamily": "name 1 string, help 2 string, type 3 MetricType, metric* 4 Metric, unit 5 string",
}


def family_class():
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="metrics.proto", package=PACKAGE, syntax="proto2")
    file.dependency.append("google/protobuf/timestamp.proto")
    enum = file.enum_type.add(name="MetricType")
    for name, number in TYPES.items():
        enum.value.add(name=name, number=number)
    for message_name, fields in MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for field in fields.split(", "):
            name, number, kind = field.split()
            added = message.field.add(name=name.rstrip("*"), number=int(number))
            added.label = field_type.LABEL_REPEATED if name.endswith("*") else field_type.LABEL_OPTIONAL
            if kind == "MetricType":
                added.type, added.type_name = field_type.TYPE_ENUM, f".{PACKAGE}.MetricType"
            elif kind in MESSAGES or kind == TIME:
                added.type, added.type_name = field_type.TYPE_MESSAGE, kind if kind == TIME else f".{PACKAGE}.{kind}"
            else:
                added.type = getattr(field_type, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.MetricFamily"))


def main():
    family_type, data, at = family_class(), sys.stdin.buffer.read(), 0
    while at < len(data):
        length, at = _DecodeVarint32(data, at)
        family = family_type.FromString(data[at : at + length])
        at += length
        family_fields = json_format.MessageToDict(family, preserving_proto_field_name=True)
        # Unknown fields would be kept and written again; without them the message is shorter.
        family.DiscardUnknownFields()
        if family.ByteSize() != length:
            raise SystemExit(f"{family.name}: {length} bytes, of which {family.ByteSize()} are known")
        print(json.dumps(family_fields))


main()
