package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/net/http2"
)

type frameHead struct {
	kind   http2.FrameType
	flags  http2.Flags
	stream uint32
}

func (c *connection) takeFrame(head frameHead, payload []byte) error {
	if c.blockStream != 0 && (head.kind != http2.FrameContinuation || head.stream != c.blockStream) {
		return fmt.Errorf("%v within a header block", head.kind)
	}
	switch head.kind {
	case http2.FrameData:
		return c.takeData(head, payload)
	case http2.FrameHeaders:
		return c.takeHeaders(head, payload)
	case http2.FrameContinuation:
		if c.blockStream == 0 {
			return errors.New("CONTINUATION of nothing")
		}
		c.block = append(c.block, payload...)
		return c.endBlock(head.flags.Has(http2.FlagContinuationEndHeaders))
	case http2.FrameSettings:
		return c.takeSettings(head, payload)
	case http2.FramePing:
		return c.takePing(head, payload)
	case http2.FrameWindowUpdate:
		return c.takeWindowUpdate(head, payload)
	case http2.FrameRSTStream:
		return c.takeReset(head, payload)
	case http2.FrameGoAway:
		return takeGoAway(payload)
	case http2.FramePushPromise:
		return errors.New("PUSH_PROMISE, which we have forbidden")
	default:
		return nil
	}
}

func (c *connection) takeData(head frameHead, payload []byte) error {
	c.consumed += len(payload)
	if c.consumed > connectionWindow/2 {
		c.must(c.output.framer.WriteWindowUpdate(0, uint32(c.consumed)))
		c.consumed = 0
	}
	s := c.streams[head.stream]
	if s == nil {
		return c.mustHaveBeen(head)
	}
	isLast := head.flags.Has(http2.FlagDataEndStream)
	s.consumed += len(payload)
	if s.consumed > streamWindow/2 && !isLast {
		c.must(c.output.framer.WriteWindowUpdate(s.id, uint32(s.consumed)))
		s.consumed = 0
	}
	data, err := unpadded(head.flags.Has(http2.FlagDataPadded), payload)
	if err != nil {
		return err
	}
	if err := s.takeData(data); err != nil {
		return err
	}
	if isLast {
		c.end(s, status{code: statusBroken, message: "the answer ended without trailers"})
	}
	return nil
}

// mustHaveBeen lets frames pass that come for a stream which we have given up.
func (c *connection) mustHaveBeen(head frameHead) error {
	if head.stream == 0 || head.stream >= c.nextID || head.stream&1 == 0 {
		return fmt.Errorf("%v on stream %d, which never was", head.kind, head.stream)
	}
	return nil
}

func unpadded(isPadded bool, payload []byte) ([]byte, error) {
	if !isPadded {
		return payload, nil
	}
	if len(payload) == 0 || int(payload[0]) >= len(payload) {
		return nil, errors.New("more padding than frame")
	}
	return payload[1 : len(payload)-int(payload[0])], nil
}

func (c *connection) takeHeaders(head frameHead, payload []byte) error {
	fragment, err := unpadded(head.flags.Has(http2.FlagHeadersPadded), payload)
	if err != nil {
		return err
	}
	if head.flags.Has(http2.FlagHeadersPriority) {
		if len(fragment) < 5 {
			return errors.New("HEADERS too short for its priority")
		}
		fragment = fragment[5:]
	}
	c.blockStream, c.blockFlags = head.stream, head.flags
	if head.flags.Has(http2.FlagHeadersEndHeaders) {
		return c.takeBlock(fragment)
	}
	c.block = append(c.block[:0], fragment...)
	return nil
}

const blockBytesMax = 1 << 20

func (c *connection) endBlock(isLast bool) error {
	if len(c.block) > blockBytesMax {
		return errors.New("a header block without an end")
	}
	if !isLast {
		return nil
	}
	return c.takeBlock(c.block)
}

func (c *connection) takeBlock(block []byte) error {
	id, isLast := c.blockStream, c.blockFlags.Has(http2.FlagHeadersEndStream)
	c.blockStream = 0
	headers, err := c.responses.decode(block)
	if err != nil {
		return fmt.Errorf("headers of stream %d: %w", id, err)
	}
	s := c.streams[id]
	if s == nil {
		return c.mustHaveBeen(frameHead{kind: http2.FrameHeaders, stream: id})
	}
	if !s.hasHeaders {
		s.hasHeaders = true
		if headers.httpStatus != "200" {
			c.end(s, status{code: statusBroken, message: "HTTP status " + headers.httpStatus})
			return nil
		}
	}
	if isLast {
		c.end(s, s.statusOf(headers))
	}
	return nil
}

func (c *connection) takeSettings(head frameHead, payload []byte) error {
	if head.flags.Has(http2.FlagSettingsAck) {
		return nil
	}
	if len(payload)%6 != 0 {
		return errors.New("SETTINGS of a wrong length")
	}
	for ; len(payload) > 0; payload = payload[6:] {
		value := binary.BigEndian.Uint32(payload[2:])
		switch http2.SettingID(binary.BigEndian.Uint16(payload)) {
		case http2.SettingHeaderTableSize:
			c.requests.limitTable(value)
		case http2.SettingInitialWindowSize:
			c.setInitialWindow(int64(value))
		case http2.SettingMaxFrameSize:
			c.sendFlow.frameMax = int(value)
		case http2.SettingMaxConcurrentStreams:
			c.sendFlow.streamsMax = value
		}
	}
	c.must(c.output.framer.WriteSettingsAck())
	select {
	case <-c.settled:
	default:
		close(c.settled)
	}
	return nil
}

func (c *connection) takePing(head frameHead, payload []byte) error {
	if len(payload) != 8 {
		return errors.New("PING of a wrong length")
	}
	if !head.flags.Has(http2.FlagPingAck) {
		c.must(c.output.framer.WritePing(true, [8]byte(payload)))
	}
	return nil
}

func (c *connection) takeWindowUpdate(head frameHead, payload []byte) error {
	if len(payload) != 4 {
		return errors.New("WINDOW_UPDATE of a wrong length")
	}
	more := int64(binary.BigEndian.Uint32(payload) & streamIDMax)
	if head.stream == 0 {
		c.sendFlow.window += more
	} else if s := c.streams[head.stream]; s != nil {
		s.sendWindow += more
	} else {
		return c.mustHaveBeen(head)
	}
	c.sendHeld()
	return nil
}

func (c *connection) takeReset(head frameHead, payload []byte) error {
	if len(payload) != 4 {
		return errors.New("RST_STREAM of a wrong length")
	}
	s := c.streams[head.stream]
	if s == nil {
		return c.mustHaveBeen(head)
	}
	code := http2.ErrCode(binary.BigEndian.Uint32(payload))
	delete(c.streams, s.id)
	s.handler.ended(s, status{code: statusBroken, message: "RST_STREAM " + code.String()})
	return nil
}

// A server that says GOAWAY is shutting down or displeased: both end a measurement.
func takeGoAway(payload []byte) error {
	if len(payload) < 8 {
		return errors.New("GOAWAY of a wrong length")
	}
	code := http2.ErrCode(binary.BigEndian.Uint32(payload[4:]))
	return fmt.Errorf("GOAWAY %v %q", code, payload[8:])
}
