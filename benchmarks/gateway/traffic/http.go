package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// framing is how a message says where it ends.
type framing struct {
	status  int
	bytes   int
	chunked bool
	closing bool
}

// head reads up to the empty line. What it does not need to know it skips.
func head(reader *bufio.Reader) (framing, error) {
	var found framing
	for first := true; ; first = false {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return found, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return found, nil
		}
		if first {
			if bytes.HasPrefix(line, []byte("HTTP/")) && len(line) >= 12 {
				found.status, err = strconv.Atoi(string(line[9:12]))
			}
		} else {
			err = found.note(line)
		}
		if err != nil {
			return found, err
		}
	}
}

func (f *framing) note(line []byte) error {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	var err error
	switch {
	case len(name) == 14 && bytes.EqualFold(name, []byte("content-length")):
		f.bytes, err = strconv.Atoi(string(value))
	case len(name) == 17 && bytes.EqualFold(name, []byte("transfer-encoding")):
		f.chunked = bytes.EqualFold(value, []byte("chunked"))
	case len(name) == 10 && bytes.EqualFold(name, []byte("connection")):
		f.closing = bytes.EqualFold(value, []byte("close"))
	}
	return err
}

// caller makes one call after the other over a connection of its own.
type caller struct {
	address string
	request []byte
	conn    net.Conn
	reader  *bufio.Reader
	body    []byte
	first   time.Time
}

// answered makes a call and returns when its first word came; an error when the answer is not whole.
func (c *caller) answered() (time.Time, error) {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.address)
		if err != nil {
			return time.Time{}, err
		}
		c.conn, c.reader = conn, bufio.NewReaderSize(conn, 64*1024)
	}
	closing, err := c.ask()
	if err != nil || closing {
		c.conn.Close()
		c.conn = nil
	}
	return c.first, err
}

func (c *caller) ask() (bool, error) {
	c.body, c.first = c.body[:0], time.Time{}
	if _, err := c.conn.Write(c.request); err != nil {
		return false, err
	}
	found, err := head(c.reader)
	if err != nil {
		return false, err
	}
	if found.chunked {
		err = c.chunks()
	} else {
		err = c.take(found.bytes)
	}
	if err != nil {
		return false, err
	}
	if found.status != 200 {
		return false, fmt.Errorf("status %d: %.300s", found.status, c.body)
	}
	if came := bytes.Count(c.body, []byte(word)); came != words {
		return false, fmt.Errorf("%d words came: %.300s", came, c.body)
	}
	return found.closing, nil
}

func (c *caller) chunks() error {
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimRight(line, "\r\n")), 16, 32)
		if err != nil {
			return err
		}
		if err := c.take(int(size)); err != nil {
			return err
		}
		if _, err := c.reader.Discard(2); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}

// take reads so many bytes of the body, as they come.
func (c *caller) take(size int) error {
	for end := len(c.body) + size; len(c.body) < end; {
		if _, err := c.reader.Peek(1); err != nil {
			return err
		}
		start := len(c.body)
		ready := min(c.reader.Buffered(), end-start)
		c.body = append(c.body, make([]byte, ready)...)
		if _, err := io.ReadFull(c.reader, c.body[start:]); err != nil {
			return err
		}
		if c.first.IsZero() && bytes.Contains(c.body, []byte(word)) {
			c.first = time.Now()
		}
	}
	return nil
}
