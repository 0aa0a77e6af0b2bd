package main

import "math/rand/v2"

// updateJob changes its own key as Kubernetes does, from the revision that the last answer told.
type updateJob struct {
	keys        keyspace
	random      *rand.Rand
	run         *run
	number      int
	modRevision int64
	conflicts   int64
}

func (j *updateJob) hasNext() bool { return true }

func (j *updateJob) request(out []byte) []byte {
	return j.keys.appendUpdate(out, j.number, j.modRevision, j.keys.values.value(j.random))
}

func (j *updateJob) answer(message []byte) error {
	answer, err := decodeUpdateAnswer(message)
	j.modRevision = answer.modRevision
	if !answer.succeeded && j.run.phase.Load() == measuring {
		j.conflicts++
	}
	return err
}

func (j *updateJob) ended(bool) error { return nil }

func newUpdateWork(r *run) (workload, error) {
	keys := newKeyspace(&r.options)
	workers := r.options.connections * r.options.streams
	jobs := []*updateJob{}
	group, err := newGroup(r, kvTxn, r.options.size(), func(index int) job {
		j := &updateJob{
			keys: keys, random: randomOf(&r.options, index), run: r,
			// Spread over all keys.
			number: index * keys.count / workers,
		}
		jobs = append(jobs, j)
		return j
	})
	return &unaryWork{group: group, tell: func(result *result) {
		result.Conflicts = sumOf(jobs, func(j *updateJob) int64 { return j.conflicts })
	}}, err
}
