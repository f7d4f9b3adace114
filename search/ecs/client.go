package ecs

import (
	"math/rand/v2"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/sigv4"
)

// Client speaks to one S3 endpoint: one method for each call of the service.
// It is safe for concurrent use. Nothing has to be closed: its connections end
// after a minute without use.
type Client struct {
	cfg         Config
	endpoint    *url.URL
	resolver    *endpointResolver
	credentials aws.CredentialsProvider
	retryer     aws.Retryer
	s3          *s3.Client
	store       *Store

	// signing is the signer of the credentials last used for plain requests.
	signing atomic.Pointer[sigv4.Signer]

	// limit bounds the operations under way.
	limit *limiter
	split splitting
	// progress is when the store last sent a byte, in nanoseconds since
	// started; waiting for a slot counts from there.
	progress atomic.Int64
	started  time.Time

	requests      [numKinds]atomic.Int64
	retries       atomic.Int64
	bytesSent     atomic.Int64
	bytesReceived atomic.Int64
	aheadRequests atomic.Int64
	throttled     atomic.Int64
}

// requestKind is what a request is counted as.
type requestKind uint8

const (
	kindListBuckets requestKind = iota
	kindSearchKeys
	kindList
	kindQuery
	kindHead
	kindGet
	kindPut
	kindMultipart
	kindCreateBucket
	kindDisableSearch
	kindDataNodes
	kindPing
	numKinds
)

var kindCounters = [numKinds]string{"requests_list_buckets", "requests_search_keys", "requests_list",
	"requests_query", "requests_head", "requests_get", "requests_put", "requests_multipart",
	"requests_create_bucket", "requests_disable_search", "requests_data_nodes", "requests_ping"}

func newClient(cfg Config, endpoint *url.URL, provider aws.CredentialsProvider) *Client {
	c := &Client{
		cfg:         cfg,
		endpoint:    endpoint,
		resolver:    &endpointResolver{*endpoint, cfg.Addressing == VirtualHost, cfg.Region},
		credentials: provider,
		retryer:     newRetryer(cfg.RetryDelay),
		limit:       newLimiter(cfg.MaxRequests),
		split:       usualSplitting,
		started:     time.Now(),
	}
	c.store = &Store{client: c, schemas: make(map[string]knownSchema)}
	c.s3 = s3.New(s3.Options{
		Region:             cfg.Region,
		Credentials:        provider,
		EndpointResolverV2: c.resolver,
		HTTPClient:         &countingClient{c},
		Retryer:            c.retryer,
		APIOptions:         []func(*middleware.Stack) error{addHeaders(cfg)},
		// ECS knows no trailing checksums, and answers none that could be checked.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		// A clock that is off also makes "newer,7d" mean another week: that is to
		// be said, not papered over.
		DisableClockSkewCorrection: true,
	})
	return c
}

// newRetryer returns the SDK's standard retryer with short pauses and without
// its shared budget: one bucket's trouble must not fail another's reads.
func newRetryer(delay time.Duration) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return backoff(delay, attempt), nil
		})
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(retryable)}, o.Retryables...)
	})
}

// backoff returns the pause after the attempt-th failure, counted from 1:
// delay doubled each time, at most 20 times delay, between half and whole.
func backoff(delay time.Duration, attempt int) time.Duration {
	d := min(delay<<min(attempt-1, 10), 20*delay)
	return d/2 + rand.N(d/2+1)
}

// Stats returns the client's counters: requests by kind, each attempt counted
// (requests_multipart are all those of uploads in parts); retries, the attempts
// beyond an operation's first; the bytes of all bodies sent and received; requests_read_ahead,
// those of all kinds that nobody waited for when they got their slot; throttled, the answers that the store has too
// much to do (503, 429); and read_ahead_limit, how many requests may read ahead at once now.
// Those of its Store are among them.
func (c *Client) Stats() []search.Counter {
	counters := make([]search.Counter, 0, numKinds+6)
	for kind, name := range kindCounters {
		counters = append(counters, search.Counter{Name: name, Value: c.requests[kind].Load()})
	}
	share, _ := c.limit.sharing()
	return append(counters,
		search.Counter{Name: "requests_read_ahead", Value: c.aheadRequests.Load()},
		search.Counter{Name: "read_ahead_limit", Value: int64(share)},
		search.Counter{Name: "throttled", Value: c.throttled.Load()},
		search.Counter{Name: "retries", Value: c.retries.Load()},
		search.Counter{Name: "bytes_sent", Value: c.bytesSent.Load()},
		search.Counter{Name: "bytes_received", Value: c.bytesReceived.Load()})
}

// CloseIdleConnections ends the connections that no request uses. The client
// stays usable.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.cfg.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Endpoint returns the URL of the store, without credentials.
func (c *Client) Endpoint() string { return c.endpoint.String() }
