package main

import (
	"cmp"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

func emulatorCommand() *cli.Command {
	o := newEmulatorOptions()
	return &cli.Command{
		Name:      "emulator",
		Usage:     "run an ECS in memory, for tests and offline work with any S3 tool",
		ArgsUsage: "[options]",
		Description: `Runs an ECS in memory, with metadata search and the data of 'ecsfs demo', until Ctrl-C. It
speaks the S3 protocol and verifies signatures; the key pair is the one of ECSFS_ACCESS_KEY_ID
and ECSFS_SECRET_ACCESS_KEY, else of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else
` + ecstest.DefaultAccessKeyID + ` and ` + ecstest.DefaultSecretAccessKey + `. What is written to it ends with it, unless --data keeps it.

  ecsfs emulator
  ecsfs emulator --listen 127.0.0.1:0 --from ~/Documents
  ecsfs emulator --empty --generation 3.6 --latency 50ms
  ecsfs emulator --data /var/lib/ecs --control 127.0.0.1:9019`,
		Flags: o.flags(),
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, c.Command.ArgsUsage); err != nil {
				return err
			}
			return emulator(c, o)
		},
	}
}

// controlledRequests is how many requests are kept for --control to show.
const controlledRequests = 1000

// emulator serves an ECS until the context ends.
func emulator(c *cli.Context, o *emulatorOptions) error {
	switch {
	case o.Empty && o.From != "":
		return fail(exitUsage, "--empty and --from exclude each other")
	case o.Server.Data != "" && o.From != "":
		return fail(exitUsage, "--data and --from exclude each other: 'ecsfs put' adds files to what is kept")
	}
	pair, err := emulatorPair()
	if err != nil {
		return err
	}
	var buckets []demoBucket
	if !o.Empty && o.Server.Data == "" {
		if buckets, err = loadData(c.App.ErrWriter, o.From, time.Now()); err != nil {
			return err
		}
	}
	server := o.Server
	if o.Rules != "" {
		rules, err := loadRules(o.Rules)
		if err != nil {
			return err
		}
		if err := server.SetRules(rules...); err != nil {
			return fail(exitUsage, "--rules %s: %s", o.Rules, strings.TrimPrefix(err.Error(), "ecstest: "))
		}
	}
	server.AccessKeyID, server.SecretAccessKey = pair.AccessKeyID, pair.SecretAccessKey
	server.SetMaintenance(o.Maintenance)
	if o.Skew != 0 {
		server.Now = func() time.Time { return time.Now().Add(o.Skew) }
	}
	if o.Verbose {
		server.Logf = log.New(c.App.ErrWriter, "", 0).Printf
	}
	if err := server.Open(); err != nil {
		return fail(exitFailure, "--data %s: %s", server.Data, strings.TrimPrefix(err.Error(), "data directory "+server.Data+": "))
	}
	if err := fill(server, buckets); err != nil {
		return err
	}
	if server.Listener, err = listenLoopback("--listen", o.Listen); err != nil {
		return err
	}
	if o.Control != "" {
		server.RecordLimit = controlledRequests
		if server.ControlListener, err = listenLoopback("--control", o.Control); err != nil {
			return errors.Join(err, server.Listener.Close())
		}
	}
	if o.TLS == "" {
		server.Start()
	} else {
		server.StartTLS()
	}
	defer server.Close()
	if o.TLS != "" {
		if err := os.WriteFile(o.TLS, server.Certificate, 0o644); err != nil {
			return fail(exitFailure, "--tls %s: %w", o.TLS, pathCause(err))
		}
	}

	if o.From != "" && pair.SecretAccessKey == ecstest.DefaultSecretAccessKey {
		fmt.Fprintln(c.App.ErrWriter, "ecsfs: warning: the key pair is the documented one, so every user of this machine can read these files: set ECSFS_ACCESS_KEY_ID and ECSFS_SECRET_ACCESS_KEY")
	}
	printEmulator(c, o, buckets)
	<-c.Context.Done()
	return nil
}

