// The greeter with kratos: its App registers, its client's resolver and balancer find.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/go-kratos/kratos/v2"
	"github.com/go-kratos/kratos/v2/log"
	transport "github.com/go-kratos/kratos/v2/transport/grpc"
	etcd "go.etcd.io/etcd/client/v3"

	pb "trunkline-interop/gen/greeter/v1"
	"trunkline-interop/greeter"
)

const service = "greeter.v1.Greeter"

func main() {
	log.SetLogger(log.NewFilter(log.DefaultLogger, log.FilterLevel(log.LevelFatal)))
	client, err := etcd.NewFromURL(os.Getenv("ETCD"))
	greeter.Must(err)
	registry := &etcdRegistry{client: client}
	switch os.Args[1] {
	case "server":
		serve(registry)
	case "calls":
		connection, err := transport.DialInsecure(context.Background(),
			transport.WithEndpoint("discovery:///"+service), transport.WithDiscovery(registry),
			transport.WithTimeout(5*time.Second), transport.WithPrintDiscoveryDebugLog(false))
		greeter.Must(err)
		greeter.KeepCalling(connection)
	}
}

func serve(registry *etcdRegistry) {
	listener := greeter.Listen()
	address := listener.Addr().String()
	server := transport.NewServer(transport.Listener(listener), transport.Address(address),
		transport.Endpoint(&url.URL{Scheme: "grpc", Host: address}))
	pb.RegisterGreeterServer(server, &greeter.Server{Name: os.Getenv("NAME")})
	app := kratos.New(kratos.ID(address), kratos.Name(service), kratos.Version("v1"),
		kratos.Server(server), kratos.Registrar(registry))
	fmt.Println("listening on", address)
	greeter.Must(app.Run())
}
