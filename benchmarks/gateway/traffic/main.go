// Both ends of a gateway: a provider that costs almost nothing, and callers that count and time whole answers.
//
// Neither is net/http: a few microseconds per call here are what can still be seen of a proxy in C++.
package main

import (
	"fmt"
	"os"
	"runtime"
)

func main() {
	// Its own core is all that it has; more threads would only take turns on it.
	runtime.GOMAXPROCS(1)
	if len(os.Args) < 2 {
		fail(fmt.Errorf("say provide or call"))
	}
	switch os.Args[1] {
	case "provide":
		fail(provide(os.Args[2:]))
	case "call":
		fail(call(os.Args[2:]))
	default:
		fail(fmt.Errorf("say provide or call, not %s", os.Args[1]))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
