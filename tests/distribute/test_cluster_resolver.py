"""Which tasks a cluster has, as its manager or the program tells."""

import json
import types

import pytest

import penstock as tf

resolvers = tf.distribute.cluster_resolver
CLUSTER = {"worker": ["a:1", "b:2"], "ps": ["c:3"]}


def simple(jobs=None, **kwargs):
    return resolvers.SimpleClusterResolver(tf.train.ClusterSpec(jobs or CLUSTER), **kwargs)


def test_a_program_names_its_cluster():
    resolver = simple(
        task_type="worker", task_id=1, num_accelerators={"GPU": 2}, rpc_layer="grpc"
    )

    assert resolver.cluster_spec().as_dict() == CLUSTER
    assert resolver.master() == "grpc://"
    assert resolver.master("worker", 0) == "grpc://a:1"
    assert resolver.master("worker", 1, rpc_layer="http") == "http://b:2"
    assert (resolver.task_type, resolver.task_id, resolver.environment) == ("worker", 1, "")
    assert resolver.num_accelerators() == {"GPU": 2}
    assert set(simple().num_accelerators()) <= {"GPU", "TPU"}
    with pytest.raises(TypeError, match="must be a"):
        resolvers.SimpleClusterResolver({"a": 1})


def test_a_variable_describes_the_cluster(monkeypatch):
    config = {
        "cluster": {**CLUSTER, "chief": ["d:4"]},
        "task": {"type": "worker", "index": 1},
        "rpc_layer": "grpc",
    }
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))

    resolver = resolvers.TFConfigClusterResolver()

    assert resolver.cluster_spec().as_dict() == config["cluster"]
    assert (resolver.task_type, resolver.task_id, resolver.rpc_layer) == ("worker", 1, "grpc")
    assert resolver.master() == "grpc://b:2"
    assert resolver.master("chief", 0) == "grpc://d:4"
    resolver.task_id = 0
    assert resolver.master() == "grpc://a:1"


def test_without_the_variable_there_is_no_cluster(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)

    resolver = resolvers.TFConfigClusterResolver()

    assert resolver.cluster_spec().as_dict() == {}
    assert (resolver.task_type, resolver.task_id, resolver.master()) == (None, None, "")


def test_clusters_are_joined():
    union = resolvers.UnionResolver(
        simple(task_type="worker", task_id=1, rpc_layer="grpc"),
        simple({"worker": ["z:1"], "eval": ["e:1"]}),
    )

    assert union.cluster_spec().as_dict() == {
        "worker": ["a:1", "b:2", "z:1"],
        "ps": ["c:3"],
        "eval": ["e:1"],
    }
    assert (union.task_type, union.task_id, union.rpc_layer) == ("worker", 1, "grpc")
    assert union.master("eval", 0) == "grpc://e:1"
    numbered = resolvers.UnionResolver(simple({"w": {0: "a", 2: "b"}}), simple({"w": {1: "c"}}))
    assert numbered.cluster_spec().as_dict() == {"w": ["a", "c", "b"]}
    with pytest.raises(KeyError, match="Duplicate keys"):
        resolvers.UnionResolver(
            simple({"w": {0: "a", 2: "b"}}), simple({"w": {2: "c"}})
        ).cluster_spec()
    with pytest.raises(TypeError, match="sub-class"):
        resolvers.UnionResolver(3)
    with pytest.raises(ValueError, match="At least one"):
        resolvers.UnionResolver()


