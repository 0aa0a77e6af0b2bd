package main

import (
	"errors"
	"fmt"
	"sync"
)

const (
	leaseTTLSeconds = 60

	leaseAnswerID  = 2
	leaseAnswerTTL = 3
)

// leaseWork is keep-alives, each on a stream and for a lease of its own, the next as soon as one is answered.
type leaseWork struct {
	run      *run
	all      []*meter
	keepers  []*keeper
	underWay sync.WaitGroup
}

// A keeper keeps one lease alive.
type keeper struct {
	work       *leaseWork
	connection *connection
	meter      *meter
	stream     stream
	lease      uint64
	append     func([]byte) []byte
	isDone     bool
}

func newLeaseWork(r *run) (workload, error) {
	w := &leaseWork{run: r}
	for i := range r.options.connections {
		c, err := r.connect(i)
		if err != nil {
			return nil, err
		}
		m := &meter{run: r}
		w.all = append(w.all, m)
		for range r.options.streams {
			k := &keeper{work: w, connection: c, meter: m}
			k.stream.handler = k
			k.append = func(out []byte) []byte { return appendVarintField(out, leaseID, int64(k.lease)) }
			w.keepers = append(w.keepers, k)
		}
	}
	return w, w.each(func(k *keeper) error { return k.grant() })
}

// each does the same for all leases, a connection's one after the other.
func (w *leaseWork) each(do func(k *keeper) error) error {
	failures := make([]error, w.run.options.connections)
	waiting := sync.WaitGroup{}
	for i := range failures {
		waiting.Go(func() {
			for _, k := range w.keepers[i*w.run.options.streams:][:w.run.options.streams] {
				failures[i] = errors.Join(failures[i], do(k))
			}
		})
	}
	waiting.Wait()
	return errors.Join(failures...)
}

func (k *keeper) grant() error {
	message, err := k.connection.call(leaseGrant, appendVarintField(nil, leaseTTL, leaseTTLSeconds))
	if err != nil {
		return err
	}
	f := fieldsOf(message)
	for f.next() {
		if f.number == leaseAnswerID {
			k.lease = f.value
		}
	}
	if k.lease == 0 {
		return errors.New("a lease without an id")
	}
	return f.err()
}

func (k *keeper) revoke() error {
	_, err := k.connection.call(leaseRevoke, k.append(nil))
	return err
}

func (w *leaseWork) start() error {
	for _, k := range w.keepers {
		c := k.connection
		c.mu.Lock()
		if c.lost == nil {
			w.underWay.Add(1)
			k.stream.sentAt = nanos()
			c.open(&k.stream, leaseKeepAlive, false, k.append)
			c.output.flush()
		}
		c.mu.Unlock()
	}
	return nil
}

func (k *keeper) message(s *stream, message []byte) error {
	lease, ttl := uint64(0), uint64(0)
	f := fieldsOf(message)
	for f.next() {
		switch f.number {
		case leaseAnswerID:
			lease = f.value
		case leaseAnswerTTL:
			ttl = f.value
		}
	}
	if lease != k.lease || ttl != leaseTTLSeconds {
		return fmt.Errorf("lease %x was kept alive for %d s where %x was asked for", lease, ttl, k.lease)
	}
	k.meter.note(k.connection.now-s.sentAt, 1)
	if k.work.run.phase.Load() == stopping {
		k.done()
		return f.err()
	}
	s.sentAt = k.connection.now
	k.connection.send(s, false, k.append)
	return f.err()
}

func (k *keeper) ended(_ *stream, result status) {
	k.work.run.fail(fmt.Errorf("a LeaseKeepAlive stream ended: %v", result))
	k.done()
}

func (k *keeper) done() {
	if !k.isDone {
		k.isDone = true
		k.work.underWay.Done()
	}
}

// stop revokes the leases, whose end would fall into a later measurement.
func (w *leaseWork) stop() {
	if !waitFor(&w.underWay, stopTimeout) {
		w.run.fault("keep-alives that were not answered within 10 s of the end")
	}
	if err := w.each(func(k *keeper) error { return k.revoke() }); err != nil {
		w.run.fault(err.Error())
	}
}

func (w *leaseWork) meters() []*meter { return w.all }

func (w *leaseWork) report(*result) {}
