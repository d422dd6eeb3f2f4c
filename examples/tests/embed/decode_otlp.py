"""Reads a request of OTLP from standard input and prints its data points as JSON, one in a line.

The messages are described here, as opentelemetry-proto 1.x numbers their fields, and decoded by Google's protobuf.
"""

import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

STRING, DOUBLE, FIXED64, SFIXED64, MESSAGE = 9, 1, 6, 16, 11

# The fields of each message: name, number, type, and for messages the name and whether there can be many.
MESSAGES = {
    "Request": [("resource_metrics", 1, MESSAGE, "ResourceMetrics", True)],
    "ResourceMetrics": [
        ("resource", 1, MESSAGE, "Resource", False),
        ("scope_metrics", 2, MESSAGE, "ScopeMetrics", True),
    ],
    "Resource": [("attributes", 1, MESSAGE, "KeyValue", True)],
    "ScopeMetrics": [("metrics", 2, MESSAGE, "Metric", True)],
    "Metric": [
        ("name", 1, STRING),
        ("description", 2, STRING),
        ("gauge", 5, MESSAGE, "Gauge", False),
    ],
    "Gauge": [("data_points", 1, MESSAGE, "NumberDataPoint", True)],
    "NumberDataPoint": [
        ("time_unix_nano", 3, FIXED64),
        ("as_double", 4, DOUBLE),
        ("as_int", 6, SFIXED64),
        ("attributes", 7, MESSAGE, "KeyValue", True),
    ],
    "KeyValue": [("key", 1, STRING), ("value", 2, MESSAGE, "AnyValue", False)],
    "AnyValue": [("string_value", 1, STRING)],
}
# The one of several fields that is there, an empty or zero one included.
ONE_OF = {"NumberDataPoint": ("as_double", "as_int"), "AnyValue": ("string_value",)}


def request_class():
    file = descriptor_pb2.FileDescriptorProto(name="otlp.proto", syntax="proto3", package="otlp")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        alternatives = ONE_OF.get(name, ())
        if alternatives:
            message.oneof_decl.add(name="value_of")
        for field_name, number, kind, *of in fields:
            field = message.field.add(name=field_name, number=number, type=kind, label=1)
            if of:
                field.type_name = f".otlp.{of[0]}"
                field.label = 3 if of[1] else 1
            if field_name in alternatives:
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("otlp.Request"))


def main():
    request = request_class().FromString(sys.stdin.buffer.read())
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.gauge.data_points:
                    assert point.time_unix_nano > 0
                    assert all(pair.value.HasField("string_value") for pair in point.attributes)
                    print(
                        json.dumps(
                            {
                                "name": metric.name,
                                "labels": {p.key: p.value.string_value for p in point.attributes},
                                "kind": point.WhichOneof("value_of"),
                                "value": getattr(point, point.WhichOneof("value_of")),
                            }
                        )
                    )


main()
