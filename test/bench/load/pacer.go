package main

import "time"

// A pacer begins calls when they are due, whatever has become of the earlier ones. A call is measured from then
// even when no worker was free, so that a server that stands still is not spared the calls it would have had.
type pacer struct {
	group *group
	// Nanoseconds between two calls of the group.
	interval float64
}

const (
	// Timers are no finer; what one is late for that reason is not the server's.
	timerNanos = 1_100_000
	dueMax     = 1_000_000
)

func (p *pacer) run() {
	defer p.group.underWay.Done()
	lanes := p.group.lanes
	start := nanos()
	for i := 0; !p.group.isOver.Load(); i++ {
		due := start + int64(float64(i)*p.interval)
		if wait := due - nanos(); wait > 0 {
			time.Sleep(time.Duration(wait))
		}
		late := max(nanos()-due, 0)
		l := lanes[i%len(lanes)]
		l.connection.mu.Lock()
		l.connection.now = nanos()
		l.call(p.group, due+min(late, timerNanos))
		l.connection.output.flush()
		l.connection.mu.Unlock()
	}
	for _, l := range lanes {
		l.giveUp(p.group)
	}
}

// call begins a call that is due, or remembers it.
func (l *lane) call(g *group, due int64) {
	last := len(l.idle) - 1
	switch {
	case last >= 0:
		w := l.idle[last]
		l.idle = l.idle[:last]
		g.underWay.Add(1)
		w.begin(due)
	case len(l.due) < dueMax:
		l.due = append(l.due, due)
	default:
		g.run.fault("a call that was due found a million waiting")
	}
}

// rest takes back a worker whose call has ended.
func (l *lane) rest(w *worker) {
	l.idle = append(l.idle, w)
	if len(l.due) > 0 && l.connection.lost == nil {
		due := l.due[0]
		l.due = l.due[1:]
		l.call(w.group, due)
	}
}

// giveUp measures the calls that were never begun with the time that they have waited.
func (l *lane) giveUp(g *group) {
	l.connection.mu.Lock()
	defer l.connection.mu.Unlock()
	for _, due := range l.due {
		if due < g.run.ended.nanos {
			l.meter.latency.record(g.run.ended.nanos - due)
			l.meter.neverSent++
		}
	}
	l.due = nil
}
