package main

import (
	"math/rand/v2"
	"sync"
	"time"
)

// outageWork puts while members die, and measures how long no put succeeds. A put whose answer does not come in
// time is given up, and what becomes of it is unknown: none is ever sent again. A connection that ends, or on
// which nothing succeeds any more, is replaced by one to the next endpoint.
type outageWork struct {
	run   *run
	keys  keyspace
	lanes []*outageLane
	gaps  gaps
	ended chan struct{}
	done  sync.WaitGroup
}

// An outageLane is one connection after the other, with its workers.
type outageLane struct {
	work       *outageWork
	endpoint   int
	connection *connection
	meter      *meter
	random     *rand.Rand
	workers    []*outageWorker
	// Of each lane another, so that the puts that follow do not all come at the same moment again.
	timeout int64
	// Puts without an answer since the last one that succeeded.
	failures   int
	unknown    int64
	reconnects int64
	lost       chan struct{}
}

type outageWorker struct {
	lane   *outageLane
	stream stream
	append func([]byte) []byte
	// Not before then: after an error, so that a member without a leader is not flooded.
	restAt int64
	isOpen bool
}

const (
	outageStep     = 10 * time.Millisecond
	outageTimeline = 100 * time.Millisecond
	restAfterError = 10 * time.Millisecond
	reconnectPause = 20 * time.Millisecond
	// One that stands still takes connections and says nothing on them.
	redialTimeout    = 500 * time.Millisecond
	failuresMaxTimes = 5
)

func newOutageWork(r *run) (workload, error) {
	r.timelineStep = outageTimeline
	w := &outageWork{run: r, keys: newKeyspace(&r.options), ended: make(chan struct{})}
	n := r.options.connections
	for i := range n {
		l := &outageLane{
			work: w, endpoint: i, meter: &meter{run: r}, random: randomOf(&r.options, i),
			timeout: int64(r.options.writeTimeout) * int64(2*n+i) / int64(2*n),
		}
		for range r.options.streams {
			worker := &outageWorker{lane: l}
			worker.stream.handler = worker
			worker.append = l.appendPut
			l.workers = append(l.workers, worker)
		}
		w.lanes = append(w.lanes, l)
	}
	return w, nil
}

func (l *outageLane) appendPut(out []byte) []byte {
	keys := l.work.keys
	return keys.appendPut(out, l.random.IntN(keys.count), keys.values.value(l.random))
}

func (w *outageWork) start() error {
	for _, l := range w.lanes {
		if err := l.connect(); err != nil {
			return err
		}
	}
	for _, l := range w.lanes {
		w.done.Go(l.supervise)
	}
	return nil
}

// connect goes on with the next endpoint the next time.
func (l *outageLane) connect() error {
	endpoints := l.work.run.options.endpoints
	c, err := dial(endpoints[l.endpoint%len(endpoints)], redialTimeout)
	l.endpoint++
	if err != nil {
		return err
	}
	lost := make(chan struct{})
	c.mu.Lock()
	c.onLost = func(error) { close(lost) }
	c.mu.Unlock()
	l.connection, l.lost, l.failures = c, lost, 0
	for _, worker := range l.workers {
		if worker.isOpen {
			worker.isOpen = false
			l.unknown++
		}
	}
	l.work.run.remember(c)
	return nil
}

func (l *outageLane) supervise() {
	ticker := time.NewTicker(outageStep)
	defer ticker.Stop()
	for {
		select {
		case <-l.work.ended:
			return
		case <-l.lost:
			l.reconnect()
		case <-ticker.C:
			if !l.step() {
				l.connection.close()
				l.reconnect()
			}
		}
	}
}

func (l *outageLane) reconnect() {
	for !l.isOver() {
		if l.connect() == nil {
			l.reconnects++
			return
		}
		time.Sleep(reconnectPause)
	}
}

func (l *outageLane) isOver() bool {
	select {
	case <-l.work.ended:
		return true
	default:
		return false
	}
}

// step gives up what has taken too long and begins what can begin. False: try another member.
func (l *outageLane) step() bool {
	c := l.connection
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil {
		return true
	}
	now := nanos()
	for _, worker := range l.workers {
		if worker.isOpen && now-worker.stream.sentAt > l.timeout {
			c.cancel(&worker.stream)
			worker.isOpen = false
			l.unknown++
			l.failures++
		}
		if !worker.isOpen && now >= worker.restAt {
			worker.begin(c, now)
		}
	}
	c.output.flush()
	return l.failures < failuresMaxTimes*len(l.workers)
}

func (w *outageWorker) begin(c *connection, now int64) {
	w.isOpen = true
	w.stream.sentAt = now
	c.open(&w.stream, kvPut, true, w.append)
}

func (w *outageWorker) message(_ *stream, message []byte) error {
	return mustHaveHeader(message)
}

func (w *outageWorker) ended(s *stream, result status) {
	c, l := s.connection, w.lane
	w.isOpen = false
	switch {
	case result.code == statusOK:
		l.failures = 0
		l.meter.note(c.now-s.sentAt, 1)
		l.work.gaps.success(c.now)
		if c.lost == nil && l.work.run.phase.Load() != stopping {
			w.begin(c, c.now)
		}
	case result.code == statusLost:
		l.unknown++
		l.work.run.fault("a connection was lost")
	default:
		l.failures++
		w.restAt = c.now + int64(restAfterError)
		l.work.run.fault(result.String())
	}
}

func (w *outageWork) stop() {
	close(w.ended)
	w.done.Wait()
	for _, l := range w.lanes {
		l.connection.close()
	}
}

func (w *outageWork) meters() []*meter {
	meters := make([]*meter, len(w.lanes))
	for i, l := range w.lanes {
		meters[i] = l.meter
	}
	return meters
}

func (w *outageWork) report(result *result) {
	result.UnknownWrites = sumOf(w.lanes, func(l *outageLane) int64 { return l.unknown })
	result.Reconnects = sumOf(w.lanes, func(l *outageLane) int64 { return l.reconnects })
	from, nanos := w.gaps.longest(w.run.begun.nanos, w.run.ended.nanos)
	gapMs, atMs := milliseconds(float64(nanos)), milliseconds(float64(from-w.run.begun.nanos))
	result.LongestGapMs, result.LongestGapAtMs = &gapMs, &atMs
}

// gaps keeps the times between two successes of all connections that are worth a look.
type gaps struct {
	mu   sync.Mutex
	last int64
	long []gap
}

type gap struct {
	from, to int64
}

const (
	// Shorter ones are how the work goes.
	gapNanosMin = int64(time.Millisecond)
	gapsMax     = 1_000_000
)

func (g *gaps) success(now int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now-g.last > gapNanosMin && len(g.long) < gapsMax {
		g.long = append(g.long, gap{g.last, now})
	}
	g.last = max(g.last, now)
}

// longest answers the longest gap's beginning and length, as far as gaps lie within the measurement. One that is
// still open at the end counts until then.
func (g *gaps) longest(begun, ended int64) (from, length int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, gap := range append(g.long, gap{g.last, ended}) {
		start, end := max(gap.from, begun), min(gap.to, ended)
		if end-start > length {
			from, length = start, end-start
		}
	}
	return from, length
}
