import com.google.rpc.BadRequest;
import greeter.v1.GreeterGrpc;
import greeter.v1.GreeterOuterClass.HelloReply;
import greeter.v1.GreeterOuterClass.HelloRequest;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.util.Arrays;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Calls the greeter by grpc-java; a line for each case. */
public final class GreeterClient {
  private static ManagedChannel channel;
  private static GreeterGrpc.GreeterBlockingStub greeter;

  private interface Case {
    void run() throws Exception;
  }

  public static void main(String[] args) {
    channel = Grpc.newChannelBuilder(System.getenv("ADDRESS"), InsecureChannelCredentials.create()).build();
    greeter = GreeterGrpc.newBlockingStub(channel);
    String large = "a".repeat(1_000_000);
    run("say_hello", () -> expect("Hello Ada", greeter.sayHello(hello("Ada")).getMessage()));
    run("say_hello_again", () -> expect("Hello again, Ada", greeter.sayHelloAgain(hello("Ada")).getMessage()));
    run("large", () -> expect("Hello " + large, greeter.sayHello(hello(large)).getMessage()));
    run("compressed", () ->
        expect("Hello " + large, greeter.withCompression("gzip").sayHello(hello(large)).getMessage()));
    run("chat", GreeterClient::chat);
    run("deadline", () -> {
      var refused = failure(greeter.withDeadlineAfter(200, TimeUnit.MILLISECONDS), "slow");
      expect(Status.Code.DEADLINE_EXCEEDED, refused.getStatus().getCode());
    });
    run("metadata", GreeterClient::metadata);
    run("rich_details", () -> {
      var status = StatusProto.fromThrowable(failure(greeter, ""));
      expect("name", status.getDetails(0).unpack(BadRequest.class).getFieldViolations(0).getField());
    });
    channel.shutdownNow();
  }

  private static void chat() throws Exception {
    var replies = new LinkedBlockingQueue<String>();
    var requests =
        GreeterGrpc.newStub(channel)
            .chat(
                new StreamObserver<>() {
                  @Override
                  public void onNext(HelloReply reply) {
                    replies.add(reply.getMessage());
                  }

                  @Override
                  public void onError(Throwable error) {
                    replies.add("failed: " + error);
                  }

                  @Override
                  public void onCompleted() {
                    replies.add("the end");
                  }
                });
    for (String name : new String[] {"Ada", "Grace", "Radia"}) {
      requests.onNext(hello(name));
      expect("Hello " + name, replies.poll(5, TimeUnit.SECONDS));
    }
    requests.onCompleted();
    expect("the end", replies.poll(5, TimeUnit.SECONDS));
  }

  private static void metadata() {
    var sent = new Metadata();
    byte[] bytes = {0, -1, 1};
    sent.put(GreeterServer.TEXT, "text");
    sent.put(GreeterServer.BYTES, bytes);
    var header = new AtomicReference<Metadata>();
    var trailer = new AtomicReference<Metadata>();
    greeter
        .withInterceptors(
            MetadataUtils.newAttachHeadersInterceptor(sent),
            MetadataUtils.newCaptureMetadataInterceptor(header, trailer))
        .sayHello(hello("Ada"));
    expect("text", header.get().get(GreeterServer.TEXT));
    expect(Arrays.toString(bytes), Arrays.toString(trailer.get().get(GreeterServer.BYTES)));
  }

  private static HelloRequest hello(String name) {
    return HelloRequest.newBuilder().setName(name).build();
  }

  private static StatusRuntimeException failure(GreeterGrpc.GreeterBlockingStub greeter, String name) {
    try {
      greeter.sayHello(hello(name));
    } catch (StatusRuntimeException error) {
      return error;
    }
    throw new AssertionError("it was answered");
  }

  private static void expect(Object wanted, Object got) {
    if (!wanted.equals(got)) throw new AssertionError("got " + got + " instead of " + wanted);
  }

  private static void run(String name, Case one) {
    try {
      one.run();
      System.out.println(name + " passed");
    } catch (Exception | AssertionError error) {
      String why = String.valueOf(error).replace('\n', ' ');
      System.out.println(name + " failed: " + why.substring(0, Math.min(300, why.length())));
    }
  }
}
