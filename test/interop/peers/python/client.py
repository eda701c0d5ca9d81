"""Calls the greeter by grpcio; a line for each case."""

import os
import queue

import grpc
from google.rpc import error_details_pb2
from greeter.v1 import greeter_pb2, greeter_pb2_grpc
from grpc_status import rpc_status

channel = grpc.insecure_channel(os.environ["ADDRESS"])
greeter = greeter_pb2_grpc.GreeterStub(channel)


def hello(name):
    return greeter_pb2.HelloRequest(name=name)


def say_hello():
    assert greeter.SayHello(hello("Ada")).message == "Hello Ada"


def say_hello_again():
    assert greeter.SayHelloAgain(hello("Ada")).message == "Hello again, Ada"


def large():
    name = "a" * 1_000_000
    assert greeter.SayHello(hello(name)).message == "Hello " + name


def compressed():
    name = "a" * 100_000
    reply = greeter.SayHello(hello(name), compression=grpc.Compression.Gzip)
    assert reply.message == "Hello " + name


def chat():
    names = queue.SimpleQueue()
    replies = greeter.Chat(iter(names.get, None))
    for name in ("Ada", "Grace", "Radia"):
        names.put(hello(name))
        assert next(replies).message == "Hello " + name
    names.put(None)
    assert list(replies) == []


def deadline():
    try:
        greeter.SayHello(hello("slow"), timeout=0.2)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    else:
        raise AssertionError("it was answered")


def metadata():
    sent = [("x-echo", "text"), ("x-echo-bin", b"\x00\xff\x01")]
    _, call = greeter.SayHello.with_call(hello("Ada"), metadata=sent)
    assert dict(call.initial_metadata())["x-echo"] == "text"
    assert dict(call.trailing_metadata())["x-echo-bin"] == b"\x00\xff\x01"


def rich_details():
    try:
        greeter.SayHello(hello(""))
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
        refused = error_details_pb2.BadRequest()
        assert rpc_status.from_call(error).details[0].Unpack(refused)
        assert refused.field_violations[0].field == "name"
    else:
        raise AssertionError("it was answered")


for case in (say_hello, say_hello_again, large, compressed, chat, deadline, metadata, rich_details):
    try:
        case()
        print(case.__name__, "passed", flush=True)
    except Exception as error:
        print(f"{case.__name__} failed: {error!r}".replace("\n", " "), flush=True)
channel.close()
