package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// raw passes bytes as they are.
type raw struct{}

func (raw) Marshal(value any) ([]byte, error) { return *value.(*[]byte), nil }

func (raw) Unmarshal(data []byte, value any) error {
	*value.(*[]byte) = bytes.Clone(data)
	return nil
}

func (raw) Name() string { return "raw" }

// grpcCaller makes calls over a connection that it may share with others.
type grpcCaller struct {
	conn    *grpc.ClientConn
	path    string
	request []byte
}

func connect(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{})))
}

// answered reads the messages of an answer, one or many, to their end.
func (c *grpcCaller) answered() (time.Time, error) {
	var first time.Time
	stream, err := c.conn.NewStream(context.Background(), &grpc.StreamDesc{ServerStreams: true}, c.path)
	if err != nil {
		return first, err
	}
	if err := stream.SendMsg(&c.request); err != nil {
		return first, err
	}
	if err := stream.CloseSend(); err != nil {
		return first, err
	}
	came := 0
	for {
		var message []byte
		if err := stream.RecvMsg(&message); err == io.EOF {
			break
		} else if err != nil {
			return first, err
		}
		came += bytes.Count(message, []byte(word))
		if first.IsZero() && came > 0 {
			first = time.Now()
		}
	}
	if came != words {
		return first, fmt.Errorf("%d words came", came)
	}
	return first, nil
}
