package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func (s *suite) watchChecks() {
	s.watchEventChecks()
	s.watchOptionChecks()
	s.watchProgressChecks()
	s.watchEndChecks()
}

// change is what a check wants to know of an event.
func change(event *clientv3.Event) string {
	text := fmt.Sprintf("%s %s", event.Type, event.Kv.Key)
	if event.Type == clientv3.EventTypePut {
		text += "=" + string(event.Kv.Value)
	}
	if event.PrevKv != nil {
		text += " was " + string(event.PrevKv.Value)
	}
	return text
}

// takeEvents reads so many events, or fails when the watch ends before.
func takeEvents(ctx context.Context, watch clientv3.WatchChan, count int) ([]*clientv3.Event, error) {
	var events []*clientv3.Event
	for len(events) < count {
		select {
		case response, ok := <-watch:
			if !ok {
				return events, fmt.Errorf("the watch ended after %d of %d events", len(events), count)
			}
			if err := response.Err(); err != nil {
				return events, fmt.Errorf("after %d of %d events: %w", len(events), count, err)
			}
			events = append(events, response.Events...)
		case <-ctx.Done():
			return events, fmt.Errorf("%d of %d events came", len(events), count)
		}
	}
	return events, nil
}

// wantChanges reads as many events as are wanted and compares them.
func wantChanges(ctx context.Context, watch clientv3.WatchChan, wanted ...string) error {
	events, err := takeEvents(ctx, watch, len(wanted))
	if err != nil {
		return err
	}
	var got []string
	for _, event := range events {
		got = append(got, change(event))
	}
	return want("events", strings.Join(got, ", "), strings.Join(wanted, ", "))
}

// put writes keys one after the other and answers the revision of the first.
func (s *suite) put(ctx context.Context, pairs ...string) (int64, error) {
	var firstRevision int64
	for i := 0; i < len(pairs); i += 2 {
		put, err := s.cli.Put(ctx, pairs[i], pairs[i+1])
		if err != nil {
			return 0, err
		}
		if firstRevision == 0 {
			firstRevision = put.Header.Revision
		}
	}
	return firstRevision, nil
}

