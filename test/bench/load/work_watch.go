package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"
)

// watchers are the watchers of a work on their Watch streams, as many on each.
type watchers struct {
	run     *run
	streams []*watchStream
	// One for each connection.
	meters []*meter
	// Until all are confirmed.
	readyMs float64
	waiting atomic.Int64
	created chan struct{}
}

// A watchStream counts the events of its watchers and sees that each comes once and in order.
type watchStream struct {
	stream   stream
	watchers *watchers
	meter    *meter
	// By watch id, which servers count from 0 on each stream: the revision of the last event; -1: not created.
	revisions []int64
}

const (
	watchAnswerID       = 2
	watchAnswerCreated  = 3
	watchAnswerCanceled = 4
	watchAnswerReason   = 6
	watchAnswerEvents   = 11
	eventKv             = 2

	watchersTimeout = 2 * time.Minute
)

// newWatchers opens the streams and returns when the server has confirmed each watcher.
func newWatchers(r *run, keyOf func(watcher int) []byte) (*watchers, error) {
	all := &watchers{run: r, created: make(chan struct{})}
	all.waiting.Store(int64(r.options.watchers))
	began := nanos()
	streams := r.options.connections * r.options.streams
	for i := range r.options.connections {
		c, err := r.connect(i)
		if err != nil {
			return nil, err
		}
		m := &meter{run: r}
		all.meters = append(all.meters, m)
		for j := range r.options.streams {
			first := i*r.options.streams + j
			all.open(c, m, func(yield func([]byte) bool) {
				for watcher := first; watcher < r.options.watchers && yield(keyOf(watcher)); watcher += streams {
				}
			})
		}
	}
	if err := all.wait(); err != nil {
		return nil, err
	}
	all.readyMs = milliseconds(float64(nanos() - began))
	fmt.Fprintf(os.Stderr, "%d watchers\n", r.options.watchers)
	return all, nil
}

func (all *watchers) wait() error {
	if all.run.options.watchers == 0 {
		return nil
	}
	select {
	case <-all.created:
		return nil
	case err := <-all.run.failed:
		return err
	case <-time.After(watchersTimeout):
		return fmt.Errorf("%d watchers were not confirmed in time", all.waiting.Load())
	}
}

