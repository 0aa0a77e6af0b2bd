package main

import (
	"math"
	"math/bits"
)

// A histogram of nanoseconds with a relative error below half a percent, as HdrHistogram has them: 128 steps
// to every power of two.
type histogram struct {
	counts [stepsMax]uint64
	count  uint64
	sum    float64
	max    int64
}

const (
	stepBits = 7
	// Longer ones are counted as this; over an hour.
	nanosMax = 1<<42 - 1
	stepsMax = (42-stepBits)<<stepBits + 1<<stepBits
)

func (h *histogram) record(nanos int64) {
	nanos = min(max(nanos, 0), nanosMax)
	h.counts[stepOf(nanos)]++
	h.count++
	h.sum += float64(nanos)
	h.max = max(h.max, nanos)
}

func (h *histogram) merge(other *histogram) {
	for i, count := range other.counts {
		h.counts[i] += count
	}
	h.count += other.count
	h.sum += other.sum
	h.max = max(h.max, other.max)
}

// quantile answers what the given part of the values is at most, within the histogram's error.
func (h *histogram) quantile(part float64) int64 {
	wanted := uint64(math.Ceil(part * float64(h.count)))
	seen := uint64(0)
	for step, count := range h.counts {
		seen += count
		if count > 0 && seen >= wanted {
			return min(middleOf(step), h.max)
		}
	}
	return 0
}

func stepOf(nanos int64) int {
	shift := max(bits.Len64(uint64(nanos))-stepBits-1, 0)
	return shift<<stepBits + int(nanos>>shift)
}

// middleOf answers the middle of the values that fall into a step.
func middleOf(step int) int64 {
	shift := max(step>>stepBits-1, 0)
	low := int64(step-shift<<stepBits) << shift
	return low + (int64(1)<<shift-1)/2
}

// latency is a histogram as it is reported.
type latency struct {
	Count uint64  `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
}

func (h *histogram) latency() latency {
	mean := 0.0
	if h.count > 0 {
		mean = h.sum / float64(h.count)
	}
	return latency{
		Count: h.count,
		Mean:  milliseconds(mean),
		P50:   milliseconds(float64(h.quantile(0.5))),
		P90:   milliseconds(float64(h.quantile(0.9))),
		P99:   milliseconds(float64(h.quantile(0.99))),
		P999:  milliseconds(float64(h.quantile(0.999))),
		Max:   milliseconds(float64(h.max)),
	}
}

// milliseconds are rounded to the microsecond.
func milliseconds(nanos float64) float64 {
	return math.Round(nanos/1e3) / 1e3
}
