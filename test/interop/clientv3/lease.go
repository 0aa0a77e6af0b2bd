package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

const neverLease = clientv3.LeaseID(0x1234567890abcdef)

func (s *suite) leaseChecks() {
	s.leaseLifeChecks()
	s.leaseErrorChecks()
	s.keepAliveChecks()
}

func (s *suite) leaseLifeChecks() {
	s.check("Lease: Grant, TimeToLive with keys, Revoke in one revision", func(ctx context.Context) error {
		lease, err := s.cli.Grant(ctx, 60)
		if err != nil {
			return err
		}
		for _, key := range []string{"leases/b", "leases/a"} {
			if _, err := s.cli.Put(ctx, key, "x", clientv3.WithLease(lease.ID)); err != nil {
				return err
			}
		}
		left, err := s.cli.TimeToLive(ctx, lease.ID, clientv3.WithAttachedKeys())
		if err != nil {
			return err
		}
		slices.SortFunc(left.Keys, slices.Compare)
		before, err := s.cli.Get(ctx, "leases/a")
		if err != nil {
			return err
		}
		revoked, err := s.cli.Revoke(ctx, lease.ID)
		if err != nil {
			return err
		}
		after, err := s.cli.Get(ctx, "leases/", clientv3.WithPrefix())
		if err != nil {
			return err
		}
		return first(
			want("granted", lease.TTL, 60),
			want("granted, told later", left.GrantedTTL, 60),
			want("left", left.TTL > 50 && left.TTL <= 60, true),
			want("keys", fmt.Sprintf("%s", left.Keys), "[leases/a leases/b]"),
			want("lease of the key", before.Kvs[0].Lease, int64(lease.ID)),
			want("revision of the revocation", revoked.Header.Revision, before.Header.Revision+1),
			want("keys left", len(after.Kvs), 0),
		)
	})
	s.check("Lease: Leases lists what was granted", func(ctx context.Context) error {
		lease, err := s.cli.Grant(ctx, 60)
		if err != nil {
			return err
		}
		listed := func() (bool, error) {
			leases, err := s.cli.Leases(ctx)
			if err != nil {
				return false, err
			}
			return slices.Contains(leases.Leases, clientv3.LeaseStatus{ID: lease.ID}), nil
		}
		// The list is of the member that answers, which may be behind by a moment.
		if err := eventually(ctx, "listed", listed); err != nil {
			return err
		}
		if _, err := s.cli.Revoke(ctx, lease.ID); err != nil {
			return err
		}
		return eventually(ctx, "gone from the list", func() (bool, error) {
			is, err := listed()
			return !is, err
		})
	})
	s.check("Lease: it expires, and its keys with it", func(ctx context.Context) error {
		lease, err := s.cli.Grant(ctx, 2)
		if err != nil {
			return err
		}
		watch := s.cli.Watch(ctx, "leases/short", clientv3.WithCreatedNotify())
		<-watch
		begun := time.Now()
		if _, err := s.cli.Put(ctx, "leases/short", "x", clientv3.WithLease(lease.ID)); err != nil {
			return err
		}
		if err := wantChanges(ctx, watch, "PUT leases/short=x", "DELETE leases/short"); err != nil {
			return err
		}
		if lived := time.Since(begun); lived < 1500*time.Millisecond || lived > 8*time.Second {
			return fmt.Errorf("a lease of 2 s lived %s", lived)
		}
		left, err := s.cli.TimeToLive(ctx, lease.ID)
		if err != nil {
			return err
		}
		return want("time to live", left.TTL, -1)
	})
	s.check("Lease: a put without it takes the key away from it", func(ctx context.Context) error {
		lease, err := s.cli.Grant(ctx, 60)
		if err != nil {
			return err
		}
		if _, err := s.cli.Put(ctx, "leases/kept", "1", clientv3.WithLease(lease.ID)); err != nil {
			return err
		}
		if _, err := s.cli.Put(ctx, "leases/kept", "2"); err != nil {
			return err
		}
		if _, err := s.cli.Revoke(ctx, lease.ID); err != nil {
			return err
		}
		got, err := s.cli.Get(ctx, "leases/kept")
		if err != nil {
			return err
		}
		return want("keys", len(got.Kvs), 1)
	})
}

