// Load makes work for a server of etcd's API and measures it. It speaks HTTP/2 itself and spends as little CPU
// time as it can, so that on one machine the servers get what there is, whichever they are.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

func main() {
	options, err := parseOptions(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(2)
	}
	if err := load(options); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// There is little garbage and memory enough.
const garbagePercent = 1000

func load(o options) error {
	runtime.GOMAXPROCS(o.processors)
	debug.SetGCPercent(garbagePercent)
	r := newRun(o)
	w, err := works[o.work](r)
	if err != nil {
		return err
	}
	result, err := r.measure(w)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}
