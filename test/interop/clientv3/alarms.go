package main

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func (s *suite) alarmChecks() {
	s.check("Alarm: NOSPACE refuses writes until it is disarmed", func(ctx context.Context) error {
		return s.underAlarm(ctx, etcdserverpb.AlarmType_NOSPACE, rpctypes.ErrNoSpace)
	})
	s.check("Alarm: CORRUPT refuses writes until it is disarmed", func(ctx context.Context) error {
		return s.underAlarm(ctx, etcdserverpb.AlarmType_CORRUPT, rpctypes.ErrCorrupt)
	})
	s.memberChecks()
}

func (s *suite) underAlarm(ctx context.Context, alarm etcdserverpb.AlarmType, refusal error) error {
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	if _, err := s.cli.Put(ctx, "alarm/a", "before"); err != nil {
		return err
	}
	if err := s.raise(ctx, alarm, leader.id); err != nil {
		return err
	}
	raised, err := s.cli.AlarmList(ctx)
	if err != nil {
		return err
	}
	_, put := s.cli.Put(ctx, "alarm/a", "x")
	_, txn := s.cli.Txn(ctx).Then(clientv3.OpPut("alarm/a", "x")).Commit()
	_, grant := s.cli.Grant(ctx, 60)
	_, read := s.cli.Get(ctx, "alarm/a")
	status, err := s.cli.Status(ctx, leader.endpoint)
	if err != nil {
		return err
	}
	disarmed, err := s.cli.AlarmDisarm(ctx, &clientv3.AlarmMember{MemberID: leader.id, Alarm: alarm})
	if err != nil {
		return err
	}
	_, after := s.cli.Put(ctx, "alarm/a", "after")
	return first(
		want("alarms", fmt.Sprint(raised.Alarms), fmt.Sprint([]*etcdserverpb.AlarmMember{{MemberID: leader.id, Alarm: alarm}})),
		wantError(put, refusal),
		wantError(txn, refusal),
		wantError(grant, refusal),
		wantError(read, nil),
		want("errors of the status", len(status.Errors), 1),
		want("disarmed", len(disarmed.Alarms), 1),
		wantError(after, nil),
	)
}

// raise goes past clientv3, which offers no way to raise an alarm.
func (s *suite) raise(ctx context.Context, alarm etcdserverpb.AlarmType, member uint64) error {
	maintenance := etcdserverpb.NewMaintenanceClient(s.cli.ActiveConnection())
	_, err := maintenance.Alarm(ctx, &etcdserverpb.AlarmRequest{
		Action:   etcdserverpb.AlarmRequest_ACTIVATE,
		MemberID: member,
		Alarm:    alarm,
	})
	return err
}

func (s *suite) memberChecks() {
	s.check("Member: a learner that never starts is added, updated, not promoted and removed", func(ctx context.Context) error {
		var added *clientv3.MemberAddResponse
		err := eventually(ctx, "healthy", func() (bool, error) {
			// Members must have been connected for some seconds.
			response, err := s.cli.MemberAddAsLearner(ctx, []string{"http://127.0.0.1:1"})
			if errors.Is(err, rpctypes.ErrUnhealthy) {
				return false, nil
			}
			added = response
			return err == nil, err
		})
		if err != nil {
			return err
		}
		_, again := s.cli.MemberAdd(ctx, []string{"http://127.0.0.1:1"})
		_, second := s.cli.MemberAddAsLearner(ctx, []string{"http://127.0.0.1:2"})
		_, promoted := s.cli.MemberPromote(ctx, added.Member.ID)
		_, updated := s.cli.MemberUpdate(ctx, added.Member.ID, []string{"http://127.0.0.1:3"})
		list, err := s.cli.MemberList(ctx)
		if err != nil {
			return err
		}
		urls := ""
		for _, member := range list.Members {
			if member.ID == added.Member.ID {
				urls = fmt.Sprint(member.PeerURLs, member.IsLearner, member.Name == "")
			}
		}
		removed, err := s.cli.MemberRemove(ctx, added.Member.ID)
		if err != nil {
			return err
		}
		return first(
			want("members with it", len(added.Members), len(s.endpoints)+1),
			want("header revision", added.Header.Revision, 0),
			// The id is made of the URL and the second: within that second it is the same.
			want("refused again", errors.Is(again, rpctypes.ErrPeerURLExist) || errors.Is(again, rpctypes.ErrMemberExist), true),
			wantError(second, rpctypes.ErrTooManyLearners),
			wantError(promoted, rpctypes.ErrMemberLearnerNotReady),
			wantError(updated, nil),
			want("member", urls, "[http://127.0.0.1:3] true true"),
			want("members after it", len(removed.Members), len(s.endpoints)),
		)
	})
	s.check("Member: errors", func(ctx context.Context) error {
		leader, err := s.leader(ctx)
		if err != nil {
			return err
		}
		_, removed := s.cli.MemberRemove(ctx, 1)
		_, updated := s.cli.MemberUpdate(ctx, 1, []string{"http://127.0.0.1:1"})
		_, promoted := s.cli.MemberPromote(ctx, 1)
		_, voter := s.cli.MemberPromote(ctx, leader.id)
		_, bad := s.cli.MemberAdd(ctx, []string{"nothing"})
		if bad == nil {
			return errors.New("a member without a URL was added")
		}
		return first(
			wantError(removed, rpctypes.ErrMemberNotFound),
			wantError(updated, rpctypes.ErrMemberNotFound),
			wantError(promoted, rpctypes.ErrMemberNotFound),
			wantError(voter, rpctypes.ErrMemberNotLearner),
		)
	})
}
