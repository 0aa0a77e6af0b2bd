package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// A waiter is a call that a goroutine waits for: for what is done once, before and after the measurement.
type waiter struct {
	stream stream
	answer []byte
	result chan status
}

const callTimeout = 10 * time.Second

// call makes one call and answers its message.
func (c *connection) call(m method, request []byte) ([]byte, error) {
	w := &waiter{result: make(chan status, 1)}
	w.stream.handler = w
	c.mu.Lock()
	if c.lost != nil {
		c.mu.Unlock()
		return nil, c.lost
	}
	c.open(&w.stream, m, true, func(out []byte) []byte { return append(out, request...) })
	c.output.flush()
	c.mu.Unlock()
	select {
	case result := <-w.result:
		if result.code != statusOK {
			return nil, fmt.Errorf("%s: %v", methodPaths[m], result)
		}
		return w.answer, nil
	case <-time.After(callTimeout):
		return nil, errors.New(methodPaths[m] + " was not answered in time")
	}
}

func (w *waiter) message(_ *stream, message []byte) error {
	w.answer = bytes.Clone(message)
	return nil
}

func (w *waiter) ended(_ *stream, result status) {
	w.result <- result
}