func (s *suite) leaseErrorChecks() {
	cases := []struct {
		name   string
		wanted error
		run    func(ctx context.Context) error
	}{
		{"ErrLeaseNotFound of Revoke", rpctypes.ErrLeaseNotFound, func(ctx context.Context) error {
			_, err := s.cli.Revoke(ctx, neverLease)
			return err
		}},
		{"ErrLeaseNotFound of KeepAliveOnce", rpctypes.ErrLeaseNotFound, func(ctx context.Context) error {
			_, err := s.cli.KeepAliveOnce(ctx, neverLease)
			return err
		}},
		{"ErrLeaseTTLTooLarge", rpctypes.ErrLeaseTTLTooLarge, func(ctx context.Context) error {
			_, err := s.cli.Grant(ctx, 9_000_000_001)
			return err
		}},
	}
	for _, c := range cases {
		s.check(c.name, func(ctx context.Context) error { return wantError(c.run(ctx), c.wanted) })
	}
	s.check("TimeToLive of a lease that is not there is -1", func(ctx context.Context) error {
		left, err := s.cli.TimeToLive(ctx, neverLease)
		if err != nil {
			return err
		}
		return first(want("time to live", left.TTL, -1), want("granted", left.GrantedTTL, 0))
	})
}

func (s *suite) keepAliveChecks() {
	s.check("KeepAliveOnce gives the full time again", func(ctx context.Context) error {
		lease, err := s.cli.Grant(ctx, 3)
		if err != nil {
			return err
		}
		time.Sleep(1500 * time.Millisecond)
		kept, err := s.cli.KeepAliveOnce(ctx, lease.ID)
		if err != nil {
			return err
		}
		left, err := s.cli.TimeToLive(ctx, lease.ID)
		if err != nil {
			return err
		}
		return first(want("renewed", kept.TTL, 3), want("left is at least 2", left.TTL >= 2, true))
	})
	s.check("KeepAlive on every member keeps a lease longer than its time", func(ctx context.Context) error {
		results := make(chan error, len(s.endpoints))
		for _, endpoint := range s.endpoints {
			go func() {
				if err := s.keptThrough(ctx, endpoint); err != nil {
					results <- fmt.Errorf("%s: %w", endpoint, err)
					return
				}
				results <- nil
			}()
		}
		for range s.endpoints {
			if err := <-results; err != nil {
				return err
			}
		}
		return nil
	})
	s.check("KeepAlive: the channel closes when the lease is revoked", func(ctx context.Context) error {
		lease, err := s.cli.Grant(ctx, 3)
		if err != nil {
			return err
		}
		kept, err := s.cli.KeepAlive(ctx, lease.ID)
		if err != nil {
			return err
		}
		if answer := <-kept; answer == nil || answer.TTL != 3 {
			return fmt.Errorf("not renewed: %v", answer)
		}
		if _, err := s.cli.Revoke(ctx, lease.ID); err != nil {
			return err
		}
		for {
			select {
			case _, isOpen := <-kept:
				if !isOpen {
					return nil
				}
			case <-ctx.Done():
				return errors.New("the channel stays open")
			}
		}
	})
}

func (s *suite) keptThrough(ctx context.Context, endpoint string) error {
	cli := connect(endpoint)
	defer cli.Close()
	lease, err := cli.Grant(ctx, 2)
	if err != nil {
		return err
	}
	kept, err := cli.KeepAlive(ctx, lease.ID)
	if err != nil {
		return err
	}
	until := time.Now().Add(3500 * time.Millisecond)
	for time.Now().Before(until) {
		select {
		case answer := <-kept:
			if answer == nil {
				return errors.New("the lease was lost")
			}
			if answer.TTL != 2 {
				return fmt.Errorf("renewed for %d s", answer.TTL)
			}
		case <-ctx.Done():
			return errors.New("no renewal came")
		}
	}
	_, err = cli.Revoke(ctx, lease.ID)
	return err
}

// eventually asks again and again until it is so.
func eventually(ctx context.Context, what string, isSo func() (bool, error)) error {
	for {
		is, err := isSo()
		if err != nil || is {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("never %s", what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
