package main

import (
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"
)

// storeOptions are what every command that asks the store takes.
type storeOptions struct {
	Endpoint        string
	Region          string
	Profile         string
	CredentialsFile string
	Namespace       string
	Addressing      string // "path" or "virtual"
	PathStyle       bool   // --path-style, the same as Addressing "path"
	CABundle        string
	Insecure        bool // do not verify certificates

	Timeout     time.Duration // without progress from the store
	MaxPages    int           // pages of one listing
	MaxRequests int           // requests at once

	Engine       string // "auto", "ecs" or "scan"
	ScanMetadata bool   // a scan may ask for each object's metadata

	LogLevel string
	Verbose  bool
}

// defaultStoreOptions are the documented defaults.
func defaultStoreOptions() storeOptions {
	return storeOptions{Addressing: "path", Engine: "auto", Timeout: 30 * time.Second, MaxPages: 1000, MaxRequests: 64, LogLevel: "warn"}
}

const (
	storeCategory  = "Store"
	searchCategory = "Search"
	limitCategory  = "Limits"
	logCategory    = "Log"
	mountCategory  = "Mount"
)

// flags returns the flags that set o; what o holds is the default.
func (o *storeOptions) flags() []cli.Flag {
	store := []cli.Flag{
		&cli.StringFlag{Name: "endpoint", Aliases: []string{"endpoint-url"}, Destination: &o.Endpoint,
			EnvVars: []string{"ECSFS_ENDPOINT"},
			Usage:   "the store at `URL`, such as https://ecs.example.com:9021; required. Else\n$AWS_ENDPOINT_URL_S3, $AWS_ENDPOINT_URL or endpoint_url of the profile"},
		&cli.StringFlag{Name: "region", Destination: &o.Region, DefaultText: "us-east-1",
			EnvVars: []string{"ECSFS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"},
			Usage:   "sign for region `NAME`; ECS takes any"},
		&cli.StringFlag{Name: "profile", Destination: &o.Profile,
			// Not AWS_PROFILE as well: unlike an option it gives way to AWS_ACCESS_KEY_ID.
			EnvVars: []string{"ECSFS_PROFILE"},
			Usage:   "the profile `NAME` of ~/.aws/config and ~/.aws/credentials; else $AWS_PROFILE"},
		&cli.StringFlag{Name: "credentials-file", Destination: &o.CredentialsFile,
			EnvVars: []string{"ECSFS_CREDENTIALS_FILE"},
			Usage:   "read the key pair from `FILE`, which only you may read (chmod 600)"},
		&cli.StringFlag{Name: "namespace", Destination: &o.Namespace,
			EnvVars: []string{"ECSFS_NAMESPACE"},
			Usage:   "the ECS namespace `NAME`; without it the store takes the user's"},
		&cli.GenericFlag{Name: "addressing", Value: &value[string]{&o.Addressing, parseChoice("path", "virtual"), ""}, DefaultText: "path",
			EnvVars: []string{"ECSFS_ADDRESSING"},
			Usage:   "put the bucket into the path (HOST/BUCKET) or before the host (BUCKET.HOST):\n`WHERE` is path or virtual"},
		&cli.BoolFlag{Name: "path-style", Aliases: []string{"force-path-style"}, Destination: &o.PathStyle,
			Usage: "the same as --addressing path"},
		&cli.StringFlag{Name: "ca-bundle", Destination: &o.CABundle,
			EnvVars: []string{"ECSFS_CA_BUNDLE", "AWS_CA_BUNDLE"},
			Usage:   "trust the certificates in `FILE` (PEM) as well"},
		&cli.BoolFlag{Name: "insecure-skip-verify", Aliases: []string{"no-verify-ssl"}, Destination: &o.Insecure,
			EnvVars: []string{"ECSFS_INSECURE_SKIP_VERIFY"},
			Usage:   "do not verify the store's certificate: others can then read and alter all that passes"},
	}
	setCategory(store, storeCategory)
	return append(append(store, o.limitFlags()...), o.logFlags()...)
}

// searchFlags returns the flags of commands that search, which set o.
func (o *storeOptions) searchFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.GenericFlag{Name: "engine", Value: &value[string]{&o.Engine, parseChoice("auto", "ecs", "scan"), ""}, DefaultText: "auto",
			EnvVars: []string{"ECSFS_ENGINE"},
			Usage:   "search by `ENGINE`: ecs, the store's metadata search; scan, which lists every object and\nchecks each here; auto: ecs in buckets that have it, else scan"},
		&cli.BoolFlag{Name: "scan-metadata", Destination: &o.ScanMetadata,
			EnvVars: []string{"ECSFS_SCAN_METADATA"},
			Usage:   "let a scan ask for metadata, where a query names some: one request for each object"},
	}
	setCategory(flags, searchCategory)
	return flags
}

