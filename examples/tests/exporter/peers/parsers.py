"""Reads an exposition with the reference parser of its format: parsers.py CONTENT_TYPE < EXPOSITION"""

import json
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus


def main(content_type):
    parse = openmetrics if content_type.startswith("application/openmetrics-text") else prometheus
    # As they came: no line end is translated.
    for family in parse(sys.stdin.buffer.read().decode("utf-8")):
        for sample in family.samples:
            print(json.dumps([sample.name, sample.labels, sample.value]))


main(*sys.argv[1:])
