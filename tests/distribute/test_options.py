"""Options of strategies, partitioners, exchange between devices, and what needs servers."""

import pytest

import penstock as tf

distribute = tf.distribute
partitioners = tf.distribute.experimental.partitioners


def test_options_have_their_defaults():
    modes = distribute.InputReplicationMode

    assert distribute.InputOptions() == (True, modes.PER_WORKER, False, 1)
    assert distribute.InputOptions(False).experimental_fetch_to_device is False
    assert distribute.RunOptions() == (True, False, None)
    assert [mode.value for mode in modes] == ["PER_WORKER", "PER_REPLICA"]


def test_options_of_communication_are_merged():
    space = distribute.experimental
    ring = space.CommunicationImplementation.RING

    merged = space.CommunicationOptions(5, 2.0, ring).merge(
        space.CommunicationOptions(timeout_seconds=3.0)
    )

    found = (merged.bytes_per_pack, merged.timeout_seconds, merged.implementation)
    assert found == (5, 3.0, ring)
    assert space.CollectiveHints(3).bytes_per_pack == 3
    assert space.CollectiveCommunication is space.CommunicationImplementation
    with pytest.raises(ValueError, match="must be >=0"):
        space.CommunicationOptions(bytes_per_pack=-1)


@pytest.mark.parametrize(
    ("partitioner", "shape", "dtype", "parts"),
    [
        (partitioners.FixedShardsPartitioner(2), [10, 3], tf.float32, [2, 1]),
        (partitioners.MinSizePartitioner(2, max_shards=2), [6, 1], tf.float32, [2, 1]),
        (partitioners.MinSizePartitioner(40, max_shards=5), [6, 3], tf.float32, [2, 1]),
        (partitioners.MinSizePartitioner(256 << 10, 4), [200, 6000], tf.float64, [4, 1]),
        (partitioners.MaxSizePartitioner(4), [6, 1], tf.float32, [6, 1]),
        (partitioners.MaxSizePartitioner(4, max_shards=2), [6, 1], tf.float32, [2, 1]),
        (partitioners.MaxSizePartitioner(1024), [6, 1], tf.string, [1, 1]),
        (partitioners.MaxSizePartitioner(20), [6, 1], tf.string, [6, 1]),
        (partitioners.MaxSizePartitioner(3), [6, 1], tf.float32, [6, 1]),
    ],
)
def test_partitioners_cut_as_tensorflows_do(partitioner, shape, dtype, parts):
    assert partitioner(tf.TensorShape(shape), dtype) == parts


def test_partitioners_cut_along_an_axis_and_refuse_nonsense():
    fixed = partitioners.FixedShardsPartitioner(20)

    assert fixed(tf.TensorShape([10, 3]), tf.float32, axis=1) == [1, 3]
    with pytest.raises(ValueError, match="must be positive"):
        partitioners.MaxSizePartitioner(0)
    with pytest.raises(ValueError, match="must be positive"):
        partitioners.MinSizePartitioner(0)
    with pytest.raises(ValueError, match="unknown rank"):
        fixed(tf.TensorShape(None), tf.float32)
    with pytest.raises(tf.errors.UnimplementedError, match="__call__"):
        partitioners.Partitioner()([1], tf.float32)


@pytest.mark.parametrize(
    "ops",
    [
        distribute.ReductionToOneDevice(),
        distribute.HierarchicalCopyAllReduce(),
        distribute.NcclAllReduce(2),
    ],
)
def test_values_of_replicas_are_put_together(ops):
    values = tf.types.experimental.distributed.PerReplica([tf.constant(3.0), tf.constant(5.0)])

    assert ops.reduce("SUM", values, "/cpu:0").numpy() == 8
    assert ops.reduce(distribute.ReduceOp.MEAN, values, "CPU:0").numpy() == 4
    assert ops.reduce("SUM", tf.constant(3.0), tf.Variable(1.0)).numpy() == 3
    both = ops.batch_reduce("SUM", [(values, "/cpu:0"), (tf.constant(1.0), "/cpu:0")])
    assert [value.numpy() for value in both] == [8, 1]
    assert ops.broadcast(tf.constant(2.0), "/cpu:0").numpy() == 2
    with pytest.raises(ValueError, match="destinations must be"):
        ops.reduce("SUM", values, ["/cpu:0"])


