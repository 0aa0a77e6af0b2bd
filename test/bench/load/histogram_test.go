package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQuantilesAreWithinOnePercentOfTheValues(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	first, second := &histogram{}, &histogram{}
	values := []int64{}
	for i := range 20_000 {
		// From nanoseconds to minutes, as many of each magnitude.
		value := int64(math.Exp(random.Float64() * math.Log(1e11)))
		values = append(values, value)
		[]*histogram{first, second}[i%2].record(value)
	}
	slices.Sort(values)
	first.merge(second)
	for _, part := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		wanted := values[int(math.Ceil(part*float64(len(values))))-1]
		got := first.quantile(part)
		if math.Abs(float64(got-wanted)) > 0.01*float64(wanted) {
			t.Errorf("quantile %v: %d, but the value is %d", part, got, wanted)
		}
	}
	if first.max != values[len(values)-1] || first.count != uint64(len(values)) {
		t.Errorf("max %d, count %d", first.max, first.count)
	}
}

func TestEachStepHoldsItsOwnMiddleAndFollowsTheLast(t *testing.T) {
	last := int64(-1)
	for step := range stepOf(nanosMax) + 1 {
		middle := middleOf(step)
		if stepOf(middle) != step || middle <= last {
			t.Fatalf("step %d: middle %d falls into %d, after %d", step, middle, stepOf(middle), last)
		}
		last = middle
	}
	if stepOf(nanosMax) >= stepsMax {
		t.Errorf("the last step %d is beyond the end", stepOf(nanosMax))
	}
}

func TestExtremesAreCountedAtTheEnds(t *testing.T) {
	h := &histogram{}
	h.record(-5)
	h.record(math.MaxInt64)
	if h.quantile(0.5) != 0 || h.max != nanosMax || h.count != 2 {
		t.Errorf("%+v", h.latency())
	}
}

func TestAnEmptyHistogramIsAllZero(t *testing.T) {
	if got := (&histogram{}).latency(); got != (latency{}) {
		t.Errorf("%+v", got)
	}
}
