package sigv4

import (
	"crypto/hmac"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Verifier checks signed requests.
type Verifier struct {
	// Secret looks up the secret of an access key ID. It is called once a
	// request, on the caller's goroutine, and must be safe for concurrent use.
	Secret func(accessKeyID string) (secret string, ok bool)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// MaxSkew is how far a request's time may be from Now, either way; 0 is
	// AWS's 15 minutes. A presigned request may be that much in the future.
	MaxSkew time.Duration
	// Region and Service, if not empty, are the only ones accepted.
	Region, Service string
	// JavaEncoding also accepts a signature over the encoding of
	// java.net.URLEncoder, as Dell EMC's ECS Java client computes it: "*" bare,
	// "~" as %7E, and the path as sent but for %2F, which it signs as a slash.
	JavaEncoding bool
	PathRules

	keys keyCache
}

const defaultMaxSkew = 15 * time.Minute

// Verified is what a request's valid signature says.
type Verified struct {
	AccessKeyID     string
	Region, Service string
	Time            time.Time // when it was signed
	SignedHeaders   []string  // lower case, sorted
	PayloadHash     string    // the text that was signed: a hash, UNSIGNED-PAYLOAD, STREAMING-...
	// PayloadAssumed says that the request has no x-amz-content-sha256, so that
	// PayloadHash says nothing about the body.
	PayloadAssumed bool
	Presigned      bool

	// A pointer, so that printing a Verified cannot show the key.
	chain *chain
}

// Verify checks r's signature. The error is an *Error. r.Host and r.URL must be
// those that the client sent; r is not changed and its body is not read: see
// Verified.Body.
func (v *Verifier) Verify(r *http.Request) (Verified, error) {
	a, bad := parse(r)
	if bad != nil {
		return Verified{}, bad
	}
	secret, ok := v.Secret(a.accessKeyID)
	if !ok {
		return Verified{}, newError(CodeInvalidAccessKeyID, "The access key ID does not exist.")
	}
	for _, check := range []*Error{v.checkScope(a), v.checkTime(a), checkSignedHeaders(r, a)} {
		if check != nil {
			return Verified{}, check
		}
	}
	payloadHash, assumed, bad := payloadHashOf(r, a)
	if bad != nil {
		return Verified{}, bad
	}

	c := newScratch()
	defer c.free()
	c.collectNamed(r, a.signedHeaders)
	c.scope = appendScope(c.scope[:0], a.at, a.region, a.service)
	key := v.keys.get(secret, a.at, a.region, a.service)
	if !v.matches(c, r, a, key, payloadHash, formAWS) &&
		!(v.JavaEncoding && v.matches(c, r, a, key, payloadHash, formJava)) {
		v.compute(c, r, a, payloadHash, formAWS)
		return Verified{}, &Error{
			Code: CodeSignatureDoesNotMatch, Message: "The signature computed for this request is not the one it carries. Check the secret key and the signing method.",
			CanonicalRequest: maskToken(string(c.request)), StringToSign: string(c.toSign),
		}
	}
	return Verified{
		AccessKeyID: a.accessKeyID, Region: a.region, Service: a.service, Time: a.at,
		SignedHeaders: a.signedHeaders, PayloadHash: payloadHash, PayloadAssumed: assumed, Presigned: a.presigned,
		chain: &chain{key: key, at: a.at, scope: string(c.scope), previous: a.signature},
	}, nil
}

// compute fills c.request and c.toSign.
func (v *Verifier) compute(c *scratch, r *http.Request, a authentication, payloadHash string, f form) {
	skip := ""
	if a.presigned {
		skip = "X-Amz-Signature"
	}
	c.canonicalRequest(r, r.URL.RawQuery, skip, v.forService(a.service), f, payloadHash)
	c.toSign = appendStringToSign(c.toSign[:0], c.request, a.at, c.scope)
}

func (v *Verifier) matches(c *scratch, r *http.Request, a authentication, key *signingKey, payloadHash string, f form) bool {
	v.compute(c, r, a, payloadHash, f)
	key.appendSum(c.sum[:0], c.toSign)
	c.line = hex.AppendEncode(c.line[:0], c.sum[:])
	return hmac.Equal(c.line, []byte(a.signature))
}

func (v *Verifier) checkScope(a authentication) *Error {
	code := CodeHeaderMalformed
	if a.presigned {
		code = CodeQueryParameters
	}
	switch {
	case v.Region != "" && a.region != v.Region:
		return newError(code, "The region '"+a.region+"' is wrong; expecting '"+v.Region+"'.")
	case v.Service != "" && a.service != v.Service:
		return newError(code, "The service '"+a.service+"' is wrong; expecting '"+v.Service+"'.")
	}
	return nil
}

func (v *Verifier) checkTime(a authentication) *Error {
	now, skew := time.Now(), v.MaxSkew
	if v.Now != nil {
		now = v.Now()
	}
	if skew == 0 {
		skew = defaultMaxSkew
	}
	switch ahead := a.at.Sub(now); {
	case a.presigned && ahead > skew:
		return newError(CodeAccessDenied, "The request is not valid yet.")
	case a.presigned && now.After(a.at.Add(a.expires)):
		return newError(CodeAccessDenied, "The request has expired.")
	case !a.presigned && ahead.Abs() > skew:
		return newError(CodeRequestTimeTooSkewed, "The request's time and the server's differ by more than "+skew.String()+".")
	}
	return nil
}

// checkSignedHeaders demands host and all that begins with x-amz-.
func checkSignedHeaders(r *http.Request, a authentication) *Error {
	signed := func(name string) bool {
		_, ok := slices.BinarySearch(a.signedHeaders, name)
		return ok
	}
	if !signed("host") {
		return newError(CodeAccessDenied, "The host header must be signed.")
	}
	for key := range r.Header {
		if name := lowerName(key); strings.HasPrefix(name, "x-amz-") && !signed(name) {
			return newError(CodeAccessDenied, "The request has a header that must be signed and is not: "+name+".")
		}
	}
	return nil
}

// payloadHashOf is the text that stands for the body, and whether it is assumed.
func payloadHashOf(r *http.Request, a authentication) (text string, assumed bool, bad *Error) {
	text = r.Header.Get("X-Amz-Content-Sha256")
	if text == "" && a.presigned {
		text = a.payloadHash
	}
	switch {
	case text == "" && a.presigned && isS3(a.service):
		return UnsignedPayload, true, nil
	case text == "":
		return EmptyPayloadHash, true, nil
	case text == UnsignedPayload, strings.HasPrefix(text, "STREAMING-"), isHash(text):
		return text, false, nil
	}
	return "", false, newError(CodeInvalidArgument, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-... or a lower-case hexadecimal SHA-256.")
}

// isHash tells whether s is 64 lower-case hexadecimal digits.
func isHash(s string) bool {
	if len(s) != len(EmptyPayloadHash) {
		return false
	}
	for i := range len(s) {
		if unhex(s[i]) > 15 || s[i] < 'a' && s[i] > '9' {
			return false
		}
	}
	return true
}
