package main

import (
	"bytes"
	"fmt"
	"strconv"

	"golang.org/x/net/http2/hpack"
)

// A method of etcd's API, by its place in methodPaths.
type method int

const (
	kvPut method = iota
	kvRange
	kvTxn
	watchWatch
	leaseGrant
	leaseKeepAlive
	leaseRevoke
	methodCount
)

var methodPaths = [methodCount]string{
	kvPut:          "/etcdserverpb.KV/Put",
	kvRange:        "/etcdserverpb.KV/Range",
	kvTxn:          "/etcdserverpb.KV/Txn",
	watchWatch:     "/etcdserverpb.Watch/Watch",
	leaseGrant:     "/etcdserverpb.Lease/LeaseGrant",
	leaseKeepAlive: "/etcdserverpb.Lease/LeaseKeepAlive",
	leaseRevoke:    "/etcdserverpb.Lease/LeaseRevoke",
}

// requestHeaders encodes the headers of requests. What a method's block is once all its fields are in the
// server's table is kept, as the encoder of a real client would make the same bytes each time.
type requestHeaders struct {
	authority string
	encoder   *hpack.Encoder
	encoded   bytes.Buffer
	settled   [methodCount][]byte
}

func newRequestHeaders(authority string) *requestHeaders {
	h := &requestHeaders{authority: authority}
	h.encoder = hpack.NewEncoder(&h.encoded)
	return h
}

// limitTable is told of the server's SETTINGS_HEADER_TABLE_SIZE.
func (h *requestHeaders) limitTable(size uint32) {
	h.encoder.SetMaxDynamicTableSizeLimit(size)
	h.forget()
}

func (h *requestHeaders) forget() {
	h.settled = [methodCount][]byte{}
}

// block answers the header block of the next request; valid until the next call.
func (h *requestHeaders) block(m method) ([]byte, error) {
	if settled := h.settled[m]; settled != nil {
		return settled, nil
	}
	h.encoded.Reset()
	for _, field := range [...]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: methodPaths[m]},
		{Name: ":authority", Value: h.authority},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "user-agent", Value: "quorate-load"},
		{Name: "te", Value: "trailers"},
	} {
		if err := h.encoder.WriteField(field); err != nil {
			return nil, err
		}
	}
	if changesTable(h.encoded.Bytes()) {
		// Each insertion moves all the indexes that other blocks hold.
		h.forget()
	} else {
		h.settled[m] = bytes.Clone(h.encoded.Bytes())
	}
	return h.encoded.Bytes(), nil
}

// answerHeaders is what matters of a block of response headers or trailers.
type answerHeaders struct {
	httpStatus  string
	contentType string
	// -1: there was none.
	grpcStatus  int
	grpcMessage string
}

// responseHeaders decodes what the server sends. A block that does not change the table means the same each
// time until one comes that does, so that the same few bytes need not be decoded over and over.
type responseHeaders struct {
	decoder *hpack.Decoder
	current answerHeaders
	bad     error
	known   []knownBlock
}

type knownBlock struct {
	block   []byte
	headers answerHeaders
}

const (
	headerTableSize = 4096
	knownBlocksMax  = 16
	knownBytesMax   = 256
)

func newResponseHeaders() *responseHeaders {
	h := &responseHeaders{}
	h.decoder = hpack.NewDecoder(headerTableSize, h.take)
	return h
}

func (h *responseHeaders) decode(block []byte) (answerHeaders, error) {
	for i := range h.known {
		if bytes.Equal(h.known[i].block, block) {
			return h.known[i].headers, nil
		}
	}
	h.current = answerHeaders{grpcStatus: -1}
	h.bad = nil
	if _, err := h.decoder.Write(block); err != nil {
		return h.current, err
	}
	if err := h.decoder.Close(); err != nil {
		return h.current, err
	}
	if changesTable(block) {
		h.known = h.known[:0]
	} else if h.bad == nil && len(h.known) < knownBlocksMax && len(block) <= knownBytesMax {
		h.known = append(h.known, knownBlock{bytes.Clone(block), h.current})
	}
	return h.current, h.bad
}

func (h *responseHeaders) take(field hpack.HeaderField) {
	switch field.Name {
	case ":status":
		h.current.httpStatus = field.Value
	case "content-type":
		h.current.contentType = field.Value
	case "grpc-message":
		h.current.grpcMessage = field.Value
	case "grpc-status":
		code, err := strconv.Atoi(field.Value)
		if err != nil {
			h.bad = fmt.Errorf("grpc-status %q", field.Value)
		}
		h.current.grpcStatus = code
	}
}

// changesTable tells whether a well-formed block inserts into the dynamic table or changes its size
// (RFC 7541, section 6). Of a malformed one it says so too, which only means that nothing is remembered.
func changesTable(block []byte) bool {
	for len(block) > 0 {
		first := block[0]
		switch {
		case first&0x80 != 0:
			_, block = prefixedInteger(block, 7)
		case first&0xc0 == 0x40, first&0xe0 == 0x20:
			return true
		default:
			var name int
			if name, block = prefixedInteger(block, 4); name == 0 {
				block = afterString(block)
			}
			block = afterString(block)
		}
		if block == nil {
			return true
		}
	}
	return false
}

// afterString answers what follows a string literal (section 5.2); nil: it is not all there.
func afterString(block []byte) []byte {
	length, rest := prefixedInteger(block, 7)
	if rest == nil || length > len(rest) {
		return nil
	}
	return rest[length:]
}

// prefixedInteger reads an integer with that many bits in its first byte (section 5.1); nil: it is cut off.
func prefixedInteger(block []byte, prefixBits int) (int, []byte) {
	if len(block) == 0 {
		return 0, nil
	}
	mask := 1<<prefixBits - 1
	value := int(block[0]) & mask
	if value < mask {
		return value, block[1:]
	}
	for i, shift := 1, 0; i < len(block) && shift < 28; i, shift = i+1, shift+7 {
		value += int(block[i]&0x7f) << shift
		if block[i]&0x80 == 0 {
			return value, block[i+1:]
		}
	}
	return 0, nil
}
