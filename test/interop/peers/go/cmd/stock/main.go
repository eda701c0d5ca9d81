// The greeter with grpc-go and etcd's own Go naming package, as their documentation has it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	etcd "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/client/v3/naming/resolver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	pb "trunkline-interop/gen/greeter/v1"
	"trunkline-interop/greeter"
)

const service = "greeter.v1.Greeter"
const roundRobin = `{"loadBalancingConfig":[{"round_robin":{}}]}`

func main() {
	switch os.Args[1] {
	case "server":
		serve()
	case "client":
		greeter.RunCases(dial(os.Getenv("ADDRESS")))
	case "calls":
		resolver, err := resolver.NewBuilder(etcdClient())
		greeter.Must(err)
		greeter.KeepCalling(dial("etcd:///"+service, grpc.WithResolvers(resolver), grpc.WithDefaultServiceConfig(roundRobin)))
	case "retry":
		retry()
	case "health":
		health()
	}
}

func dial(target string, options ...grpc.DialOption) *grpc.ClientConn {
	connection, err := grpc.NewClient(target, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	greeter.Must(err)
	return connection
}

func etcdClient() *etcd.Client {
	client, err := etcd.NewFromURL(os.Getenv("ETCD"))
	greeter.Must(err)
	return client
}

func serve() {
	listener := greeter.Listen()
	server := grpc.NewServer()
	pb.RegisterGreeterServer(server, &greeter.Server{Name: os.Getenv("NAME")})
	reflection.Register(server)
	ctx, stop := greeter.Until()
	defer stop()
	leave := func() {}
	if os.Getenv("ETCD") != "" {
		leave = register(listener.Addr().String())
	}
	go func() {
		<-ctx.Done()
		leave()
		server.GracefulStop()
	}()
	fmt.Println("listening on", listener.Addr())
	greeter.Must(server.Serve(listener))
}

// Registers an address under a lease that is kept alive; gives how to take it out again.
func register(address string) func() {
	client, ctx := etcdClient(), context.Background()
	manager, err := endpoints.NewManager(client, service)
	greeter.Must(err)
	lease, err := client.Grant(ctx, 5)
	greeter.Must(err)
	key := service + "/" + address
	greeter.Must(manager.AddEndpoint(ctx, key, endpoints.Endpoint{Addr: address}, etcd.WithLease(lease.ID)))
	alive, err := client.KeepAlive(ctx, lease.ID)
	greeter.Must(err)
	go func() {
		for range alive {
		}
	}()
	return func() {
		greeter.Must(manager.DeleteEndpoint(ctx, key))
		time.Sleep(200 * time.Millisecond) // until clients have seen it
	}
}

// Calls once with the service config that the contract was generated to.
func retry() {
	config, err := os.ReadFile(os.Getenv("SERVICE_CONFIG"))
	greeter.Must(err)
	client := pb.NewGreeterClient(dial(os.Getenv("ADDRESS"), grpc.WithDefaultServiceConfig(string(config))))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	reply, err := client.SayHello(ctx, &pb.HelloRequest{Name: "you"})
	fmt.Printf("SayHello: %s %v\n", reply.GetMessage(), err)
	again, err := client.SayHelloAgain(ctx, &pb.HelloRequest{Name: "you"})
	fmt.Printf("SayHelloAgain: %s %v\n", again.GetMessage(), err)
}

// Prints the status of a service whenever it changes.
func health() {
	client := healthpb.NewHealthClient(dial(os.Getenv("ADDRESS")))
	checked, err := client.Check(context.Background(), &healthpb.HealthCheckRequest{Service: service})
	greeter.Must(err)
	fmt.Println("check", checked.Status)
	watching, err := client.Watch(context.Background(), &healthpb.HealthCheckRequest{Service: service})
	greeter.Must(err)
	for {
		change, err := watching.Recv()
		greeter.Must(err)
		fmt.Println("watch", change.Status)
	}
}
