package greeter

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	pb "trunkline-interop/gen/greeter/v1"
)

// KeepCalling calls until SIGTERM, and prints a line for each call: who served it, or what went wrong.
func KeepCalling(connection grpc.ClientConnInterface) {
	ctx, stop := Until()
	defer stop()
	client := pb.NewGreeterClient(connection)
	for ctx.Err() == nil {
		var header metadata.MD
		once, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err := client.SayHello(once, &pb.HelloRequest{Name: "you"}, grpc.Header(&header), grpc.WaitForReady(true))
		cancel()
		if err != nil {
			fmt.Println("failed:", err)
		} else {
			fmt.Println("served by", header.Get("served-by")[0])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Until gives a context that ends with SIGTERM or SIGINT.
func Until() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
}

// Listen binds a port of the loopback; a free one without ADDRESS.
func Listen() net.Listener {
	address := os.Getenv("ADDRESS")
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	Must(err)
	return listener
}

// Must ends the program with an error, if there is one.
func Must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
