package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

const (
	overWatchers   = 4
	connectTries   = 30
	overPrefix     = "over/"
	overEnd        = overPrefix + "end"
	overSeconds    = 5
	afterKillWrite = 200
)

// streamFailoverChecks has watches, a lease that is kept alive and a lock on when the leader is killed.
func (s *suite) streamFailoverChecks() {
	var session *concurrency.Session
	var mutex *concurrency.Mutex
	s.check("Watch: the leader is killed, and no event is lost or told twice", func(ctx context.Context) error {
		// They outlive the check: a session of its own context.
		opened, _, err := s.session(context.Background(), concurrency.WithTTL(overSeconds))
		if err != nil {
			return err
		}
		session, mutex = opened, concurrency.NewMutex(opened, "over-lock")
		if err := mutex.Lock(ctx); err != nil {
			return err
		}
		return s.watchOverKill(ctx)
	})
	s.check("Lease: one that is kept alive outlives the leader", func(ctx context.Context) error {
		if session == nil {
			return errors.New("there is no session")
		}
		select {
		case <-session.Done():
			return errors.New("the session ended")
		case <-time.After((overSeconds + 1) * time.Second):
		}
		owner, err := s.cli.Txn(ctx).If(mutex.IsOwner()).Then(anyGet).Commit()
		if err != nil {
			return err
		}
		return first(want("still holds the lock", owner.Succeeded, true), session.Close())
	})
	s.check("Watch: the killed member comes back", func(ctx context.Context) error { return s.ask("restart") })
}

// watchOverKill compares what watches were told while the leader died with what the store tells afterwards.
func (s *suite) watchOverKill(ctx context.Context) error {
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	begin, err := s.put(ctx, overPrefix+"begin", "0")
	if err != nil {
		return err
	}
	watches, closeAll, err := s.watchesOver(ctx, leader.id, begin)
	if err != nil {
		return err
	}
	defer closeAll()
	told := make(chan error, len(watches))
	sequences := make([][]string, len(watches))
	for i, watch := range watches {
		go func() {
			var err error
			sequences[i], err = untilEnd(ctx, watch)
			told <- err
		}()
	}
	acked, err := s.writeOverKill(ctx)
	if err != nil {
		return err
	}
	for range watches {
		if err := <-told; err != nil {
			return err
		}
	}
	history, err := untilEnd(ctx, s.cli.Watch(ctx, overPrefix, clientv3.WithPrefix(), clientv3.WithRev(begin)))
	if err != nil {
		return err
	}
	return first(holdsAll(history, acked), sameAs(history, sequences))
}

// watchesOver opens watches of which at least one is served by the leader.
func (s *suite) watchesOver(ctx context.Context, leader uint64, begin int64) ([]clientv3.WatchChan, func(), error) {
	var watches []clientv3.WatchChan
	var clients []*clientv3.Client
	closeAll := func() {
		for _, cli := range clients {
			cli.Close()
		}
	}
	onLeader := 0
	for tries := 0; tries < connectTries && (onLeader == 0 || len(watches) < overWatchers); tries++ {
		cli := connect(s.endpoints...)
		watch := cli.Watch(ctx, overPrefix, clientv3.WithPrefix(), clientv3.WithRev(begin), clientv3.WithCreatedNotify())
		created, ok := <-watch
		isOnLeader := ok && created.Header.MemberId == leader
		if isOnLeader {
			onLeader++
		} else if len(watches)-onLeader >= overWatchers {
			cli.Close()
			continue
		}
		watches, clients = append(watches, watch), append(clients, cli)
	}
	if onLeader == 0 {
		closeAll()
		return nil, nil, fmt.Errorf("none of %d clients watches on the leader", connectTries)
	}
	return watches, closeAll, nil
}

// untilEnd reads the events up to the last key; revisions must ascend, and one that fails the order ends it.
func untilEnd(ctx context.Context, watch clientv3.WatchChan) ([]string, error) {
	var sequence []string
	last := int64(0)
	for {
		select {
		case response, ok := <-watch:
			if !ok || response.Err() != nil {
				return sequence, fmt.Errorf("the watch ended after %d events: %v", len(sequence), response.Err())
			}
			for _, event := range response.Events {
				if event.Kv.ModRevision <= last {
					return sequence, fmt.Errorf("revision %d after %d", event.Kv.ModRevision, last)
				}
				last = event.Kv.ModRevision
				sequence = append(sequence, fmt.Sprintf("%d %s", last, change(event)))
				if string(event.Kv.Key) == overEnd {
					return sequence, nil
				}
			}
		case <-ctx.Done():
			return sequence, fmt.Errorf("%d events came, and the last did not", len(sequence))
		}
	}
}

