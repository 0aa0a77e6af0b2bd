package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A job makes the requests of one worker and judges their answers.
type job interface {
	// hasNext is false when there is nothing left to ask.
	hasNext() bool
	// request appends the next request's message.
	request(out []byte) []byte
	// answer is wrong when it says so: the run ends with that.
	answer(message []byte) error
	// ended comes after the answer, or after the error that came instead of one.
	ended(isOK bool) error
}

// inPieces is a job whose answers are too large to keep; answer is not called.
type inPieces interface {
	piece(piece []byte)
}

// endless is for jobs that go on for ever and remember nothing of an error.
type endless struct{}

func (endless) hasNext() bool    { return true }
func (endless) ended(bool) error { return nil }

// A meter counts the answers of one connection, under its mutex.
type meter struct {
	run     *run
	latency histogram
	// In the measured time.
	measured int64
	// Of a rate: calls that were due and for which no worker was ever free.
	neverSent int64
	// From the beginning, for who looks on.
	total atomic.Int64
}

func (m *meter) note(nanos, operations int64) {
	m.total.Add(operations)
	if m.run.phase.Load() == measuring {
		m.measured += operations
		m.latency.record(nanos)
	}
}

// A worker has one call under way; it begins the next when the last is answered, or when its lane says so.
type worker struct {
	group  *group
	lane   *lane
	job    job
	stream stream
	append func([]byte) []byte
}

// A lane is a connection with its workers; all of it under the connection's mutex.
type lane struct {
	connection *connection
	meter      *meter
	// For a group with a rate: workers without a call, and when calls were due that none was free for.
	idle []*worker
	due  []int64
}

// A group is workers that do the same, on connections of their own.
type group struct {
	run    *run
	method method
	lanes  []*lane
	// Calls under way, or that will be.
	underWay sync.WaitGroup
	pacer    *pacer
	isOver   atomic.Bool
}

type groupSize struct {
	connections, streams int
	// Calls a second of all together; 0: each worker goes on when it is answered.
	rate float64
}

// newGroup connects; jobOf is asked for the job of each worker.
func newGroup(r *run, m method, size groupSize, jobOf func(index int) job) (*group, error) {
	g := &group{run: r, method: m}
	for i := range size.connections {
		c, err := r.connect(i)
		if err != nil {
			return nil, err
		}
		if most := c.streamsMax(); uint32(size.streams) > most {
			return nil, fmt.Errorf("%s takes only %d streams at once", c.endpoint, most)
		}
		l := &lane{connection: c, meter: &meter{run: r}}
		g.lanes = append(g.lanes, l)
		for j := range size.streams {
			w := newWorker(g, l, jobOf(i*size.streams+j))
			l.idle = append(l.idle, w)
		}
	}
	if size.rate > 0 {
		g.pacer = &pacer{group: g, interval: 1e9 / size.rate}
	}
	return g, nil
}

func newWorker(g *group, l *lane, j job) *worker {
	w := &worker{group: g, lane: l, job: j, append: j.request}
	w.stream.handler = w
	if pieces, ok := j.(inPieces); ok {
		w.stream.pieces = pieces.piece
	}
	return w
}

func (g *group) start() error {
	if g.pacer != nil {
		g.underWay.Add(1)
		go g.pacer.run()
		return nil
	}
	for _, l := range g.lanes {
		c := l.connection
		c.mu.Lock()
		idle := l.idle
		l.idle = nil
		c.now = nanos()
		for _, w := range idle {
			g.underWay.Add(1)
			w.begin(c.now)
		}
		c.output.flush()
		c.mu.Unlock()
	}
	return nil
}

const stopTimeout = 10 * time.Second

// stop waits for what is under way; what takes too long is an error.
func (g *group) stop() {
	g.isOver.Store(true)
	if !waitFor(&g.underWay, stopTimeout) {
		g.run.fault("calls that were not answered within 10 s of the end")
	}
}

func waitFor(group *sync.WaitGroup, timeout time.Duration) bool {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(timeout):
		return false
	}
}

func (g *group) meters() []*meter {
	meters := make([]*meter, len(g.lanes))
	for i, l := range g.lanes {
		meters[i] = l.meter
	}
	return meters
}

func (g *group) latency() latency {
	all := &histogram{}
	for _, m := range g.meters() {
		all.merge(&m.latency)
	}
	return all.latency()
}

// begin opens the next call, if there is one; its time counts from sentAt.
func (w *worker) begin(sentAt int64) {
	c := w.lane.connection
	if c.lost != nil || w.group.isOver.Load() || !w.job.hasNext() {
		w.group.underWay.Done()
		return
	}
	w.stream.sentAt = sentAt
	c.open(&w.stream, w.group.method, true, w.append)
}

func (w *worker) message(_ *stream, message []byte) error {
	return w.job.answer(message)
}

func (w *worker) ended(s *stream, result status) {
	c := w.lane.connection
	isOK := result.code == statusOK && s.messages == 1
	switch {
	case isOK:
		w.lane.meter.note(c.now-s.sentAt, 1)
	case result.code == statusOK:
		w.group.run.fault(fmt.Sprintf("%d messages in an answer", s.messages))
	case result.code != statusLost:
		w.group.run.fault(result.String())
	}
	if err := w.job.ended(isOK); err != nil {
		w.group.run.fail(err)
	}
	if w.group.pacer == nil {
		w.begin(c.now)
		return
	}
	w.lane.rest(w)
	w.group.underWay.Done()
}
