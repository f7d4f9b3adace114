package ecs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/ecsfs/ecsfs/search"
)

// retryable decides what the SDK's own rules do not know.
func retryable(err error) aws.Ternary {
	if _, ok := errors.AsType[*badDocument](err); ok {
		return aws.FalseTernary
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return aws.FalseTernary
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch e.ErrorCode() {
		case "InternalError", "ServiceUnavailable", "SlowDown", "OperationAborted":
			return aws.TrueTernary // whatever the status, 200 included
		}
	}
	if statusOf(err) == http.StatusTooManyRequests {
		return aws.TrueTernary
	}
	// A connection that was idle may have ended just as it was used again.
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// failed turns what the SDK, the network or a decoder returned into a
// *search.Error. cl may be nil. The one place where kinds are given.
func (c *Client) failed(ctx context.Context, t target, cl *call, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*search.Error](err); ok {
		return e
	}
	e := &search.Error{Op: t.op, Bucket: t.bucket, Key: t.key, Err: err}
	node := c.endpoint
	if cl != nil && cl.node != nil {
		node = cl.node
	}
	switch {
	case ctx.Err() != nil:
		e.Kind = search.KindCanceled
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			e.Kind = search.KindTimeout
		}
		e.Reason, e.Err = e.Kind.String(), context.Cause(ctx)
	case errors.Is(err, errNoProgress), cl != nil && errors.Is(context.Cause(cl.ctx), errNoProgress):
		e.Kind = search.KindTimeout
		e.Reason = fmt.Sprintf("nothing from %s for %v", node.Host, c.cfg.Timeout)
		e.Hint = "is the endpoint right? else raise --timeout"
	default:
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			c.explainAPI(e, node, cl, api, statusOf(err))
		} else {
			explainTransport(e, node, err)
		}
	}
	if e.Reason != "" {
		e.Reason = printable(e.Reason)
	}
	c.cfg.Logger.Debug("failed", "op", t.op, "bucket", t.bucket, "key", t.key, "kind", e.Kind.String(), "cause", printable(cut(err.Error(), maxTold)))
	return e
}

func statusOf(err error) int {
	if e, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		return e.HTTPStatusCode()
	}
	return 0
}

// apiKinds are the kinds of the error codes of S3, of ECS, and of AWS's
// security token service, in lower case and without blanks.
var apiKinds = map[string]search.Kind{
	"nosuchbucket": search.KindNotExist, "nosuchkey": search.KindNotExist, "nosuchversion": search.KindNotExist,
	"notfound": search.KindNotExist, "invalidbucketname": search.KindNotExist,

	"accessdenied": search.KindPermission, "forbidden": search.KindPermission, "unauthorized": search.KindPermission,
	"allaccessdisabled": search.KindPermission, "accountproblem": search.KindPermission,
	"invalidaccesskeyid": search.KindPermission, "signaturedoesnotmatch": search.KindPermission,
	"requesttimetooskewed": search.KindPermission, "expiredtoken": search.KindPermission,
	"tokenrefreshrequired": search.KindPermission, "invalidtoken": search.KindPermission,
	"invalidsecurity": search.KindPermission, "notsignedup": search.KindPermission,
	"authorizationheadermalformed": search.KindPermission, "invalidclienttokenid": search.KindPermission,

	"preconditionfailed": search.KindChanged,

	"bucketalreadyownedbyyou": search.KindInvalid, "bucketalreadyexists": search.KindInvalid,

	"metadatasearchnotenabled": search.KindUnsupported, "notimplemented": search.KindUnsupported,
	"methodnotallowed": search.KindUnsupported,
}

// foldCode is how codes are compared: "Metadata search not enabled" is sent in
// more than one spelling.
func foldCode(code string) string { return strings.ToLower(strings.ReplaceAll(code, " ", "")) }

// explainAPI fills e from an error that the store reported.
func (c *Client) explainAPI(e *search.Error, node *url.URL, cl *call, api smithy.APIError, status int) {
	code := foldCode(api.ErrorCode())
	message := shorten(api.ErrorMessage())
	e.Reason = (&apiError{code: shorten(api.ErrorCode()), message: message}).Error()
	kind, known := apiKinds[code]
	switch {
	case known:
		e.Kind = kind
	case status == 401 || status == 403:
		e.Kind = search.KindPermission
	case status == 412:
		e.Kind = search.KindChanged
	case status == 405 || status == 501:
		e.Kind = search.KindUnsupported
	case status == 400 && (e.Op == opQuery || e.Op == opCreateBucket):
		e.Kind = search.KindInvalid
	}
	if api.ErrorCode() == "" {
		e.Reason = fmt.Sprintf("status %d without an S3 error: %s", status, message)
		if message == "" {
			e.Reason = fmt.Sprintf("status %d", status)
		}
		if status == 404 && e.Kind == search.KindIO {
			e.Hint = "is " + node.String() + " an S3 service?"
		}
	}

	switch {
	case e.Kind == search.KindPermission:
		c.explainRefusal(e, cl, code, api)
	case status >= 300 && status < 400:
		where := ""
		if a, ok := api.(*apiError); ok {
			where = a.endpoint
		}
		if where == "" && cl != nil {
			where = cl.location
		}
		e.Reason = strings.TrimSpace("the store sends requests for this bucket elsewhere: " + printable(shorten(where)))
		e.Hint = "name that endpoint, or the bucket's region as --region"
	case strings.Contains(api.ErrorMessage(), "HTTP request to an HTTPS server"), code == "" && status == 400 && strings.Contains(api.ErrorMessage(), "plain HTTP"):
		e.Kind = search.KindIO
		e.Reason = node.Host + " speaks https, not http"
		e.Hint = "name the endpoint as https://" + node.Host
	case strings.HasPrefix(code, "bucketalready"):
		e.Hint = "search keys are set when a bucket is created: choose another name"
	case status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests, code == "slowdown":
		e.Hint = fmt.Sprintf("the store is overloaded: lower --max-requests (now %d)", c.cfg.MaxRequests)
	}
}

