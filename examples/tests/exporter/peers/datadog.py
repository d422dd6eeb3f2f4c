"""Collects what Datadog's OpenMetrics check submits: datadog.py CONF_YAML ADDRESS TOKEN_FILE

The check is the one of the agent, the configuration the committed one with another host and port and another token file.
"""

import json
import sys

import yaml
from datadog_checks.base import OpenMetricsBaseCheckV2
from datadog_checks.base.stubs import aggregator


def main(configuration, address, token_file):
    with open(configuration, encoding="utf-8") as file:
        instance = yaml.safe_load(file)["instances"][0]
    assert "exporter:10990" in instance["openmetrics_endpoint"]
    instance["openmetrics_endpoint"] = instance["openmetrics_endpoint"].replace("exporter:10990", address)
    instance["auth_token"]["reader"]["path"] = token_file
    failure = OpenMetricsBaseCheckV2("openmetrics", {}, [instance]).run()
    if failure:
        sys.exit(failure)
    for name in aggregator.metric_names:
        for metric in aggregator.metrics(name):
            tags = [tag.split(":", 1) for tag in metric.tags if not tag.startswith("endpoint:")]
            sample = [name.split(".", 1)[1], dict(tags), metric.value]
            print(json.dumps(sample))


main(*sys.argv[1:])
