package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// sessionSeconds is long enough not to end by itself while a check goes on.
const sessionSeconds = 30

// waitsFor is how long a check watches that something does not happen.
const waitsFor = 300 * time.Millisecond

func (s *suite) concurrencyChecks() {
	s.sessionChecks()
	s.mutexChecks()
	s.electionChecks()
	s.observeChecks()
	s.stmChecks()
}

// session opens one on a connection of its own, as another process would.
func (s *suite) session(ctx context.Context, opts ...concurrency.SessionOption) (*concurrency.Session, func(), error) {
	cli := connect(s.endpoints...)
	opts = append([]concurrency.SessionOption{concurrency.WithTTL(sessionSeconds), concurrency.WithContext(ctx)}, opts...)
	session, err := concurrency.NewSession(cli, opts...)
	if err != nil {
		cli.Close()
		return nil, nil, err
	}
	return session, func() { session.Close(); cli.Close() }, nil
}

// twoSessions runs a check with two of them.
func (s *suite) twoSessions(name string, run func(ctx context.Context, a, b *concurrency.Session) error) {
	s.check(name, func(ctx context.Context) error {
		a, closeA, err := s.session(ctx)
		if err != nil {
			return err
		}
		defer closeA()
		b, closeB, err := s.session(ctx)
		if err != nil {
			return err
		}
		defer closeB()
		return run(ctx, a, b)
	})
}

func (s *suite) sessionChecks() {
	s.check("Session: Close revokes the lease, and its keys go", func(ctx context.Context) error {
		session, end, err := s.session(ctx)
		if err != nil {
			return err
		}
		defer end()
		if _, err := s.cli.Put(ctx, "session/key", "x", clientv3.WithLease(session.Lease())); err != nil {
			return err
		}
		if err := session.Close(); err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "session/key")
		if err != nil {
			return err
		}
		return want("keys", len(got.Kvs), 0)
	})
	s.check("Session: Done tells that the lease was revoked", func(ctx context.Context) error {
		session, end, err := s.session(ctx, concurrency.WithTTL(2))
		if err != nil {
			return err
		}
		defer end()
		if _, err := s.cli.Revoke(ctx, session.Lease()); err != nil {
			return err
		}
		return isDone(ctx, session.Done(), "session")
	})
	s.check("Session: WithLease takes a lease that is there", func(ctx context.Context) error {
		granted, err := s.cli.Grant(ctx, sessionSeconds)
		if err != nil {
			return err
		}
		session, end, err := s.session(ctx, concurrency.WithLease(granted.ID))
		if err != nil {
			return err
		}
		defer end()
		return want("lease", session.Lease(), granted.ID)
	})
	s.check("Session: it outlives its time to live", func(ctx context.Context) error {
		session, end, err := s.session(ctx, concurrency.WithTTL(2))
		if err != nil {
			return err
		}
		defer end()
		select {
		case <-session.Done():
			return errors.New("the session ended")
		case <-time.After(4 * time.Second):
			return nil
		}
	})
}

