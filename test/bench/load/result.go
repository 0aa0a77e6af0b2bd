package main

import "math"

// result is what is printed; test/bench/load.ts says what each means.
type result struct {
	Work                  string   `json:"work"`
	Connections           int      `json:"connections"`
	Streams               int      `json:"streams"`
	Seconds               float64  `json:"seconds"`
	Operations            int64    `json:"operations"`
	PerSecond             float64  `json:"perSecond"`
	LatencyMs             latency  `json:"latencyMs"`
	Errors                int64    `json:"errors"`
	FirstErrors           []string `json:"firstErrors"`
	BytesIn               int64    `json:"bytesIn"`
	BytesOut              int64    `json:"bytesOut"`
	CPUSeconds            float64  `json:"cpuSeconds"`
	CPUMicrosPerOperation float64  `json:"cpuMicrosPerOperation"`
	Timeline              []int64  `json:"timeline"`
	TimelineStepMs        int64    `json:"timelineStepMs"`

	NeverSent       *int64   `json:"neverSent,omitempty"`
	Conflicts       *int64   `json:"conflicts,omitempty"`
	KeysReturned    *int64   `json:"keysReturned,omitempty"`
	CompleteWalks   *int64   `json:"completeWalks,omitempty"`
	Watchers        *int64   `json:"watchers,omitempty"`
	WatchersReadyMs *float64 `json:"watchersReadyMs,omitempty"`
	Puts            *int64   `json:"puts,omitempty"`
	PutsPerSecond   *float64 `json:"putsPerSecond,omitempty"`
	PutLatencyMs    *latency `json:"putLatencyMs,omitempty"`
	EventsExpected  *int64   `json:"eventsExpected,omitempty"`
	EventsMissing   *int64   `json:"eventsMissing,omitempty"`
	ConcurrentPut   *latency `json:"concurrentPut,omitempty"`
	LongestGapMs    *float64 `json:"longestGapMs,omitempty"`
	LongestGapAtMs  *float64 `json:"longestGapAtMs,omitempty"`
	UnknownWrites   *int64   `json:"unknownWrites,omitempty"`
	Reconnects      *int64   `json:"reconnects,omitempty"`
}

func round(value float64) float64 {
	return math.Round(value*1e3) / 1e3
}
