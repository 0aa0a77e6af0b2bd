package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// errorChecks compares errors as Go programs do: by identity with the values of rpctypes.
func (s *suite) errorChecks() {
	const never = 1 << 40
	puts := func(count int) []clientv3.Op {
		ops := make([]clientv3.Op, count)
		for i := range ops {
			ops[i] = clientv3.OpPut(fmt.Sprintf("err/%03d", i), "")
		}
		return ops
	}
	cases := []struct {
		name   string
		wanted error
		run    func(ctx context.Context) error
	}{
		{"ErrEmptyKey", rpctypes.ErrEmptyKey, func(ctx context.Context) error {
			_, err := s.cli.Put(ctx, "", "x")
			return err
		}},
		{"ErrFutureRev", rpctypes.ErrFutureRev, func(ctx context.Context) error {
			_, err := s.cli.Get(ctx, "err", clientv3.WithRev(never))
			return err
		}},
		{"ErrFutureRev of a compaction", rpctypes.ErrFutureRev, func(ctx context.Context) error {
			_, err := s.cli.Compact(ctx, never)
			return err
		}},
		{"ErrKeyNotFound", rpctypes.ErrKeyNotFound, func(ctx context.Context) error {
			_, err := s.cli.Put(ctx, "err/none", "", clientv3.WithIgnoreValue())
			return err
		}},
		{"ErrValueProvided", rpctypes.ErrValueProvided, func(ctx context.Context) error {
			_, err := s.cli.Put(ctx, "err/none", "x", clientv3.WithIgnoreValue())
			return err
		}},
		{"ErrLeaseProvided", rpctypes.ErrLeaseProvided, func(ctx context.Context) error {
			_, err := s.cli.Put(ctx, "err/none", "x", clientv3.WithIgnoreLease(), clientv3.WithLease(7))
			return err
		}},
		{"ErrLeaseNotFound", rpctypes.ErrLeaseNotFound, func(ctx context.Context) error {
			_, err := s.cli.Put(ctx, "err/none", "x", clientv3.WithLease(7))
			return err
		}},
		{"ErrTooManyOps", rpctypes.ErrTooManyOps, func(ctx context.Context) error {
			_, err := s.cli.Txn(ctx).Then(puts(129)...).Commit()
			return err
		}},
		{"ErrDuplicateKey", rpctypes.ErrDuplicateKey, func(ctx context.Context) error {
			_, err := s.cli.Txn(ctx).Then(clientv3.OpPut("err/d", "1"), clientv3.OpPut("err/d", "2")).Commit()
			return err
		}},
		{"ErrRequestTooLarge", rpctypes.ErrRequestTooLarge, func(ctx context.Context) error {
			_, err := s.cli.Put(ctx, "err/big", strings.Repeat("x", 1_600_000))
			return err
		}},
	}
	for _, c := range cases {
		s.check(c.name, func(ctx context.Context) error {
			if err := c.run(ctx); !errors.Is(err, c.wanted) {
				return fmt.Errorf("%v, not %v", err, c.wanted)
			}
			return nil
		})
	}
	s.check("a txn of 128 operations is taken", func(ctx context.Context) error {
		_, err := s.cli.Txn(ctx).Then(puts(128)...).Commit()
		return err
	})
}

func (s *suite) compactionChecks() {
	var old, kept int64
	s.check("compact", func(ctx context.Context) error {
		for i := range 10 {
			put, err := s.cli.Put(ctx, "compact/a", fmt.Sprint(i))
			if err != nil {
				return err
			}
			old, kept = kept, put.Header.Revision
		}
		_, err := s.cli.Compact(ctx, kept, clientv3.WithCompactPhysical())
		return err
	})
	s.check("ErrCompacted of a read below the compact revision", func(ctx context.Context) error {
		return s.wantCompacted(func() error {
			_, err := s.cli.Get(ctx, "compact/a", clientv3.WithRev(old))
			return err
		})
	})
	s.check("ErrCompacted of a second compaction", func(ctx context.Context) error {
		return s.wantCompacted(func() error {
			_, err := s.cli.Compact(ctx, kept)
			return err
		})
	})
	s.check("a read at the compact revision", func(ctx context.Context) error {
		got, err := s.cli.Get(ctx, "compact/a", clientv3.WithRev(kept))
		if err != nil {
			return err
		}
		return want("value", string(got.Kvs[0].Value), "9")
	})
	s.check("ErrCompacted of a txn that reads below the compact revision", func(ctx context.Context) error {
		return s.wantCompacted(func() error {
			_, err := s.cli.Txn(ctx).Then(clientv3.OpGet("compact/a", clientv3.WithRev(old))).Commit()
			return err
		})
	})
}

func (s *suite) wantCompacted(run func() error) error {
	if err := run(); !errors.Is(err, rpctypes.ErrCompacted) {
		return fmt.Errorf("%v, not %v", err, rpctypes.ErrCompacted)
	}
	return nil
}
