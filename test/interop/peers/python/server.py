"""The greeter by grpcio."""

import os
import signal
import time
from concurrent import futures

import grpc
import naming
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from greeter.v1 import greeter_pb2, greeter_pb2_grpc
from grpc_status import rpc_status

NAME = os.environ.get("NAME", "python")


def nameless():
    detail = any_pb2.Any()
    detail.Pack(
        error_details_pb2.BadRequest(
            field_violations=[{"field": "name", "description": "it is empty"}]
        )
    )
    return status_pb2.Status(
        code=code_pb2.INVALID_ARGUMENT, message="give a name", details=[detail]
    )


class Greeter(greeter_pb2_grpc.GreeterServicer):
    def SayHello(self, request, context):
        received = dict(context.invocation_metadata())
        header = [("served-by", NAME)]
        if "x-echo" in received:
            header.append(("x-echo", received["x-echo"]))
        if "x-echo-bin" in received:
            context.set_trailing_metadata([("x-echo-bin", received["x-echo-bin"])])
        context.send_initial_metadata(header)
        if request.name == "":
            context.abort_with_status(rpc_status.to_status(nameless()))
        if request.name == "slow":
            for _ in range(50):
                if not context.is_active():
                    break
                time.sleep(0.1)
        return greeter_pb2.HelloReply(message=f"Hello {request.name}")

    def SayHelloAgain(self, request, context):
        return greeter_pb2.HelloReply(message=f"Hello again, {request.name}")

    def Chat(self, requests, context):
        for request in requests:
            yield greeter_pb2.HelloReply(message=f"Hello {request.name}")


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    greeter_pb2_grpc.add_GreeterServicer_to_server(Greeter(), server)
    port = server.add_insecure_port(os.environ.get("ADDRESS", "127.0.0.1:0"))
    server.start()
    leave = naming.register(f"127.0.0.1:{port}") if "ETCD" in os.environ else lambda: None
    print(f"listening on 127.0.0.1:{port}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(1))
    server.wait_for_termination()
    leave()


main()
