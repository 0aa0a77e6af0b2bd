package main

import (
	"math/rand/v2"
)

// Keys are a prefix and nine digits, so that their order is that of their numbers and all requests of a kind
// have one length.
const keyDigits = 9

// A keyspace is the keys and values of a load.
type keyspace struct {
	prefix string
	count  int
	values *valuePool
}

func newKeyspace(o *options) keyspace {
	return keyspace{prefix: o.keyPrefix, count: o.keys, values: newValuePool(o.valueBytes, o.seed)}
}

func (k keyspace) keyBytes() int {
	return len(k.prefix) + keyDigits
}

func (k keyspace) appendKey(out []byte, number int) []byte {
	return appendDigits(append(out, k.prefix...), number)
}

func appendDigits(out []byte, number int) []byte {
	out = append(out, "000000000"...)
	for i := len(out) - 1; number > 0; i-- {
		out[i] = byte('0' + number%10)
		number /= 10
	}
	return out
}

// end is the first key behind all that have the prefix.
func (k keyspace) end() []byte {
	end := []byte(k.prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return []byte{0}
}

// A valuePool is random bytes that values are cut from, which costs less than making each.
type valuePool struct {
	bytes []byte
	size  int
}

const (
	valueBytesMax = 64 << 20
	// So many values begin at different places.
	valueStarts = 1 << 16
)

func newValuePool(size int, seed uint64) *valuePool {
	pool := &valuePool{bytes: make([]byte, size+valueStarts), size: size}
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range pool.bytes {
		pool.bytes[i] = byte(random.Uint32())
	}
	return pool
}

func (p *valuePool) value(random *rand.Rand) []byte {
	start := random.IntN(valueStarts)
	return p.bytes[start : start+p.size]
}

// randomOf gives each worker numbers of its own that a seed repeats.
func randomOf(o *options, worker int) *rand.Rand {
	return rand.New(rand.NewPCG(o.seed, uint64(worker)+1))
}
