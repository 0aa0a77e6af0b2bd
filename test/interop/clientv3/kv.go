package main

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func (s *suite) keyValueChecks() {
	s.check("put and get", func(ctx context.Context) error {
		put, err := s.cli.Put(ctx, "kv/a", "one")
		if err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "kv/a")
		if err != nil {
			return err
		}
		if len(got.Kvs) != 1 {
			return fmt.Errorf("%d key-value pairs", len(got.Kvs))
		}
		kv := got.Kvs[0]
		return first(
			want("value", string(kv.Value), "one"),
			want("mod revision", kv.ModRevision, put.Header.Revision),
			want("create revision", kv.CreateRevision, put.Header.Revision),
			want("version", kv.Version, 1),
			want("count", got.Count, 1),
			want("more", got.More, false),
			// Others may write at the same time.
			want("header revision is the put's or later", got.Header.Revision >= put.Header.Revision, true),
			want("has cluster id", got.Header.ClusterId != 0, true),
			want("has member id", got.Header.MemberId != 0, true),
			want("has term", got.Header.RaftTerm != 0, true),
		)
	})
	s.check("put WithPrevKV", func(ctx context.Context) error {
		put, err := s.cli.Put(ctx, "kv/a", "two", clientv3.WithPrevKV())
		if err != nil {
			return err
		}
		if put.PrevKv == nil {
			return fmt.Errorf("no previous pair")
		}
		return want("previous value", string(put.PrevKv.Value), "one")
	})
	s.check("put WithIgnoreValue keeps the value and raises the version", func(ctx context.Context) error {
		if _, err := s.cli.Put(ctx, "kv/a", "", clientv3.WithIgnoreValue()); err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "kv/a")
		if err != nil {
			return err
		}
		return first(
			want("value", string(got.Kvs[0].Value), "two"),
			want("version", got.Kvs[0].Version, 3),
		)
	})
	s.check("put WithIgnoreLease", func(ctx context.Context) error {
		_, err := s.cli.Put(ctx, "kv/a", "three", clientv3.WithIgnoreLease())
		return err
	})
	s.check("get of a key that is not there", func(ctx context.Context) error {
		got, err := s.cli.Get(ctx, "kv/none")
		if err != nil {
			return err
		}
		return first(want("pairs", len(got.Kvs), 0), want("count", got.Count, 0))
	})
	s.check("bytes that are not UTF-8", func(ctx context.Context) error {
		key, value := "kv/\xff\xfe\x00", "\x00\xc3("
		if _, err := s.cli.Put(ctx, key, value); err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, key)
		if err != nil {
			return err
		}
		return want("value", string(got.Kvs[0].Value), value)
	})
	s.check("a value of 1.4 MiB", func(ctx context.Context) error {
		value := strings.Repeat("x", 1_468_006)
		if _, err := s.cli.Put(ctx, "kv/big", value); err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "kv/big")
		if err != nil {
			return err
		}
		return want("same value", string(got.Kvs[0].Value) == value, true)
	})
	s.check("delete WithPrevKV", func(ctx context.Context) error {
		deleted, err := s.cli.Delete(ctx, "kv/", clientv3.WithPrefix(), clientv3.WithPrevKV())
		if err != nil {
			return err
		}
		return first(
			want("deleted", deleted.Deleted, 3),
			want("previous pairs", len(deleted.PrevKvs), 3),
			want("first key", string(deleted.PrevKvs[0].Key), "kv/a"),
		)
	})
	s.check("delete of nothing keeps the revision", func(ctx context.Context) error {
		before, err := s.cli.Get(ctx, "kv/a")
		if err != nil {
			return err
		}
		deleted, err := s.cli.Delete(ctx, "kv/a")
		if err != nil {
			return err
		}
		return first(
			want("deleted", deleted.Deleted, 0),
			want("revision", deleted.Header.Revision, before.Header.Revision),
		)
	})
}
