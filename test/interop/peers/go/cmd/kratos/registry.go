package main

import (
	"context"
	"encoding/json"

	"github.com/go-kratos/kratos/v2/registry"
	etcd "go.etcd.io/etcd/client/v3"
)

const namespace = "/microservices/"

// Keeps kratos's own ServiceInstance in etcd as kratos's etcd module does. That module has no released version that
// the Go proxy gives; what it writes is the JSON of kratos's own type under /microservices/<name>/<id>.
type etcdRegistry struct {
	client *etcd.Client
}

func keyOf(instance *registry.ServiceInstance) string {
	return namespace + instance.Name + "/" + instance.ID
}

func (r *etcdRegistry) Register(ctx context.Context, instance *registry.ServiceInstance) error {
	value, err := json.Marshal(instance)
	if err != nil {
		return err
	}
	lease, err := r.client.Grant(ctx, 15)
	if err != nil {
		return err
	}
	if _, err = r.client.Put(ctx, keyOf(instance), string(value), etcd.WithLease(lease.ID)); err != nil {
		return err
	}
	alive, err := r.client.KeepAlive(context.Background(), lease.ID)
	go func() {
		for range alive {
		}
	}()
	return err
}

func (r *etcdRegistry) Deregister(ctx context.Context, instance *registry.ServiceInstance) error {
	_, err := r.client.Delete(ctx, keyOf(instance))
	return err
}

func (r *etcdRegistry) GetService(ctx context.Context, name string) ([]*registry.ServiceInstance, error) {
	found, err := r.client.Get(ctx, namespace+name+"/", etcd.WithPrefix())
	if err != nil {
		return nil, err
	}
	instances := make([]*registry.ServiceInstance, 0, len(found.Kvs))
	for _, each := range found.Kvs {
		instance := &registry.ServiceInstance{}
		if err := json.Unmarshal(each.Value, instance); err != nil {
			return nil, err
		}
		instances = append(instances, instance)
	}
	return instances, nil
}

func (r *etcdRegistry) Watch(ctx context.Context, name string) (registry.Watcher, error) {
	ctx, stop := context.WithCancel(ctx)
	changes := r.client.Watch(ctx, namespace+name+"/", etcd.WithPrefix())
	return &watcher{registry: r, name: name, ctx: ctx, stop: stop, changes: changes}, nil
}

type watcher struct {
	registry *etcdRegistry
	name     string
	ctx      context.Context
	stop     context.CancelFunc
	changes  etcd.WatchChan
	begun    bool
}

// Next gives the whole list, at first at once and then whenever it has changed.
func (w *watcher) Next() ([]*registry.ServiceInstance, error) {
	if w.begun {
		select {
		case <-w.ctx.Done():
			return nil, w.ctx.Err()
		case <-w.changes:
		}
	}
	w.begun = true
	return w.registry.GetService(w.ctx, w.name)
}

func (w *watcher) Stop() error {
	w.stop()
	return nil
}
