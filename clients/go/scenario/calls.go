package main

import (
	"context"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	pb "airegistry.dev/go/airegistry/v1"
)

// A call sends a request, given as JSON.
type call func(ctx context.Context, request string, options []grpc.CallOption) (receive, error)

// receive returns the next message, or io.EOF after the last one of a call that went well.
type receive func() (proto.Message, error)

type message[T any] interface {
	*T
	proto.Message
}

func callsOf(registryConn, gatewayConn grpc.ClientConnInterface) map[string]call {
	registry := pb.NewRegistryServiceClient(registryConn)
	gateway := pb.NewGatewayServiceClient(gatewayConn)
	return map[string]call{
		"RegistryService.Register":    unary(registry.Register),
		"RegistryService.Get":         unary(registry.Get),
		"RegistryService.List":        unary(registry.List),
		"RegistryService.Update":      unary(registry.Update),
		"RegistryService.Deregister":  unary(registry.Deregister),
		"RegistryService.Discover":    unary(registry.Discover),
		"RegistryService.Heartbeat":   unary(registry.Heartbeat),
		"RegistryService.Watch":       stream(registry.Watch),
		"GatewayService.Invoke":       unary(gateway.Invoke),
		"GatewayService.InvokeStream": stream(gateway.InvokeStream),
		"GatewayService.Explain":      unary(gateway.Explain),
	}
}

func unary[Q, A any, PQ message[Q], PA message[A]](
	rpc func(context.Context, PQ, ...grpc.CallOption) (PA, error),
) call {
	return func(ctx context.Context, data string, options []grpc.CallOption) (receive, error) {
		request := PQ(new(Q))
		if err := protojson.Unmarshal([]byte(data), request); err != nil {
			return nil, err
		}
		answered := false
		return func() (proto.Message, error) {
			if answered {
				return nil, io.EOF
			}
			answered = true
			return rpc(ctx, request, options...)
		}, nil
	}
}

func stream[Q, A any, PQ message[Q]](
	rpc func(context.Context, PQ, ...grpc.CallOption) (grpc.ServerStreamingClient[A], error),
) call {
	return func(ctx context.Context, data string, options []grpc.CallOption) (receive, error) {
		request := PQ(new(Q))
		if err := protojson.Unmarshal([]byte(data), request); err != nil {
			return nil, err
		}
		answers, err := rpc(ctx, request, options...)
		if err != nil {
			return nil, err
		}
		return func() (proto.Message, error) {
			answer, err := answers.Recv()
			if err != nil {
				return nil, err
			}
			return any(answer).(proto.Message), nil
		}, nil
	}
}
