package ecs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/sigv4"
)

// plainRequest is a request that rides on no operation of the SDK: built here,
// signed by package sigv4, and sent over the same transport with the same
// counting, deadline and repetition. ECS's own calls are such, and those on the
// path of every byte that is read: the SDK's GetObject takes more than three times the CPU.
type plainRequest struct {
	method string
	url    *url.URL // its query is sent and signed as it stands
	// header is sent and signed; nil for none. It is the request's from here on.
	header http.Header
	// unsigned keeps the credentials out of it.
	unsigned bool
	// once sends it once only, on a connection that is then closed.
	once bool
}

// send makes p's attempts and reads the answer with read, which is called
// once for each attempt that is answered with success.
func (c *Client) send(cl *call, p plainRequest, read func(*http.Response) error) error {
	for attempt := 1; ; attempt++ {
		err := c.attempt(cl, p, read)
		switch {
		case err == nil || p.once || cl.ctx.Err() != nil || !c.retryer.IsErrorRetryable(err):
			return err
		case attempt == c.retryer.MaxAttempts():
			return &retry.MaxAttemptsError{Attempt: attempt, Err: err}
		}
		if err := sleep(cl.ctx, backoff(c.cfg.RetryDelay, attempt)); err != nil {
			return err
		}
		// The transport may still be writing the one of an attempt that failed.
		p.header = p.header.Clone()
	}
}

// blank is copied by every request: it has no context of its own.
var blank http.Request

// attempt sends p once.
func (c *Client) attempt(cl *call, p plainRequest, read func(*http.Response) error) error {
	req := blank.WithContext(cl.ctx)
	req.Method, req.URL, req.Header, req.Close = p.method, p.url, p.header, p.once
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	if c.cfg.Namespace != "" {
		req.Header.Set(headerNamespace, c.cfg.Namespace)
	}
	if c.cfg.UserAgent != "" {
		req.Header.Set("User-Agent", c.cfg.UserAgent)
	}
	if !p.unsigned {
		signer, err := c.signer(cl.ctx)
		if err != nil {
			return err
		}
		if err := signer.Sign(req, sigv4.EmptyPayloadHash, time.Now()); err != nil {
			return err
		}
	}
	resp, err := (&countingClient{c}).Do(req)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err} // which the retryer takes for one of the network
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		err = read(resp)
	} else {
		err = decodeErrorAnswer(resp.Body)
		drain(resp.Body)
	}
	if err != nil {
		return &answerError{resp.StatusCode, err}
	}
	return nil
}

// document reads an answer whose body is a document, with decode.
func document(decode func(io.Reader) error) func(*http.Response) error {
	return func(resp *http.Response) error { return decodeAnswer(resp.Body, decode) }
}

// answerError is an error with the status of the answer that it was in.
type answerError struct {
	status int
	err    error
}

func (e *answerError) Error() string       { return fmt.Sprintf("status %d: %v", e.status, e.err) }
func (e *answerError) Unwrap() error       { return e.err }
func (e *answerError) HTTPStatusCode() int { return e.status }

// signer returns what signs for the credentials of this moment.
func (c *Client) signer(ctx context.Context) (*sigv4.Signer, error) {
	value, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, &identityError{err}
	}
	pair := sigv4.Credentials{AccessKeyID: value.AccessKeyID, SecretAccessKey: value.SecretAccessKey, SessionToken: value.SessionToken}
	if s := c.signing.Load(); s != nil && s.Credentials == pair {
		return s, nil
	}
	s := &sigv4.Signer{Credentials: pair, Region: c.cfg.Region, Service: "s3"}
	c.signing.Store(s)
	return s, nil
}

// identityError says that there are no credentials any more.
type identityError struct{ err error }

func (e *identityError) Error() string { return "get identity: " + e.err.Error() }
func (e *identityError) Unwrap() error { return e.err }

// url returns the URL of a bucket, or of an object in it, or, with neither, of
// the service, percent-encoded as it is signed.
func (c *Client) url(bucket, key string) *url.URL {
	u, path := c.resolver.locate(bucket)
	if key != "" {
		path = strings.TrimSuffix(path, "/") + "/" + key
	}
	if path == "" {
		path = "/"
	}
	u.Path = path
	if escaped := sigv4.EscapePath(path); escaped != path {
		u.RawPath = escaped
	}
	return u
}

// objectURL returns the URL of an object, or of a version of it.
func (c *Client) objectURL(ref search.Ref) *url.URL {
	u := c.url(ref.Bucket, ref.Key)
	if ref.VersionID != "" {
		u.RawQuery = "versionId=" + sigv4.Escape(ref.VersionID)
	}
	return u
}
