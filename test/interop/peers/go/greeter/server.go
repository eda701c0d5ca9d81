// Package greeter is the greeter as every peer of these suites serves and calls it.
package greeter

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "trunkline-interop/gen/greeter/v1"
)

// Server greets, and says in the header who it is.
type Server struct {
	pb.UnimplementedGreeterServer
	Name string
}

func (s *Server) SayHello(ctx context.Context, request *pb.HelloRequest) (*pb.HelloReply, error) {
	header := metadata.Pairs("served-by", s.Name)
	if received, ok := metadata.FromIncomingContext(ctx); ok {
		header.Append("x-echo", received.Get("x-echo")...)
		_ = grpc.SetTrailer(ctx, metadata.MD{"x-echo-bin": received.Get("x-echo-bin")})
	}
	_ = grpc.SetHeader(ctx, header)
	switch request.Name {
	case "":
		return nil, nameless()
	case "slow":
		select {
		case <-ctx.Done():
			return nil, status.FromContextError(ctx.Err()).Err()
		case <-time.After(5 * time.Second):
		}
	}
	return &pb.HelloReply{Message: "Hello " + request.Name}, nil
}

func nameless() error {
	violation := &errdetails.BadRequest_FieldViolation{Field: "name", Description: "it is empty"}
	refused, _ := status.New(codes.InvalidArgument, "give a name").WithDetails(
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}})
	return refused.Err()
}

func (s *Server) SayHelloAgain(_ context.Context, request *pb.HelloRequest) (*pb.HelloReply, error) {
	return &pb.HelloReply{Message: "Hello again, " + request.Name}, nil
}

func (s *Server) Chat(stream grpc.BidiStreamingServer[pb.HelloRequest, pb.HelloReply]) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&pb.HelloReply{Message: "Hello " + request.Name}); err != nil {
			return err
		}
	}
}
