package ecstest

import (
	"fmt"
	"net/http"
)

// apiError is an answer in ECS's error envelope.
type apiError struct {
	status  int
	code    string
	message string
	extra   [][2]string // further elements of the envelope, in order
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func invalidArgument(format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "InvalidArgument", message: fmt.Sprintf(format, args...)}
}

func badRequest(code, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, code: code, message: fmt.Sprintf(format, args...)}
}

// notImplemented is the answer to what S3 has and this server has not.
func notImplemented(what string) *apiError {
	return &apiError{status: http.StatusNotImplemented, code: "NotImplemented",
		message: "A parameter you provided implies functionality that is not implemented: " + what}
}

func errNoSuchBucket(bucket string) *apiError {
	return &apiError{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist",
		[][2]string{{"BucketName", bucket}}}
}

func errNoSuchKey(key string) *apiError {
	return &apiError{http.StatusNotFound, "NoSuchKey", "The specified key does not exist.", [][2]string{{"Key", key}}}
}

func errPrecondition(condition string) *apiError {
	return &apiError{http.StatusPreconditionFailed, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold", [][2]string{{"Condition", condition}}}
}

// errNotModified is answered without a body.
var errNotModified = &apiError{status: http.StatusNotModified, code: "NotModified", message: "Not Modified"}

// errSearchNotEnabled has the code that ECS's own clients know, blanks included.
var errSearchNotEnabled = &apiError{status: http.StatusBadRequest, code: "Metadata search not enabled",
	message: "Metadata search is not enabled for this bucket."}

// errStorage is a fault of the server's own.
func errStorage(err error) *apiError {
	return &apiError{status: http.StatusInternalServerError, code: "InternalError",
		message: "We encountered an internal error. Please try again. " + err.Error()}
}
