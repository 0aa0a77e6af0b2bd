package main

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// Protocol Buffers as far as this program needs them; field numbers are those of etcd's rpc.proto.

var errMalformed = errors.New("the answer is not a well-formed message")

const (
	varintType  = 0
	fixed64Type = 1
	bytesType   = 2
	fixed32Type = 5
)

func appendTag(out []byte, field, wireType int) []byte {
	return binary.AppendUvarint(out, uint64(field<<3|wireType))
}

func appendVarintField(out []byte, field int, value int64) []byte {
	return binary.AppendUvarint(appendTag(out, field, varintType), uint64(value))
}

// appendBytesHead leaves the bytes themselves to the caller.
func appendBytesHead(out []byte, field, length int) []byte {
	return binary.AppendUvarint(appendTag(out, field, bytesType), uint64(length))
}

func appendBytesField(out []byte, field int, value []byte) []byte {
	return append(appendBytesHead(out, field, len(value)), value...)
}

func varintSize(value uint64) int {
	return (bits.Len64(value|1) + 6) / 7
}

// fields walks the fields of a message: for fields.next() { switch fields.number ... }
type fields struct {
	rest   []byte
	number int
	// Of a varint.
	value uint64
	// Of a length-delimited field; they lie in the message.
	bytes []byte
	bad   bool
}

func fieldsOf(message []byte) fields {
	return fields{rest: message}
}

func (f *fields) next() bool {
	if len(f.rest) == 0 || f.bad {
		return false
	}
	tag := f.varint()
	f.number = int(tag >> 3)
	f.value, f.bytes = 0, nil
	switch tag & 7 {
	case varintType:
		f.value = f.varint()
	case bytesType:
		f.bytes = f.take(f.varint())
	case fixed64Type:
		f.take(8)
	case fixed32Type:
		f.take(4)
	default:
		f.bad = true
	}
	return !f.bad
}

func (f *fields) varint() uint64 {
	if len(f.rest) > 0 && f.rest[0] < 0x80 {
		value := uint64(f.rest[0])
		f.rest = f.rest[1:]
		return value
	}
	value, size := binary.Uvarint(f.rest)
	if size <= 0 {
		f.bad = true
		return 0
	}
	f.rest = f.rest[size:]
	return value
}

func (f *fields) take(length uint64) []byte {
	if f.bad || length > uint64(len(f.rest)) {
		f.bad = true
		return nil
	}
	taken := f.rest[:length]
	f.rest = f.rest[length:]
	return taken
}

func (f *fields) err() error {
	if f.bad {
		return errMalformed
	}
	return nil
}

// A fieldScanner counts the fields of a message that comes in pieces and is not kept. Only the value of the
// last varint of each field below 16 is remembered.
type fieldScanner struct {
	counts  [16]int
	varints [16]uint64
	bad     bool

	tag     uint64
	hasTag  bool
	partial uint64
	shift   uint
	skip    uint64
}

func (s *fieldScanner) write(piece []byte) {
	for len(piece) > 0 && !s.bad {
		if s.skip > 0 {
			skipped := min(s.skip, uint64(len(piece)))
			s.skip -= skipped
			piece = piece[skipped:]
			continue
		}
		s.partial |= uint64(piece[0]&0x7f) << s.shift
		s.shift += 7
		more := piece[0]&0x80 != 0
		piece = piece[1:]
		if more {
			s.bad = s.shift > 63
			continue
		}
		s.number(s.partial)
		s.partial, s.shift = 0, 0
	}
}

// number takes a tag, or what follows it.
func (s *fieldScanner) number(value uint64) {
	if !s.hasTag {
		s.tag, s.hasTag = value, true
		field := value >> 3
		if field < 16 {
			s.counts[field]++
		}
		s.bad = field == 0 || value&7 != varintType && value&7 != bytesType
		return
	}
	s.hasTag = false
	if s.tag&7 == bytesType {
		s.skip = value
	} else if field := s.tag >> 3; field < 16 {
		s.varints[field] = value
	}
}

// isWhole tells whether what was written ends with a field's end.
func (s *fieldScanner) isWhole() bool {
	return !s.bad && !s.hasTag && s.skip == 0 && s.shift == 0
}