def test_slices_stay_slices_when_they_are_put_together():
    slices = [tf.IndexedSlices([[float(i)]], [i], [3, 1]) for i in range(2)]
    values = tf.types.experimental.distributed.PerReplica(slices)

    together = distribute.ReductionToOneDevice().reduce("MEAN", values, "/cpu:0")

    assert isinstance(together, tf.IndexedSlices)
    assert tf.convert_to_tensor(together).numpy().tolist() == [[0], [0.5], [0]]


def test_own_sums_are_used():
    ops = distribute.ReductionToOneDevice(accumulation_fn=lambda tensors: tensors[0] * 10.0)
    values = tf.types.experimental.distributed.PerReplica([tf.constant(3.0), tf.constant(5.0)])

    assert ops.reduce("SUM", values, "/cpu:0").numpy() == 30
    with pytest.raises(ValueError, match="num_packs >= 0"):
        distribute.NcclAllReduce(-1)
    with pytest.raises(tf.errors.UnimplementedError, match="reduce_implementation"):
        distribute.CrossDeviceOps().reduce("SUM", values, "/cpu:0")


def test_strategies_have_their_older_members():
    strategy = distribute.OneDeviceStrategy("/cpu:0")
    numbers = tf.data.Dataset.range(3)

    assert strategy.unwrap(3) == (3,)
    assert strategy.experimental_run(lambda: 3) == 3
    iterator = strategy.make_dataset_iterator(numbers)
    assert strategy.experimental_run(lambda x: x + 1, iterator).numpy() == 1
    made = strategy.make_input_fn_iterator(lambda context: numbers)
    assert next(made).numpy() == 0
    again = strategy.experimental_distribute_datasets_from_function(lambda context: numbers)
    assert len(list(again)) == 3
    assert strategy.configure() is None
    settings = strategy.update_config_proto(tf.compat.v1.ConfigProto())
    assert settings.isolate_session_state
    with strategy.colocate_vars_with(tf.Variable(1.0)):
        assert tf.Variable(2.0).numpy() == 2
    assert strategy.group(tf.constant(3)).numpy() == 3

    @tf.function
    def grouped(x):
        assert strategy.group(x).type == "NoOp"
        return x

    assert grouped(tf.constant(1)).numpy() == 1
    with pytest.raises(ValueError, match="replication mode"):
        strategy.make_input_fn_iterator(
            lambda context: numbers, distribute.InputReplicationMode.PER_REPLICA
        )


def test_what_needs_servers_is_refused():
    strategy = distribute.get_strategy()

    with pytest.raises(tf.errors.UnimplementedError, match="ClusterCoordinator"):
        distribute.coordinator.ClusterCoordinator(strategy)
    with pytest.raises(RuntimeError, match="worker index"):
        distribute.coordinator.experimental_get_current_worker_index()
    with pytest.raises(AssertionError, match="RemoteValue"):
        distribute.coordinator.PerWorkerValue((1, 2))
    with pytest.raises(tf.errors.UnimplementedError, match="must define get"):
        distribute.coordinator.RemoteValue().get()
    with pytest.raises(tf.errors.UnimplementedError, match=r"Server\.create"):
        distribute.experimental.rpc.Server.create("grpc", "localhost:1")
    with pytest.raises(tf.errors.UnimplementedError, match=r"Client\.create"):
        distribute.experimental.rpc.Client.create("grpc", "localhost:1")


def test_strategies_of_other_machines_take_tensorflows_parameters_and_refuse():
    older = distribute.experimental

    for make in (
        lambda: distribute.TPUStrategy(None, experimental_spmd_xla_partitioning=True),
        lambda: distribute.MultiWorkerMirroredStrategy(communication_options=None),
        lambda: older.TPUStrategy(device_assignment=None),
        lambda: older.MultiWorkerMirroredStrategy(cluster_resolver=None),
        lambda: older.ParameterServerStrategy(None, variable_partitioner=None),
        lambda: older.CentralStorageStrategy(parameter_device="CPU:0"),
    ):
        with pytest.raises(tf.errors.UnimplementedError, match="Strategy is not implemented"):
            make()
    assert older.TPUStrategy is not distribute.TPUStrategy
    assert older.TPUStrategy.__name__ == "TPUStrategy"


def test_shared_out_elements_are_folded():
    strategy = distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    shared = strategy.experimental_distribute_dataset(tf.data.Dataset.range(8).batch(4))

    def add(total, element):
        return total + sum(int(part.numpy().sum()) for part in element.values)

    assert shared.reduce(0, add) == sum(range(8))
    with pytest.raises(tf.errors.UnimplementedError, match="for statement"):
        tf.function(lambda: shared.reduce(tf.constant(0), add))()
