// Command watchers opens many streams, notes when each change came to each of them, and tells when asked.
//
// It is the receiving side of the benchmarks where there is Go: it costs a fraction of what watchers in Python cost, so
// that most of what is measured is the server. watchers.py does the same; receiver.py says which commands both know.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	digits = 6
	// The field resume_token of WatchResponse, and of WatchRequest.
	tokenOfResponse = 4
	tokenOfRequest  = 2
)

var marker = []byte("Watched number ")

func main() {
	log.SetFlags(0)
	log.SetPrefix("watchers: ")
	address := flag.String("address", "", "the server")
	path := flag.String("path", "", "the method that is watched")
	request := flag.String("request", "", "the request of each stream, in base64")
	watchers := flag.Int("watchers", 1, "how many streams")
	channels := flag.Int("channels", 1, "how many connections they share")
	open := flag.Bool("open", false, "leave the sending side of each stream open")
	flag.Parse()
	first, err := base64.StdEncoding.DecodeString(*request)
	if err != nil {
		log.Fatal(err)
	}
	c := &crowd{path: *path, request: first, open: *open, gate: newGate()}
	if err := c.connect(*address, *channels); err != nil {
		log.Fatal(err)
	}
	c.watch(*watchers)
	fmt.Println("ready")
	if err := c.obey(os.Stdin, bufio.NewWriter(os.Stdout)); err != nil {
		log.Fatal(err)
	}
}

// crowd is all the watchers of one server.
type crowd struct {
	path    string
	request []byte
	open    bool
	gate    *gate
	conns   []*grpc.ClientConn
	members []*watcher
	seen    atomic.Int64
	live    atomic.Int64
	cut     atomic.Bool
}

// watcher is one stream: what came on it, and its last message, from which it resumes.
type watcher struct {
	mu       sync.Mutex
	arrivals []arrival
	last     []byte
}

type arrival struct{ change, nanos int64 }

func (c *crowd) connect(address string, channels int) error {
	for range channels {
		conn, err := grpc.NewClient("passthrough:///"+address,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(c.gate.dial),
			// A fixed window: without it each connection asks the server for pings to find one.
			grpc.WithInitialWindowSize(1<<20),
			grpc.WithInitialConnWindowSize(1<<24),
			grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.WaitForReady(true)))
		if err != nil {
			return err
		}
		c.conns = append(c.conns, conn)
	}
	return nil
}

// watch opens all streams, and returns when each has its first message.
func (c *crowd) watch(watchers int) {
	var opened sync.WaitGroup
	opened.Add(watchers)
	for number := range watchers {
		w := &watcher{}
		c.members = append(c.members, w)
		go c.follow(w, c.conns[number%len(c.conns)], opened.Done)
	}
	opened.Wait()
}

// follow receives until the streams are cut, and then from where the stream was.
func (c *crowd) follow(w *watcher, conn *grpc.ClientConn, opened func()) {
	request := c.request
	for {
		err := c.receive(w, conn, request, opened)
		if !c.cut.Load() || status.Code(err) != codes.Unavailable {
			log.Fatalf("a stream ended: %v", err)
		}
		opened = func() {}
		if token := w.token(); token != "" {
			request = protowire.AppendString(protowire.AppendTag(nil, tokenOfRequest, protowire.BytesType), token)
		}
	}
}

func (c *crowd) receive(w *watcher, conn *grpc.ClientConn, request []byte, opened func()) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: c.open}, c.path)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !c.open {
		if err := stream.CloseSend(); err != nil {
			return err
		}
	}
	c.live.Add(1)
	defer c.live.Add(-1)
	for first := true; ; first = false {
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		c.seen.Add(w.note(message, now()))
		if first {
			opened()
		}
	}
}

// note keeps when each change in a message came, and says how many there are.
func (w *watcher) note(message []byte, nanos int64) (found int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = message
	for rest := message; ; found++ {
		place := bytes.Index(rest, marker)
		if place < 0 {
			return found
		}
		rest = rest[place+len(marker):]
		change, err := strconv.ParseInt(string(rest[:digits]), 10, 64)
		if err != nil {
			log.Fatal(err)
		}
		w.arrivals = append(w.arrivals, arrival{change, nanos})
	}
}

func (w *watcher) token() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := w.last; len(rest) > 0; {
		number, kind, length := protowire.ConsumeTag(rest)
		if length < 0 {
			return ""
		}
		rest = rest[length:]
		if number == tokenOfResponse {
			token, _ := protowire.ConsumeString(rest)
			return token
		}
		if length = protowire.ConsumeFieldValue(number, kind, rest); length < 0 {
			return ""
		}
		rest = rest[length:]
	}
	return ""
}

func (w *watcher) take() []arrival {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.arrivals
	w.arrivals = nil
	return taken
}

// obey does what each line says, until there are no more.
func (c *crowd) obey(in io.Reader, out *bufio.Writer) error {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch words[0] {
		case "wait":
			count, _ := strconv.ParseInt(words[1], 10, 64)
			seconds, _ := strconv.ParseFloat(words[2], 64)
			deadline := time.Now().Add(time.Duration(seconds * float64(time.Second)))
			for c.seen.Load() < count && time.Now().Before(deadline) {
				time.Sleep(time.Millisecond)
			}
			fmt.Fprintln(out, c.seen.Load())
		case "take":
			c.seen.Store(0)
			var taken []arrival
			for _, w := range c.members {
				taken = append(taken, w.take()...)
			}
			fmt.Fprintln(out, len(taken))
			for _, each := range taken {
				out.Write(binary.LittleEndian.AppendUint64(nil, uint64(each.change)))
				out.Write(binary.LittleEndian.AppendUint64(nil, uint64(each.nanos)))
			}
		case "cut":
			c.cut.Store(true)
			c.gate.shut()
			for c.live.Load() > 0 {
				time.Sleep(time.Millisecond)
			}
			fmt.Fprintln(out, "cut")
		case "resume":
			c.gate.unlock()
			fmt.Fprintln(out, "resumed")
		default:
			return fmt.Errorf("no such command: %s", words[0])
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// gate lets connections be made, unless it is shut.
type gate struct {
	mu    sync.Mutex
	open  chan struct{}
	conns []net.Conn
}

func newGate() *gate {
	g := &gate{open: make(chan struct{})}
	close(g.open)
	return g
}

func (g *gate) dial(ctx context.Context, address string) (net.Conn, error) {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err == nil {
		g.mu.Lock()
		g.conns = append(g.conns, conn)
		g.mu.Unlock()
	}
	return conn, err
}

// shut closes every connection, and lets nobody through until unlock.
func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
	for _, conn := range g.conns {
		conn.Close()
	}
	g.conns = nil
}

func (g *gate) unlock() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

// raw passes messages as they are.
type raw struct{}

func (raw) Marshal(message any) ([]byte, error) { return message.([]byte), nil }

func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = data
	return nil
}

func (raw) Name() string { return "raw" }

// now is the clock that other processes of this machine read, too.
func now() int64 {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		log.Fatal(err)
	}
	return at.Nano()
}
