package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A workload is what -work names.
type workload interface {
	// start returns when the first requests are sent.
	start() error
	// stop asks for no more and waits for what is under way.
	stop()
	// meters of what the result counts as operations.
	meters() []*meter
	// report adds what this work alone has to tell.
	report(result *result)
}

type phase = int32

const (
	warming phase = iota
	measuring
	stopping
)

// A run is one measurement from the first connection to the result.
type run struct {
	options options
	phase   atomic.Int32
	// Everything that was opened, to be closed and counted.
	mu     sync.Mutex
	opened []*connection
	faults faults
	// Why the run cannot go on.
	failed chan error
	// Closed by a workload that has an end of its own.
	finished     chan struct{}
	timelineStep time.Duration
	timeline     []int64
	begun, ended moment
}

// moment is what is compared between the beginning and the end of the measurement.
type moment struct {
	nanos             int64
	cpuNanos          int64
	bytesIn, bytesOut int64
}

func newRun(o options) *run {
	return &run{
		options:      o,
		failed:       make(chan error, 1),
		finished:     make(chan struct{}),
		timelineStep: time.Second,
		timeline:     []int64{},
	}
}

func (r *run) fail(err error) {
	select {
	case r.failed <- err:
	default:
	}
}

const dialTimeout = 3 * time.Second

// connect opens a connection whose loss ends the run.
func (r *run) connect(index int) (*connection, error) {
	c, err := dial(r.options.endpoints[index%len(r.options.endpoints)], dialTimeout)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.onLost = r.fail
	c.mu.Unlock()
	r.remember(c)
	return c, nil
}

func (r *run) remember(c *connection) {
	r.mu.Lock()
	r.opened = append(r.opened, c)
	r.mu.Unlock()
}

func (r *run) now() moment {
	m := moment{nanos: nanos(), cpuNanos: cpuNanos()}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.opened {
		m.bytesIn += c.bytesIn.Load()
		m.bytesOut += c.bytesOut.Load()
	}
	return m
}

// cpuNanos is the user and system time of this process.
func cpuNanos() int64 {
	usage := syscall.Rusage{}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// measure carries the work out.
func (r *run) measure(w workload) (*result, error) {
	beside := newBeside(r)
	if err := errors.Join(w.start(), beside.start()); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "ready: %s\n", r.options.work)
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	progress := newProgress(r, w)
	defer progress.stop()

	err := r.wait(r.options.warmup, interrupted, progress)
	r.begun = r.now()
	progress.begin()
	r.phase.Store(measuring)
	if err == nil {
		err = r.wait(r.options.duration, interrupted, progress)
	}
	r.phase.Store(stopping)
	r.ended = r.now()
	if err != nil && !errors.Is(err, errInterrupted) {
		return nil, err
	}
	w.stop()
	beside.stop()
	r.closeAll()
	return r.result(w, beside)
}

var errInterrupted = errors.New("interrupted")

func (r *run) wait(duration time.Duration, interrupted <-chan os.Signal, progress *progress) error {
	over := time.After(duration)
	for {
		select {
		case <-over:
			return nil
		case <-r.finished:
			return nil
		case <-interrupted:
			return errInterrupted
		case err := <-r.failed:
			return err
		case <-progress.ticks():
			progress.tick()
		}
	}
}

func (r *run) closeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.opened {
		c.close()
	}
}

func (r *run) result(w workload, beside *beside) (*result, error) {
	select {
	case err := <-r.failed:
		return nil, err
	default:
	}
	all := &histogram{}
	operations := int64(0)
	for _, m := range w.meters() {
		all.merge(&m.latency)
		operations += m.measured
	}
	seconds := float64(r.ended.nanos-r.begun.nanos) / 1e9
	cpuSeconds := float64(r.ended.cpuNanos-r.begun.cpuNanos) / 1e9
	result := &result{
		Work:           r.options.work,
		Connections:    r.options.connections,
		Streams:        r.options.streams,
		Seconds:        round(seconds),
		Operations:     operations,
		PerSecond:      round(float64(operations) / seconds),
		LatencyMs:      all.latency(),
		BytesIn:        r.ended.bytesIn - r.begun.bytesIn,
		BytesOut:       r.ended.bytesOut - r.begun.bytesOut,
		CPUSeconds:     round(cpuSeconds),
		Timeline:       r.timeline,
		TimelineStepMs: r.timelineStep.Milliseconds(),
	}
	if operations > 0 {
		result.CPUMicrosPerOperation = round(cpuSeconds * 1e6 / float64(operations))
	}
	w.report(result)
	beside.report(result)
	result.Errors, result.FirstErrors = r.faults.told()
	return result, nil
}

// faults are answers that were errors.
type faults struct {
	mu    sync.Mutex
	count int64
	first []string
}

const (
	faultsShown = 5
	// So many of them are no measurement.
	faultsMax = 100_000
)

// fault counts an error; of those with the same words the first is shown.
func (r *run) fault(text string) {
	r.faults.mu.Lock()
	defer r.faults.mu.Unlock()
	r.faults.count++
	if r.faults.count == faultsMax {
		r.fail(fmt.Errorf("%d errors, the last one: %s", faultsMax, text))
	}
	for _, known := range r.faults.first {
		if known == text {
			return
		}
	}
	if len(r.faults.first) < faultsShown {
		r.faults.first = append(r.faults.first, text)
	}
}

func (f *faults) told() (int64, []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count, append([]string{}, f.first...)
}
