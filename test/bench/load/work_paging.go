package main

import "fmt"

// pagingJob walks all keys page by page at the revision of the first page, over and over.
type pagingJob struct {
	run   *run
	keys  keyspace
	limit int

	// Empty: the next page is a first one.
	next     []byte
	revision int64
	// Of this walk.
	seen, count int64

	returned, walks int64
}

func (j *pagingJob) hasNext() bool { return true }

func (j *pagingJob) request(out []byte) []byte {
	if len(j.next) == 0 {
		j.next = append(j.next, j.keys.prefix...)
		j.revision, j.seen = 0, 0
	}
	out = appendVarintField(j.keys.appendRangeFrom(out, j.next), rangeLimit, int64(j.limit))
	if j.revision > 0 {
		out = appendVarintField(out, rangeRevision, j.revision)
	}
	return out
}

func (j *pagingJob) answer(message []byte) error {
	answer, err := decodeRangeAnswer(message)
	if err != nil {
		return err
	}
	if j.revision == 0 {
		j.revision, j.count = answer.revision, answer.count
	}
	left := j.count - j.seen
	keys := int64(answer.keys)
	if answer.count != left || keys != min(left, int64(j.limit)) || answer.more != (keys < left) {
		return fmt.Errorf("a page of %d keys, count %d, more %t, where %d of %d were left",
			keys, answer.count, answer.more, left, j.count)
	}
	j.seen += keys
	j.run.countKeys(&j.returned, answer.keys)
	j.next = append(append(j.next[:0], answer.lastKey...), 0)
	if answer.more {
		return nil
	}
	if j.seen != int64(j.keys.count) {
		return fmt.Errorf("a walk through %d keys: was it filled?", j.seen)
	}
	j.walks++
	j.next = j.next[:0]
	return nil
}

// ended gives a walk up that met an error, as of a compaction.
func (j *pagingJob) ended(isOK bool) error {
	if !isOK {
		j.next = j.next[:0]
	}
	return nil
}

func newPagingWork(r *run) (workload, error) {
	keys := newKeyspace(&r.options)
	jobs := []*pagingJob{}
	group, err := newGroup(r, kvRange, r.options.size(), func(int) job {
		j := &pagingJob{run: r, keys: keys, limit: r.options.limit}
		jobs = append(jobs, j)
		return j
	})
	return &unaryWork{group: group, tell: func(result *result) {
		result.KeysReturned = sumOf(jobs, func(j *pagingJob) int64 { return j.returned })
		result.CompleteWalks = sumOf(jobs, func(j *pagingJob) int64 { return j.walks })
	}}, err
}
