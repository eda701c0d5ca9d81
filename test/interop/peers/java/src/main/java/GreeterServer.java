import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.Status;
import greeter.v1.GreeterGrpc;
import greeter.v1.GreeterOuterClass.HelloReply;
import greeter.v1.GreeterOuterClass.HelloRequest;
import io.grpc.Context;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;

/** The greeter by grpc-java. */
public final class GreeterServer extends GreeterGrpc.GreeterImplBase {
  static final Metadata.Key<String> TEXT = Metadata.Key.of("x-echo", Metadata.ASCII_STRING_MARSHALLER);
  static final Metadata.Key<byte[]> BYTES = Metadata.Key.of("x-echo-bin", Metadata.BINARY_BYTE_MARSHALLER);

  @Override
  public void sayHello(HelloRequest request, StreamObserver<HelloReply> reply) {
    if (request.getName().isEmpty()) {
      reply.onError(nameless());
    } else if (request.getName().equals("slow")) {
      Context.current().addListener(context -> reply.onError(io.grpc.Status.CANCELLED.asException()), Runnable::run);
    } else {
      answer(reply, "Hello " + request.getName());
    }
  }

  @Override
  public void sayHelloAgain(HelloRequest request, StreamObserver<HelloReply> reply) {
    answer(reply, "Hello again, " + request.getName());
  }

  @Override
  public StreamObserver<HelloRequest> chat(StreamObserver<HelloReply> replies) {
    return new StreamObserver<>() {
      @Override
      public void onNext(HelloRequest request) {
        replies.onNext(HelloReply.newBuilder().setMessage("Hello " + request.getName()).build());
      }

      @Override
      public void onError(Throwable error) {}

      @Override
      public void onCompleted() {
        replies.onCompleted();
      }
    };
  }

  private static void answer(StreamObserver<HelloReply> reply, String message) {
    reply.onNext(HelloReply.newBuilder().setMessage(message).build());
    reply.onCompleted();
  }

  private static Throwable nameless() {
    var violation = BadRequest.FieldViolation.newBuilder().setField("name").setDescription("it is empty");
    var detail = Any.pack(BadRequest.newBuilder().addFieldViolations(violation).build());
    return StatusProto.toStatusException(
        Status.newBuilder()
            .setCode(Code.INVALID_ARGUMENT_VALUE)
            .setMessage("give a name")
            .addDetails(detail)
            .build());
  }

  /** Sends the text of a request's metadata back in the header, and the bytes in the trailers. */
  private static final class Echo implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata received, ServerCallHandler<Q, R> next) {
      var echoing =
          new SimpleForwardingServerCall<Q, R>(call) {
            @Override
            public void sendHeaders(Metadata header) {
              if (received.containsKey(TEXT)) header.put(TEXT, received.get(TEXT));
              super.sendHeaders(header);
            }

            @Override
            public void close(io.grpc.Status status, Metadata trailer) {
              if (received.containsKey(BYTES)) trailer.put(BYTES, received.get(BYTES));
              super.close(status, trailer);
            }
          };
      return next.startCall(echoing, received);
    }
  }

  public static void main(String[] args) throws Exception {
    Server server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(new GreeterServer())
            .intercept(new Echo())
            .build()
            .start();
    System.out.println("listening on 127.0.0.1:" + server.getPort());
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    server.awaitTermination();
  }
}
