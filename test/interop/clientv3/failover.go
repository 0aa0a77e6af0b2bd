package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	writers = 8
	// How long the load goes on before the leader is killed, and the least it must write after.
	beforeKill     = 500 * time.Millisecond
	leastAfterKill = 100
)

// load is what the writers have been told is written.
type load struct {
	mu    sync.Mutex
	acked map[string]string
}

func (l *load) note(key, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[key] = value
}

func (l *load) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

func (s *suite) failoverChecks() {
	written := &load{acked: map[string]string{}}
	s.check("the leader is killed under load and the client carries on", func(ctx context.Context) error {
		return s.killUnderLoad(ctx, written)
	})
	s.check("the killed member comes back and every acknowledged write is there", func(ctx context.Context) error {
		if err := s.ask("restart"); err != nil {
			return err
		}
		for key, value := range written.acked {
			got, err := s.cli.Get(ctx, key)
			if err != nil {
				return err
			}
			if len(got.Kvs) != 1 || string(got.Kvs[0].Value) != value {
				return fmt.Errorf("%s was acknowledged and is not there", key)
			}
		}
		return nil
	})
	s.check("HashKV is equal on all members after it", s.hashesAgree)
}

func (s *suite) killUnderLoad(ctx context.Context, written *load) error {
	loading, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() { s.write(loading, w, written) })
	}
	defer done.Wait()
	defer stop()

	time.Sleep(beforeKill)
	if err := s.ask("kill-leader"); err != nil {
		return err
	}
	before := written.size()
	for written.size() < before+leastAfterKill {
		if ctx.Err() != nil {
			return fmt.Errorf("%d writes after the kill, %d before", written.size()-before, before)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil
}

// write puts one fresh key after the other. A put that failed may or may not be there: it is not noted.
func (s *suite) write(ctx context.Context, writer int, written *load) {
	for i := 0; ctx.Err() == nil; i++ {
		key, value := fmt.Sprintf("load/%d/%d", writer, i), fmt.Sprint(i)
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		if _, err := s.cli.Put(attempt, key, value); err == nil {
			written.note(key, value)
		}
		cancel()
	}
}
