package ecstest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// copySource begins the names of the conditions on a copy's source.
const copySource = "X-Amz-Copy-Source-"

// checkConditions applies the conditional headers of RFC 9110, 13.2.2, on the
// current object: If-Match before If-Unmodified-Since, which it overrides;
// then If-None-Match before If-Modified-Since, likewise. prefix is empty or
// copySource.
func checkConditions(h http.Header, prefix string, o *object) *apiError {
	modified := o.time().Truncate(time.Second)
	unchanged := errNotModified
	if prefix != "" {
		unchanged = errPrecondition(strings.ToLower(prefix) + "if-none-match")
	}
	if tags := h.Get(prefix + "If-Match"); tags != "" {
		if !matchesETag(tags, o.etag()) {
			return errPrecondition("If-Match")
		}
	} else if t, err := http.ParseTime(h.Get(prefix + "If-Unmodified-Since")); err == nil && modified.After(t) {
		return errPrecondition("If-Unmodified-Since")
	}
	if tags := h.Get(prefix + "If-None-Match"); tags != "" {
		if matchesETag(tags, o.etag()) {
			return unchanged
		}
	} else if t, err := http.ParseTime(h.Get(prefix + "If-Modified-Since")); err == nil && !modified.After(t) {
		return unchanged
	}
	return nil
}

// checkWriteConditions applies If-Match and If-None-Match of a PUT on the
// object that it would replace, or nil.
func checkWriteConditions(h http.Header, key string, old *object) *apiError {
	if tags := h.Get("If-Match"); tags != "" {
		if old == nil {
			return errNoSuchKey(key)
		}
		if !matchesETag(tags, old.etag()) {
			return errPrecondition("If-Match")
		}
	}
	if tags := h.Get("If-None-Match"); tags != "" && old != nil && matchesETag(tags, old.etag()) {
		return errPrecondition("If-None-Match")
	}
	return nil
}

// matchesETag tells whether a list of entity tags, quoted or bare, has etag.
func matchesETag(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || strings.Trim(tag, `"`) == etag {
			return true
		}
	}
	return false
}

// byteRange is a part of an object: length bytes from offset.
type byteRange struct{ offset, length int64 }

// parseRange reads a Range header for an object of size bytes. ok is false when
// it is to be ignored, as S3 does with any form but a single range of bytes.
func parseRange(header string, size int64) (r byteRange, ok bool, err *apiError) {
	spec, isBytes := strings.CutPrefix(header, "bytes=")
	first, last, isRange := strings.Cut(spec, "-")
	if !isBytes || !isRange || strings.Contains(spec, ",") || !optionalNumber(first) || !optionalNumber(last) || spec == "-" {
		return r, false, nil
	}
	from, fromErr := strconv.ParseInt(first, 10, 64)
	to, toErr := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "": // the last bytes
		if toErr != nil {
			to = size // more than 63 bits
		}
		if r.length = min(to, size); r.length == 0 {
			return r, false, errRange(size)
		}
		r.offset = size - r.length
		return r, true, nil
	case fromErr == nil && toErr == nil && to < from:
		return r, false, nil
	case fromErr != nil || from >= size:
		return r, false, errRange(size)
	case last == "" || toErr != nil || to >= size:
		to = size - 1
	}
	return byteRange{from, to - from + 1}, true, nil
}

func optionalNumber(s string) bool { return s == "" || digits(s) }

func errRange(size int64) *apiError {
	return &apiError{http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable",
		[][2]string{{"ActualObjectSize", strconv.FormatInt(size, 10)}}}
}
