// Command tour registers a model and its endpoint, finds them, watches them change and invokes them: everything through
// stubs generated from the protos, nothing of ours besides.
//
//	go run ./tour -registry 127.0.0.1:50051 -gateway 127.0.0.1:50052 -provider http://127.0.0.1:3003/v1
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	pb "airegistry.dev/go/airegistry/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	modelName    = "models/go-tour"
	endpointName = "models/go-tour/endpoints/demo"
)

func main() {
	log.SetFlags(0)
	registry := flag.String("registry", "127.0.0.1:50051", "address of the registry")
	gateway := flag.String("gateway", "127.0.0.1:50052", "address of the gateway")
	provider := flag.String("provider", "http://127.0.0.1:3003/v1", "an OpenAI-compatible provider without a key")
	upstream := flag.String("upstream-model", "demo-ngram", "the model's id at the provider")
	flag.Parse()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := tour(ctx, *registry, *gateway, *provider, *upstream); err != nil {
		log.Fatalf("tour: %v", explain(err))
	}
}

func tour(ctx context.Context, registryAddress, gatewayAddress, provider, upstream string) error {
	registryConn, err := dial(registryAddress)
	if err != nil {
		return err
	}
	defer registryConn.Close()
	gatewayConn, err := dial(gatewayAddress)
	if err != nil {
		return err
	}
	defer gatewayConn.Close()
	registry := pb.NewRegistryServiceClient(registryConn)
	gateway := pb.NewGatewayServiceClient(gatewayConn)

	watch, err := openWatch(ctx, registry)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	registered, err := registry.Register(ctx, &pb.RegisterRequest{Resources: resources(provider, upstream)})
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	fmt.Printf("registered %d resources at revision %d\n", len(registered.Resources), registered.Revision)
	if err := awaitEvent(watch, endpointName, pb.WatchEventType_WATCH_EVENT_TYPE_ADDED); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	if err := discover(ctx, registry, registered.Revision); err != nil {
		return fmt.Errorf("discover: %w", err)
	}
	if err := invoke(ctx, gateway); err != nil {
		return fmt.Errorf("invoke: %w", err)
	}
	if _, err := registry.Deregister(ctx, &pb.DeregisterRequest{Name: modelName}); err != nil {
		return fmt.Errorf("deregister: %w", err)
	}
	if err := awaitEvent(watch, endpointName, pb.WatchEventType_WATCH_EVENT_TYPE_REMOVED); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	return refusal(ctx, registry)
}

func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// resources are a text model, and the provider as somebody who serves it for nothing.
func resources(provider, upstream string) []*pb.Resource {
	return []*pb.Resource{
		{Name: modelName, Spec: &pb.Resource_Model{Model: &pb.Model{
			DisplayName:      "Go tour",
			Tasks:            []string{"text-generation"},
			InputModalities:  []pb.Modality{pb.Modality_MODALITY_TEXT},
			OutputModalities: []pb.Modality{pb.Modality_MODALITY_TEXT},
		}}},
		{Name: endpointName, Spec: &pb.Resource_Endpoint{Endpoint: &pb.Endpoint{
			Provider:      "demo",
			Address:       provider,
			UpstreamModel: upstream,
			Communication: &pb.Communication{
				Dialect: "openai.chat",
				Auth:    &pb.Auth{Method: pb.AuthMethod_AUTH_METHOD_NONE},
			},
			Prices: &pb.PriceList{Schedules: []*pb.PriceSchedule{{Prices: []*pb.Price{
				{Bucket: pb.PriceBucket_PRICE_BUCKET_INPUT_TOKENS, Nanos: proto.Int64(0)},
				{Bucket: pb.PriceBucket_PRICE_BUCKET_OUTPUT_TOKENS, Nanos: proto.Int64(0)},
			}}}},
		}}},
	}
}

// openWatch returns a stream that has sent its whole snapshot.
func openWatch(ctx context.Context, registry pb.RegistryServiceClient) (pb.RegistryService_WatchClient, error) {
	watch, err := registry.Watch(ctx, &pb.WatchRequest{Filter: &pb.WatchFilter{NamePrefix: modelName}})
	if err != nil {
		return nil, err
	}
	for {
		response, err := watch.Recv()
		if err != nil {
			return nil, err
		}
		if response.Kind == pb.WatchResponseKind_WATCH_RESPONSE_KIND_SNAPSHOT_END {
			fmt.Printf("watching from revision %d\n", response.Revision)
			return watch, nil
		}
	}
}

