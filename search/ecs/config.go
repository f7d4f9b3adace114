package ecs

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// Addressing says where a request names its bucket.
type Addressing string

// The ways to address a bucket.
const (
	// PathStyle is http://endpoint/bucket/key: works with every endpoint.
	PathStyle Addressing = "path"
	// VirtualHost is http://bucket.endpoint/key: needs wildcard DNS. A bucket
	// whose name is no host name, or has a dot under https (a wildcard
	// certificate does not cover it), is addressed by path all the same.
	VirtualHost Addressing = "virtual"
)

// QueryEncoding says when a query asks for percent-encoded answers
// (encoding-type=url, ECS 3.2.2 and later).
type QueryEncoding string

// The choices. See "Keys that XML cannot carry" in the package documentation.
const (
	// EncodeAuto asks for it only after a page that XML could not carry whole.
	EncodeAuto QueryEncoding = "auto"
	// EncodeURL always asks.
	EncodeURL QueryEncoding = "url"
	// EncodeNever never asks; a page that XML cannot carry is an error.
	EncodeNever QueryEncoding = "never"
)

// EngineMode says which engine answers the queries of a Store.
type EngineMode string

// The choices.
const (
	// EngineAuto is metadata search in a bucket that has it, else a scan. A query that
	// the index of a bucket does not bound is an error all the same.
	EngineAuto EngineMode = "auto"
	// EngineECS is metadata search; a bucket without it has no queries.
	EngineECS EngineMode = "ecs"
	// EngineScan lists every object below the prefix and checks each here, in every bucket.
	EngineScan EngineMode = "scan"
)

// olderVersionsParameters are the names that ECS's own clients and documents
// use; the first is the default.
var olderVersionsParameters = []string{"include-older-versions", "include_older_version", "include-older-version"}

// Defaults of Config.
const (
	DefaultRegion      = "us-east-1"
	DefaultMaxPages    = 1000
	DefaultTimeout     = 30 * time.Second
	DefaultMaxRequests = 64
	DefaultRetryDelay  = 100 * time.Millisecond

	maxAttempts = 4
	// maxPageSize bounds PageSize: no S3 server gives more rows than 1000.
	maxPageSize = 1000
)

// Config says which store to speak to, as whom, and within which bounds.
// The zero value of every field but Endpoint is usable.
type Config struct {
	// Endpoint is the URL of the S3 service, "https://ecs.example.com:9021":
	// scheme and host, optionally a port, nothing else. Required: there is no
	// default, so that a key pair never travels to a provider nobody named.
	// See FindEndpoint for the usual places to take it from.
	Endpoint string

	// Region is the region of the signature's scope. ECS accepts any. Empty:
	// AWS_REGION, AWS_DEFAULT_REGION, else us-east-1.
	Region string

	// Profile names the section of ~/.aws/config and ~/.aws/credentials. When
	// set, it wins over AWS_ACCESS_KEY_ID in the environment, as in the aws
	// command line.
	Profile string

	// Namespace is sent, signed, as x-emc-namespace with every request. Empty:
	// the server takes the namespace of the user.
	Namespace string

	Addressing Addressing // empty: PathStyle

	// CABundle is a PEM file of certificates to trust instead of the system's.
	CABundle string
	// InsecureSkipVerify accepts any certificate. New logs a warning.
	InsecureSkipVerify bool

	// Credentials is a key pair for programs that have one at hand.
	Credentials Credentials
	// CredentialsFile is a file with a key pair; see the package documentation.
	CredentialsFile string

	// MaxPages bounds the pages of one listing or query; 0: 1000. A result
	// that needs more is KindTooLarge after the last page allowed.
	MaxPages int
	// PageSize is sent as max-keys; 0: not sent, the server's own, 1000.
	PageSize int
	// Timeout is the longest wait without a byte from the store, retries
	// included; 0: 30 s.
	Timeout time.Duration
	// MaxRequests bounds the requests under way at once; 0: 64.
	MaxRequests int
	// RetryDelay is the pause before a second attempt; it doubles each time.
	// 0: 100 ms. There are 4 attempts at most.
	RetryDelay time.Duration

	QueryEncoding QueryEncoding // empty: EncodeAuto

	// Engine answers the queries of the Store, and with it those of Bucket.Search.
	Engine EngineMode // empty: EngineAuto
	// ScanMetadata lets a scan ask for the metadata of each object, by one HEAD, where a query
	// names a key that a listing does not carry. Without it such a query is KindUnsupported.
	ScanMetadata bool

	// OlderVersionsParameter is the name of the query parameter that asks for
	// older versions: "include-older-versions" (the default), of the ECS REST
	// documentation and the Java client; "include_older_version", of the Data
	// Access Guide and the Python client; or "include-older-version", of the
	// Go client. Which of them a server honours is documented nowhere.
	OlderVersionsParameter string

	UserAgent string       // empty: the SDK's own, and Go's where a request does without the SDK
	Logger    *slog.Logger // nil: nothing is logged

	// Transport replaces the network, for tests and proxies. CABundle and
	// InsecureSkipVerify belong to the default transport and are errors with it.
	Transport http.RoundTripper
}

