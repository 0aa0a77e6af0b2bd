package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/http2"
)

// A connection is the client's end of an HTTP/2 connection (RFC 9113). One goroutine reads, calls the handlers
// of the streams, which append their next requests, and writes all of those at once. What others send they
// send under the mutex.
type connection struct {
	endpoint string
	socket   *net.TCPConn

	mu      sync.Mutex
	streams map[uint32]*stream
	nextID  uint32
	// When the bytes that are handled now were read.
	now int64
	// Set once: why no stream can be opened any more.
	lost error
	// Called under the mutex when a connection ends that was not closed by us.
	onLost  func(error)
	settled chan struct{}

	input     input
	output    output
	requests  *requestHeaders
	responses *responseHeaders
	// A header block that is still going on, and the stream and flags it began with.
	block       []byte
	blockStream uint32
	blockFlags  http2.Flags

	sendFlow sendFlow
	// Received and not yet returned to the connection's window.
	consumed int
	bytesIn  atomic.Int64
	bytesOut atomic.Int64
}

const (
	frameHeadBytes = 9
	// The default of SETTINGS_MAX_FRAME_SIZE, which we leave as it is.
	frameBytesMax = 16384
	// Windows so large that they never hold up a server.
	streamWindow     = 64 << 20
	connectionWindow = 1 << 30
	defaultWindow    = 65535
	streamIDMax      = 1<<31 - 1
)

var processStart = time.Now()

// nanos is the time since the program's start; it never steps back.
func nanos() int64 {
	return int64(time.Since(processStart))
}

// dial answers when the server's SETTINGS have come.
func dial(endpoint string, timeout time.Duration) (*connection, error) {
	socket, err := net.DialTimeout("tcp", endpoint, timeout)
	if err != nil {
		return nil, err
	}
	c := &connection{
		endpoint:  endpoint,
		socket:    socket.(*net.TCPConn),
		streams:   map[uint32]*stream{},
		nextID:    1,
		settled:   make(chan struct{}),
		input:     newInput(),
		requests:  newRequestHeaders(endpoint),
		responses: newResponseHeaders(),
		sendFlow:  newSendFlow(),
	}
	raw, err := c.socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	c.output.open(c, raw)
	c.greet()
	go c.read(raw)
	select {
	case <-c.settled:
	case <-time.After(timeout):
		c.lose(errors.New("no SETTINGS from the server in time"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c, c.lost
}

func (c *connection) greet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.output.pending = append(c.output.pending, http2.ClientPreface...)
	c.must(c.output.framer.WriteSettings(
		http2.Setting{ID: http2.SettingEnablePush, Val: 0},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: streamWindow},
	))
	c.must(c.output.framer.WriteWindowUpdate(0, connectionWindow-defaultWindow))
	c.output.flush()
}

// must is for frames that are written into memory, which fails by a wrong argument alone.
func (c *connection) must(err error) {
	if err != nil {
		panic(err)
	}
}

// read goes on until the connection ends. It never leaves the one call of Read: a new one would have to look for
// data before it waits, while this one is told of all that came since the last look.
func (c *connection) read(raw syscall.RawConn) {
	var ended error
	err := raw.Read(func(fd uintptr) bool {
		ended = c.readOnce(fd)
		return ended != nil
	})
	if ended != nil {
		err = ended
	}
	c.lose(err)
}

// readOnce takes all that is there. An error ends the connection.
func (c *connection) readOnce(fd uintptr) error {
	for {
		space := c.input.space()
		count, err := readNow(fd, space)
		if errors.Is(err, syscall.EAGAIN) {
			return nil
		}
		if err != nil {
			return err
		}
		if count == 0 {
			return io.EOF
		}
		now := nanos()
		c.mu.Lock()
		c.now = now
		c.bytesIn.Add(int64(count))
		c.input.end += count
		err = c.takeFrames()
		c.output.flush()
		c.mu.Unlock()
		if err != nil || count < len(space) {
			return err
		}
	}
}

func (c *connection) takeFrames() error {
	for c.lost == nil {
		frame := c.input.buffer[c.input.start:c.input.end]
		if len(frame) < frameHeadBytes {
			break
		}
		length := int(frame[0])<<16 | int(frame[1])<<8 | int(frame[2])
		if length > frameBytesMax {
			return fmt.Errorf("a frame of %d bytes", length)
		}
		if len(frame) < frameHeadBytes+length {
			break
		}
		c.input.start += frameHeadBytes + length
		head := frameHead{
			kind:   http2.FrameType(frame[3]),
			flags:  http2.Flags(frame[4]),
			stream: binary.BigEndian.Uint32(frame[5:]) & streamIDMax,
		}
		if err := c.takeFrame(head, frame[frameHeadBytes:frameHeadBytes+length]); err != nil {
			return err
		}
	}
	c.input.compact()
	return nil
}

// close ends the connection from our side; onLost is not called.
func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost != nil {
		return
	}
	c.lost = net.ErrClosed
	_ = c.output.framer.WriteGoAway(0, http2.ErrCodeNo, nil)
	c.output.flush()
	c.socket.Close()
}

