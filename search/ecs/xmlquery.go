package ecs

import (
	"io"
	"strconv"
	"strings"
)

// queryAnswer is what a page of a query says beside its rows.
type queryAnswer struct {
	name     string
	next     string // marker of the next page; empty: this is the last
	maxKeys  int    // as sent, often 0; nothing follows from it
	prefixes []string
}

// decodeQuery reads a <BucketQueryResult>. early, when not nil, is called with
// the marker of the next page as soon as it is read, which in the answers of
// ECS is before the rows. row is called for each of them with a match that is
// valid until it returns.
func decodeQuery(r io.Reader, early func(next string), row func(*rawMatch) error) (queryAnswer, error) {
	var answer queryAnswer
	w := newWalker(r)
	if err := w.rootNamed("BucketQueryResult"); err != nil {
		return answer, err
	}
	var match rawMatch
	rows, truncated := 0, false
	err := w.children(func(name string) (err error) {
		switch name {
		case "Name":
			return w.textInto(&answer.name)
		case "NextMarker":
			if answer.next, err = w.text(); err != nil {
				return err
			}
			if isEndMarker(answer.next) {
				answer.next = ""
			} else if early != nil {
				early(answer.next)
			}
			return nil
		case "IsTruncated":
			truncated, err = w.boolean()
			return err
		case "MaxKeys":
			text, err := w.trimmed()
			if n, bad := strconv.Atoi(text); bad == nil {
				answer.maxKeys = n
			}
			return err
		case "ObjectMatches":
			return w.children(func(name string) error {
				if name != "object" {
					return w.skip()
				}
				if rows++; rows > maxRows {
					return badf("more than %d objects", maxRows)
				}
				if err := w.match(&match); err != nil {
					return err
				}
				return row(&match)
			})
		case "CommonPrefixMatches":
			return w.children(func(name string) error {
				if name != "PrefixGroups" {
					return w.skip()
				}
				if len(answer.prefixes) == maxRows {
					return badf("more than %d common prefixes", maxRows)
				}
				prefix, err := w.text()
				answer.prefixes = append(answer.prefixes, prefix)
				return err
			})
		default:
			return w.skip()
		}
	})
	if err == nil && truncated && answer.next == "" {
		err = badf("the page says that more follows, but not where (IsTruncated without NextMarker)")
	}
	return answer, err
}

// isEndMarker reports whether a NextMarker means that there is no next page:
// absent or blank since ECS 3.4, "NO MORE PAGES" before, "null" in a build of 2019.
func isEndMarker(s string) bool {
	s = strings.TrimSpace(s)
	return s == "" || strings.EqualFold(s, "NO MORE PAGES") || strings.EqualFold(s, "null")
}

func (w *walker) boolean() (bool, error) {
	s, err := w.trimmed()
	return strings.EqualFold(s, "true"), err
}

// nullVersion is S3's name for the version that an object has from before its
// bucket had versions.
const nullVersion = "null"

// versionID maps the names that servers give to "no version" to the empty one.
func versionID(s string) string {
	if s = strings.TrimSpace(s); s == "0" || s == nullVersion {
		return ""
	}
	return s
}

func unquoteETag(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
