package main

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

func (s *suite) electionChecks() {
	s.check("Election: Leader of one that nobody stands for", func(ctx context.Context) error {
		session, end, err := s.session(ctx)
		if err != nil {
			return err
		}
		defer end()
		_, err = concurrency.NewElection(session, "election/none").Leader(ctx)
		return wantError(err, concurrency.ErrElectionNoLeader)
	})
	s.twoSessions("Election: the second is elected when the first resigns", func(ctx context.Context, a, b *concurrency.Session) error {
		first, second := concurrency.NewElection(a, "election/turn"), concurrency.NewElection(b, "election/turn")
		if err := first.Campaign(ctx, "one"); err != nil {
			return err
		}
		elected := inBackground(func() error { return second.Campaign(ctx, "two") })
		if err := stillWaits(elected); err != nil {
			return err
		}
		if err := s.leads(ctx, second, "one"); err != nil {
			return err
		}
		if err := first.Proclaim(ctx, "one again"); err != nil {
			return err
		}
		if err := s.leads(ctx, second, "one again"); err != nil {
			return err
		}
		if err := first.Resign(ctx); err != nil {
			return err
		}
		if err := <-elected; err != nil {
			return err
		}
		if err := s.leads(ctx, first, "two"); err != nil {
			return err
		}
		return wantError(first.Proclaim(ctx, "too late"), concurrency.ErrElectionNotLeader)
	})
	s.twoSessions("Election: the second is elected when the session of the first ends", func(ctx context.Context, a, b *concurrency.Session) error {
		first, second := concurrency.NewElection(a, "election/end"), concurrency.NewElection(b, "election/end")
		if err := first.Campaign(ctx, "one"); err != nil {
			return err
		}
		elected := inBackground(func() error { return second.Campaign(ctx, "two") })
		if err := stillWaits(elected); err != nil {
			return err
		}
		if _, err := s.cli.Revoke(ctx, a.Lease()); err != nil {
			return err
		}
		if err := <-elected; err != nil {
			return err
		}
		return s.leads(ctx, second, "two")
	})
	s.twoSessions("Election: one that lost its key cannot proclaim", func(ctx context.Context, a, b *concurrency.Session) error {
		first := concurrency.NewElection(a, "election/lost")
		if err := first.Campaign(ctx, "one"); err != nil {
			return err
		}
		if _, err := s.cli.Delete(ctx, first.Key()); err != nil {
			return err
		}
		return wantError(first.Proclaim(ctx, "two"), concurrency.ErrElectionNotLeader)
	})
	s.twoSessions("Election: ResumeElection goes on with the key of the leader", func(ctx context.Context, a, b *concurrency.Session) error {
		first := concurrency.NewElection(a, "election/resume")
		if err := first.Campaign(ctx, "one"); err != nil {
			return err
		}
		resumed := concurrency.ResumeElection(a, "election/resume", first.Key(), first.Rev())
		if err := resumed.Proclaim(ctx, "resumed"); err != nil {
			return err
		}
		if err := s.leads(ctx, first, "resumed"); err != nil {
			return err
		}
		return resumed.Resign(ctx)
	})
}

func (s *suite) leads(ctx context.Context, election *concurrency.Election, value string) error {
	got, err := election.Leader(ctx)
	if err != nil {
		return err
	}
	return want("leader", string(got.Kvs[0].Value), value)
}

func (s *suite) observeChecks() {
	s.twoSessions("Election: Observe tells every leader and every proclamation", func(ctx context.Context, a, b *concurrency.Session) error {
		first, second := concurrency.NewElection(a, "election/seen"), concurrency.NewElection(b, "election/seen")
		if err := first.Campaign(ctx, "one"); err != nil {
			return err
		}
		seen := first.Observe(ctx)
		if err := tells(ctx, seen, "one"); err != nil {
			return err
		}
		if err := first.Proclaim(ctx, "one again"); err != nil {
			return err
		}
		if err := tells(ctx, seen, "one again"); err != nil {
			return err
		}
		elected := inBackground(func() error { return second.Campaign(ctx, "two") })
		if err := first.Resign(ctx); err != nil {
			return err
		}
		if err := <-elected; err != nil {
			return err
		}
		return tells(ctx, seen, "two")
	})
	s.twoSessions("Election: Observe of one that nobody leads waits for the first", func(ctx context.Context, a, b *concurrency.Session) error {
		seen := concurrency.NewElection(a, "election/later").Observe(ctx)
		select {
		case got := <-seen:
			return fmt.Errorf("it told %v", got.Kvs)
		case <-time.After(waitsFor):
		}
		election := concurrency.NewElection(b, "election/later")
		if err := election.Campaign(ctx, "one"); err != nil {
			return err
		}
		return tells(ctx, seen, "one")
	})
}

func tells(ctx context.Context, seen <-chan *clientv3.GetResponse, value string) error {
	select {
	case got, ok := <-seen:
		if !ok {
			return fmt.Errorf("Observe ended before %q", value)
		}
		return want("observed", string(got.Kvs[0].Value), value)
	case <-ctx.Done():
		return fmt.Errorf("Observe did not tell %q", value)
	}
}
