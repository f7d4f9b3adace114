package ecstest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// authenticate verifies a request's signature of version 4 or 2, in the header
// or in the query string. Region and service are not looked at, as ECS has one
// of each.
func (s *Server) authenticate(c *call) (sigv4.Verified, *apiError) {
	if sig, found, err := parseV2(c.r); err != nil {
		return sigv4.Verified{}, err
	} else if found {
		return s.authenticateV2(c, sig)
	}
	s.once.Do(func() {
		s.verifier = &sigv4.Verifier{Secret: s.secret, Now: s.now, JavaEncoding: true}
	})
	verifier := s.verifier
	if c.skew != 0 {
		verifier = &sigv4.Verifier{Secret: s.secret, Now: func() time.Time { return s.nowFor(c) }, JavaEncoding: true}
	}
	verified, err := verifier.Verify(c.r)
	if signed := (*sigv4.Error)(nil); errors.As(err, &signed) {
		return verified, fromSigv4(signed)
	}
	return verified, nil
}

// takeHeaders has the x-amz- parameters of a presigned request count as the
// headers of these names: signers put headers into the URL so that whoever uses
// it need not send them, botocore under version 2 and the AWS SDKs for Go and
// JavaScript under version 4. Headers that are sent win. What signs stays where
// it is.
func (c *call) takeHeaders() {
	if !c.Query.Has("X-Amz-Signature") && !c.Query.Has("AWSAccessKeyId") {
		return
	}
	var header http.Header
	for name, values := range c.Query {
		if !strings.HasPrefix(strings.ToLower(name), "x-amz-") || slices.Contains(anyParams, name) {
			continue
		}
		if header == nil {
			header = c.Header.Clone()
		}
		if key := http.CanonicalHeaderKey(name); header[key] == nil {
			header[key] = values
		}
		delete(c.Query, name)
	}
	if header != nil {
		c.Header = header
	}
}

func fromSigv4(err *sigv4.Error) *apiError {
	e := &apiError{status: err.Status(), code: err.Code, message: err.Message}
	if err.CanonicalRequest != "" {
		e.extra = [][2]string{{"StringToSign", err.StringToSign}, {"CanonicalRequest", err.CanonicalRequest}}
	}
	return e
}
