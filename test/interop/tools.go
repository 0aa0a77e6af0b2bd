//go:build tools

// Package interop pins the real etcd and etcdctl that the interop and differential tests build and compare with.
package interop

import (
	_ "go.etcd.io/etcd/etcdctl/v3"
	_ "go.etcd.io/etcd/server/v3"
)
