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

func (s *suite) clusterChecks() {
	s.check("MemberList", func(ctx context.Context) error {
		list, err := s.cli.MemberList(ctx)
		if err != nil {
			return err
		}
		var urls []string
		for _, member := range list.Members {
			if member.Name == "" || len(member.PeerURLs) != 1 || member.IsLearner {
				return fmt.Errorf("not a started voter with one peer URL: %v", member)
			}
			urls = append(urls, member.ClientURLs...)
		}
		slices.Sort(urls)
		wanted := slices.Sorted(slices.Values(s.endpoints))
		return want("client URLs", fmt.Sprint(urls), fmt.Sprint(wanted))
	})
	s.check("MemberList, serializable", func(ctx context.Context) error {
		list, err := s.cli.MemberList(ctx, clientv3.WithSerializable())
		if err != nil {
			return err
		}
		return want("members", len(list.Members), len(s.endpoints))
	})
	s.check("Sync finds the endpoints", func(ctx context.Context) error {
		cli := connect(s.endpoints[0])
		defer cli.Close()
		if err := cli.Sync(ctx); err != nil {
			return err
		}
		return want("endpoints", len(cli.Endpoints()), len(s.endpoints))
	})
}

func (s *suite) maintenanceChecks() {
	s.check("Status names one leader on all members", func(ctx context.Context) error {
		_, err := s.leader(ctx)
		return err
	})
	s.check("HashKV is equal on all members", s.hashesAgree)
	s.check("Defragment", func(ctx context.Context) error {
		for _, endpoint := range s.endpoints {
			if _, err := s.cli.Defragment(ctx, endpoint); err != nil {
				return fmt.Errorf("%s: %w", endpoint, err)
			}
		}
		return nil
	})
	s.check("ErrNotLeader of MoveLeader on a follower", func(ctx context.Context) error {
		leader, err := s.leader(ctx)
		if err != nil {
			return err
		}
		follower := s.other(leader.endpoint)
		cli := connect(follower)
		defer cli.Close()
		status, err := s.cli.Status(ctx, follower)
		if err != nil {
			return err
		}
		_, err = cli.MoveLeader(ctx, status.Header.MemberId)
		if !errors.Is(err, rpctypes.ErrNotLeader) {
			return fmt.Errorf("%v, not %v", err, rpctypes.ErrNotLeader)
		}
		return nil
	})
	s.check("MoveLeader", s.moveLeader)
}

type leader struct {
	endpoint string
	id       uint64
}

// leader waits until every member names the same leader.
func (s *suite) leader(ctx context.Context) (leader, error) {
	for {
		found, err := s.leaderNow(ctx)
		if err == nil || ctx.Err() != nil {
			return found, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (s *suite) leaderNow(ctx context.Context) (leader, error) {
	found := leader{}
	named := map[uint64]bool{}
	for _, endpoint := range s.endpoints {
		status, err := s.cli.Status(ctx, endpoint)
		if err != nil {
			return found, err
		}
		if status.Version != "3.7.3" || status.DbSize <= 0 || status.RaftIndex == 0 || status.IsLearner {
			return found, fmt.Errorf("odd status of %s: %v", endpoint, status)
		}
		named[status.Leader] = true
		if status.Leader == status.Header.MemberId {
			found = leader{endpoint, status.Leader}
		}
	}
	if len(named) != 1 || found.id == 0 {
		return found, fmt.Errorf("the members name %d leaders", len(named))
	}
	return found, nil
}

func (s *suite) other(endpoint string) string {
	for _, other := range s.endpoints {
		if other != endpoint {
			return other
		}
	}
	return endpoint
}

func (s *suite) moveLeader(ctx context.Context) error {
	old, err := s.leader(ctx)
	if err != nil {
		return err
	}
	status, err := s.cli.Status(ctx, s.other(old.endpoint))
	if err != nil {
		return err
	}
	cli := connect(old.endpoint)
	defer cli.Close()
	if _, err := cli.MoveLeader(ctx, status.Header.MemberId); err != nil {
		return err
	}
	moved, err := s.leader(ctx)
	if err != nil {
		return err
	}
	return want("leader", moved.id, status.Header.MemberId)
}

// hashesAgree compares HashKV of all members at the newest revision, which followers may reach a little later.
func (s *suite) hashesAgree(ctx context.Context) error {
	newest, err := s.cli.Get(ctx, "none")
	if err != nil {
		return err
	}
	hashes := map[uint32]bool{}
	for _, endpoint := range s.endpoints {
		hash, err := s.hashAt(ctx, endpoint, newest.Header.Revision)
		if err != nil {
			return err
		}
		hashes[hash] = true
	}
	return want("hashes", len(hashes), 1)
}

func (s *suite) hashAt(ctx context.Context, endpoint string, revision int64) (uint32, error) {
	for {
		hash, err := s.cli.HashKV(ctx, endpoint, revision)
		if err == nil {
			return hash.Hash, nil
		}
		if !errors.Is(err, rpctypes.ErrFutureRev) || ctx.Err() != nil {
			return 0, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
