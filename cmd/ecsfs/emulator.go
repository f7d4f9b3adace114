package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

func emulatorCommand() *cli.Command {
	listen, from := "127.0.0.1:9020", ""
	return &cli.Command{
		Name:      "emulator",
		Usage:     "run an ECS in memory, for tests and offline work with any S3 tool",
		ArgsUsage: "[options]",
		Description: `Runs an ECS in memory, with metadata search and the data of 'ecsfs demo', until Ctrl-C. It
speaks the S3 protocol and verifies signatures; the key pair is the one of ECSFS_ACCESS_KEY_ID
and ECSFS_SECRET_ACCESS_KEY, else of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else
` + ecstest.DefaultAccessKeyID + ` and ` + ecstest.DefaultSecretAccessKey + `. What is written to it ends with it.

  ecsfs emulator
  ecsfs emulator --listen 127.0.0.1:0 --from ~/Documents`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Destination: &listen, Value: listen, EnvVars: []string{"ECSFS_LISTEN"},
				Usage: "listen on `HOST:PORT` of this machine alone; port 0: any that is free"},
			fromFlag(&from),
		},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, c.Command.ArgsUsage); err != nil {
				return err
			}
			return emulator(c, listen, from)
		},
	}
}

// emulator serves an ECS on address until the context ends.
func emulator(c *cli.Context, address, from string) error {
	pair, err := emulatorPair()
	if err != nil {
		return err
	}
	buckets, err := loadData(c.App.ErrWriter, from, time.Now())
	if err != nil {
		return err
	}
	server := ecstest.NewUnstartedServer()
	server.RecordLimit = -1 // nobody asks what was requested
	server.AccessKeyID, server.SecretAccessKey = pair.AccessKeyID, pair.SecretAccessKey
	if err := fill(server, buckets); err != nil {
		return err
	}
	if server.Listener, err = listenLoopback(address); err != nil {
		return err
	}
	server.Start()
	defer server.Close()

	if from != "" && pair.SecretAccessKey == ecstest.DefaultSecretAccessKey {
		fmt.Fprintln(c.App.ErrWriter, "ecsfs: warning: the key pair is the documented one, so every user of this machine can read these files: set ECSFS_ACCESS_KEY_ID and ECSFS_SECRET_ACCESS_KEY")
	}
	printEmulator(c, server, buckets)
	<-c.Context.Done()
	return nil
}

// printEmulator tells where the emulator is and how to use it.
func printEmulator(c *cli.Context, server *ecstest.Server, buckets []demoBucket) {
	exe, err := os.Executable()
	if err != nil {
		exe = "ecsfs"
	}
	w := c.App.Writer
	fmt.Fprintf(w, "endpoint       %s\naccess key id  %s\n", server.URL, server.AccessKeyID)
	environment := "ECSFS_ENDPOINT=" + server.URL
	if server.SecretAccessKey == ecstest.DefaultSecretAccessKey {
		fmt.Fprintf(w, "secret         %s\n", server.SecretAccessKey)
		environment += " ECSFS_ACCESS_KEY_ID=" + server.AccessKeyID + " ECSFS_SECRET_ACCESS_KEY=" + server.SecretAccessKey
	}
	for _, b := range buckets {
		fmt.Fprintf(w, "bucket         %s (%s)\n", b.Name, search.Plural(len(b.Objects), "object"))
	}
	what := "Mount it from another shell:"
	if server.SecretAccessKey != ecstest.DefaultSecretAccessKey {
		what = "Mount it from another shell in which the key pair is set:"
	}
	fmt.Fprintf(w, "\n%s\n  mkdir -p /tmp/ecsfs && %s %s mount /tmp/ecsfs\n", what, environment, shellQuote(exe))
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

// listenLoopback listens on address, which must be of this machine alone: the
// emulator's traffic is not encrypted, and its key pair may be the documented one.
func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fail(exitUsage, "--listen %s: not HOST:PORT, such as 127.0.0.1:9020", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fail(exitUsage, "--listen %s: the emulator serves this machine alone: 127.0.0.1, ::1 or localhost", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		if e, ok := errors.AsType[*net.OpError](err); ok {
			err = e.Err
		}
		return nil, fail(exitFailure, "--listen %s: %w: --listen %s takes a free port", address, err, net.JoinHostPort(host, "0"))
	}
	return listener, nil
}
