package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// authentication is what a request says about its signature.
type authentication struct {
	credential
	at            time.Time
	signedHeaders []string // lower case, sorted, each once
	signature     string
	presigned     bool
	expires       time.Duration // of a presigned request
	payloadHash   string        // X-Amz-Content-Sha256 of a presigned request's query, if any
}

type credential struct{ accessKeyID, day, region, service string }

// parseCredential reads key/day/region/service/aws4_request from the right,
// since an access key ID may hold a slash.
func parseCredential(s string) (credential, bool) {
	rest, ok := strings.CutSuffix(s, "/"+terminator)
	var c credential
	for _, part := range []*string{&c.service, &c.region, &c.day} {
		i := strings.LastIndexByte(rest, '/')
		if !ok || i < 0 {
			return credential{}, false
		}
		rest, *part = rest[:i], rest[i+1:]
	}
	c.accessKeyID = rest
	return c, c.accessKeyID != "" && c.region != "" && c.service != "" && len(c.day) == len(dayFormat)
}

// parse reads r's Authorization header or query parameters.
func parse(r *http.Request) (authentication, *Error) {
	headers := r.Header.Values("Authorization")
	params, presigned := authParams(r.URL.RawQuery)
	switch {
	case presigned && len(headers) > 0, len(headers) > 1:
		return authentication{}, newError(CodeInvalidArgument, "Sign a request once: in one Authorization header or in the query, not in both.")
	case presigned:
		return parseQuery(params)
	case len(headers) == 0:
		return authentication{}, newError(CodeAccessDenied, "The request is not signed.")
	}
	return parseHeader(r, headers[0])
}

func parseHeader(r *http.Request, header string) (authentication, *Error) {
	malformed := func(why string) (authentication, *Error) {
		return authentication{}, newError(CodeHeaderMalformed, "The authorization header is malformed; "+why)
	}
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != Algorithm {
		return authentication{}, newError(CodeInvalidArgument, "Unsupported Authorization type: "+Algorithm+" is wanted.")
	}
	var a authentication
	var scope, names string
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		value = strings.TrimSpace(value) // versions of ECS's Java client send "Signature= ..."
		switch name {
		case "Credential":
			scope = value
		case "SignedHeaders":
			names = value
		case "Signature":
			a.signature = value
		}
	}
	if scope == "" || names == "" || a.signature == "" {
		return malformed("it needs Credential, SignedHeaders and Signature.")
	}
	var ok bool
	if a.credential, ok = parseCredential(scope); !ok {
		return malformed("the Credential is not \"<key>/YYYYMMDD/<region>/<service>/aws4_request\".")
	}
	a.signedHeaders = parseSignedHeaders(names)
	if a.at, ok = headerTime(r.Header); !ok {
		return authentication{}, newError(CodeAccessDenied, "A signed request needs a valid x-amz-date or Date header.")
	}
	if a.at.Format(dayFormat) != a.day {
		return malformed("the Credential's day " + strconv.Quote(a.day) + " is not that of the request's date.")
	}
	return a, nil
}

// headerTime is that of x-amz-date or, without it, of Date.
func headerTime(h http.Header) (time.Time, bool) {
	if s := h.Get("X-Amz-Date"); s != "" {
		at, err := time.Parse(TimeFormat, s)
		return at, err == nil
	}
	at, err := http.ParseTime(h.Get("Date"))
	return at.UTC(), err == nil
}

func parseSignedHeaders(s string) []string {
	names := strings.Split(strings.ToLower(s), ";")
	slices.Sort(names)
	return slices.Compact(names)
}

// authParams are the decoded query parameters that carry a signature, the first
// of each name, and whether there are any of those that only a presigned
// request has.
func authParams(raw string) (params map[string]string, presigned bool) {
	if !strings.Contains(raw, "X-Amz-") {
		return nil, false
	}
	params = make(map[string]string)
	for piece := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(piece, "=")
		switch name {
		case "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature":
			presigned = true
		case "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Content-Sha256":
		default:
			continue
		}
		if _, seen := params[name]; seen {
			continue
		}
		if decoded, err := url.PathUnescape(value); err == nil {
			value = decoded
		}
		params[name] = value
	}
	return params, presigned
}

func parseQuery(params map[string]string) (authentication, *Error) {
	malformed := func(why string) (authentication, *Error) {
		return authentication{}, newError(CodeQueryParameters, why)
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires"} {
		if params[name] == "" {
			return malformed("A presigned request needs the query parameter " + name + ".")
		}
	}
	if params["X-Amz-Algorithm"] != Algorithm {
		return malformed("X-Amz-Algorithm must be " + Algorithm + ".")
	}
	a := authentication{
		presigned:     true,
		signature:     params["X-Amz-Signature"],
		signedHeaders: parseSignedHeaders(params["X-Amz-SignedHeaders"]),
		payloadHash:   params["X-Amz-Content-Sha256"],
	}
	var ok bool
	if a.credential, ok = parseCredential(params["X-Amz-Credential"]); !ok {
		return malformed("X-Amz-Credential is not \"<key>/YYYYMMDD/<region>/<service>/aws4_request\".")
	}
	var err error
	if a.at, err = time.Parse(TimeFormat, params["X-Amz-Date"]); err != nil {
		return malformed("X-Amz-Date must be like " + TimeFormat + ".")
	}
	if a.at.Format(dayFormat) != a.day {
		return malformed("The day " + strconv.Quote(a.day) + " of X-Amz-Credential is not that of X-Amz-Date.")
	}
	seconds, err := strconv.ParseInt(params["X-Amz-Expires"], 10, 64)
	switch {
	case err != nil:
		return malformed("X-Amz-Expires should be a number of seconds.")
	case seconds < 0:
		return malformed("X-Amz-Expires must not be negative.")
	case seconds > int64(MaxExpiry/time.Second):
		return malformed("X-Amz-Expires must be at most a week, 604800 seconds.")
	}
	a.expires = time.Duration(seconds) * time.Second
	return a, nil
}
