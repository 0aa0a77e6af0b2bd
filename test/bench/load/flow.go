package main

import (
	"math"

	"golang.org/x/net/http2"
)

// sendFlow is what the server lets us send (RFC 9113, section 5.2).
type sendFlow struct {
	window        int64
	initialWindow int64
	frameMax      int
	streamsMax    uint32
	// Streams with something unsent, in the order in which they came.
	held []*stream
}

func newSendFlow() sendFlow {
	return sendFlow{
		window:        defaultWindow,
		initialWindow: defaultWindow,
		frameMax:      frameBytesMax,
		streamsMax:    math.MaxUint32,
	}
}

// streamsMax is how many calls the server takes at once on the connection.
func (c *connection) streamsMax() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sendFlow.streamsMax
}

// sendable is how many bytes may go out in one frame now.
func (c *connection) sendable(s *stream) int {
	return int(min(c.sendFlow.window, s.sendWindow, int64(c.sendFlow.frameMax)))
}

func (c *connection) spend(s *stream, count int) {
	c.sendFlow.window -= int64(count)
	s.sendWindow -= int64(count)
}

// setInitialWindow changes the windows of all streams by the difference (section 6.9.2).
func (c *connection) setInitialWindow(window int64) {
	for _, s := range c.streams {
		s.sendWindow += window - c.sendFlow.initialWindow
	}
	c.sendFlow.initialWindow = window
	c.sendHeld()
}

func (c *connection) hold(s *stream, body []byte) {
	if s.isHeld() {
		s.unsent = append(s.unsent, body...)
		return
	}
	s.unsent, s.gone = append(s.unsent[:0], body...), 0
	c.sendFlow.held = append(c.sendFlow.held, s)
	c.sendHeld()
}

// sendHeld sends what the windows allow of what they have held back.
func (c *connection) sendHeld() {
	if len(c.sendFlow.held) == 0 {
		return
	}
	waiting := c.sendFlow.held[:0]
	for _, s := range c.sendFlow.held {
		if c.streams[s.id] != s {
			continue
		}
		for s.isHeld() && c.sendable(s) > 0 {
			c.sendSome(s)
		}
		if s.isHeld() {
			waiting = append(waiting, s)
		}
	}
	c.sendFlow.held = waiting
}

func (c *connection) sendSome(s *stream) {
	rest := s.unsent[s.gone:]
	count := min(c.sendable(s), len(rest))
	isLast := s.endsSent && count == len(rest)
	out := appendFrameHead(c.output.pending, count, http2.FrameData, dataFlags(isLast), s.id)
	c.output.pending = append(out, rest[:count]...)
	c.spend(s, count)
	s.gone += count
}
