//go:build tools

// Package tool pins etcd's own load generator, which the benchmark runs beside its own.
package tool

import _ "go.etcd.io/etcd/v3/tools/benchmark"