// lose ends the connection and every stream on it.
func (c *connection) lose(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.socket.Close()
	if c.lost != nil {
		return
	}
	c.lost = fmt.Errorf("the connection to %s: %w", c.endpoint, why)
	select {
	case <-c.settled:
	default:
		close(c.settled)
	}
	for id, s := range c.streams {
		delete(c.streams, id)
		s.handler.ended(s, status{code: statusLost, message: c.lost.Error()})
	}
	if c.onLost != nil {
		c.onLost(c.lost)
	}
}

// input is what was read and not yet taken apart.
type input struct {
	buffer     []byte
	start, end int
}

// A server's large answers come in few reads.
const inputBytes = 256 << 10

func newInput() input {
	return input{buffer: make([]byte, inputBytes)}
}

// space is never empty: what is left of a frame is smaller than the buffer.
func (in *input) space() []byte {
	return in.buffer[in.end:]
}

// compact moves what is left of a frame to the front.
func (in *input) compact() {
	if in.start == 0 {
		return
	}
	in.end = copy(in.buffer, in.buffer[in.start:in.end])
	in.start = 0
}

// output gathers frames and hands them to the kernel. Who flushes never waits: what the kernel does not take
// at once is written by a goroutine, so that reading goes on and two full pipes cannot lock each other.
type output struct {
	connection *connection
	pending    []byte
	spare      []byte
	framer     *http2.Framer
	raw        syscall.RawConn
	// Kept, as a new closure a flush would be garbage.
	try     func(fd uintptr) bool
	taken   int
	isStuck bool
}

func (o *output) open(c *connection, raw syscall.RawConn) {
	o.connection = c
	o.raw = raw
	o.framer = http2.NewFramer(o, nil)
	o.try = func(fd uintptr) bool {
		o.taken, _ = writeNow(fd, o.pending)
		return true
	}
}

// Write is where the framer's frames go.
func (o *output) Write(frame []byte) (int, error) {
	o.pending = append(o.pending, frame...)
	return len(frame), nil
}

func (o *output) flush() {
	if o.isStuck || len(o.pending) == 0 {
		return
	}
	o.taken = 0
	// An error shows itself to the reader, or to the goroutine below.
	_ = o.raw.Write(o.try)
	taken := max(o.taken, 0)
	o.connection.bytesOut.Add(int64(taken))
	o.pending = o.pending[:copy(o.pending, o.pending[taken:])]
	if len(o.pending) > 0 {
		o.isStuck = true
		go o.drain()
	}
}

func (o *output) drain() {
	c := o.connection
	for {
		c.mu.Lock()
		if len(o.pending) == 0 {
			o.isStuck = false
			c.mu.Unlock()
			return
		}
		o.pending, o.spare = o.spare[:0], o.pending
		c.mu.Unlock()
		if _, err := c.socket.Write(o.spare); err != nil {
			c.lose(err)
			return
		}
		c.bytesOut.Add(int64(len(o.spare)))
	}
}
