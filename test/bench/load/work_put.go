package main

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"
)

// putJob puts keys at random.
type putJob struct {
	endless
	keys   keyspace
	random *rand.Rand
}

func newPutJob(keys keyspace, o *options, worker int) *putJob {
	return &putJob{keys: keys, random: randomOf(o, worker)}
}

func (j *putJob) request(out []byte) []byte {
	return j.keys.appendPut(out, j.random.IntN(j.keys.count), j.keys.values.value(j.random))
}

func (j *putJob) answer(message []byte) error {
	return mustHaveHeader(message)
}

// mustHaveHeader looks no further than the first field, which every answer of etcd begins with.
func mustHaveHeader(message []byte) error {
	f := fieldsOf(message)
	if f.next() && f.number == answerHeader && len(f.bytes) > 0 {
		return nil
	}
	return fmt.Errorf("an answer without a header: %x", message[:min(len(message), 64)])
}

func newPutWork(r *run) (workload, error) {
	keys := newKeyspace(&r.options)
	size := r.options.size()
	size.rate = r.options.rate
	group, err := newGroup(r, kvPut, size, func(index int) job {
		return newPutJob(keys, &r.options, index)
	})
	return &unaryWork{group: group, tell: func(result *result) {
		if size.rate > 0 {
			result.NeverSent = sumOf(group.meters(), func(m *meter) int64 { return m.neverSent })
		}
	}}, err
}

// fillMax ends a fill that does not end.
const fillMax = time.Hour

// fillJob puts all keys in their order, many in each transaction.
type fillJob struct {
	keys   keyspace
	random *rand.Rand
	batch  int
	next   *atomic.Int64
	filled *atomic.Int64
	size   int
	first  int
	done   func()
}

func (j *fillJob) hasNext() bool {
	j.first = int(j.next.Add(int64(j.batch))) - j.batch
	j.size = min(j.batch, j.keys.count-j.first)
	return j.size > 0
}

func (j *fillJob) request(out []byte) []byte {
	for i := range j.size {
		out = j.keys.appendPutOp(out, j.first+i, j.keys.values.value(j.random))
	}
	return out
}

func (j *fillJob) answer(message []byte) error {
	answer, err := decodeUpdateAnswer(message)
	if err == nil && !answer.succeeded {
		err = fmt.Errorf("a transaction without conditions did not succeed")
	}
	return err
}

func (j *fillJob) ended(isOK bool) error {
	if !isOK {
		return fmt.Errorf("a transaction of fill failed")
	}
	if j.filled.Add(int64(j.size)) == int64(j.keys.count) {
		j.done()
	}
	return nil
}

func newFillWork(r *run) (workload, error) {
	keys := newKeyspace(&r.options)
	next, filled := &atomic.Int64{}, &atomic.Int64{}
	// It is measured as a whole, for as long as it takes.
	r.options.warmup = 0
	r.options.duration = fillMax
	group, err := newGroup(r, kvTxn, r.options.size(), func(index int) job {
		return &fillJob{
			keys: keys, random: randomOf(&r.options, index), batch: r.options.batch,
			next: next, filled: filled, done: func() { close(r.finished) },
		}
	})
	if err != nil {
		return nil, err
	}
	return &unaryWork{group: group, tell: func(result *result) {
		result.Operations = filled.Load()
		result.PerSecond = round(float64(result.Operations) / result.Seconds)
		result.CPUMicrosPerOperation = round(result.CPUSeconds * 1e6 / float64(max(result.Operations, 1)))
	}}, nil
}
