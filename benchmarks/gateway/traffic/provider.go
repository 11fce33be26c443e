package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	words  = 100
	word   = "word "
	steady = 10 * time.Millisecond
)

// The model name decides whether a stream comes at once or one word at a time.
var (
	streamed = []byte(`"stream":true`)
	paced    = []byte(`"paced"`)
)

const unaryBody = `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"fast","choices":` +
	`[{"index":0,"message":{"role":"assistant","content":"%s"},"logprobs":null,"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":5,"completion_tokens":100,"total_tokens":105}}`

func chunk(choices, usage string) string {
	return `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"fast","choices":[` +
		choices + `],"usage":` + usage + "}\n\n"
}

func delta(delta, finish string) string {
	return chunk(`{"index":0,"delta":`+delta+`,"logprobs":null,"finish_reason":`+finish+`}`, "null")
}

// answers are written as they are: the whole one, the stream in one piece, and its events one by one.
type answers struct {
	unary, stream, head []byte
	events              [][]byte
}

func made() answers {
	body := fmt.Sprintf(unaryBody, strings.Repeat(word, words))
	events := []string{delta(`{"role":"assistant","content":""}`, "null")}
	for range words {
		events = append(events, delta(`{"content":"`+word+`"}`, "null"))
	}
	events = append(events, delta("{}", `"stop"`),
		chunk("", `{"prompt_tokens":5,"completion_tokens":100,"total_tokens":105}`), "data: [DONE]\n\n")
	all := strings.Join(events, "")
	head := "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" + fmt.Sprintf("content-length: %d\r\n\r\n", len(all))
	whole := "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n" + fmt.Sprintf("content-length: %d\r\n\r\n", len(body))
	result := answers{[]byte(whole + body), []byte(head + all), []byte(head), nil}
	// The role comes with the first word, and the end with the last one, so that each write is a word.
	for i, event := range events {
		if i == 0 || i > words {
			continue
		}
		if i == 1 {
			event = events[0] + event
		}
		if i == words {
			event += strings.Join(events[words+1:], "")
		}
		result.events = append(result.events, []byte(event))
	}
	return result
}

func provide(arguments []string) error {
	flags := flag.NewFlagSet("provide", flag.ExitOnError)
	port := flags.Int("port", 0, "the port of the loopback interface to listen on")
	flags.Parse(arguments)
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		return err
	}
	all := made()
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go serve(connection, &all)
	}
}

// serve answers one request after the other, once each is whole.
func serve(connection net.Conn, all *answers) {
	defer connection.Close()
	reader := bufio.NewReaderSize(connection, 16*1024)
	var body []byte
	for {
		length, err := head(reader)
		if err != nil {
			return
		}
		if cap(body) < length.bytes {
			body = make([]byte, length.bytes)
		}
		body = body[:length.bytes]
		if _, err := io.ReadFull(reader, body); err != nil {
			return
		}
		if !answer(connection, all, body) {
			return
		}
	}
}

func answer(connection net.Conn, all *answers, body []byte) bool {
	spaced := bytes.ReplaceAll(body, []byte(": "), []byte(":"))
	switch {
	case !bytes.Contains(spaced, streamed):
		_, err := connection.Write(all.unary)
		return err == nil
	case !bytes.Contains(spaced, paced):
		_, err := connection.Write(all.stream)
		return err == nil
	}
	if _, err := connection.Write(all.head); err != nil {
		return false
	}
	for i, event := range all.events {
		if i > 0 {
			time.Sleep(steady)
		}
		if _, err := connection.Write(event); err != nil {
			return false
		}
	}
	return true
}
