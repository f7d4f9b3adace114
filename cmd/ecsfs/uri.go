package main

import "strings"

// uriScheme begins the name of an object as other S3 tools write it.
const uriScheme = "s3://"

// cutURI takes s3://BUCKET[/KEY] apart; ok is false when text does not begin
// with s3://. Nothing in it is percent-encoded: a key is its very bytes.
func cutURI(text string) (bucket, key string, ok bool) {
	rest, ok := cutPrefixFold(text, uriScheme)
	if !ok {
		return "", "", false
	}
	bucket, key, _ = strings.Cut(rest, "/")
	return bucket, key, true
}

// cutPrefixFold is strings.CutPrefix without regard to case.
func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}
