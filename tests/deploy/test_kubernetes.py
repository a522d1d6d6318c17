"""The files in `deploy/`, against the schemas of Kubernetes and against the server itself."""

import argparse
import copy
import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from penstock.cli.commands import serve
from penstock.core import metrics
from penstock.serving import probe_api
from penstock.serving.probe_api import METRICS_PATH

DEPLOY = Path(__file__).parents[2] / "deploy"
BASE = DEPLOY / "kustomize" / "base"
GPU = DEPLOY / "kustomize" / "gpu"
VERSIONS = ("1.29", kubernetes_validate.latest_version())


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


RESOURCES = {
    path.name: load(path)
    for path in sorted(BASE.glob("*.yaml"))
    if path.name != "kustomization.yaml"
}
DEPLOYMENT = RESOURCES["deployment.yaml"]


def merged(base, patch):
    """What a strategic merge makes of them: lists of named things are joined by name."""
    if isinstance(base, dict) and isinstance(patch, dict):
        result = copy.deepcopy(base)
        for key, value in patch.items():
            result[key] = merged(base.get(key), value)
        return result
    if isinstance(base, list) and isinstance(patch, list) and "name" in base[0]:
        named = {each["name"]: each for each in base}
        for each in patch:
            named[each["name"]] = merged(named.get(each["name"], {}), each)
        return list(named.values())
    return copy.deepcopy(patch)


def container(deployment):
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return only


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [n for n in RESOURCES if n != "servicemonitor.yaml"])
def test_every_file_follows_the_schema(name, version):
    kubernetes_validate.validate(RESOURCES[name], version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_deployment_with_a_gpu_follows_the_schema(version):
    deployment = merged(DEPLOYMENT, load(GPU / "deployment.yaml"))

    kubernetes_validate.validate(deployment, version, strict=True)
    assert container(deployment)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert deployment["spec"]["template"]["spec"]["nodeSelector"]
    assert container(deployment)["startupProbe"]


def test_a_mistake_would_be_found():
    wrong = copy.deepcopy(DEPLOYMENT)
    container(wrong)["livenessProbes"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[1], strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("folder", [BASE, GPU])
def test_what_kustomize_makes_follows_the_schema(folder):
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    kinds = set()
    for resource in yaml.safe_load_all(done.stdout):
        kinds.add(resource["kind"])
        if resource["kind"] != "ServiceMonitor":
            kubernetes_validate.validate(resource, VERSIONS[1], strict=True)
    assert kinds >= {"Deployment", "Service", "HorizontalPodAutoscaler", "ConfigMap"}
    assert kinds >= {"PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor"}


def test_every_file_is_applied():
    listed = load(BASE / "kustomization.yaml")["resources"]

    assert sorted(listed) == sorted(RESOURCES)


def test_all_speak_of_the_same_pods():
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        DEPLOYMENT["spec"]["selector"]["matchLabels"],
        RESOURCES["service.yaml"]["spec"]["selector"],
        RESOURCES["pdb.yaml"]["spec"]["selector"]["matchLabels"],
        RESOURCES["networkpolicy.yaml"]["spec"]["podSelector"]["matchLabels"],
        RESOURCES["servicemonitor.yaml"]["spec"]["selector"]["matchLabels"],
    ]

    assert all(selector and selector.items() <= labels for selector in selectors)
    target = RESOURCES["hpa.yaml"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", DEPLOYMENT["metadata"]["name"])


def config():
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return serve.config_of(parser.parse_args([f"--config={BASE / 'serve.toml'}"]))


def test_the_server_understands_its_file_and_listens_where_the_pods_say():
    made = config()
    ports = {port["name"]: port["containerPort"] for port in container(DEPLOYMENT)["ports"]}

    assert ports == {"http": made.port, "grpc": made.grpc_port}
    assert made.host == "0.0.0.0"  # noqa: S104  (in a pod that is what the network policy is for)
    mounts = {mount["mountPath"] for mount in container(DEPLOYMENT)["volumeMounts"]}
    assert "/models" in mounts
    assert str(made.models[0].base_path).startswith("/models/")
    assert container(DEPLOYMENT)["args"] == ["--config=/etc/penstock/serve.toml"]
    assert "/etc/penstock" in mounts


def test_probes_and_metrics_are_where_the_server_has_them():
    paths = {
        container(DEPLOYMENT)[f"{kind}Probe"]["httpGet"]["path"]
        for kind in ("startup", "liveness", "readiness")
    }
    source = Path(probe_api.__file__).read_text(encoding="utf-8")

    assert paths == {"/startupz", "/livez", "/readyz"}
    assert all(f'"{path}"' in source for path in paths)
    (endpoint,) = RESOURCES["servicemonitor.yaml"]["spec"]["endpoints"]
    assert endpoint["path"] == METRICS_PATH


def test_work_is_answered_before_the_pod_is_killed():
    pod = DEPLOYMENT["spec"]["template"]["spec"]
    pause = int(container(DEPLOYMENT)["lifecycle"]["preStop"]["exec"]["command"][1])

    assert config().stop_timeout_s + pause + 5 <= pod["terminationGracePeriodSeconds"]


def test_the_autoscaler_follows_a_metric_that_the_server_counts():
    (metric,) = RESOURCES["hpa.yaml"]["spec"]["metrics"]
    (rule,) = load(DEPLOY / "prometheus-adapter.yaml")["rules"]["custom"]
    series = set(re.findall(r"\w+_(?=sum|count)", rule["metricsQuery"] + rule["seriesQuery"]))

    assert metric["pods"]["metric"]["name"] == rule["name"]["as"]
    assert {name.rstrip("_") for name in series} == {metrics.QUEUE_SECONDS.name}


def test_the_container_has_no_rights_that_it_does_not_need():
    pod, own = DEPLOYMENT["spec"]["template"]["spec"], container(DEPLOYMENT)["securityContext"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    assert f"USER {pod['securityContext']['runAsUser']}" in text


def test_the_image_starts_the_server_with_options_that_it_has():
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    arguments = re.search(r"^CMD \[(.*)\]$", text, re.MULTILINE)[1]
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)

    made = serve.config_of(parser.parse_args(re.findall(r'"([^"]*)"', arguments)))

    assert (made.host, made.grpc_port, made.port) == ("0.0.0.0", 8500, 8501)  # noqa: S104
