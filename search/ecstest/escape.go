package ecstest

import (
	"net/url"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// percentEncode writes everything but RFC 3986's unreserved characters and "/"
// as %XX, as encoding-type=url asks.
func percentEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '~', c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// parseQuery reads a raw query string the way ECS does: parts end at "&" only
// (net/url drops those with ";"), each name and value is decoded once, and "+"
// is a plus sign: a client that sends it for a blank is to notice.
func parseQuery(raw string) (url.Values, *apiError) {
	params := url.Values{}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.PathUnescape(rawName)
		if err != nil {
			return nil, badRequest("InvalidURI", "Couldn't parse the query string: %v", err)
		}
		val, err := url.PathUnescape(rawValue)
		if err != nil {
			return nil, badRequest("InvalidURI", "Couldn't parse the query parameter %q: %v", name, err)
		}
		params[name] = append(params[name], val)
	}
	return params, nil
}
