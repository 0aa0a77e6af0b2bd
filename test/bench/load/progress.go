package main

import (
	"fmt"
	"os"
	"time"
)

// progress samples what was done each step of the timeline, and says it once a second where it is wanted.
type progress struct {
	run      *run
	workload workload
	isShown  bool
	ticker   *time.Ticker
	last     int64
	shownAt  int64
	shown    int64
}

func newProgress(r *run, w workload) *progress {
	return &progress{
		run:      r,
		workload: w,
		isShown:  r.options.progress || isTerminal(os.Stderr),
		ticker:   time.NewTicker(r.timelineStep),
		shownAt:  nanos(),
	}
}

func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (p *progress) ticks() <-chan time.Time {
	return p.ticker.C
}

// begin is where the timeline begins.
func (p *progress) begin() {
	p.ticker.Reset(p.run.timelineStep)
	p.last = p.total()
}

func (p *progress) total() int64 {
	total := int64(0)
	for _, m := range p.workload.meters() {
		total += m.total.Load()
	}
	return total
}

func (p *progress) tick() {
	total, now := p.total(), nanos()
	if p.run.phase.Load() == measuring {
		p.run.timeline = append(p.run.timeline, total-p.last)
	}
	p.last = total
	elapsed := time.Duration(now - p.shownAt)
	if !p.isShown || elapsed < 950*time.Millisecond {
		return
	}
	what := "measuring"
	if p.run.phase.Load() == warming {
		what = "warming up"
	}
	errors, _ := p.run.faults.told()
	perSecond := float64(total-p.shown) / elapsed.Seconds()
	fmt.Fprintf(os.Stderr, "%s %s: %.0f/s, %d errors\n", p.run.options.work, what, perSecond, errors)
	p.shown, p.shownAt = total, now
}

func (p *progress) stop() {
	p.ticker.Stop()
}