// explainRefusal names the key id and what could be wrong with it.
func (c *Client) explainRefusal(e *search.Error, cl *call, code string, api smithy.APIError) {
	if cl != nil && cl.keyID != "" {
		e.Reason += fmt.Sprintf(" (key id %s)", cl.keyID)
	}
	switch code {
	case "invalidaccesskeyid", "invalidclienttokenid":
		e.Hint = "does this store know the key id? " + c.endpoint.String()
	case "signaturedoesnotmatch":
		e.Hint = "is the secret access key the one of this key id?"
	case "requesttimetooskewed":
		e.Hint = "set the clock of this machine"
		if cl != nil && cl.hasSkew {
			e.Hint = fmt.Sprintf("the store's clock is %s this machine's: set the clock", offset(cl.skew))
		}
	case "expiredtoken", "tokenrefreshrequired", "invalidtoken":
		e.Hint = "the temporary credentials have ended: log in again"
	case "authorizationheadermalformed":
		e.Hint = "is --region right?"
		if a, ok := api.(*apiError); ok && a.region != "" {
			e.Hint = "the store wants --region " + printable(shorten(a.region))
		}
	}
}

func offset(skew time.Duration) string {
	if skew < 0 {
		return (-skew).Round(time.Second).String() + " behind"
	}
	return skew.Round(time.Second).String() + " ahead of"
}

// explainTransport fills e from an error below S3: credentials, name, network,
// TLS, or an answer that cannot be read.
func explainTransport(e *search.Error, node *url.URL, err error) {
	const rightEndpoint = "is the endpoint right, and reachable from here?"
	var (
		data      *dataError
		bad       *badDocument
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		attempts  *retry.MaxAttemptsError
	)
	text := err.Error()
	switch {
	case errors.As(err, &data):
		e.Reason = data.Error()
	case errors.As(err, &bad):
		e.Reason = bad.Error()
		switch {
		case bad.notXML:
			e.Reason = "a name or value holds what XML cannot carry: " + bad.reason
			e.Hint = "an ECS before 3.2.2 cannot tell such names: narrow the query past them, or rename them"
		case strings.HasPrefix(bad.reason, "<html>"), strings.HasPrefix(bad.reason, "text where"):
			e.Hint = "is " + node.String() + " an S3 service?"
		}
	case strings.Contains(text, "get identity:"):
		e.Kind = search.KindPermission
		e.Reason = "no valid credentials any more: " + innermost(err).Error()
		e.Hint = "log in again"
	case errors.As(err, &dns):
		e.Reason = "the name " + dns.Name + " is not known"
		if !dns.IsNotFound {
			e.Reason = "looking up the name " + dns.Name + " failed: " + dns.Err
		}
		e.Hint = rightEndpoint
	case errors.As(err, &authority):
		e.Reason = "the certificate of " + node.Host + " is of an unknown authority"
		e.Hint = "give its authority with --ca-bundle FILE"
	case errors.As(err, &hostname):
		e.Reason = "the certificate of " + node.Host + " is for other names: " + hostname.Error()
		e.Hint = "use a name that the certificate has, or --addressing path"
	case errors.As(err, &invalid):
		e.Reason = "the certificate of " + node.Host + " is not valid: " + invalid.Error()
		e.Hint = "give a current one with --ca-bundle FILE"
	case strings.Contains(text, "server gave HTTP response to HTTPS client"),
		errors.As(err, &record) && strings.HasPrefix(string(record.RecordHeader[:]), "HTTP"):
		e.Reason = node.Host + " speaks http, not https"
		e.Hint = "name the endpoint as http://" + node.Host
	case node.Scheme == "http" && strings.Contains(text, `malformed HTTP response "\x15\x03`):
		e.Reason = node.Host + " speaks https, not http"
		e.Hint = "name the endpoint as https://" + node.Host
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Reason = node.Host + " refuses connections"
		e.Hint = rightEndpoint
	case isTimeout(err):
		e.Kind = search.KindTimeout
		e.Reason = "no connection to " + node.Host + " in time"
		e.Hint = rightEndpoint
	case errors.Is(err, io.EOF):
		e.Reason = node.Host + " ends connections without an answer"
		e.Hint = rightEndpoint
	default:
		e.Reason = shorten(innermost(err).Error())
		if errors.Is(err, io.ErrUnexpectedEOF) {
			e.Reason = node.Host + " broke off its answer"
		}
		if errors.As(err, &attempts) {
			e.Reason += fmt.Sprintf(" (%d attempts)", attempts.Attempt)
		}
	}
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// innermost returns the error at the end of the chain: the SDK's wrappers
// repeat the request id and the operation.
func innermost(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
