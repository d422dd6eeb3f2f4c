"""Checks the deployment files with linters and schemas, and that each container is a hardened one: deployment.py EXAMPLES"""

import json
import pathlib
import re
import subprocess
import sys

import kubernetes_validate
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

KUBERNETES = kubernetes_validate.latest_version()


def main(examples):
    run("hadolint", "--failure-threshold", "style", examples / "Dockerfile")
    for directory in ["prometheus", "datadog"]:
        path = examples / directory / "compose.yaml"
        run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)
        check_compose(load_one(path))
    manifests = sorted((examples / "kubernetes").glob("*.yaml"))
    assert len(manifests) == 5, manifests
    for path in manifests:
        check_manifest(load_one(path))
    for path in (examples / "prometheus" / "grafana" / "provisioning").rglob("*.yaml"):
        assert load_one(path)["apiVersion"] == 1, path
    dashboards = sorted((examples / "prometheus" / "grafana" / "dashboards").glob("*.json"))
    assert len(dashboards) == 3, dashboards
    for path in dashboards:
        check_dashboard(json.loads(path.read_text("utf-8")))
    print("deployment files are as they should be")


def run(program, *arguments):
    """Runs a program that is installed next to this Python."""
    program = pathlib.Path(sys.executable).parent / program
    outcome = subprocess.run([program, *arguments], capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def load_one(path):
    return yaml.safe_load(path.read_text("utf-8"))


def check_compose(compose):
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service and "privileged" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["logging"]["driver"] == "local", name
        assert "build" in service or is_pinned(service["image"]), name
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= limits.keys(), name
        assert not service.get("user", "").startswith(("0", "root")), name
        assert set(service["networks"]) <= compose["networks"].keys(), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for secret in service.get("secrets", []):
            source = secret if isinstance(secret, str) else secret["source"]
            assert "file" in compose["secrets"][source], (name, source)
        for volume in service.get("volumes", []):
            parts = volume.split(":")
            assert parts[0] in compose["volumes"] or parts[-1] == "ro", (name, volume)


def is_pinned(image):
    return re.search(r":v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$", image)


def check_manifest(manifest):
    if manifest["kind"] == "ServiceMonitor":
        # Not one of Kubernetes' own kinds.
        endpoint = manifest["spec"]["endpoints"][0]
        assert endpoint["port"] == "http" and endpoint["path"] == "/metrics"
        assert endpoint["authorization"]["credentials"]["key"] == "scrape_token"
        return
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    if manifest["kind"] == "Deployment":
        check_pod(manifest["spec"]["template"]["spec"])


def check_pod(pod):
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    for container in pod["containers"]:
        assert is_pinned(container["image"])
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"]["drop"] == ["ALL"]
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
        assert container["startupProbe"]["httpGet"]["path"] == "/-/healthy"
        assert container["livenessProbe"]["httpGet"]["path"] == "/-/healthy"
        assert container["readinessProbe"]["httpGet"]["path"] == "/-/ready"
        assert all("secretKeyRef" not in str(variable) for variable in container.get("env", []))


def check_dashboard(dashboard):
    title = dashboard["title"]
    # What the schema does not know is lost on the way through it.
    known = json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))
    lost = list(differences(dashboard, known, title))
    assert not lost, lost
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)), title
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, (title, panel["title"])
    for variable in dashboard["templating"]["list"]:
        # Label values of one of the metrics, not of everything that the server knows.
        if variable["type"] == "query":
            assert variable["query"]["query"].startswith("label_values(scout_"), (title, variable["name"])


def differences(written, known, place):
    if isinstance(written, dict) and isinstance(known, dict):
        for key, value in written.items():
            if key in known:
                yield from differences(value, known[key], f"{place}/{key}")
            elif value is not None:
                yield f"{place}/{key} is unknown"
    elif isinstance(written, list) and isinstance(known, list) and len(written) == len(known):
        for index, (left, right) in enumerate(zip(written, known)):
            yield from differences(left, right, f"{place}/{index}")
    elif written != known:
        yield f"{place} becomes {known!r}"


main(pathlib.Path(sys.argv[1]))
