package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

const (
	accounts     = 5
	startBalance = 100
	stmWorkers   = 6
	stmTransfers = 8
)

func (s *suite) stmChecks() {
	// STM reads from any member without asking the leader: so all goes to the one that has answered the write.
	cli := connect(s.endpoints[0])
	defer cli.Close()
	levels := []struct {
		name  string
		level concurrency.Isolation
	}{
		{"SerializableSnapshot", concurrency.SerializableSnapshot},
		{"Serializable", concurrency.Serializable},
		{"RepeatableReads", concurrency.RepeatableReads},
	}
	for _, l := range levels {
		s.check("STM, "+l.name+": transfers under contention keep the sum", func(ctx context.Context) error {
			return s.transfers(ctx, l.level)
		})
	}
	s.check("STM, ReadCommitted: reads are not held, writes are made", func(ctx context.Context) error {
		if _, err := cli.Put(ctx, "stm/read", "1"); err != nil {
			return err
		}
		changed := false
		_, err := concurrency.NewSTM(cli, func(stm concurrency.STM) error {
			before := stm.Get("stm/read")
			if !changed {
				changed = true
				if _, err := cli.Put(ctx, "stm/read", "2"); err != nil {
					return err
				}
			}
			stm.Put("stm/written", before)
			return nil
		}, concurrency.WithIsolation(concurrency.ReadCommitted), concurrency.WithAbortContext(ctx))
		if err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "stm/written")
		if err != nil {
			return err
		}
		return want("what was read first is written", string(got.Kvs[0].Value), "1")
	})
	s.check("STM, SerializableSnapshot: one whose reads changed runs again", func(ctx context.Context) error {
		runs := 0
		_, err := concurrency.NewSTM(cli, func(stm concurrency.STM) error {
			runs++
			value := stm.Get("stm/again")
			if runs == 1 {
				if _, err := cli.Put(ctx, "stm/again", "changed"); err != nil {
					return err
				}
			}
			stm.Put("stm/copy", value)
			return nil
		}, concurrency.WithAbortContext(ctx))
		if err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "stm/copy")
		if err != nil {
			return err
		}
		return first(want("runs", runs, 2), want("copy", string(got.Kvs[0].Value), "changed"))
	})
	s.check("STM: what it wrote it reads, Del and Rev", func(ctx context.Context) error {
		var read, deleted string
		var rev int64
		_, err := concurrency.NewSTM(cli, func(stm concurrency.STM) error {
			stm.Put("stm/own", "mine")
			read = stm.Get("stm/own")
			stm.Del("stm/copy")
			deleted = stm.Get("stm/copy")
			rev = stm.Rev("stm/again")
			return nil
		})
		if err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "stm/again")
		if err != nil {
			return err
		}
		return first(want("own write", read, "mine"), want("deleted", deleted, ""), want("revision", rev, got.Kvs[0].ModRevision))
	})
	s.check("STM: an error of the function writes nothing", func(ctx context.Context) error {
		wanted := errors.New("no")
		_, err := concurrency.NewSTM(cli, func(stm concurrency.STM) error {
			stm.Put("stm/never", "x")
			return wanted
		})
		if err := wantError(err, wanted); err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "stm/never")
		if err != nil {
			return err
		}
		return want("keys", len(got.Kvs), 0)
	})
}

// transfers moves money between accounts from several clients at once.
func (s *suite) transfers(ctx context.Context, level concurrency.Isolation) error {
	prefix := fmt.Sprintf("stm/%d/", level)
	for i := range accounts {
		if _, err := s.cli.Put(ctx, prefix+strconv.Itoa(i), strconv.Itoa(startBalance)); err != nil {
			return err
		}
	}
	results := make(chan error, stmWorkers)
	for w := range stmWorkers {
		go func() { results <- s.transfer(ctx, level, prefix, w) }()
	}
	for range stmWorkers {
		if err := <-results; err != nil {
			return err
		}
	}
	got, err := s.cli.Get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return err
	}
	sum := 0
	for _, kv := range got.Kvs {
		balance, err := strconv.Atoi(string(kv.Value))
		if err != nil {
			return err
		}
		sum += balance
	}
	return want("sum", sum, accounts*startBalance)
}

func (s *suite) transfer(ctx context.Context, level concurrency.Isolation, prefix string, worker int) error {
	// Reads at the revision of the first, without asking the leader, must go to one member.
	cli := connect(s.endpoints[worker%len(s.endpoints)])
	defer cli.Close()
	// A linearizable read: from now on that member has all the accounts.
	if _, err := cli.Get(ctx, prefix+strconv.Itoa(accounts-1)); err != nil {
		return err
	}
	for i := range stmTransfers {
		from := prefix + strconv.Itoa((worker+i)%accounts)
		to := prefix + strconv.Itoa((worker+2*i+1)%accounts)
		if from == to {
			continue
		}
		_, err := concurrency.NewSTM(cli, func(stm concurrency.STM) error {
			a, err := strconv.Atoi(stm.Get(from))
			if err != nil {
				return err
			}
			b, err := strconv.Atoi(stm.Get(to))
			if err != nil {
				return err
			}
			stm.Put(from, strconv.Itoa(a-1))
			stm.Put(to, strconv.Itoa(b+1))
			return nil
		}, concurrency.WithIsolation(level), concurrency.WithAbortContext(ctx))
		if err != nil {
			return err
		}
	}
	return nil
}
