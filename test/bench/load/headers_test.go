package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"golang.org/x/net/http2/hpack"
)

func TestRequestBlocksStayInStepWithTheServer(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	headers := newRequestHeaders("127.0.0.1:2379")
	decoder := hpack.NewDecoder(4096, nil)
	for i := range 500 {
		if i%50 == 49 {
			headers.limitTable([]uint32{0, 100, 4096}[random.IntN(3)])
		}
		wanted := method(random.IntN(int(methodCount)))
		block, err := headers.block(wanted)
		if err != nil {
			t.Fatal(err)
		}
		fields, err := decoder.DecodeFull(block)
		if err != nil {
			t.Fatalf("block %d: %v", i, err)
		}
		if len(fields) != 7 || fields[2].Value != methodPaths[wanted] || fields[3].Value != "127.0.0.1:2379" {
			t.Fatalf("block %d: %v", i, fields)
		}
	}
}

func TestSettledRequestBlocksAreAByteAField(t *testing.T) {
	headers := newRequestHeaders("127.0.0.1:2379")
	var block []byte
	for range 3 {
		block, _ = headers.block(kvPut)
	}
	if len(block) != 7 {
		t.Errorf("%x", block)
	}
}

// A server that mixes all the forms of RFC 7541, section 6, so that a remembered block would soon be wrong.
func TestResponseBlocksAreDecodedAsAPlainDecoderDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	encoded := bytes.Buffer{}
	encoder := hpack.NewEncoder(&encoded)
	headers := newResponseHeaders()
	for i := range 5_000 {
		encoded.Reset()
		if random.IntN(200) == 0 {
			encoder.SetMaxDynamicTableSize(uint32(random.IntN(5)) * 64)
		}
		wanted := answerHeaders{
			httpStatus:  "200",
			contentType: "application/grpc",
			grpcStatus:  random.IntN(3),
			grpcMessage: fmt.Sprintf("message %d", i/20+random.IntN(3)),
		}
		for _, field := range []hpack.HeaderField{
			{Name: ":status", Value: wanted.httpStatus},
			{Name: "content-type", Value: wanted.contentType},
			{Name: "grpc-status", Value: strconv.Itoa(wanted.grpcStatus), Sensitive: random.IntN(4) == 0},
			{Name: "grpc-message", Value: wanted.grpcMessage, Sensitive: random.IntN(2) == 0},
		} {
			if err := encoder.WriteField(field); err != nil {
				t.Fatal(err)
			}
		}
		got, err := headers.decode(encoded.Bytes())
		if err != nil || got != wanted {
			t.Fatalf("block %d: %+v, %v, but %+v was sent", i, got, err, wanted)
		}
	}
}

func TestBlocksThatChangeTheTableAreTold(t *testing.T) {
	for _, c := range []struct {
		block   []byte
		changes bool
	}{
		{[]byte{0x88, 0xbf}, false},
		{[]byte{0xff, 0x80, 0x01, 0x88}, false},
		{append([]byte{0x00, 3}, "abc\x03def\x88"...), false},
		{append([]byte{0x1f, 0x10, 3}, "abc"...), false},
		{append([]byte{0x88, 0x40, 3}, "abc\x03def"...), true},
		{[]byte{0x88, 0x20}, true},
		{[]byte{0x00, 9, 'a'}, true},
	} {
		if got := changesTable(c.block); got != c.changes {
			t.Errorf("%x: %t", c.block, got)
		}
	}
}

func TestTheSameBytesMeanAnotherFieldOnceTheTableHasChanged(t *testing.T) {
	headers := newResponseHeaders()
	insertion := func(message string) []byte {
		return append([]byte{0x40, 12}, "grpc-message"+string(rune(len(message)))+message...)
	}
	newest := []byte{0x80 | 62}
	for _, wanted := range []string{"one", "two", "three"} {
		if _, err := headers.decode(insertion(wanted)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := headers.decode(newest); err != nil || got.grpcMessage != wanted {
				t.Errorf("%q, %v, but %q is the newest", got.grpcMessage, err, wanted)
			}
		}
	}
}