func (o *storeOptions) limitFlags() []cli.Flag {
	limits := []cli.Flag{
		&cli.GenericFlag{Name: "timeout", Value: &value[time.Duration]{&o.Timeout, parseTimeout, ""}, DefaultText: "30s",
			EnvVars: []string{"ECSFS_TIMEOUT"},
			Usage:   "give up after `DURATION` without progress from the store"},
		&cli.GenericFlag{Name: "max-pages", Value: &value[int]{&o.MaxPages, parseCount, ""}, DefaultText: strconv.Itoa(o.MaxPages),
			EnvVars: []string{"ECSFS_MAX_PAGES"},
			Usage:   "a listing of more than `N` pages is an error (\"File too large\")"},
		&cli.GenericFlag{Name: "max-requests", Value: &value[int]{&o.MaxRequests, parseCount, ""}, DefaultText: strconv.Itoa(o.MaxRequests),
			EnvVars: []string{"ECSFS_MAX_REQUESTS"},
			Usage:   "at most `N` requests to the store at once"},
	}
	setCategory(limits, limitCategory)
	return limits
}

func (o *storeOptions) logFlags() []cli.Flag {
	log := []cli.Flag{
		&cli.GenericFlag{Name: "log-level", Value: &value[string]{&o.LogLevel, parseChoice("debug", "info", "warn", "error"), ""}, DefaultText: "warn",
			EnvVars: []string{"ECSFS_LOG_LEVEL"},
			Usage:   "log from `LEVEL` on: debug, info, warn or error"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Destination: &o.Verbose,
			EnvVars: []string{"ECSFS_VERBOSE"},
			Usage:   "the same as --log-level debug"},
	}
	setCategory(log, logCategory)
	return log
}

// logger returns the logger that o asks for; it writes to standard error.
func (o *storeOptions) logger() *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[o.LogLevel]
	if o.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// mountOptions are what the commands that mount take beside storeOptions.
type mountOptions struct {
	TTL, NegativeTTL, SchemaTTL time.Duration
	Memory                      int64 // bytes
	MaxInodes                   int
	AllowOther                  bool
	Xattr                       bool // what the store knows of an object as extended attributes
	UID, GID                    uint32
}

func defaultMountOptions() mountOptions {
	return mountOptions{
		TTL: time.Minute, NegativeTTL: 5 * time.Second, SchemaTTL: 5 * time.Minute,
		Memory: defaultMemory(), MaxInodes: 100_000,
		UID: uint32(os.Getuid()), GID: uint32(os.Getgid()),
	}
}

// flags returns the flags that set o; what o holds is the default.
func (o *mountOptions) flags() []cli.Flag {
	limits := []cli.Flag{
		&cli.GenericFlag{Name: "ttl", Value: &value[time.Duration]{&o.TTL, parseDuration, ""}, DefaultText: "1m",
			EnvVars: []string{"ECSFS_TTL"},
			Usage:   "a listing is kept for `DURATION`; 0: every opening of a directory searches"},
		&cli.GenericFlag{Name: "negative-ttl", Value: &value[time.Duration]{&o.NegativeTTL, parseDuration, ""}, DefaultText: "5s",
			EnvVars: []string{"ECSFS_NEGATIVE_TTL"},
			Usage:   "that something does not exist, or failed, is kept for `DURATION`"},
		&cli.GenericFlag{Name: "schema-ttl", Value: &value[time.Duration]{&o.SchemaTTL, parseDuration, ""}, DefaultText: "5m",
			EnvVars: []string{"ECSFS_SCHEMA_TTL"},
			Usage:   "the list of buckets, and which keys each indexes, is kept for `DURATION`"},
		&cli.GenericFlag{Name: "memory", Value: &value[int64]{&o.Memory, parseSize, ""}, DefaultText: "256MiB or a quarter of the memory, the smaller",
			EnvVars: []string{"ECSFS_MEMORY"},
			Usage:   "use at most `SIZE` of memory for caches, such as 64MiB or 1G"},
		&cli.GenericFlag{Name: "max-inodes", Value: &value[int]{&o.MaxInodes, parseCount, ""}, DefaultText: "100000",
			EnvVars: []string{"ECSFS_MAX_INODES"},
			Usage:   "let the kernel know at most `N` files at once"},
	}
	mount := []cli.Flag{
		&cli.BoolFlag{Name: "allow-other", Destination: &o.AllowOther,
			EnvVars: []string{"ECSFS_ALLOW_OTHER"},
			Usage:   "let other users see the mount (unless root, needs user_allow_other in /etc/fuse.conf)"},
		&cli.BoolFlag{Name: "xattr", Destination: &o.Xattr,
			EnvVars: []string{"ECSFS_XATTR"},
			Usage:   "show key, ETag, version and metadata as extended attributes ('getfattr -d FILE'); costs one\nrequest for each file that a program lists them of, as some versions of ls -l do"},
		&cli.GenericFlag{Name: "uid", Value: &value[uint32]{&o.UID, parseID, ""}, DefaultText: "yours",
			EnvVars: []string{"ECSFS_UID"},
			Usage:   "the number `UID` of the user who owns all files"},
		&cli.GenericFlag{Name: "gid", Value: &value[uint32]{&o.GID, parseID, ""}, DefaultText: "yours",
			EnvVars: []string{"ECSFS_GID"},
			Usage:   "the number `GID` of the group that owns all files"},
	}
	setCategory(limits, limitCategory)
	setCategory(mount, mountCategory)
	return append(mount, limits...)
}

// setCategory puts flags under one heading of the help.
func setCategory(flags []cli.Flag, category string) {
	for _, f := range flags {
		switch f := f.(type) {
		case *cli.StringFlag:
			f.Category = category
		case *cli.BoolFlag:
			f.Category = category
		case *cli.GenericFlag:
			f.Category = category
		}
	}
}
