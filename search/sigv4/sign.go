package sigv4

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxExpiry is the longest that a presigned URL may live.
const MaxExpiry = 7 * 24 * time.Hour

// Signer signs requests for one region and service.
type Signer struct {
	Credentials
	Region  string // for example us-east-1
	Service string // "s3" has rules of its own, see PathRules
	PathRules
	// UnsignedPayload signs UNSIGNED-PAYLOAD where no payload hash is given.
	// Otherwise a request with a body needs its hash.
	UnsignedPayload bool

	keys keyCache
}

// Sign signs r in its Authorization header, for the time at. It sets
// X-Amz-Date, for S3 X-Amz-Content-Sha256, X-Amz-Security-Token if there is a
// session token, and Authorization, and replaces what they held; it touches
// neither URL nor body. A request may be signed again, for a retry.
//
// payloadHash is the lower-case hexadecimal SHA-256 of the body or one of the
// words of x-amz-content-sha256; "" means EmptyPayloadHash for a request
// without a body. It fails, and leaves r as it was, if credentials, region,
// service or host are missing, if a body has no hash, if the query is presigned,
// or for an opaque URL.
func (s *Signer) Sign(r *http.Request, payloadHash string, at time.Time) error {
	if err := s.check(r); err != nil {
		return err
	}
	if payloadHash == "" {
		switch {
		case s.UnsignedPayload:
			payloadHash = UnsignedPayload
		case r.Body == nil || r.Body == http.NoBody:
			payloadHash = EmptyPayloadHash
		default:
			return errors.New("sigv4: a request with a body needs its payload hash")
		}
	}
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	values := new([4]string) // one allocation for the headers set here
	set := func(i int, key, value string) {
		values[i] = value
		r.Header[key] = values[i : i+1 : i+1]
	}
	set(0, "X-Amz-Date", at.UTC().Format(TimeFormat))
	if isS3(s.Service) {
		set(1, "X-Amz-Content-Sha256", payloadHash)
	}
	if s.SessionToken != "" {
		set(2, "X-Amz-Security-Token", s.SessionToken)
	} else {
		delete(r.Header, "X-Amz-Security-Token")
	}

	c := newScratch()
	defer c.free()
	c.collectAll(r)
	c.canonicalRequest(r, r.URL.RawQuery, "", s.forService(s.Service), formAWS, payloadHash)
	s.sum(c, at)
	b := append(c.line[:0], Algorithm+" Credential="...)
	b = append(append(b, s.AccessKeyID...), '/')
	b = append(append(b, c.scope...), ", SignedHeaders="...)
	b = append(append(b, c.names...), ", Signature="...)
	c.line = hex.AppendEncode(b, c.sum[:])
	set(3, "Authorization", string(c.line))
	return nil
}

// Presign returns r's URL with a signature in its query that is good for
// expires, at least a second and at most MaxExpiry, from the time at. r is not
// changed. Headers that r has are signed as in Sign, so whoever uses the URL
// must send them too; X-Amz-Date, X-Amz-Security-Token and Authorization are
// not, since they go into the query. The payload is unsigned for S3 and empty for other
// services, unless r has an X-Amz-Content-Sha256 header.
func (s *Signer) Presign(r *http.Request, expires time.Duration, at time.Time) (string, error) {
	if err := s.check(r); err != nil {
		return "", err
	}
	if expires < time.Second || expires > MaxExpiry {
		return "", fmt.Errorf("sigv4: a presigned URL may live from 1s to %v, not %v", MaxExpiry, expires)
	}
	payloadHash := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case payloadHash != "":
	case isS3(s.Service):
		payloadHash = UnsignedPayload
	default:
		payloadHash = EmptyPayloadHash
	}

	c := newScratch()
	defer c.free()
	c.collectAll(r)
	c.fields = slices.DeleteFunc(c.fields, func(f field) bool {
		return f.name == "x-amz-date" || f.name == "x-amz-security-token"
	})
	c.scope = appendScope(c.scope[:0], at, s.Region, s.Service)

	b := append(c.line[:0], r.URL.RawQuery...)
	if len(b) > 0 {
		b = append(b, '&')
	}
	b = append(b, "X-Amz-Algorithm="+Algorithm+"&X-Amz-Credential="...)
	b = appendEscaped(b, s.AccessKeyID+"/"+string(c.scope), false)
	b = at.UTC().AppendFormat(append(b, "&X-Amz-Date="...), TimeFormat)
	b = strconv.AppendInt(append(b, "&X-Amz-Expires="...), int64(expires/time.Second), 10)
	if s.SessionToken != "" {
		b = appendEscaped(append(b, "&X-Amz-Security-Token="...), s.SessionToken, false)
	}
	b = append(b, "&X-Amz-SignedHeaders="...)
	for i, f := range c.fields {
		if i > 0 && c.fields[i-1].name == f.name {
			continue
		}
		if i > 0 {
			b = append(b, "%3B"...)
		}
		b = appendEscaped(b, f.name, false)
	}
	c.line = b
	query := CanonicalQuery(string(b))

	c.canonicalRequest(r, query, "", s.forService(s.Service), formAWS, payloadHash)
	s.sum(c, at)
	u := *r.URL
	u.RawQuery = query + "&X-Amz-Signature=" + hex.EncodeToString(c.sum[:])
	u.ForceQuery = false
	return u.String(), nil
}

func (s *Signer) check(r *http.Request) error {
	var missing string
	switch {
	case s.AccessKeyID == "" || s.SecretAccessKey == "":
		missing = "an access key"
	case s.Region == "" || s.Service == "":
		missing = "a region and a service"
	case r.URL == nil || host(r) == "":
		missing = "a host"
	case r.URL.Opaque != "":
		return errors.New("sigv4: cannot sign an opaque URL: set Path and RawPath instead")
	default:
		if _, presigned := authParams(r.URL.RawQuery); presigned {
			return errors.New("sigv4: the query is signed already")
		}
		return nil
	}
	return errors.New("sigv4: cannot sign without " + missing)
}

// sum fills c.scope, c.toSign and c.sum from c.request.
func (s *Signer) sum(c *scratch, at time.Time) {
	c.scope = appendScope(c.scope[:0], at, s.Region, s.Service)
	c.toSign = appendStringToSign(c.toSign[:0], c.request, at, c.scope)
	s.keys.get(s.SecretAccessKey, at, s.Region, s.Service).appendSum(c.sum[:0], c.toSign)
}

// collectAll gathers the headers that a client signs, see the package
// documentation.
func (s *scratch) collectAll(r *http.Request) {
	s.fields = append(s.fields[:0], field{name: "host", value: host(r)})
	if r.ContentLength > 0 {
		s.fields = append(s.fields, field{name: "content-length", value: strconv.FormatInt(r.ContentLength, 10)})
	}
	for key, values := range r.Header {
		if name := lowerName(key); len(values) > 0 && signable(name) {
			s.fields = append(s.fields, field{name: name, key: key, values: values})
		}
	}
	slices.SortFunc(s.fields, field.compare)
}

// signable tells whether a header reaches the server as it is set here.
func signable(name string) bool {
	switch name {
	case "host", "content-length", // of which net/http sends its own
		"accept-encoding", "authorization", "connection", "expect", "forwarded", "keep-alive", "te", "trailer",
		"transfer-encoding", "upgrade", "user-agent", "via", "x-amzn-trace-id":
		return false
	}
	return !strings.HasPrefix(name, "proxy-") && !strings.HasPrefix(name, "x-forwarded-")
}
