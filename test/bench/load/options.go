package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"
)

type options struct {
	endpoints       []string
	work            string
	connections     int
	streams         int
	warmup          time.Duration
	duration        time.Duration
	keys            int
	keyPrefix       string
	valueBytes      int
	limit           int
	batch           int
	seed            uint64
	rate            float64
	watchers        int
	putConnections  int
	putStreams      int
	concurrentPut   time.Duration
	writeTimeout    time.Duration
	progress        bool
	processors      int
	endpointsString string
}

func parseOptions(arguments []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.StringVar(&o.endpointsString, "endpoints", "127.0.0.1:2379", "host:port of each member to load, separated by commas; connections go round robin")
	flags.StringVar(&o.work, "work", "", "one of "+strings.Join(workNames(), ", "))
	flags.IntVar(&o.connections, "connections", 1, "connections to open")
	flags.IntVar(&o.streams, "streams", 1, "requests under way at once on each connection; of watch: Watch streams")
	flags.DurationVar(&o.warmup, "warmup", 3*time.Second, "load before the measurement")
	flags.DurationVar(&o.duration, "duration", 20*time.Second, "time that is measured")
	flags.IntVar(&o.keys, "keys", 1_000_000, "keys there are, or that fill writes")
	flags.StringVar(&o.keyPrefix, "key-prefix", "k/", "what the keys begin with; nine digits follow")
	flags.IntVar(&o.valueBytes, "value-bytes", 256, "length of each value")
	flags.IntVar(&o.limit, "limit", 500, "range-page, paging: keys of a page")
	flags.IntVar(&o.batch, "batch", 100, "fill: puts of a transaction")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of what is random")
	flags.Float64Var(&o.rate, "rate", 0, "put, watch: puts a second, measured from when each was due; 0: as fast as answers come")
	flags.IntVar(&o.watchers, "watchers", 1000, "watch, watch-idle: watchers, spread over all streams")
	flags.IntVar(&o.putConnections, "put-connections", 64, "watch-idle: connections that put meanwhile; 0 only holds the watchers")
	flags.IntVar(&o.putStreams, "put-streams", 1, "watch-idle: requests under way on each of those")
	flags.DurationVar(&o.concurrentPut, "concurrent-put", 0, "beside the work one put each such time on a connection of its own; 0: none")
	flags.DurationVar(&o.writeTimeout, "write-timeout", 200*time.Millisecond, "outage: how long a write is waited for; on the last connection half as long again")
	flags.BoolVar(&o.progress, "progress", false, "a line a second on stderr even when that is no terminal")
	flags.IntVar(&o.processors, "processors", 1, "GOMAXPROCS: more than one costs CPU time that the servers need")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	o.endpoints = strings.Split(o.endpointsString, ",")
	return o, o.check(flags.Args())
}

// Nine digits hold as many keys.
const keysMax = 1_000_000_000

func (o *options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case works[o.work] == nil:
		return fmt.Errorf("-work %q: expected one of %s", o.work, strings.Join(workNames(), ", "))
	case o.connections < 1 || o.streams < 1:
		return errors.New("-connections and -streams must be at least 1")
	case o.keys < 1 || o.keys > keysMax:
		return fmt.Errorf("-keys must be between 1 and %d", keysMax)
	case o.limit < 1 || o.batch < 1 || o.putStreams < 1 || o.processors < 1:
		return errors.New("-limit, -batch, -put-streams and -processors must be at least 1")
	case o.valueBytes < 0 || o.valueBytes > valueBytesMax:
		return fmt.Errorf("-value-bytes must be between 0 and %d", valueBytesMax)
	case o.rate < 0 || o.concurrentPut < 0 || o.putConnections < 0 || o.watchers < 0:
		return errors.New("-rate, -concurrent-put, -put-connections and -watchers must not be negative")
	case o.rate > 0 && o.work != "put" && o.work != "watch":
		return errors.New("-rate is for put and watch")
	}
	return nil
}
