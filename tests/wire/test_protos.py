import gzip
import subprocess
import sys

import pytest
from google.protobuf import descriptor_pb2

from penstock.core.errors import DataLossError, InvalidArgumentError, NotFoundError
from penstock.wire import protos
from tests.wire.golden import GOLDEN

FILES = descriptor_pb2.FileDescriptorSet.FromString(
    gzip.decompress((GOLDEN / "descriptors.binpb.gz").read_bytes())
).file
# Files that only re-export another, or hold what no file of ours needs.
LEFT_OUT = {
    "tensorflow/core/protobuf/error_codes.proto",
    "tensorflow/core/protobuf/rpc_options.proto",
}


def facts(messages, prefix):
    """(full name, number, type, label, oneof) of every field, however deeply nested."""
    for message in messages:
        name = f"{prefix}.{message.name}"
        oneofs = [oneof.name for oneof in message.oneof_decl]
        for field in message.field:
            oneof = oneofs[field.oneof_index] if field.HasField("oneof_index") else ""
            yield (
                *(f"{name}.{field.name}", field.number, field.type, field.type_name),
                *(field.label, oneof, field.proto3_optional, message.options.map_entry),
            )
        for enum in message.enum_type:
            yield from ((f"{name}.{enum.name}.{v.name}", v.number) for v in enum.value)
        yield from facts(message.nested_type, name)


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.name not in LEFT_OUT], ids=lambda file: file.name
)
def test_every_field_has_tensorflows_number_and_type(file):
    ours = descriptor_pb2.FileDescriptorProto()
    protos.pool().FindFileByName(file.name).CopyToProto(ours)

    assert sorted(facts(ours.message_type, ours.package)) == sorted(
        facts(file.message_type, file.package)
    )
    assert {
        (enum.name, value.name, value.number) for enum in ours.enum_type for value in enum.value
    } == {
        (enum.name, value.name, value.number) for enum in file.enum_type for value in enum.value
    }
    assert [service.name for service in ours.service] == [s.name for s in file.service]


SERVICE_FILES = {
    file.package: file
    for file in descriptor_pb2.FileDescriptorSet.FromString(
        gzip.decompress((GOLDEN.parent / "serving" / "services.binpb.gz").read_bytes())
    ).file
}


@pytest.mark.parametrize(
    "name",
    [
        "grpc/health/v1/health.proto",
        "grpc/reflection/v1alpha/reflection.proto",
        "grpc/reflection/v1/reflection.proto",
        "open_inference_grpc.proto",
    ],
)
def test_every_field_of_a_service_has_the_number_and_type_that_clients_use(name):
    ours = descriptor_pb2.FileDescriptorProto()
    protos.pool().FindFileByName(name).CopyToProto(ours)
    # Version v1 of reflection is v1alpha by another name.
    package = "grpc.reflection.v1alpha" if "reflection" in name else ours.package
    theirs = SERVICE_FILES[package]

    expected = set(facts(theirs.message_type, ""))
    found = {
        (*fact[:3], fact[3].replace(ours.package, package), *fact[4:])
        if len(fact) > 3
        else fact
        for fact in facts(ours.message_type, "")
        # The protocol has a map that Triton, whose file this is, has not.
        if "roperties" not in fact[0]
    }

    assert found
    assert found <= expected
    theirs_methods = {m.name: m for s in theirs.service for m in s.method}
    for service in ours.service:
        for method in service.method:
            other = theirs_methods[method.name]
            assert method.client_streaming == other.client_streaming
            assert method.server_streaming == other.server_streaming


def test_a_graph_keeps_its_bytes():
    serialized = (GOLDEN / "graph.pb").read_bytes()

    graph = protos.GraphDef.FromString(serialized)

    assert [node.op for node in graph.node].count("MatMul") == 1
    assert graph.SerializeToString(deterministic=True) == serialized


def test_the_text_format_describes_the_same_graph():
    graph = protos.GraphDef.FromString((GOLDEN / "graph.pb").read_bytes())

    assert protos.parse_text(protos.GraphDef, (GOLDEN / "graph.pbtxt").read_text()) == graph
    assert protos.parse_text(protos.GraphDef, str(graph)) == graph


def test_unknown_fields_are_kept():
    # Field 1000 of type varint, which no version of NodeDef has.
    serialized = protos.NodeDef(name="n").SerializeToString() + b"\xc0\x3e\x07"

    assert protos.NodeDef.FromString(serialized).SerializeToString() == serialized


def test_any_names_its_content_as_tensorflow_does():
    box = protos.find("google.protobuf.Any")()
    box.Pack(protos.SignatureDef(method_name="m"))

    assert box.type_url == "type.googleapis.com/tensorflow.SignatureDef"
    assert box.Is(protos.SignatureDef.DESCRIPTOR)


def test_enums_and_their_values_are_attributes():
    assert protos.DT_BFLOAT16 == 14
    assert protos.DataType.Name(14) == "DT_BFLOAT16"
    assert protos.ModelVersionStatus.AVAILABLE == 30
    assert "GraphDef" in dir(protos)


def test_an_unknown_name_is_no_attribute():
    assert not hasattr(protos, "GraphDefinition")
    with pytest.raises(NotFoundError, match="GraphDefinition"):
        protos.find("GraphDefinition")


def test_bytes_that_are_no_message_are_data_loss():
    with pytest.raises(
        DataLossError, match=r"model must be a serialized tensorflow\.SavedModel"
    ):
        protos.parse(protos.SavedModel, b"\x12\xff\xff\xff\xff\x0f", "model")


@pytest.mark.parametrize(
    "text",
    ["model_config_lost {}", r"model_config_list { config { name: '\ ' } }", b"\xff", "{"],
)
def test_text_that_is_no_message_is_an_invalid_argument(text):
    with pytest.raises(InvalidArgumentError, match="config"):
        protos.parse_text(protos.ModelServerConfig, text, "config")


def test_protobuf_is_imported_only_when_a_message_is_used():
    script = (
        "import sys; import penstock.wire.tensors, penstock.wire.bundle, penstock.wire.events;"
        "assert 'google.protobuf' not in sys.modules;"
        "penstock.wire.protos.NodeDef; assert 'google.protobuf' in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script], check=True)


def test_another_owner_of_the_names_may_be_in_the_process():
    script = """if True:
        from google.protobuf import descriptor_pb2, descriptor_pool
        file = descriptor_pb2.FileDescriptorProto(name="other.proto", package="tensorflow")
        file.message_type.add(name="NodeDef").field.add(name="lost", number=1, type=9, label=1)
        descriptor_pool.Default().Add(file)
        from penstock.wire import protos
        assert protos.NodeDef(op="x").op == "x"
    """

    subprocess.run([sys.executable, "-c", script], check=True)
