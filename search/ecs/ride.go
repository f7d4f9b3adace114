package ecs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// Names of the SDK's middleware that this package stands beside or replaces.
// TestSDKSteps asserts that they exist and stand in the order relied on.
const (
	stepDeserializer = "OperationDeserializer"         // Deserialize: reads the answer
	step200Error     = "S3:ProcessResponseFor200Error" // Deserialize: turns <Error> under 200 into a 500
	stepUserAgent    = "UserAgent"                     // Build: sets the User-Agent header
	stepRetry        = "Retry"                         // Finalize: everything after Build is repeated and signed anew
	stepSigning      = "Signing"                       // Finalize
	stepQuery        = "ecsfs:Query"                   // Build: ours
	stepHeaders      = "ecsfs:Headers"                 // Build: ours
	stepHeader       = "ecsfs:Header"                  // Build: ours
)

// parameter is one query parameter, not yet encoded.
type parameter struct{ name, value string }

// encodeParameters returns the raw query: every byte but RFC 3986's unreserved
// ones percent-encoded, a blank as %20, ordered by name. It is the canonical
// query of Signature Version 4, so what is sent is what is signed.
func encodeParameters(params []parameter) string {
	encoded := make([]string, len(params))
	for i, p := range params {
		encoded[i] = sigv4.Escape(p.name) + "=" + sigv4.Escape(p.value)
	}
	slices.Sort(encoded)
	return strings.Join(encoded, "&")
}

// headerNamespace names the ECS namespace of a request.
const headerNamespace = "X-Emc-Namespace"

// addHeaders returns the option of every operation that sets the ECS
// namespace, before signing, and the user agent.
func addHeaders(cfg Config) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		set := middleware.BuildMiddlewareFunc(stepHeaders, func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (
			middleware.BuildOutput, middleware.Metadata, error,
		) {
			req, ok := in.Request.(*smithyhttp.Request)
			if !ok {
				return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("unknown request type %T", in.Request)
			}
			if cfg.Namespace != "" {
				req.Header.Set(headerNamespace, cfg.Namespace)
			}
			if cfg.UserAgent != "" {
				req.Header.Set("User-Agent", cfg.UserAgent)
			}
			return next.HandleBuild(ctx, in)
		})
		return stack.Build.Insert(set, stepUserAgent, middleware.After)
	}
}

// ride makes a request that the SDK has no operation for, in the shape of
// ListObjects, "GET /bucket", or without a bucket in that of ListBuckets, "GET
// /": with params as its whole query string and decode as its deserializer. The
// SDK resolves, signs, retries and types errors. decode is called once for each
// attempt that is answered with success.
func (c *Client) ride(cl *call, bucket string, params []parameter, decode func(io.Reader) error) error {
	var err error
	if bucket == "" {
		_, err = c.s3.ListBuckets(cl.ctx, &s3.ListBucketsInput{}, func(o *s3.Options) {
			o.APIOptions = append(o.APIOptions, setQuery(params), decodeWith(decode, &s3.ListBucketsOutput{}))
		})
		return err
	}
	_, err = c.s3.ListObjects(cl.ctx, &s3.ListObjectsInput{Bucket: aws.String(bucket)}, func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, setQuery(params), decodeWith(decode, &s3.ListObjectsOutput{}))
	})
	return err
}

// setHeader returns the option that sets a header before signing.
func setHeader(name, value string) func(*middleware.Stack) error {
	return changeRequest(stepHeader, func(req *smithyhttp.Request) { req.Header.Set(name, value) })
}

// setQuery returns the option that replaces the query string before signing.
func setQuery(params []parameter) func(*middleware.Stack) error {
	return changeRequest(stepQuery, func(req *smithyhttp.Request) { req.URL.RawQuery = encodeParameters(params) })
}

// changeRequest returns the option that adds a step, called name, at the end of Build.
func changeRequest(name string, change func(*smithyhttp.Request)) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Build.Add(middleware.BuildMiddlewareFunc(name, func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (
			middleware.BuildOutput, middleware.Metadata, error,
		) {
			req, ok := in.Request.(*smithyhttp.Request)
			if !ok {
				return middleware.BuildOutput{}, middleware.Metadata{}, fmt.Errorf("unknown request type %T", in.Request)
			}
			change(req)
			return next.HandleBuild(ctx, in)
		}), middleware.After)
	}
}

// decodeWith returns the option that reads answers with decode in place of
// the SDK's deserializer, whose memory a hostile answer could exhaust. result
// is what the SDK then takes for the operation's output.
func decodeWith(decode func(io.Reader) error, result any) func(*middleware.Stack) error {
	read := middleware.DeserializeMiddlewareFunc(stepDeserializer, func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
		middleware.DeserializeOutput, middleware.Metadata, error,
	) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		if err != nil {
			return out, metadata, err
		}
		resp, ok := out.RawResponse.(*smithyhttp.Response)
		if !ok {
			return out, metadata, fmt.Errorf("unknown response type %T", out.RawResponse)
		}
		defer resp.Body.Close()
		out.Result = result
		if resp.StatusCode < 200 || resp.StatusCode >= 300 {
			return out, metadata, decodeErrorAnswer(resp.Body)
		}
		return out, metadata, decodeAnswer(resp.Body, decode)
	})
	return func(stack *middleware.Stack) error {
		if _, err := stack.Deserialize.Swap(stepDeserializer, read); err != nil {
			return err
		}
		// Ours knows <Error> under any status, and not every such error is one
		// that a repetition can help. ListBuckets may come without the step.
		if _, ok := stack.Deserialize.Get(step200Error); ok {
			_, err := stack.Deserialize.Remove(step200Error)
			return err
		}
		return nil
	}
}

// decodeAnswer reads the body of an answer that is a success.
func decodeAnswer(r io.Reader, decode func(io.Reader) error) error {
	body := &watchedReader{r: r}
	err := decode(body)
	switch {
	case err == nil:
		drain(body)
	case body.broken != nil:
		err = &brokenBody{body.broken}
	}
	return err
}

// drain reads what follows a document, so that the connection is used again.
func drain(body io.Reader) { _, _ = io.CopyN(io.Discard, body, maxTrailer) }

// maxTrailer is how much is read after a document's end, in bytes.
const maxTrailer = 4 << 10

// watchedReader remembers whether reading failed, as opposed to decoding.
type watchedReader struct {
	r      io.Reader
	broken error
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.broken = err
	}
	return n, err
}

// brokenBody is an answer that ended before its document did: worth another
// attempt, as nothing of it was used.
type brokenBody struct{ err error }

func (e *brokenBody) Error() string        { return "the answer broke off: " + e.err.Error() }
func (e *brokenBody) Unwrap() error        { return e.err }
func (e *brokenBody) RetryableError() bool { return true }

var _ smithy.APIError = (*apiError)(nil)