@pytest.fixture
def slurm(monkeypatch):
    """Set what Slurm sets for four tasks on two nodes."""
    for name, value in {
        "SLURM_PROCID": "3",
        "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
        "SLURM_STEP_NODELIST": "t02n[13,41]",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return monkeypatch


def test_slurm_gives_tasks_to_jobs_in_order(slurm):
    resolver = resolvers.SlurmClusterResolver(
        {"ps": 1, "worker": 3}, gpus_per_node=2, gpus_per_task=1, auto_set_gpu=False
    )

    assert resolver.cluster_spec().as_dict() == {
        "ps": ["t02n13:8888"],
        "worker": ["t02n13:8889", "t02n41:8888", "t02n41:8889"],
    }
    assert resolver.get_task_info() == ("worker", 2)
    assert resolver.master() == "grpc://t02n41:8889"
    assert resolver.master("ps", 0) == "grpc://t02n13:8888"
    assert resolver.num_accelerators() == {"GPU": 1}


def test_slurm_shows_a_task_its_own_gpus(slurm):
    import os

    resolvers.SlurmClusterResolver(gpus_per_node=4, gpus_per_task=2)

    assert os.environ["CUDA_VISIBLE_DEVICES"] == "2,3"


def test_slurms_short_forms_are_read(slurm):
    slurm.setenv("SLURM_STEP_NODELIST", "n[01-02,5],m7")
    slurm.setenv("SLURM_STEP_TASKS_PER_NODE", "1(x3),1")

    resolver = resolvers.SlurmClusterResolver(gpus_per_node=0, gpus_per_task=0)

    assert resolver.cluster_spec().as_dict() == {
        "worker": ["n01:8888", "n02:8888", "n5:8888", "m7:8888"]
    }
    assert resolver.num_accelerators() == {}


def test_slurm_must_have_as_many_tasks_as_the_jobs(slurm):
    with pytest.raises(RuntimeError, match="4 tasks on 2 nodes"):
        resolvers.SlurmClusterResolver({"worker": 3}, gpus_per_node=0)
    slurm.delenv("SLURM_STEP_NODELIST")
    slurm.delenv("SLURM_NODELIST", raising=False)
    with pytest.raises(RuntimeError, match="SLURM_STEP_NODELIST"):
        resolvers.SlurmClusterResolver(gpus_per_node=0)


class Pods:
    """Stand in for the client of Kubernetes."""

    def __init__(self, phase="Running"):
        self.phase = phase

    def list_pod_for_all_namespaces(self, label_selector):
        status = types.SimpleNamespace(
            phase=self.phase, pod_ip=f"10.0.0.{len(label_selector)}", host_ip="192.168.0.1"
        )
        pod = types.SimpleNamespace(
            status=status, metadata=types.SimpleNamespace(name=label_selector)
        )
        return types.SimpleNamespace(items=[pod])


def test_kubernetes_knows_the_running_pods():
    resolver = resolvers.KubernetesClusterResolver(
        {"worker": ["a", "bb"], "ps": ["ccc"]}, override_client=Pods()
    )

    assert resolver.cluster_spec().as_dict() == {
        "worker": ["10.0.0.1:8470", "10.0.0.2:8470"],
        "ps": ["10.0.0.3:8470"],
    }
    assert resolver.master() == "grpc://10.0.0.1:8470"
    assert resolver.master("ps", 0, "http") == "http://10.0.0.3:8470"
    outside = resolvers.KubernetesClusterResolver(
        override_client=Pods(),
        executable_location=resolvers.KubernetesExecutableLocation.OFF_CLUSTER,
    )
    assert outside.cluster_spec().as_dict() == {"worker": ["192.168.0.1:8470"]}
    with pytest.raises(RuntimeError, match='Pod "a" is not running'):
        resolvers.KubernetesClusterResolver(
            {"w": ["a"]}, override_client=Pods("Pending")
        ).cluster_spec()


def test_clusters_that_google_alone_knows_are_refused():
    with pytest.raises(tf.errors.UnimplementedError, match="GCEClusterResolver"):
        resolvers.GCEClusterResolver("p", "z", "i", 1)
    with pytest.raises(tf.errors.UnimplementedError, match="TPUClusterResolver"):
        resolvers.TPUClusterResolver("tpu")
    with pytest.raises(TypeError, match="abstract"):
        resolvers.ClusterResolver()
