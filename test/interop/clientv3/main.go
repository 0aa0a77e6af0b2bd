// Command clientv3 drives a cluster through etcd's own Go client and says on a line each what held:
// "ok NAME" or "not ok NAME -- WHY". What it cannot do by itself (kill the leader, start it again) it asks
// of whoever started it, with a line "ask WHAT", and waits for a line back on its standard input.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

const (
	checkTimeout = 20 * time.Second
	dialTimeout  = 10 * time.Second
)

type suite struct {
	endpoints []string
	cli       *clientv3.Client
	answers   *bufio.Scanner
	failed    bool
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: clientv3 URL,URL,...")
		os.Exit(2)
	}
	endpoints := strings.Split(os.Args[1], ",")
	s := &suite{endpoints: endpoints, cli: connect(endpoints...), answers: bufio.NewScanner(os.Stdin)}
	defer s.cli.Close()

	s.keyValueChecks()
	s.rangeChecks()
	s.txnChecks()
	s.errorChecks()
	s.compactionChecks()
	s.clusterChecks()
	s.maintenanceChecks()
	s.alarmChecks()
	s.watchChecks()
	s.leaseChecks()
	s.concurrencyChecks()
	s.failoverChecks()
	s.streamFailoverChecks()
	s.noLeaderChecks()
	if s.failed {
		os.Exit(1)
	}
}

func connect(endpoints ...string) *clientv3.Client {
	cli, err := clientv3.New(clientv3.Config{
		Endpoints:   endpoints,
		DialTimeout: dialTimeout,
		Logger:      zap.NewNop(),
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return cli
}

// leftOut are the checks that need the cluster for themselves, by line, when other suites run beside this one.
var leftOut = strings.Split(os.Getenv("INTEROP_LEAVE_OUT"), "\n")

// check runs one check under a deadline and reports it.
func (s *suite) check(name string, run func(ctx context.Context) error) {
	if slices.Contains(leftOut, name) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
	defer cancel()
	if err := run(ctx); err != nil {
		s.failed = true
		fmt.Printf("not ok %s -- %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	fmt.Printf("ok %s\n", name)
}

// ask has the starter do something to the cluster and waits until it is done.
func (s *suite) ask(what string) error {
	fmt.Printf("ask %s\n", what)
	if !s.answers.Scan() {
		return fmt.Errorf("nobody answered %q", what)
	}
	return nil
}

// want answers an error unless both are equal.
func want[T comparable](what string, got, wanted T) error {
	if got != wanted {
		return fmt.Errorf("%s is %v, not %v", what, got, wanted)
	}
	return nil
}

// first answers the first error there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
