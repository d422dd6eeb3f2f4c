"""Checks that the Python reference parser reads an exposition as `inspect --json` does.

Usage: compare.py openmetrics|prometheus EXPOSITION JSON
"""

import importlib
import json
import sys

PARSERS = {"openmetrics": "prometheus_client.openmetrics.parser", "prometheus": "prometheus_client.parser"}


def read_by_python(parser, text):
    families = importlib.import_module(PARSERS[parser]).text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    exemplar = lambda e: e and (e.labels, e.value)
    return [(s.name, s.labels, s.value, exemplar(s.exemplar)) for s in samples]


def read_by_us(document):
    samples = [sample for family in document["families"] for sample in family["samples"]]
    exemplar = lambda e: e and (e["labels"], float(e["value"]))
    return [(s["name"], s["labels"], float(s["value"]), exemplar(s["exemplar"])) for s in samples]


def main(parser, exposition, document):
    with open(exposition, encoding="utf-8", newline="") as file:
        theirs = read_by_python(parser, file.read())
    with open(document, encoding="utf-8") as file:
        ours = read_by_us(json.load(file))
    if not ours or theirs != ours:
        sys.exit(f"{exposition}: Python reads\n{theirs}\nand we read\n{ours}")
    print(f"{exposition}: {len(ours)} samples, read alike")


main(*sys.argv[1:])
