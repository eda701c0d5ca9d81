// The greeter with go-zero, which registers and discovers by its own etcd packages.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/zeromicro/go-zero/core/discov"
	"github.com/zeromicro/go-zero/core/logx"
	"github.com/zeromicro/go-zero/core/service"
	"github.com/zeromicro/go-zero/zrpc"
	"google.golang.org/grpc"

	pb "trunkline-interop/gen/greeter/v1"
	"trunkline-interop/greeter"
)

func main() {
	hosts := []string{strings.TrimPrefix(os.Getenv("ETCD"), "http://")}
	registry := discov.EtcdConf{Hosts: hosts, Key: "greeter.v1.Greeter.rpc"}
	logx.Disable()
	switch os.Args[1] {
	case "server":
		serve(registry)
	case "calls":
		client := zrpc.MustNewClient(zrpc.RpcClientConf{Etcd: registry, NonBlock: true, Timeout: 5000})
		greeter.KeepCalling(client.Conn())
	}
}

func serve(registry discov.EtcdConf) {
	// go-zero binds by itself and does not tell to what.
	listener := greeter.Listen()
	address := listener.Addr().String()
	greeter.Must(listener.Close())
	config := zrpc.RpcServerConf{
		ServiceConf: service.ServiceConf{Name: "greeter", Mode: service.ProMode},
		ListenOn:    address,
		Etcd:        registry,
		Timeout:     5000,
	}
	server := zrpc.MustNewServer(config, func(server *grpc.Server) {
		pb.RegisterGreeterServer(server, &greeter.Server{Name: os.Getenv("NAME")})
	})
	fmt.Println("listening on", address)
	server.Start()
}