// writeOverKill writes before, while and after the leader is killed, and answers what was acknowledged.
func (s *suite) writeOverKill(ctx context.Context) ([]string, error) {
	var mu sync.Mutex
	var acked []string
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(acked)
	}
	loading, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() {
			for i := 0; loading.Err() == nil; i++ {
				key, value := fmt.Sprintf("%s%d", overPrefix, w), fmt.Sprint(i)
				attempt, cancel := context.WithTimeout(loading, 2*time.Second)
				put, err := s.cli.Put(attempt, key, value)
				cancel()
				if err == nil {
					mu.Lock()
					acked = append(acked, fmt.Sprintf("%d PUT %s=%s", put.Header.Revision, key, value))
					mu.Unlock()
				}
			}
		})
	}
	time.Sleep(beforeKill)
	err := s.ask("kill-leader")
	before := count()
	for err == nil && count() < before+afterKillWrite {
		if err = ctx.Err(); err == nil {
			time.Sleep(20 * time.Millisecond)
		}
	}
	stop()
	done.Wait()
	if err != nil {
		return nil, fmt.Errorf("after %d writes, %d of them after the kill: %w", count(), count()-before, err)
	}
	_, err = s.put(ctx, overEnd, "")
	return acked, err
}

func holdsAll(history, acked []string) error {
	there := map[string]bool{}
	for _, event := range history {
		there[event] = true
	}
	for _, event := range acked {
		if !there[event] {
			return fmt.Errorf("%q was acknowledged and is not in the history", event)
		}
	}
	return nil
}

func sameAs(history []string, sequences [][]string) error {
	for i, sequence := range sequences {
		for at, event := range sequence {
			if at >= len(history) || event != history[at] {
				return fmt.Errorf("watch %d was told %q as event %d of %d, which is not the history", i, event, at, len(history))
			}
		}
		if len(sequence) != len(history) {
			return fmt.Errorf("watch %d was told %d of %d events", i, len(sequence), len(history))
		}
	}
	return nil
}

// noLeaderChecks leaves the first member alone, which then has no leader.
func (s *suite) noLeaderChecks() {
	cli := connect(s.endpoints[0])
	defer cli.Close()
	patient := cli.Watch(context.Background(), "alone", clientv3.WithCreatedNotify())
	<-patient
	s.check("WithRequireLeader: a watch is canceled when the member loses its leader", func(ctx context.Context) error {
		watch := cli.Watch(clientv3.WithRequireLeader(ctx), "alone", clientv3.WithCreatedNotify())
		<-watch
		if err := s.ask("keep-only-first"); err != nil {
			return err
		}
		for response := range watch {
			if response.Canceled {
				return wantError(response.Err(), rpctypes.ErrNoLeader)
			}
		}
		return errors.New("the channel closed without a word")
	})
	s.check("WithRequireLeader: requests and new watches fail at once", func(ctx context.Context) error {
		required := clientv3.WithRequireLeader(ctx)
		_, put := cli.Put(required, "alone", "x")
		response := <-cli.Watch(required, "alone")
		return first(wantError(put, rpctypes.ErrNoLeader), wantError(response.Err(), rpctypes.ErrNoLeader))
	})
	s.check("Without a leader: serializable reads are answered, linearizable ones are not", func(ctx context.Context) error {
		_, local := cli.Get(ctx, "alone", clientv3.WithSerializable())
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, linearizable := cli.Get(short, "alone")
		return first(wantError(local, nil), want("refused", linearizable != nil, true))
	})
	s.check("A watch that requires no leader goes on when there is one again", func(ctx context.Context) error {
		if err := s.ask("restart"); err != nil {
			return err
		}
		if _, err := s.leader(ctx); err != nil {
			return err
		}
		if _, err := s.put(ctx, "alone", "again"); err != nil {
			return err
		}
		return wantChanges(ctx, patient, "PUT alone=again")
	})
}