// printEmulator tells where the emulator is and how to use it.
func printEmulator(c *cli.Context, o *emulatorOptions, buckets []demoBucket) {
	server := o.Server
	exe, err := os.Executable()
	if err != nil {
		exe = "ecsfs"
	}
	w := c.App.Writer
	fmt.Fprintf(w, "endpoint       %s\ngeneration     ECS %s\naccess key id  %s\n",
		server.URL, cmp.Or(server.Generation, ecstest.ECS38), server.AccessKeyID)
	environment := "ECSFS_ENDPOINT=" + server.URL
	if o.TLS != "" {
		environment += " ECSFS_CA_BUNDLE=" + shellQuote(absolute(o.TLS))
	}
	if server.SecretAccessKey == ecstest.DefaultSecretAccessKey {
		fmt.Fprintf(w, "secret         %s\n", server.SecretAccessKey)
		environment += " ECSFS_ACCESS_KEY_ID=" + server.AccessKeyID + " ECSFS_SECRET_ACCESS_KEY=" + server.SecretAccessKey
	}
	if server.Data != "" {
		fmt.Fprintf(w, "data           %s\n", server.Data)
	}
	if server.ControlURL != "" {
		fmt.Fprintf(w, "control        %s\n", server.ControlURL)
	}
	for _, b := range buckets {
		fmt.Fprintf(w, "bucket         %s (%s)\n", b.Name, search.Plural(countObjects([]demoBucket{b}), "object"))
	}
	where := "from another shell:"
	if server.SecretAccessKey != ecstest.DefaultSecretAccessKey {
		where = "from another shell in which the key pair is set:"
	}
	if server.ControlURL != "" {
		fmt.Fprintf(w, "\nMake it fail ('curl %s' tells how):\n  curl %[1]s/rules -d '{\"operations\":[\"GetObject\"],\"times\":3,\"status\":503}'\n", server.ControlURL)
	}
	if len(buckets) == 0 {
		fmt.Fprintf(w, "\nMake a bucket %s\n  %s %s mb photos --index Size,color:string\n", where, environment, shellQuote(exe))
	}
	if len(buckets) == 0 && server.Data == "" {
		return
	}
	fmt.Fprintf(w, "\nMount it %s\n  mkdir -p /tmp/ecsfs && %s %s mount /tmp/ecsfs\n", where, environment, shellQuote(exe))
}

// absolute returns path as it can be used from any directory.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// emulatorPair returns the key pair of the emulator, from the environment or
// else the documented one.
func emulatorPair() (ecs.Credentials, error) {
	for _, names := range [][2]string{
		{ecs.EnvAccessKeyID, ecs.EnvSecretAccessKey},
		{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
	} {
		pair := ecs.Credentials{AccessKeyID: os.Getenv(names[0]), SecretAccessKey: os.Getenv(names[1])}
		switch {
		case pair.AccessKeyID != "" && pair.SecretAccessKey != "":
			return pair, nil
		case pair.AccessKeyID != "" || pair.SecretAccessKey != "":
			return pair, fail(exitRefused, "only one of %s and %s is set: set both or neither", names[0], names[1])
		}
	}
	return ecs.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey}, nil
}

// listenLoopback listens on address, the value of option, which must be of this machine alone: the
// emulator's traffic is not encrypted, and its key pair may be the documented one.
func listenLoopback(option, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fail(exitUsage, "%s %s: not HOST:PORT, such as 127.0.0.1:9020", option, address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, fail(exitUsage, "%s %s: a port is a number from 0 to 65535", option, address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fail(exitUsage, "%s %s: the emulator serves this machine alone: 127.0.0.1, ::1 or localhost", option, address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		if e, ok := errors.AsType[*net.OpError](err); ok {
			err = e.Err
		}
		return nil, fail(exitFailure, "%s %s: %w: %s %s takes a free port", option, address, err, option, net.JoinHostPort(host, "0"))
	}
	return listener, nil
}
