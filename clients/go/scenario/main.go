// Command scenario makes the calls that are described on standard input, through stubs generated from the protos, and
// prints what came of each as a line of JSON. Tests compare that with what other languages print.
//
//	go run ./scenario -registry 127.0.0.1:50051 -gateway 127.0.0.1:50052 < steps.json
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "airegistry.dev/go/airegistry/v1"
)

// A step is one call.
type step struct {
	Name string
	// Service and method, without the package.
	Call string
	// As protobuf's JSON; "$token" stands for the last resume token that came.
	Request json.RawMessage
	// Values of keys that end in -bin are in base64.
	Metadata map[string]string
	// Seconds; 0 is none.
	Timeout float64
	Gzip    bool
	// Cancels the call after as many messages; 0 is never.
	Take int
	// Made once the call's first message is there.
	Then []step
}

// An outcome is what came of a step.
type outcome struct {
	Name     string            `json:"name"`
	Code     uint32            `json:"code"`
	Message  string            `json:"message"`
	Details  []json.RawMessage `json:"details"`
	Messages []json.RawMessage `json:"messages"`
}

type player struct {
	calls map[string]call
	token string
	out   *json.Encoder
}

func main() {
	log.SetFlags(0)
	registry := flag.String("registry", "127.0.0.1:50051", "address of the registry")
	gateway := flag.String("gateway", "127.0.0.1:50052", "address of the gateway")
	flag.Parse()
	if err := run(*registry, *gateway); err != nil {
		log.Fatalf("scenario: %v", err)
	}
}

func run(registryAddress, gatewayAddress string) error {
	var steps []step
	if err := json.NewDecoder(os.Stdin).Decode(&steps); err != nil {
		return err
	}
	registry, err := dial(registryAddress)
	if err != nil {
		return err
	}
	defer registry.Close()
	gateway, err := dial(gatewayAddress)
	if err != nil {
		return err
	}
	defer gateway.Close()
	return (&player{calls: callsOf(registry, gateway), out: json.NewEncoder(os.Stdout)}).play(steps)
}

// dial keeps connections open as clients behind NAT do.
func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: 10 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true,
		}))
}

func (p *player) play(steps []step) error {
	for _, step := range steps {
		made, err := p.make(step)
		if err != nil {
			return fmt.Errorf("%s: %w", step.Name, err)
		}
		if err := p.out.Encode(made); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) make(step step) (*outcome, error) {
	call, ok := p.calls[step.Call]
	if !ok {
		return nil, fmt.Errorf("no such call: %s", step.Call)
	}
	ctx, cancel, err := contextFor(step)
	if err != nil {
		return nil, err
	}
	defer cancel()
	var options []grpc.CallOption
	if step.Gzip {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	made := &outcome{Name: step.Name, Details: []json.RawMessage{}, Messages: []json.RawMessage{}}
	receive, err := call(ctx, strings.ReplaceAll(string(step.Request), "$token", p.token), options)
	if err != nil {
		return nil, err
	}
	for {
		message, err := receive()
		if errors.Is(err, io.EOF) {
			return made, nil
		}
		if err != nil {
			return made, made.fail(err)
		}
		if err := made.add(message); err != nil {
			return nil, err
		}
		if watched, ok := message.(*pb.WatchResponse); ok && watched.ResumeToken != "" {
			p.token = watched.ResumeToken
		}
		if len(made.Messages) == 1 {
			if err := p.play(step.Then); err != nil {
				return nil, err
			}
		}
		if len(made.Messages) == step.Take {
			cancel()
		}
	}
}

func contextFor(step step) (context.Context, context.CancelFunc, error) {
	ctx := context.Background()
	for key, value := range step.Metadata {
		if strings.HasSuffix(key, "-bin") {
			data, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return nil, nil, err
			}
			value = string(data)
		}
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	if step.Timeout == 0 {
		ctx, cancel := context.WithCancel(ctx)
		return ctx, cancel, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(step.Timeout*float64(time.Second)))
	return ctx, cancel, nil
}

func (o *outcome) add(message proto.Message) error {
	data, err := protojson.Marshal(message)
	o.Messages = append(o.Messages, data)
	return err
}

func (o *outcome) fail(err error) error {
	told := status.Convert(err).Proto()
	o.Code, o.Message = uint32(told.GetCode()), told.GetMessage()
	for _, detail := range told.GetDetails() {
		data, err := protojson.Marshal(detail)
		if err != nil {
			return err
		}
		o.Details = append(o.Details, data)
	}
	return nil
}