// open starts a stream with a watcher for each key.
func (all *watchers) open(c *connection, m *meter, keys func(yield func([]byte) bool)) {
	s := &watchStream{watchers: all, meter: m}
	s.stream.handler = s
	all.streams = append(all.streams, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range keys {
		if c.lost != nil {
			return
		}
		appendCreate := func(out []byte) []byte { return appendWatchCreate(out, key) }
		s.revisions = append(s.revisions, -1)
		if len(s.revisions) == 1 {
			c.open(&s.stream, watchWatch, false, appendCreate)
		} else {
			c.send(&s.stream, false, appendCreate)
		}
	}
	c.output.flush()
}

func (all *watchers) received() int64 {
	sum := int64(0)
	for _, m := range all.meters {
		sum += m.total.Load()
	}
	return sum
}

func (s *watchStream) ended(_ *stream, result status) {
	s.watchers.run.fail(fmt.Errorf("a Watch stream ended: %v", result))
}

func (s *watchStream) message(_ *stream, message []byte) error {
	id, isCreated, isCanceled := uint64(0), false, false
	var reason []byte
	f := fieldsOf(message)
	// The number of a watcher comes before its events.
	for f.next() {
		switch f.number {
		case watchAnswerID:
			id = f.value
		case watchAnswerCreated:
			isCreated = f.value != 0
		case watchAnswerCanceled:
			isCanceled = f.value != 0
		case watchAnswerReason:
			reason = f.bytes
		case watchAnswerEvents:
			if err := s.event(id, f.bytes); err != nil {
				return err
			}
		}
	}
	if isCanceled {
		return fmt.Errorf("watcher %d was canceled: %s", id, reason)
	}
	if isCreated {
		return s.confirm(id)
	}
	return f.err()
}

func (s *watchStream) confirm(id uint64) error {
	if id >= uint64(len(s.revisions)) || s.revisions[id] != -1 {
		return fmt.Errorf("watcher %d was confirmed where %d were asked for", id, len(s.revisions))
	}
	s.revisions[id] = 0
	if s.watchers.waiting.Add(-1) == 0 {
		close(s.watchers.created)
	}
	return nil
}

func (s *watchStream) event(id uint64, event []byte) error {
	now := s.stream.connection.now
	f := fieldsOf(event)
	for f.next() {
		if f.number != eventKv {
			continue
		}
		kv, err := decodeKeyValue(f.bytes)
		if err != nil {
			return err
		}
		if id >= uint64(len(s.revisions)) || s.revisions[id] < 0 || kv.modRevision <= s.revisions[id] {
			return fmt.Errorf("watcher %d was told of revision %d too late or too often", id, kv.modRevision)
		}
		s.revisions[id] = kv.modRevision
		if len(kv.value) < stampBytes {
			return errors.New("an event of another writer")
		}
		s.meter.note(now-int64(binary.BigEndian.Uint64(kv.value)), 1)
		return nil
	}
	return errMalformed
}

// stampedPutJob puts one key with the time in its value.
type stampedPutJob struct {
	endless
	key    []byte
	values *valuePool
	random *rand.Rand
}

func (j *stampedPutJob) request(out []byte) []byte {
	value := j.values.value(j.random)
	out = appendBytesField(out, putKey, j.key)
	return appendStamped(appendBytesHead(out, putValue, len(value)), nanos(), value)
}

func (j *stampedPutJob) answer(message []byte) error {
	return mustHaveHeader(message)
}

// watchWork is many watchers of one key that one writer puts.
type watchWork struct {
	run      *run
	watchers *watchers
	writer   *group
	missing  int64
}

func newWatchWork(r *run) (workload, error) {
	if r.options.valueBytes < stampBytes {
		return nil, fmt.Errorf("-value-bytes must be at least %d for watch", stampBytes)
	}
	// Outside the prefix, whose keys others count.
	key := []byte("watched/" + r.options.keyPrefix)
	all, err := newWatchers(r, func(int) []byte { return key })
	if err != nil {
		return nil, err
	}
	values := newValuePool(r.options.valueBytes, r.options.seed)
	size := groupSize{connections: 1, streams: 1, rate: r.options.rate}
	writer, err := newGroup(r, kvPut, size, func(index int) job {
		return &stampedPutJob{key: key, values: values, random: randomOf(&r.options, index)}
	})
	return &watchWork{run: r, watchers: all, writer: writer}, err
}

func (w *watchWork) start() error { return w.writer.start() }

func (w *watchWork) meters() []*meter { return w.watchers.meters }

// stop waits for the events that are still on their way.
func (w *watchWork) stop() {
	w.writer.stop()
	deadline := time.Now().Add(stopTimeout)
	for w.watchers.received() < w.expected() && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	w.missing = w.expected() - w.watchers.received()
}

func (w *watchWork) expected() int64 {
	return w.writer.lanes[0].meter.total.Load() * int64(w.run.options.watchers)
}

func (w *watchWork) report(result *result) {
	w.watchers.report(result)
	writer := w.writer.lanes[0].meter
	expected, perSecond := w.expected(), round(float64(writer.measured)/result.Seconds)
	latency := writer.latency.latency()
	result.Puts = &writer.measured
	result.PutsPerSecond = &perSecond
	result.PutLatencyMs = &latency
	result.EventsExpected = &expected
	result.EventsMissing = &w.missing
	if w.missing != 0 {
		w.run.fault(fmt.Sprintf("%d events did not come within 10 s of the end", w.missing))
	}
}

func (all *watchers) report(result *result) {
	count := int64(all.run.options.watchers)
	result.Watchers = &count
	result.WatchersReadyMs = &all.readyMs
}

// newWatchIdleWork is many watchers of keys that nobody writes, and puts of others.
func newWatchIdleWork(r *run) (workload, error) {
	idle := keyspace{prefix: "idle/"}
	all, err := newWatchers(r, func(watcher int) []byte { return idle.appendKey(nil, watcher) })
	if err != nil {
		return nil, err
	}
	keys := newKeyspace(&r.options)
	size := groupSize{connections: r.options.putConnections, streams: r.options.putStreams}
	putting, err := newGroup(r, kvPut, size, func(index int) job {
		return newPutJob(keys, &r.options, index)
	})
	return &unaryWork{group: putting, tell: all.report}, err
}
