package main

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"sync"
	"time"
)

// answering makes one whole call and returns when the first word of its answer came.
type answering interface {
	answered() (time.Time, error)
}

// plan is how callers call: all the time, or, with a rate, each at its turn.
type plan struct {
	callers int
	seconds float64
	rate    float64
}

// tally is what came of it, times in milliseconds.
type tally struct {
	Answers int        `json:"answers"`
	Failed  int        `json:"failed"`
	Seconds float64    `json:"seconds"`
	First   [2]float64 `json:"first"`
	Whole   [2]float64 `json:"whole"`
	Why     string     `json:"why"`
}

// times are those of one caller.
type times struct {
	first, whole []float64
	failed       int
	why          string
}

func call(arguments []string) error {
	flags := flag.NewFlagSet("call", flag.ExitOnError)
	address := flags.String("address", "", "host:port")
	encoded := flags.String("request", "", "base64: the whole HTTP request, or the message of a gRPC call")
	path := flags.String("grpc", "", "the method, when it is a gRPC call")
	var planned plan
	flags.IntVar(&planned.callers, "callers", 32, "how many call at once")
	flags.Float64Var(&planned.seconds, "seconds", 3, "how long they go on")
	flags.Float64Var(&planned.rate, "rate", 0, "calls per second, all callers together; 0: as many as they can")
	flags.Parse(arguments)
	request, err := base64.StdEncoding.DecodeString(*encoded)
	if err != nil {
		return err
	}
	callers, err := group(planned.callers, *address, *path, request)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(run(callers, planned))
}

func group(count int, address, path string, request []byte) ([]answering, error) {
	var all []answering
	for i := range count {
		if path == "" {
			all = append(all, &caller{address: address, request: request})
			continue
		}
		if i%8 == 0 {
			conn, err := connect(address)
			if err != nil {
				return nil, err
			}
			all = append(all, &grpcCaller{conn, path, request})
			continue
		}
		all = append(all, &grpcCaller{all[i-i%8].(*grpcCaller).conn, path, request})
	}
	return all, nil
}

func run(callers []answering, planned plan) tally {
	results := make([]times, len(callers))
	began := time.Now()
	var done sync.WaitGroup
	for i, each := range callers {
		done.Go(func() { results[i] = turns(each, planned, i, began) })
	}
	done.Wait()
	return sum(results, time.Since(began))
}

// turns makes the calls of one caller. Who comes late to a turn is timed from when it was due.
func turns(each answering, planned plan, place int, began time.Time) times {
	var kept times
	end := began.Add(time.Duration(planned.seconds * float64(time.Second)))
	for turn := place; ; turn += planned.callers {
		started := time.Now()
		if planned.rate > 0 {
			due := began.Add(time.Duration(float64(turn) / planned.rate * float64(time.Second)))
			if wait := due.Sub(started); wait > 0 {
				if !due.Before(end) {
					return kept
				}
				time.Sleep(wait)
				started = time.Now()
			} else {
				started = due
			}
		}
		if !started.Before(end) {
			return kept
		}
		first, err := each.answered()
		if err != nil {
			kept.failed++
			kept.why = err.Error()
			// A server that refuses must not be hammered, or its refusals are all that is measured.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		kept.first = append(kept.first, millis(first.Sub(started)))
		kept.whole = append(kept.whole, millis(time.Since(started)))
	}
}

func sum(results []times, elapsed time.Duration) tally {
	var first, whole []float64
	total := tally{Seconds: elapsed.Seconds()}
	for _, each := range results {
		first, whole = append(first, each.first...), append(whole, each.whole...)
		total.Failed += each.failed
		if each.why != "" {
			total.Why = each.why
		}
	}
	total.Answers = len(whole)
	total.First, total.Whole = middleAndTail(first), middleAndTail(whole)
	return total
}

func middleAndTail(values []float64) [2]float64 {
	if len(values) == 0 {
		return [2]float64{}
	}
	slices.Sort(values)
	return [2]float64{values[len(values)/2], values[min(len(values)-1, len(values)*99/100)]}
}

func millis(elapsed time.Duration) float64 { return float64(elapsed) / float64(time.Millisecond) }
