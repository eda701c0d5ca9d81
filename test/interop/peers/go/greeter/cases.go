package greeter

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "trunkline-interop/gen/greeter/v1"
)

type testCase struct {
	name string
	run  func(context.Context, pb.GreeterClient) error
}

var cases = []testCase{
	{"say_hello", func(ctx context.Context, client pb.GreeterClient) error {
		reply, err := client.SayHello(ctx, &pb.HelloRequest{Name: "Ada"})
		return expect("Hello Ada", reply.GetMessage(), err)
	}},
	{"say_hello_again", func(ctx context.Context, client pb.GreeterClient) error {
		reply, err := client.SayHelloAgain(ctx, &pb.HelloRequest{Name: "Ada"})
		return expect("Hello again, Ada", reply.GetMessage(), err)
	}},
	{"large", func(ctx context.Context, client pb.GreeterClient) error {
		name := strings.Repeat("a", 1_000_000)
		reply, err := client.SayHello(ctx, &pb.HelloRequest{Name: name})
		return expect("Hello "+name, reply.GetMessage(), err)
	}},
	{"compressed", func(ctx context.Context, client pb.GreeterClient) error {
		name := strings.Repeat("a", 100_000)
		reply, err := client.SayHello(ctx, &pb.HelloRequest{Name: name}, grpc.UseCompressor(gzip.Name))
		return expect("Hello "+name, reply.GetMessage(), err)
	}},
	{"chat", chat},
	{"deadline", func(ctx context.Context, client pb.GreeterClient) error {
		ctx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		_, err := client.SayHello(ctx, &pb.HelloRequest{Name: "slow"})
		return expect(codes.DeadlineExceeded, status.Code(err), nil)
	}},
	{"metadata", func(ctx context.Context, client pb.GreeterClient) error {
		var header, trailer metadata.MD
		ctx = metadata.AppendToOutgoingContext(ctx, "x-echo", "text", "x-echo-bin", "\x00\xff\x01")
		_, err := client.SayHello(ctx, &pb.HelloRequest{Name: "Ada"}, grpc.Header(&header), grpc.Trailer(&trailer))
		found := fmt.Sprintf("%q %q", header.Get("x-echo"), trailer.Get("x-echo-bin"))
		return expect(`["text"] ["\x00\xff\x01"]`, found, err)
	}},
	{"rich_details", func(ctx context.Context, client pb.GreeterClient) error {
		_, err := client.SayHello(ctx, &pb.HelloRequest{})
		refused := status.Convert(err)
		if refused.Code() != codes.InvalidArgument || len(refused.Details()) != 1 {
			return fmt.Errorf("got %v with %v", err, refused.Details())
		}
		detail, ok := refused.Details()[0].(*errdetails.BadRequest)
		if !ok {
			return fmt.Errorf("the detail is a %T", refused.Details()[0])
		}
		return expect("name", detail.FieldViolations[0].Field, nil)
	}},
}

func chat(ctx context.Context, client pb.GreeterClient) error {
	stream, err := client.Chat(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"Ada", "Grace", "Radia"} {
		if err := stream.Send(&pb.HelloRequest{Name: name}); err != nil {
			return err
		}
		reply, err := stream.Recv()
		if err := expect("Hello "+name, reply.GetMessage(), err); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	_, err = stream.Recv()
	return expect("EOF", fmt.Sprint(err), nil)
}

func expect[T comparable](wanted, got T, err error) error {
	if err != nil || got == wanted {
		return err
	}
	return fmt.Errorf("got %v instead of %v", got, wanted)
}

// RunCases runs every case and prints a line for each: its name, and how it went.
func RunCases(connection grpc.ClientConnInterface) {
	for _, each := range cases {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := each.run(ctx, pb.NewGreeterClient(connection)); err != nil {
			fmt.Printf("%s failed: %v\n", each.name, err)
		} else {
			fmt.Printf("%s passed\n", each.name)
		}
		cancel()
	}
}
