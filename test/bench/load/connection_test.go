package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// testServer is the other end of a connection, which the test plays frame by frame.
type testServer struct {
	*http2.Framer
	t       *testing.T
	socket  net.Conn
	encoded bytes.Buffer
	encoder *hpack.Encoder
}

// connected answers both ends; the server has sent these settings.
func connected(t *testing.T, settings ...http2.Setting) (*connection, *testServer) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	accepted := make(chan *testServer, 1)
	go func() {
		socket, err := listener.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		s := &testServer{Framer: http2.NewFramer(socket, socket), t: t, socket: socket}
		s.encoder = hpack.NewEncoder(&s.encoded)
		preface := make([]byte, len(http2.ClientPreface))
		if _, err := io.ReadFull(socket, preface); err != nil || string(preface) != http2.ClientPreface {
			t.Errorf("preface %q, %v", preface, err)
		}
		s.must(s.WriteSettings(settings...))
		accepted <- s
	}()
	c, err := dial(listener.Addr().String(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	server := <-accepted
	server.must(server.socket.SetDeadline(time.Now().Add(10 * time.Second)))
	t.Cleanup(func() {
		c.close()
		server.socket.Close()
	})
	return c, server
}

func (s *testServer) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// next answers the next frame of a kind and passes over the others.
func next[F http2.Frame](s *testServer) F {
	s.t.Helper()
	for {
		frame, err := s.ReadFrame()
		s.must(err)
		if wanted, ok := frame.(F); ok {
			return wanted
		}
	}
}

func (s *testServer) headers(stream uint32, isLast bool, fields ...string) {
	s.encoded.Reset()
	for i := 0; i < len(fields); i += 2 {
		s.must(s.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	block := bytes.Clone(s.encoded.Bytes())
	half := len(block) / 2
	s.must(s.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: block[:half], EndStream: isLast, PadLength: 3,
	}))
	s.must(s.WriteContinuation(stream, true, block[half:]))
}

// noted is a handler that remembers what it was told.
type noted struct {
	messages []string
	result   chan status
}

func newCall() (*stream, *noted) {
	n := &noted{result: make(chan status, 1)}
	return &stream{handler: n}, n
}

func (n *noted) message(_ *stream, message []byte) error {
	n.messages = append(n.messages, string(message))
	return nil
}

func (n *noted) ended(_ *stream, result status) { n.result <- result }

func (n *noted) wait(t *testing.T) status {
	t.Helper()
	select {
	case result := <-n.result:
		return result
	case <-time.After(10 * time.Second):
		t.Fatal("the call did not end")
		return status{}
	}
}

func (c *connection) openNow(s *stream, isUnary bool, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open(s, kvPut, isUnary, func(out []byte) []byte { return append(out, message...) })
	c.output.flush()
}

func TestAnAnswerIsReadHoweverItsFramesAreCut(t *testing.T) {
	c, server := connected(t)
	call, noted := newCall()
	c.openNow(call, true, "ask")
	request := next[*http2.DataFrame](server)
	if got := string(request.Data()); got != "\x00\x00\x00\x00\x03ask" || !request.StreamEnded() {
		t.Errorf("%q", got)
	}
	server.headers(1, false, ":status", "200", "content-type", "application/grpc")
	for _, piece := range []string{"\x00\x00", "\x00\x00\x04an", "", "sw", "\x00\x00\x00\x00\x01!\x00\x00\x00\x00\x00"} {
		server.must(server.WriteDataPadded(1, false, []byte(piece), []byte{0, 0}))
	}
	server.headers(1, true, "grpc-status", "0", "grpc-message", "")
	if result := noted.wait(t); result.code != statusOK {
		t.Error(result)
	}
	if got := strings.Join(noted.messages, ","); got != "answ,!," {
		t.Errorf("%q", got)
	}
}

func TestErrorsOfCallsAreTold(t *testing.T) {
	c, server := connected(t)
	for _, test := range []struct {
		answer func(id uint32)
		wanted string
	}{
		{func(id uint32) {
			server.headers(id, true, ":status", "200", "grpc-status", "14", "grpc-message", "no leader")
		}, "grpc-status 14: no leader"},
		{func(id uint32) { server.headers(id, true, ":status", "503") }, "HTTP status 503"},
		{func(id uint32) { server.headers(id, true, ":status", "200") }, "the answer has no grpc-status"},
		{func(id uint32) { server.must(server.WriteRSTStream(id, http2.ErrCodeRefusedStream)) }, "RST_STREAM REFUSED_STREAM"},
		{func(id uint32) {
			server.headers(id, false, ":status", "200")
			server.must(server.WriteData(id, false, []byte("\x00\x00\x00\x00\x09cut")))
			server.headers(id, true, "grpc-status", "0")
		}, "the answer ended within a message"},
	} {
		call, noted := newCall()
		c.openNow(call, true, "ask")
		test.answer(next[*http2.DataFrame](server).StreamID)
		if result := noted.wait(t); result.String() != test.wanted {
			t.Errorf("%q, but %q was wanted", result, test.wanted)
		}
	}
}

func TestRequestsKeepToTheWindowsAndFrameSizeOfTheServer(t *testing.T) {
	c, server := connected(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 20_000})
	call, noted := newCall()
	message := strings.Repeat("0123456789", 10_000)
	c.openNow(call, true, message)
	got := []byte{}
	streamLeft, connectionLeft := 20_000, defaultWindow
	for isLast := false; !isLast; {
		data := next[*http2.DataFrame](server)
		got = append(got, data.Data()...)
		isLast = data.StreamEnded()
		streamLeft -= len(data.Data())
		connectionLeft -= len(data.Data())
		if streamLeft < 0 || connectionLeft < 0 || len(data.Data()) > frameBytesMax {
			t.Fatalf("%d bytes, %d and %d of the windows left", len(data.Data()), streamLeft, connectionLeft)
		}
		if streamLeft == 0 && len(got) == 20_000 {
			server.must(server.WriteWindowUpdate(1, 7_001))
			streamLeft += 7_001
		} else if streamLeft == 0 && !isLast {
			// What is open gets the difference (RFC 9113, section 6.9.2).
			server.must(server.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 120_000}))
			streamLeft += 100_000
		}
		if connectionLeft == 0 {
			server.must(server.WriteWindowUpdate(0, 10_000))
			connectionLeft += 10_000
		}
	}
	if string(got[messageHeadBytes:]) != message {
		t.Errorf("%d bytes", len(got))
	}
	server.headers(1, true, ":status", "200", "grpc-status", "0")
	noted.wait(t)
}

