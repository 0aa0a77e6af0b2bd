package main

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func (s *suite) txnChecks() {
	s.check("txn takes Then when its compares hold", func(ctx context.Context) error {
		if _, err := s.cli.Put(ctx, "txn/a", "1"); err != nil {
			return err
		}
		got, err := s.cli.Txn(ctx).
			If(clientv3.Compare(clientv3.Value("txn/a"), "=", "1"), clientv3.Compare(clientv3.Version("txn/a"), "=", 1)).
			Then(clientv3.OpPut("txn/b", "2"), clientv3.OpGet("txn/b"), clientv3.OpDelete("txn/a", clientv3.WithPrevKV())).
			Else(clientv3.OpPut("txn/never", "")).
			Commit()
		if err != nil {
			return err
		}
		if len(got.Responses) != 3 {
			return fmt.Errorf("%d responses", len(got.Responses))
		}
		put := got.Responses[0].GetResponsePut()
		read := got.Responses[1].GetResponseRange()
		deleted := got.Responses[2].GetResponseDeleteRange()
		return first(
			want("succeeded", got.Succeeded, true),
			want("revision of the put", put.Header.Revision, got.Header.Revision),
			want("the read sees the put", string(read.Kvs[0].Value), "2"),
			want("deleted", deleted.Deleted, 1),
			want("previous value", string(deleted.PrevKvs[0].Value), "1"),
		)
	})
	s.check("txn takes Else when they do not", func(ctx context.Context) error {
		got, err := s.cli.Txn(ctx).
			If(clientv3.Compare(clientv3.CreateRevision("txn/b"), "=", 0)).
			Then(clientv3.OpPut("txn/never", "")).
			Else(clientv3.OpGet("txn/", clientv3.WithPrefix())).
			Commit()
		if err != nil {
			return err
		}
		return first(
			want("succeeded", got.Succeeded, false),
			want("keys", got.Responses[0].GetResponseRange().Count, 1),
		)
	})
	s.check("txn without anything", func(ctx context.Context) error {
		got, err := s.cli.Txn(ctx).Commit()
		if err != nil {
			return err
		}
		return want("succeeded", got.Succeeded, true)
	})
	s.check("nested txn judges all compares by the state before", func(ctx context.Context) error {
		inner := clientv3.OpTxn(
			[]clientv3.Cmp{clientv3.Compare(clientv3.Version("txn/n"), "=", 0)},
			[]clientv3.Op{clientv3.OpPut("txn/m", "then")},
			[]clientv3.Op{clientv3.OpPut("txn/m", "else")},
		)
		got, err := s.cli.Txn(ctx).Then(clientv3.OpPut("txn/n", "1"), inner).Commit()
		if err != nil {
			return err
		}
		read, err := s.cli.Get(ctx, "txn/m")
		if err != nil {
			return err
		}
		return first(
			want("inner succeeded", got.Responses[1].GetResponseTxn().Succeeded, true),
			want("value", string(read.Kvs[0].Value), "then"),
			want("both at one revision", read.Kvs[0].ModRevision, got.Header.Revision),
		)
	})
	s.check("compare over a prefix holds only if it holds for all", s.compareOverPrefix)
	for _, c := range []struct {
		name string
		cmp  clientv3.Cmp
		want bool
	}{
		{"version >", clientv3.Compare(clientv3.Version("txn/m"), ">", 0), true},
		{"version <", clientv3.Compare(clientv3.Version("txn/m"), "<", 1), false},
		{"version !=", clientv3.Compare(clientv3.Version("txn/m"), "!=", 2), true},
		{"mod revision of nothing", clientv3.Compare(clientv3.ModRevision("txn/none"), "=", 0), true},
		{"value of nothing", clientv3.Compare(clientv3.Value("txn/none"), "=", ""), false},
		{"value >", clientv3.Compare(clientv3.Value("txn/m"), ">", "the"), true},
		{"lease =", clientv3.Compare(clientv3.LeaseValue("txn/m"), "=", 0), true},
		{"create revision >", clientv3.Compare(clientv3.CreateRevision("txn/m"), ">", 1), true},
	} {
		s.check("compare "+c.name, func(ctx context.Context) error {
			got, err := s.cli.Txn(ctx).If(c.cmp).Then(anyGet).Else(anyGet).Commit()
			if err != nil {
				return err
			}
			return want("succeeded", got.Succeeded, c.want)
		})
	}
}

// anyGet makes a transaction linearizable: one without operations reads what the member that answers has.
var anyGet = clientv3.OpGet("any")

func (s *suite) compareOverPrefix(ctx context.Context) error {
	for _, name := range []string{"1", "2", "3"} {
		if _, err := s.cli.Put(ctx, "cmp/"+name, "same"); err != nil {
			return err
		}
	}
	isSame := clientv3.Compare(clientv3.Value("cmp/"), "=", "same").WithPrefix()
	before, err := s.cli.Txn(ctx).If(isSame).Then(clientv3.OpPut("cmp/2", "other")).Commit()
	if err != nil {
		return err
	}
	after, err := s.cli.Txn(ctx).If(isSame).Then(anyGet).Commit()
	if err != nil {
		return err
	}
	return first(want("before", before.Succeeded, true), want("after", after.Succeeded, false))
}