// withDefaults returns cfg with every default filled in, or why it is wrong.
func (cfg Config) withDefaults() (Config, *url.URL, error) {
	endpoint, err := parseEndpoint(cfg.Endpoint)
	if err != nil {
		return cfg, nil, err
	}
	cfg.Region = cmp.Or(cfg.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), DefaultRegion)
	cfg.Addressing = cmp.Or(cfg.Addressing, PathStyle)
	cfg.QueryEncoding = cmp.Or(cfg.QueryEncoding, EncodeAuto)
	cfg.Engine = cmp.Or(cfg.Engine, EngineAuto)
	cfg.OlderVersionsParameter = cmp.Or(cfg.OlderVersionsParameter, olderVersionsParameters[0])
	cfg.MaxPages = cmp.Or(cfg.MaxPages, DefaultMaxPages)
	cfg.MaxRequests = cmp.Or(cfg.MaxRequests, DefaultMaxRequests)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.RetryDelay = cmp.Or(cfg.RetryDelay, DefaultRetryDelay)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}

	switch {
	case cfg.Addressing != PathStyle && cfg.Addressing != VirtualHost:
		return cfg, nil, configError(fmt.Sprintf("addressing %q is neither %q nor %q", cfg.Addressing, PathStyle, VirtualHost), "")
	case cfg.Addressing == VirtualHost && isIPAddress(endpoint.Hostname()):
		return cfg, nil, configError("virtual-host addressing puts the bucket in front of a host name, and "+endpoint.Hostname()+" is an address",
			"name the host, or use path addressing")
	case cfg.QueryEncoding != EncodeAuto && cfg.QueryEncoding != EncodeURL && cfg.QueryEncoding != EncodeNever:
		return cfg, nil, configError(fmt.Sprintf("query encoding %q is none of auto, url, never", cfg.QueryEncoding), "")
	case cfg.Engine != EngineAuto && cfg.Engine != EngineECS && cfg.Engine != EngineScan:
		return cfg, nil, configError(fmt.Sprintf("engine %q is none of auto, ecs, scan", cfg.Engine), "")
	case !slices.Contains(olderVersionsParameters, cfg.OlderVersionsParameter):
		return cfg, nil, configError(fmt.Sprintf("no server calls the parameter of older versions %q", cfg.OlderVersionsParameter),
			"one of "+strings.Join(olderVersionsParameters, ", "))
	case cfg.PageSize < 0 || cfg.PageSize > maxPageSize:
		return cfg, nil, configError(fmt.Sprintf("page size %d is not within 0 and %d", cfg.PageSize, maxPageSize), "")
	case cfg.MaxPages < 0 || cfg.MaxRequests < 0 || cfg.Timeout < 0 || cfg.RetryDelay < 0:
		return cfg, nil, configError("a limit is negative", "")
	case strings.ContainsFunc(cfg.Namespace+cfg.UserAgent+cfg.Region, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return cfg, nil, configError("namespace, region or user agent holds a control character", "")
	case cfg.Transport != nil && (cfg.CABundle != "" || cfg.InsecureSkipVerify):
		return cfg, nil, configError("a CA bundle or skipping verification has no effect on a transport of your own", "")
	}
	return cfg, endpoint, nil
}

// configError is an error of New, before anything was sent.
func configError(reason, hint string) error {
	return &search.Error{Op: "configure", Kind: search.KindInvalid, Reason: reason, Hint: hint}
}

// New returns a client of the store that cfg names. It looks the credentials
// up, which may ask an SSO or instance metadata service for at most ten
// seconds, and sends nothing to the store.
//
// Errors are KindInvalid for a wrong configuration and KindPermission for
// missing or unusable credentials.
func New(ctx context.Context, cfg Config) (*Client, error) {
	cfg, endpoint, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if cfg.Transport == nil {
		if cfg.Transport, err = newTransport(cfg); err != nil {
			return nil, err
		}
	}
	provider, err := findCredentials(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return newClient(cfg, endpoint, provider), nil
}
