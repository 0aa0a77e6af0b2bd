package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/http2"
)

// A stream is one gRPC call; it may be used again for the next when it has ended.
type stream struct {
	connection *connection
	handler    handler
	id         uint32
	// When its request was written, or was to be written.
	sentAt int64
	// Messages are measured piece by piece instead of being kept.
	pieces func(piece []byte)

	hasHeaders bool
	messages   int
	partial    []byte
	// Of a message in pieces.
	pieceLeft int
	consumed  int

	sendWindow int64
	// What flow control held back, how much of that has gone since, and whether the request ends with it.
	unsent   []byte
	gone     int
	endsSent bool
}

func (s *stream) isHeld() bool {
	return s.gone < len(s.unsent)
}

// handler gets what comes on a stream, under the connection's mutex.
type handler interface {
	// message is valid only during the call.
	message(s *stream, message []byte) error
	// ended comes exactly once for each call.
	ended(s *stream, result status)
}

// status is how a call ended: a gRPC code, or what kept it from having one.
type status struct {
	code    int
	message string
}

const (
	statusOK = 0
	// The server broke the rules of HTTP/2 or gRPC, or reset the stream.
	statusBroken = -1
	statusLost   = -2
)

func (s status) String() string {
	if s.code < 0 {
		return s.message
	}
	return fmt.Sprintf("grpc-status %d: %s", s.code, s.message)
}

const messageHeadBytes = 5

// open begins a call with a first message, which the append function encodes behind what it is given. A call
// of one request ends its side with it. Not to be called on a lost connection.
func (c *connection) open(s *stream, m method, isUnary bool, appendMessage func([]byte) []byte) {
	if c.nextID > streamIDMax || uint32(len(c.streams)) >= c.sendFlow.streamsMax {
		panic(fmt.Sprintf("%s takes %d streams at once; stream %d", c.endpoint, c.sendFlow.streamsMax, c.nextID))
	}
	block, err := c.requests.block(m)
	c.must(err)
	s.connection, s.id = c, c.nextID
	s.hasHeaders, s.messages, s.consumed, s.pieceLeft = false, 0, 0, 0
	s.partial, s.unsent = s.partial[:0], s.unsent[:0]
	s.sendWindow, s.gone, s.endsSent = c.sendFlow.initialWindow, 0, false
	c.nextID += 2
	c.streams[s.id] = s
	out := &c.output.pending
	*out = appendFrameHead(*out, len(block), http2.FrameHeaders, http2.FlagHeadersEndHeaders, s.id)
	*out = append(*out, block...)
	c.send(s, isUnary, appendMessage)
}

// send writes a message of an open call; isLast ends our side.
func (c *connection) send(s *stream, isLast bool, appendMessage func([]byte) []byte) {
	start := len(c.output.pending)
	out := append(c.output.pending, make([]byte, frameHeadBytes+messageHeadBytes)...)
	out = appendMessage(out)
	body := out[start+frameHeadBytes:]
	binary.BigEndian.PutUint32(body[1:], uint32(len(body)-messageHeadBytes))
	s.endsSent = isLast
	if s.isHeld() || len(body) > c.sendable(s) {
		c.output.pending = out[:start]
		c.hold(s, body)
		return
	}
	appendFrameHead(out[:start], len(body), http2.FrameData, dataFlags(isLast), s.id)
	c.spend(s, len(body))
	c.output.pending = out
}

func dataFlags(isLast bool) http2.Flags {
	if isLast {
		return http2.FlagDataEndStream
	}
	return 0
}

func appendFrameHead(out []byte, length int, kind http2.FrameType, flags http2.Flags, id uint32) []byte {
	return append(out, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags),
		byte(id>>24), byte(id>>16), byte(id>>8), byte(id))
}

// cancel gives a call up without an answer; its handler is not told.
func (c *connection) cancel(s *stream) {
	if c.streams[s.id] != s {
		return
	}
	delete(c.streams, s.id)
	c.must(c.output.framer.WriteRSTStream(s.id, http2.ErrCodeCancel))
}

// end closes a stream whose answer is complete.
func (c *connection) end(s *stream, result status) {
	delete(c.streams, s.id)
	if !s.endsSent || s.isHeld() {
		c.must(c.output.framer.WriteRSTStream(s.id, http2.ErrCodeCancel))
	}
	s.handler.ended(s, result)
}

func (s *stream) statusOf(headers answerHeaders) status {
	switch {
	case headers.grpcStatus < 0:
		return status{code: statusBroken, message: "the answer has no grpc-status"}
	case headers.grpcStatus == statusOK && (len(s.partial) > 0 || s.pieceLeft > 0):
		return status{code: statusBroken, message: "the answer ended within a message"}
	default:
		return status{code: headers.grpcStatus, message: headers.grpcMessage}
	}
}

func (s *stream) takeData(data []byte) error {
	if s.pieces != nil && (s.pieceLeft > 0 || len(s.partial) == 0 && len(data) >= messageHeadBytes) {
		return s.takePieces(data)
	}
	if len(s.partial) == 0 {
		rest, err := s.takeMessages(data)
		if len(rest) > 0 {
			s.partial = append(s.partial, rest...)
		}
		return err
	}
	s.partial = append(s.partial, data...)
	if s.pieces != nil {
		whole := s.partial
		s.partial = s.partial[:0]
		return s.takeData(whole)
	}
	rest, err := s.takeMessages(s.partial)
	s.partial = s.partial[:copy(s.partial, rest)]
	return err
}

// takeMessages answers what is left behind the last whole message.
func (s *stream) takeMessages(data []byte) ([]byte, error) {
	for len(data) >= messageHeadBytes {
		end := messageHeadBytes + int(binary.BigEndian.Uint32(data[1:]))
		if data[0] != 0 {
			return nil, errors.New("a compressed message")
		}
		if len(data) < end {
			break
		}
		s.messages++
		if err := s.handler.message(s, data[messageHeadBytes:end]); err != nil {
			return nil, err
		}
		data = data[end:]
	}
	return data, nil
}

// takePieces is for calls that have one message in their answer.
func (s *stream) takePieces(data []byte) error {
	if s.pieceLeft == 0 {
		if s.messages > 0 || data[0] != 0 {
			return errors.New("a second or compressed message")
		}
		s.messages++
		s.pieceLeft = int(binary.BigEndian.Uint32(data[1:]))
		data = data[messageHeadBytes:]
	}
	if len(data) > s.pieceLeft {
		return errors.New("more than one message")
	}
	s.pieceLeft -= len(data)
	s.pieces(data)
	return nil
}
