package main

import (
	"fmt"
	"math/rand/v2"
)

// rangeJob reads one key at random.
type rangeJob struct {
	endless
	keys           keyspace
	random         *rand.Rand
	isSerializable bool
}

func (j *rangeJob) request(out []byte) []byte {
	out = j.keys.appendRangeOfOne(out, j.random.IntN(j.keys.count))
	if j.isSerializable {
		out = appendVarintField(out, rangeSerializable, 1)
	}
	return out
}

func (j *rangeJob) answer(message []byte) error {
	keys, count := 0, uint64(0)
	f := fieldsOf(message)
	for f.next() {
		switch f.number {
		case rangeAnswerKvs:
			keys++
		case rangeAnswerCount:
			count = f.value
		}
	}
	if keys != 1 || count != 1 {
		return fmt.Errorf("%d keys and a count of %d where one key was asked for: was it filled?", keys, count)
	}
	return f.err()
}

func newRangeWork(isSerializable bool) func(r *run) (workload, error) {
	return func(r *run) (workload, error) {
		keys := newKeyspace(&r.options)
		group, err := newGroup(r, kvRange, r.options.size(), func(index int) job {
			return &rangeJob{keys: keys, random: randomOf(&r.options, index), isSerializable: isSerializable}
		})
		return &unaryWork{group: group}, err
	}
}

// pageJob reads so many keys from one at random.
type pageJob struct {
	endless
	run      *run
	keys     keyspace
	random   *rand.Rand
	limit    int
	key      []byte
	returned int64
}

func (j *pageJob) request(out []byte) []byte {
	j.key = j.keys.appendKey(j.key[:0], j.random.IntN(max(j.keys.count-j.limit, 1)))
	return appendVarintField(j.keys.appendRangeFrom(out, j.key), rangeLimit, int64(j.limit))
}

func (j *pageJob) answer(message []byte) error {
	answer, err := decodeRangeAnswer(message)
	if err != nil {
		return err
	}
	if answer.keys != min(j.limit, j.keys.count) || answer.more != (answer.count > int64(answer.keys)) {
		return fmt.Errorf("a page of %d keys, count %d, more %t: was it filled?", answer.keys, answer.count, answer.more)
	}
	j.run.countKeys(&j.returned, answer.keys)
	return nil
}

// countKeys counts what was returned in the measured time.
func (r *run) countKeys(returned *int64, keys int) {
	if r.phase.Load() == measuring {
		*returned += int64(keys)
	}
}

func newPageWork(r *run) (workload, error) {
	keys := newKeyspace(&r.options)
	jobs := []*pageJob{}
	group, err := newGroup(r, kvRange, r.options.size(), func(index int) job {
		j := &pageJob{run: r, keys: keys, random: randomOf(&r.options, index), limit: r.options.limit}
		jobs = append(jobs, j)
		return j
	})
	return &unaryWork{group: group, tell: func(result *result) {
		result.KeysReturned = sumOf(jobs, func(j *pageJob) int64 { return j.returned })
	}}, err
}

func sumOf[T any](all []T, of func(one T) int64) *int64 {
	sum := int64(0)
	for _, one := range all {
		sum += of(one)
	}
	return &sum
}

// countJob counts all keys.
type countJob struct {
	endless
	keys keyspace
}

func (j *countJob) request(out []byte) []byte {
	return appendVarintField(j.keys.appendRangeFrom(out, []byte(j.keys.prefix)), rangeCountOnly, 1)
}

func (j *countJob) answer(message []byte) error {
	answer, err := decodeRangeAnswer(message)
	if err == nil && (answer.count != int64(j.keys.count) || answer.keys != 0) {
		err = fmt.Errorf("a count of %d and %d keys: was it filled?", answer.count, answer.keys)
	}
	return err
}

func newCountWork(r *run) (workload, error) {
	keys := newKeyspace(&r.options)
	group, err := newGroup(r, kvRange, r.options.size(), func(int) job {
		return &countJob{keys: keys}
	})
	return &unaryWork{group: group}, err
}

// rangeAllJob reads all keys in one answer, and counts them as they come.
type rangeAllJob struct {
	run      *run
	keys     keyspace
	scanner  fieldScanner
	returned int64
}

func (j *rangeAllJob) hasNext() bool { return true }

func (j *rangeAllJob) request(out []byte) []byte {
	j.scanner = fieldScanner{}
	return j.keys.appendRangeFrom(out, []byte(j.keys.prefix))
}

func (j *rangeAllJob) answer([]byte) error { return nil }

func (j *rangeAllJob) piece(piece []byte) { j.scanner.write(piece) }

func (j *rangeAllJob) ended(isOK bool) error {
	if !isOK {
		return nil
	}
	keys, count := j.scanner.counts[rangeAnswerKvs], j.scanner.varints[rangeAnswerCount]
	if !j.scanner.isWhole() || keys != j.keys.count || count != uint64(keys) {
		return fmt.Errorf("%d keys and a count of %d where all were asked for: was it filled?", keys, count)
	}
	j.run.countKeys(&j.returned, keys)
	return nil
}

func newRangeAllWork(r *run) (workload, error) {
	keys := newKeyspace(&r.options)
	jobs := []*rangeAllJob{}
	group, err := newGroup(r, kvRange, r.options.size(), func(int) job {
		j := &rangeAllJob{run: r, keys: keys}
		jobs = append(jobs, j)
		return j
	})
	return &unaryWork{group: group, tell: func(result *result) {
		result.KeysReturned = sumOf(jobs, func(j *rangeAllJob) int64 { return j.returned })
	}}, err
}