func (s *suite) watchEventChecks() {
	s.check("Watch: created first, then events as they happen", func(ctx context.Context) error {
		watch := s.cli.Watch(ctx, "watch/live", clientv3.WithCreatedNotify())
		created, ok := <-watch
		if !ok || !created.Created || len(created.Events) != 0 || created.Header.Revision == 0 {
			return fmt.Errorf("not a created notification: %+v", created)
		}
		if _, err := s.put(ctx, "watch/live", "1", "watch/other", "x", "watch/live", "2"); err != nil {
			return err
		}
		if _, err := s.cli.Delete(ctx, "watch/live"); err != nil {
			return err
		}
		return wantChanges(ctx, watch, "PUT watch/live=1", "PUT watch/live=2", "DELETE watch/live")
	})
	s.check("Watch: IsCreate, IsModify and the fields of what was deleted", func(ctx context.Context) error {
		revision, err := s.put(ctx, "watch/kind", "1", "watch/kind", "2")
		if err != nil {
			return err
		}
		deleted, err := s.cli.Delete(ctx, "watch/kind")
		if err != nil {
			return err
		}
		events, err := takeEvents(ctx, s.cli.Watch(ctx, "watch/kind", clientv3.WithRev(revision)), 3)
		if err != nil {
			return err
		}
		gone := events[2].Kv
		return first(
			want("first", events[0].IsCreate(), true),
			want("second", events[1].IsModify(), true),
			want("mod revision of the deletion", gone.ModRevision, deleted.Header.Revision),
			want("create revision of the deletion", gone.CreateRevision, 0),
			want("version of the deletion", gone.Version, 0),
			want("value of the deletion", len(gone.Value), 0),
		)
	})
	s.check("Watch WithRev: what happened since, then what happens", func(ctx context.Context) error {
		revision, err := s.put(ctx, "watch/past", "1", "watch/past", "2", "watch/past", "3")
		if err != nil {
			return err
		}
		watch := s.cli.Watch(ctx, "watch/past", clientv3.WithRev(revision+1))
		if err := wantChanges(ctx, watch, "PUT watch/past=2", "PUT watch/past=3"); err != nil {
			return err
		}
		if _, err := s.put(ctx, "watch/past", "4"); err != nil {
			return err
		}
		return wantChanges(ctx, watch, "PUT watch/past=4")
	})
	s.check("Watch WithRev of the future: nothing before it", func(ctx context.Context) error {
		revision, err := s.put(ctx, "watch/future", "0")
		if err != nil {
			return err
		}
		watch := s.cli.Watch(ctx, "watch/future", clientv3.WithRev(revision+3))
		if _, err := s.put(ctx, "watch/future", "1", "watch/future", "2", "watch/future", "3"); err != nil {
			return err
		}
		return wantChanges(ctx, watch, "PUT watch/future=3")
	})
	s.check("Watch: one transaction is one response", func(ctx context.Context) error {
		watch := s.cli.Watch(ctx, "watch/txn/", clientv3.WithPrefix(), clientv3.WithCreatedNotify())
		<-watch
		_, err := s.cli.Txn(ctx).Then(clientv3.OpPut("watch/txn/b", "1"), clientv3.OpPut("watch/txn/a", "1"), clientv3.OpDelete("watch/txn/none")).Commit()
		if err != nil {
			return err
		}
		response := <-watch
		if len(response.Events) != 2 {
			return fmt.Errorf("%d events in the response", len(response.Events))
		}
		return first(
			want("order", change(response.Events[0])+" "+change(response.Events[1]), "PUT watch/txn/b=1 PUT watch/txn/a=1"),
			want("revision", response.Events[0].Kv.ModRevision, response.Events[1].Kv.ModRevision),
			want("header", response.Header.Revision, response.Events[0].Kv.ModRevision),
		)
	})
	s.check("Watch: a hundred on one stream, each with its own key", func(ctx context.Context) error {
		const watches = 100
		var all []clientv3.WatchChan
		for i := range watches {
			all = append(all, s.cli.Watch(ctx, fmt.Sprintf("watch/many/%d", i), clientv3.WithCreatedNotify()))
		}
		for i, watch := range all {
			<-watch
			if _, err := s.put(ctx, fmt.Sprintf("watch/many/%d", i), "x"); err != nil {
				return err
			}
		}
		for i, watch := range all {
			if err := wantChanges(ctx, watch, fmt.Sprintf("PUT watch/many/%d=x", i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *suite) watchOptionChecks() {
	s.check("Watch WithPrefix, WithRange and WithFromKey", func(ctx context.Context) error {
		revision, err := s.put(ctx, "watch/r/a", "1", "watch/r/b", "1", "watch/r/c", "1")
		if err != nil {
			return err
		}
		at := clientv3.WithRev(revision)
		a, b, c := "PUT watch/r/a=1", "PUT watch/r/b=1", "PUT watch/r/c=1"
		return first(
			wantChanges(ctx, s.cli.Watch(ctx, "watch/r/", clientv3.WithPrefix(), at), a, b, c),
			wantChanges(ctx, s.cli.Watch(ctx, "watch/r/a", clientv3.WithRange("watch/r/c"), at), a, b),
			wantChanges(ctx, s.cli.Watch(ctx, "watch/r/b", clientv3.WithFromKey(), at), b, c),
		)
	})
	s.check("Watch WithPrevKV", func(ctx context.Context) error {
		revision, err := s.put(ctx, "watch/prev", "1", "watch/prev", "2")
		if err != nil {
			return err
		}
		if _, err := s.cli.Delete(ctx, "watch/prev"); err != nil {
			return err
		}
		watch := s.cli.Watch(ctx, "watch/prev", clientv3.WithRev(revision), clientv3.WithPrevKV())
		return wantChanges(ctx, watch, "PUT watch/prev=1", "PUT watch/prev=2 was 1", "DELETE watch/prev was 2")
	})
	s.check("Watch WithFilterPut and WithFilterDelete", func(ctx context.Context) error {
		revision, err := s.put(ctx, "watch/filter", "1")
		if err != nil {
			return err
		}
		if _, err := s.cli.Delete(ctx, "watch/filter"); err != nil {
			return err
		}
		if _, err := s.put(ctx, "watch/filter", "2"); err != nil {
			return err
		}
		if _, err := s.cli.Delete(ctx, "watch/filter"); err != nil {
			return err
		}
		at := clientv3.WithRev(revision)
		deletes := s.cli.Watch(ctx, "watch/filter", at, clientv3.WithFilterPut())
		puts := s.cli.Watch(ctx, "watch/filter", at, clientv3.WithFilterDelete())
		return first(
			wantChanges(ctx, deletes, "DELETE watch/filter", "DELETE watch/filter"),
			wantChanges(ctx, puts, "PUT watch/filter=1", "PUT watch/filter=2"),
		)
	})
	s.check("Watch WithFragment: 8 MiB of one transaction arrive whole", func(ctx context.Context) error {
		return s.bigTransaction(ctx, clientv3.WithFragment())
	})
	s.check("Watch without WithFragment: the same in one response", func(ctx context.Context) error {
		return s.bigTransaction(ctx)
	})
}

// bigTransaction rewrites keys with large values in one revision: by deleting them, with the previous pairs asked for.
func (s *suite) bigTransaction(ctx context.Context, opts ...clientv3.OpOption) error {
	const keys, valueBytes = 8, 1 << 20
	value := strings.Repeat("x", valueBytes)
	var revision int64
	for i := range keys {
		put, err := s.cli.Put(ctx, fmt.Sprintf("watch/big/%d", i), value)
		if err != nil {
			return err
		}
		revision = put.Header.Revision
	}
	// The member of the watch may not have these yet.
	opts = append(opts, clientv3.WithPrefix(), clientv3.WithPrevKV(), clientv3.WithCreatedNotify(), clientv3.WithRev(revision+1))
	watch := s.cli.Watch(ctx, "watch/big/", opts...)
	<-watch
	deleted, err := s.cli.Delete(ctx, "watch/big/", clientv3.WithPrefix())
	if err != nil {
		return err
	}
	events, err := takeEvents(ctx, watch, keys)
	if err != nil {
		return err
	}
	for i, event := range events {
		err := first(
			want("key", string(event.Kv.Key), fmt.Sprintf("watch/big/%d", i)),
			want("revision", event.Kv.ModRevision, deleted.Header.Revision),
			want("previous bytes", len(event.PrevKv.Value), valueBytes),
		)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *suite) watchProgressChecks() {
	s.check("Watch WithProgressNotify: notified of revisions that it has no events of", func(ctx context.Context) error {
		watch := s.cli.Watch(ctx, "watch/quiet", clientv3.WithProgressNotify())
		revision, err := s.put(ctx, "watch/loud", "1")
		if err != nil {
			return err
		}
		return progressReaches(ctx, watch, revision)
	})
	s.check("RequestProgress: answered to every watch once all is told", func(ctx context.Context) error {
		quiet := s.cli.Watch(ctx, "watch/quiet", clientv3.WithCreatedNotify())
		loud := s.cli.Watch(ctx, "watch/asked", clientv3.WithCreatedNotify())
		<-quiet
		<-loud
		revision, err := s.put(ctx, "watch/asked", "1", "watch/asked", "2")
		if err != nil {
			return err
		}
		if err := wantChanges(ctx, loud, "PUT watch/asked=1", "PUT watch/asked=2"); err != nil {
			return err
		}
		if err := s.cli.RequestProgress(ctx); err != nil {
			return err
		}
		return first(progressReaches(ctx, quiet, revision+1), progressReaches(ctx, loud, revision+1))
	})
}

func progressReaches(ctx context.Context, watch clientv3.WatchChan, revision int64) error {
	for {
		select {
		case response, ok := <-watch:
			if !ok || response.Err() != nil {
				return fmt.Errorf("the watch ended: %v", response.Err())
			}
			if len(response.Events) > 0 || !response.IsProgressNotify() {
				return fmt.Errorf("not a progress notification: %+v", response)
			}
			if response.Header.Revision >= revision {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("no progress to revision %d", revision)
		}
	}
}

func (s *suite) watchEndChecks() {
	s.check("ErrCompacted with CompactRevision of a watch below the compact revision", func(ctx context.Context) error {
		old, err := s.put(ctx, "watch/compacted", "1", "watch/compacted", "2", "watch/compacted", "3")
		if err != nil {
			return err
		}
		compactRevision := old + 2
		// One member, which has compacted when it answers: another may not know of it yet.
		cli := connect(s.endpoints[0])
		defer cli.Close()
		if _, err := cli.Compact(ctx, compactRevision); err != nil {
			return err
		}
		watch := cli.Watch(ctx, "watch/compacted", clientv3.WithRev(old))
		response := <-watch
		_, isOpen := <-watch
		return first(
			wantError(response.Err(), rpctypes.ErrCompacted),
			want("canceled", response.Canceled, true),
			want("compact revision", response.CompactRevision, compactRevision),
			want("the channel is open", isOpen, false),
			wantChanges(ctx, s.cli.Watch(ctx, "watch/compacted", clientv3.WithRev(compactRevision)), "PUT watch/compacted=3"),
		)
	})
	s.check("Watch of a negative revision is refused", func(ctx context.Context) error {
		response := <-s.cli.Watch(ctx, "watch/live", clientv3.WithRev(-1))
		return want("canceled", response.Canceled, true)
	})
	s.check("Watch of a range that ends before it begins is refused", func(ctx context.Context) error {
		response := <-s.cli.Watch(ctx, "watch/b", clientv3.WithRange("watch/a"))
		return want("canceled", response.Canceled, true)
	})
	s.check("Watch: the channel closes when its context ends, and the others go on", func(ctx context.Context) error {
		ended, end := context.WithCancel(ctx)
		one := s.cli.Watch(ended, "watch/end", clientv3.WithCreatedNotify())
		other := s.cli.Watch(ctx, "watch/end", clientv3.WithCreatedNotify())
		<-one
		<-other
		end()
		for range one {
			continue
		}
		if _, err := s.put(ctx, "watch/end", "1"); err != nil {
			return err
		}
		return wantChanges(ctx, other, "PUT watch/end=1")
	})
	s.check("Watcher.Close ends all watches of a client", func(ctx context.Context) error {
		cli := connect(s.endpoints...)
		defer cli.Close()
		watch := cli.Watch(ctx, "watch/close", clientv3.WithCreatedNotify())
		<-watch
		if err := cli.Watcher.Close(); err != nil {
			return err
		}
		select {
		case _, isOpen := <-watch:
			return want("the channel is open", isOpen, false)
		case <-time.After(time.Second):
			return errors.New("the channel stays open")
		}
	})
}
