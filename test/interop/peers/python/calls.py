"""Calls the greeters that etcd knows, one after the other, and prints who has served."""

import grpc
from greeter.v1 import greeter_pb2, greeter_pb2_grpc
from naming import addresses

ROUND_ROBIN = '{"loadBalancingConfig": [{"round_robin": {}}]}'

target = "ipv4:" + ",".join(addresses())
with grpc.insecure_channel(target, [("grpc.service_config", ROUND_ROBIN)]) as channel:
    greeter = greeter_pb2_grpc.GreeterStub(channel)
    for _ in range(60):
        _, call = greeter.SayHello.with_call(greeter_pb2.HelloRequest(name="you"), timeout=5)
        print("served by", dict(call.initial_metadata())["served-by"], flush=True)
