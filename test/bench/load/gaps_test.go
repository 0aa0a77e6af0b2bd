package main

import "testing"

const ms = int64(1e6)

func gapsOf(successesMs ...int64) *gaps {
	g := &gaps{}
	for _, at := range successesMs {
		g.success(at * ms)
	}
	return g
}

func TestTheLongestGapIsBetweenTwoSuccesses(t *testing.T) {
	from, length := gapsOf(1, 10, 20, 520, 530, 990).longest(0, 1000*ms)
	if from != 20*ms || length != 500*ms {
		t.Errorf("%d ms from %d ms", length/ms, from/ms)
	}
}

func TestGapsCountWithinTheMeasurementAlone(t *testing.T) {
	from, length := gapsOf(1, 700, 800, 950).longest(600*ms, 1000*ms)
	if from != 800*ms || length != 150*ms {
		t.Errorf("%d ms from %d ms", length/ms, from/ms)
	}
}

func TestAGapThatIsOpenAtTheEndCounts(t *testing.T) {
	from, length := gapsOf(1, 100, 200).longest(0, 1000*ms)
	if from != 200*ms || length != 800*ms {
		t.Errorf("%d ms from %d ms", length/ms, from/ms)
	}
}
