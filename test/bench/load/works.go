package main

import (
	"slices"
)

// works are all that -work can name.
var works map[string]func(r *run) (workload, error)

func init() {
	works = map[string]func(r *run) (workload, error){
		"put":                newPutWork,
		"range":              newRangeWork(false),
		"range-serializable": newRangeWork(true),
		"txn-update":         newUpdateWork,
		"range-page":         newPageWork,
		"paging":             newPagingWork,
		"count":              newCountWork,
		"range-all":          newRangeAllWork,
		"fill":               newFillWork,
		"watch":              newWatchWork,
		"watch-idle":         newWatchIdleWork,
		"lease-keepalive":    newLeaseWork,
		"outage":             newOutageWork,
	}
}

func workNames() []string {
	names := []string{}
	for name := range works {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// unaryWork is a group of workers and what they have to report.
type unaryWork struct {
	*group
	tell func(result *result)
}

func (w *unaryWork) report(result *result) {
	if w.tell != nil {
		w.tell(result)
	}
}

func (o *options) size() groupSize {
	return groupSize{connections: o.connections, streams: o.streams}
}

// beside is the puts of -concurrent-put.
type beside struct {
	run   *run
	group *group
}

func newBeside(r *run) *beside {
	return &beside{run: r}
}

func (b *beside) start() error {
	every := b.run.options.concurrentPut
	if every == 0 {
		return nil
	}
	keys := newKeyspace(&b.run.options)
	// Several streams, so that a put that waits does not hold up the next.
	size := groupSize{connections: 1, streams: 64, rate: 1 / every.Seconds()}
	group, err := newGroup(b.run, kvPut, size, func(index int) job {
		return newPutJob(keys, &b.run.options, -1-index)
	})
	if err != nil {
		return err
	}
	b.group = group
	return group.start()
}

func (b *beside) stop() {
	if b.group != nil {
		b.group.stop()
	}
}

func (b *beside) report(result *result) {
	if b.group != nil {
		latency := b.group.latency()
		result.ConcurrentPut = &latency
	}
}