func TestSettingsAndPingsAreAcknowledged(t *testing.T) {
	_, server := connected(t)
	for next[*http2.SettingsFrame](server).IsAck() == false {
	}
	server.must(server.WritePing(false, [8]byte{1, 2, 3}))
	if ping := next[*http2.PingFrame](server); !ping.IsAck() || ping.Data != [8]byte{1, 2, 3} {
		t.Errorf("%v", ping)
	}
}

func TestWhatIsReceivedIsReturnedToTheWindows(t *testing.T) {
	c, server := connected(t)
	call, _ := newCall()
	call.pieces = func([]byte) {}
	c.openNow(call, true, "ask")
	next[*http2.DataFrame](server)
	server.headers(1, false, ":status", "200")
	const frames = streamWindow/2/frameBytesMax + 1
	head := []byte("\x00\x7f\xff\xff\xff")
	for range frames {
		server.must(server.WriteData(1, false, append(head, make([]byte, frameBytesMax-len(head))...)))
		head = nil
	}
	if update := next[*http2.WindowUpdateFrame](server); update.StreamID != 1 || update.Increment != frames*frameBytesMax {
		t.Errorf("%v", update)
	}
}

func TestAGoAwayEndsTheConnectionAndIsTold(t *testing.T) {
	c, server := connected(t)
	call, noted := newCall()
	c.openNow(call, true, "ask")
	next[*http2.DataFrame](server)
	server.must(server.WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings")))
	result := noted.wait(t)
	if result.code != statusLost || !strings.Contains(result.message, `GOAWAY ENHANCE_YOUR_CALM "too_many_pings"`) {
		t.Error(result)
	}
}

func TestFramesOfACanceledCallArePassedOver(t *testing.T) {
	c, server := connected(t)
	first, firstNoted := newCall()
	c.openNow(first, true, "ask")
	next[*http2.DataFrame](server)
	c.mu.Lock()
	c.cancel(first)
	c.output.flush()
	c.mu.Unlock()
	if reset := next[*http2.RSTStreamFrame](server); reset.ErrCode != http2.ErrCodeCancel {
		t.Errorf("%v", reset)
	}
	// Its headers must be decoded all the same: the table changes.
	server.headers(1, false, ":status", "200", "content-type", "application/grpc")
	second, noted := newCall()
	c.openNow(second, true, "ask")
	next[*http2.DataFrame](server)
	server.headers(3, false, ":status", "200", "content-type", "application/grpc")
	server.headers(3, true, "grpc-status", "5", "grpc-message", "none")
	if result := noted.wait(t); result.String() != "grpc-status 5: none" {
		t.Error(result)
	}
	if len(firstNoted.result) != 0 {
		t.Error("a canceled call was told how it ended")
	}
}

func TestFramesOfAStreamThatNeverWasEndTheConnection(t *testing.T) {
	c, server := connected(t)
	call, noted := newCall()
	c.openNow(call, true, "ask")
	next[*http2.DataFrame](server)
	server.must(server.WriteData(9, false, []byte("?")))
	if result := noted.wait(t); !strings.Contains(result.message, "DATA on stream 9, which never was") {
		t.Error(result)
	}
}