func awaitEvent(watch pb.RegistryService_WatchClient, name string, want pb.WatchEventType) error {
	for {
		response, err := watch.Recv()
		if err != nil {
			return err
		}
		for _, event := range response.Events {
			if event.Resource.GetName() == name && event.Type == want {
				fmt.Printf("watched %s %s at revision %d\n", event.Type, name, event.Revision)
				return nil
			}
		}
	}
}

func discover(ctx context.Context, registry pb.RegistryServiceClient, revision int64) error {
	found, err := registry.Discover(ctx, &pb.DiscoverRequest{
		Query: &pb.DiscoverQuery{
			Requirements: &pb.Requirements{
				Task:         "text-generation",
				Models:       []string{"go-tour"},
				MaxCostNanos: proto.Int64(1_000_000_000),
			},
			Preference: pb.Preference_PREFERENCE_CHEAPEST,
		},
		Consistency: &pb.ReadConsistency{
			Level:       pb.ConsistencyLevel_CONSISTENCY_LEVEL_NOT_OLDER_THAN,
			MinRevision: revision,
		},
	})
	if err != nil {
		return err
	}
	for _, candidate := range found.Candidates {
		fmt.Printf("discovered %s with score %.3f\n", candidate.Resource.Name, candidate.Score.Total)
	}
	if len(found.Candidates) != 1 {
		return fmt.Errorf("%d candidates, want 1", len(found.Candidates))
	}
	return nil
}

// invoke streams an answer, after waiting for the gateway to hear of the model.
func invoke(ctx context.Context, gateway pb.GatewayServiceClient) error {
	for {
		answer, settlement, err := stream(ctx, gateway)
		if reason(err) == "MODEL_NOT_FOUND" && ctx.Err() == nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if err != nil {
			return err
		}
		fmt.Printf("invoked %s: %q\n", settlement.Target, answer)
		fmt.Printf("used %d output tokens, cost %s\n", settlement.Usage.GetOutputTokens(), settlement.Cost.State)
		return nil
	}
}

func stream(ctx context.Context, gateway pb.GatewayServiceClient) (string, *pb.Settlement, error) {
	call, err := gateway.InvokeStream(ctx, &pb.InvokeStreamRequest{Invocation: &pb.Invocation{
		Model: "go-tour",
		Input: &pb.Invocation_Chat{Chat: &pb.ChatRequest{
			MaxOutputTokens: proto.Int32(12),
			Messages: []*pb.Message{{
				Role: pb.Role_ROLE_USER,
				Content: []*pb.ContentBlock{
					{Block: &pb.ContentBlock_Text{Text: &pb.TextBlock{Text: "What is a dictionary?"}}},
				},
			}},
		}},
	}})
	if err != nil {
		return "", nil, err
	}
	var text strings.Builder
	for {
		response, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return "", nil, errors.New("the stream ended without an end event")
		}
		if err != nil {
			return "", nil, err
		}
		for _, event := range response.Events {
			text.WriteString(event.GetChatDelta().GetText())
			if end := event.GetEnd(); end != nil {
				return text.String(), end.Settlement, nil
			}
		}
	}
}

// refusal shows that errors are data: a reason, and the path of the field.
func refusal(ctx context.Context, registry pb.RegistryServiceClient) error {
	_, err := registry.Get(ctx, &pb.GetRequest{Name: "models/Not Valid"})
	if reason(err) != "INVALID_ARGUMENT" {
		return fmt.Errorf("want INVALID_ARGUMENT, got %w", err)
	}
	fmt.Printf("refused: %s\n", explain(err))
	return nil
}

func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.Reason
		}
	}
	return ""
}

func explain(err error) string {
	text := err.Error()
	for _, detail := range status.Convert(err).Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			for _, violation := range bad.FieldViolations {
				text += fmt.Sprintf(" [%s]", violation.Field)
			}
		}
	}
	return text
}
