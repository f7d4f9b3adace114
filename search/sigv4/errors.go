package sigv4

import (
	"net/http"
	"strings"
)

// The S3 error codes that an Error may have.
const (
	CodeAccessDenied          = "AccessDenied"
	CodeHeaderMalformed       = "AuthorizationHeaderMalformed"
	CodeQueryParameters       = "AuthorizationQueryParametersError"
	CodeIncompleteBody        = "IncompleteBody"
	CodeInvalidAccessKeyID    = "InvalidAccessKeyId"
	CodeInvalidArgument       = "InvalidArgument"
	CodeInvalidRequest        = "InvalidRequest"
	CodeMalformedTrailer      = "MalformedTrailerError"
	CodeNotImplemented        = "NotImplemented"
	CodeRequestTimeTooSkewed  = "RequestTimeTooSkewed"
	CodeSignatureDoesNotMatch = "SignatureDoesNotMatch"
	CodeContentSHA256Mismatch = "XAmzContentSHA256Mismatch"
)

// Error says why a request was not accepted, in S3's words.
type Error struct {
	Code    string // one of the S3 codes above
	Message string
	// CanonicalRequest and StringToSign are what the verifier computed, for
	// SignatureDoesNotMatch of a request alone. A session token in them is
	// masked, so that the SHA-256 in StringToSign is then not that of
	// CanonicalRequest.
	CanonicalRequest string
	StringToSign     string
}

// Error is the code and the message.
func (e *Error) Error() string { return "sigv4: " + e.Code + ": " + e.Message }

// Status is the HTTP status that S3 answers with.
func (e *Error) Status() int {
	switch e.Code {
	case CodeAccessDenied, CodeInvalidAccessKeyID, CodeRequestTimeTooSkewed, CodeSignatureDoesNotMatch:
		return http.StatusForbidden
	case CodeNotImplemented:
		return http.StatusNotImplemented
	}
	return http.StatusBadRequest
}

func newError(code, message string) *Error { return &Error{Code: code, Message: message} }

// maskToken hides the session token in a canonical request.
func maskToken(canonicalRequest string) string {
	const (
		mask   = "REDACTED"
		param  = "X-Amz-Security-Token="
		header = "\nx-amz-security-token:"
	)
	lines := strings.SplitN(canonicalRequest, "\n", 4)
	if len(lines) < 4 {
		return canonicalRequest
	}
	params := strings.Split(lines[2], "&")
	for i, p := range params {
		if strings.HasPrefix(p, param) {
			params[i] = param + mask
		}
	}
	lines[2] = strings.Join(params, "&")
	masked := strings.Join(lines, "\n")
	if i := strings.Index(masked, header); i >= 0 {
		i += len(header)
		end := i + max(0, strings.IndexByte(masked[i:], '\n'))
		masked = masked[:i] + mask + masked[end:]
	}
	return masked
}
