package main

import (
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// rangeChecks reads five keys, written in the order c, a, e, b, d, then a once more, with every option there is.
// Their prefix sorts behind every other key of these tests, for the range that has no end.
func (s *suite) rangeChecks() {
	revisions := map[string]int64{}
	s.check("five keys for the ranges", func(ctx context.Context) error {
		for i, name := range []string{"c", "a", "e", "b", "d", "a"} {
			put, err := s.cli.Put(ctx, "~range/"+name, fmt.Sprint(9-i))
			if err != nil {
				return err
			}
			revisions[fmt.Sprint(i)] = put.Header.Revision
		}
		return nil
	})
	revision := func(i int) int64 { return revisions[fmt.Sprint(i)] }
	prefix := clientv3.WithPrefix()
	sort := func(target clientv3.SortTarget, order clientv3.SortOrder) clientv3.OpOption {
		return clientv3.WithSort(target, order)
	}
	cases := []struct {
		name    string
		key     string
		options []clientv3.OpOption
		keys    string
		count   int64
		more    bool
	}{
		{"WithPrefix", "~range/", []clientv3.OpOption{prefix}, "abcde", 5, false},
		{"WithRange", "~range/b", []clientv3.OpOption{clientv3.WithRange("~range/d")}, "bc", 2, false},
		{"WithRange that is empty", "~range/d", []clientv3.OpOption{clientv3.WithRange("~range/b")}, "", 0, false},
		{"WithFromKey and WithLimit", "~range/c", []clientv3.OpOption{clientv3.WithFromKey(), clientv3.WithLimit(3)}, "cde", 3, false},
		{"WithLimit", "~range/", []clientv3.OpOption{prefix, clientv3.WithLimit(2)}, "ab", 5, true},
		{"WithCountOnly", "~range/", []clientv3.OpOption{prefix, clientv3.WithCountOnly()}, "", 5, false},
		{"WithSerializable", "~range/", []clientv3.OpOption{prefix, clientv3.WithSerializable()}, "abcde", 5, false},
		{"WithRev", "~range/", []clientv3.OpOption{prefix, clientv3.WithRev(revision(1))}, "ac", 2, false},
		{"sorted by key, descending", "~range/", []clientv3.OpOption{prefix, sort(clientv3.SortByKey, clientv3.SortDescend)}, "edcba", 5, false},
		{"sorted by key, descending, with a limit", "~range/", []clientv3.OpOption{prefix, sort(clientv3.SortByKey, clientv3.SortDescend), clientv3.WithLimit(2)}, "ed", 5, true},
		{"sorted by value", "~range/", []clientv3.OpOption{prefix, sort(clientv3.SortByValue, clientv3.SortAscend)}, "adbec", 5, false},
		{"sorted by value, descending", "~range/", []clientv3.OpOption{prefix, sort(clientv3.SortByValue, clientv3.SortDescend)}, "cebda", 5, false},
		{"sorted by create revision", "~range/", []clientv3.OpOption{prefix, sort(clientv3.SortByCreateRevision, clientv3.SortAscend)}, "caebd", 5, false},
		{"sorted by create revision, descending", "~range/", []clientv3.OpOption{prefix, sort(clientv3.SortByCreateRevision, clientv3.SortDescend)}, "dbeac", 5, false},
		{"sorted by mod revision", "~range/", []clientv3.OpOption{prefix, sort(clientv3.SortByModRevision, clientv3.SortAscend)}, "cebda", 5, false},
		{"sorted by version, the greatest first", "~range/", []clientv3.OpOption{prefix, sort(clientv3.SortByVersion, clientv3.SortDescend), clientv3.WithLimit(1)}, "a", 5, true},
		{"WithMinModRev", "~range/", []clientv3.OpOption{prefix, clientv3.WithMinModRev(revision(4))}, "ad", 5, false},
		{"WithMaxModRev", "~range/", []clientv3.OpOption{prefix, clientv3.WithMaxModRev(revision(2))}, "ce", 5, false},
		{"WithMinCreateRev", "~range/", []clientv3.OpOption{prefix, clientv3.WithMinCreateRev(revision(3))}, "bd", 5, false},
		{"WithMaxCreateRev", "~range/", []clientv3.OpOption{prefix, clientv3.WithMaxCreateRev(revision(1))}, "ac", 5, false},
		{"WithFirstKey", "~range/", clientv3.WithFirstKey(), "a", 5, true},
		{"WithLastCreate", "~range/", clientv3.WithLastCreate(), "d", 5, true},
		{"WithLastRev", "~range/", clientv3.WithLastRev(), "a", 5, true},
	}
	for _, c := range cases {
		s.check("get "+c.name, func(ctx context.Context) error {
			got, err := s.cli.Get(ctx, c.key, c.options...)
			if err != nil {
				return err
			}
			return first(want("keys", namesOf(got), c.keys), want("count", got.Count, c.count), want("more", got.More, c.more))
		})
	}
	s.check("get WithKeysOnly", func(ctx context.Context) error {
		got, err := s.cli.Get(ctx, "~range/", prefix, clientv3.WithKeysOnly())
		if err != nil {
			return err
		}
		for _, kv := range got.Kvs {
			if len(kv.Value) != 0 {
				return fmt.Errorf("%s has a value", kv.Key)
			}
		}
		return want("keys", namesOf(got), "abcde")
	})
	s.check("GetStream answers as Get does", func(ctx context.Context) error { return s.streamed(ctx, prefix) })
}

func namesOf(got *clientv3.GetResponse) string {
	var names strings.Builder
	for _, kv := range got.Kvs {
		names.WriteString(strings.TrimPrefix(string(kv.Key), "~range/"))
	}
	return names.String()
}

// streamed writes enough keys for several chunks and compares the joined stream with one Get.
func (s *suite) streamed(ctx context.Context, prefix clientv3.OpOption) error {
	for hundred := range 3 {
		var puts []clientv3.Op
		for i := range 100 {
			puts = append(puts, clientv3.OpPut(fmt.Sprintf("stream/%d%02d", hundred, i), strings.Repeat("v", 100)))
		}
		if _, err := s.cli.Txn(ctx).Then(puts...).Commit(); err != nil {
			return err
		}
	}
	plain, err := s.cli.Get(ctx, "stream/", prefix)
	if err != nil {
		return err
	}
	stream, err := s.cli.GetStream(ctx, "stream/", prefix)
	if err != nil {
		return err
	}
	joined, err := clientv3.GetStreamToGetResponse(stream)
	if err != nil {
		return err
	}
	if len(joined.Kvs) != len(plain.Kvs) {
		return fmt.Errorf("%d pairs against %d", len(joined.Kvs), len(plain.Kvs))
	}
	for i, kv := range joined.Kvs {
		if string(kv.Key) != string(plain.Kvs[i].Key) || string(kv.Value) != string(plain.Kvs[i].Value) {
			return fmt.Errorf("pair %d differs", i)
		}
	}
	return first(want("count", joined.Count, plain.Count), want("revision", joined.Header.Revision, plain.Header.Revision))
}