func (s *suite) mutexChecks() {
	s.twoSessions("Mutex: the second waits until the first unlocks", func(ctx context.Context, a, b *concurrency.Session) error {
		first, second := concurrency.NewMutex(a, "mutex/wait"), concurrency.NewMutex(b, "mutex/wait")
		if err := first.Lock(ctx); err != nil {
			return err
		}
		locked := inBackground(func() error { return second.Lock(ctx) })
		if err := stillWaits(locked); err != nil {
			return err
		}
		if err := first.Unlock(ctx); err != nil {
			return err
		}
		if err := <-locked; err != nil {
			return err
		}
		owner, err := s.cli.Txn(ctx).If(second.IsOwner()).Then(anyGet).Commit()
		if err != nil {
			return err
		}
		loser, err := s.cli.Txn(ctx).If(first.IsOwner()).Then(anyGet).Commit()
		if err != nil {
			return err
		}
		return want("owners", fmt.Sprint(owner.Succeeded, loser.Succeeded), "true false")
	})
	s.twoSessions("Mutex: TryLock of one that is held", func(ctx context.Context, a, b *concurrency.Session) error {
		first, second := concurrency.NewMutex(a, "mutex/try"), concurrency.NewMutex(b, "mutex/try")
		if err := first.TryLock(ctx); err != nil {
			return err
		}
		if err := wantError(second.TryLock(ctx), concurrency.ErrLocked); err != nil {
			return err
		}
		if err := first.Unlock(ctx); err != nil {
			return err
		}
		return second.TryLock(ctx)
	})
	s.twoSessions("Mutex: a session lost while waiting does not get the lock", func(ctx context.Context, a, b *concurrency.Session) error {
		first, second := concurrency.NewMutex(a, "mutex/lost"), concurrency.NewMutex(b, "mutex/lost")
		if err := first.Lock(ctx); err != nil {
			return err
		}
		locked := inBackground(func() error { return second.Lock(ctx) })
		if err := stillWaits(locked); err != nil {
			return err
		}
		if _, err := s.cli.Revoke(ctx, b.Lease()); err != nil {
			return err
		}
		if err := first.Unlock(ctx); err != nil {
			return err
		}
		return wantError(<-locked, concurrency.ErrSessionExpired)
	})
	s.twoSessions("Mutex: the lock of a session that ends goes to the one that waits", func(ctx context.Context, a, b *concurrency.Session) error {
		first, second := concurrency.NewMutex(a, "mutex/end"), concurrency.NewMutex(b, "mutex/end")
		if err := first.Lock(ctx); err != nil {
			return err
		}
		locked := inBackground(func() error { return second.Lock(ctx) })
		if err := stillWaits(locked); err != nil {
			return err
		}
		if err := a.Close(); err != nil {
			return err
		}
		return <-locked
	})
	s.twoSessions("Mutex: a waiter that gives up leaves no key behind", func(ctx context.Context, a, b *concurrency.Session) error {
		first, second := concurrency.NewMutex(a, "mutex/cancel"), concurrency.NewMutex(b, "mutex/cancel")
		if err := first.Lock(ctx); err != nil {
			return err
		}
		giveUp, cancel := context.WithTimeout(ctx, waitsFor)
		defer cancel()
		if err := wantError(second.Lock(giveUp), context.DeadlineExceeded); err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "mutex/cancel/", clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil {
			return err
		}
		return want("keys", got.Count, 1)
	})
	s.check("Mutex: eight contend, and one at a time is inside", s.mutexContention)
}

// mutexContention has each read a counter and write it back raised by one, which loses some unless the lock holds.
func (s *suite) mutexContention(ctx context.Context) error {
	const contenders, rounds = 8, 5
	if _, err := s.cli.Put(ctx, "mutex/counter", ""); err != nil {
		return err
	}
	results := make(chan error, contenders)
	for range contenders {
		go func() { results <- s.countUnderLock(ctx, rounds) }()
	}
	for range contenders {
		if err := <-results; err != nil {
			return err
		}
	}
	got, err := s.cli.Get(ctx, "mutex/counter")
	if err != nil {
		return err
	}
	return want("counted", len(got.Kvs[0].Value), contenders*rounds)
}

func (s *suite) countUnderLock(ctx context.Context, rounds int) error {
	session, end, err := s.session(ctx)
	if err != nil {
		return err
	}
	defer end()
	mutex := concurrency.NewMutex(session, "mutex/contended")
	for range rounds {
		if err := mutex.Lock(ctx); err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "mutex/counter")
		if err != nil {
			return err
		}
		if _, err := s.cli.Put(ctx, "mutex/counter", string(got.Kvs[0].Value)+"x"); err != nil {
			return err
		}
		if err := mutex.Unlock(ctx); err != nil {
			return err
		}
	}
	return nil
}

func inBackground(run func() error) <-chan error {
	result := make(chan error, 1)
	go func() { result <- run() }()
	return result
}

func stillWaits(result <-chan error) error {
	select {
	case err := <-result:
		return fmt.Errorf("it did not wait: %v", err)
	case <-time.After(waitsFor):
		return nil
	}
}

func isDone(ctx context.Context, done <-chan struct{}, what string) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the %s does not end", what)
	}
}

// wantError answers an error unless it got the wanted one.
func wantError(got, wanted error) error {
	if !errors.Is(got, wanted) {
		return fmt.Errorf("%v, not %v", got, wanted)
	}
	return nil
}
