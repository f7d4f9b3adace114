package ecstest

import (
	"bytes"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// spoilsDocuments tells whether a rule changes documents.
func (r *Rule) spoilsDocuments() bool { return r.ETag != "" || r.XML != "" || r.Paging != "" }

// spoil changes a document as the rule says. It knows the documents of this
// server: without blanks between elements, and "<" in text escaped.
func (f *faultWriter) spoil(document []byte) []byte {
	if f.rule.ETag != "" {
		document = replaceETags(document, f.rule.ETag)
	}
	if f.rule.Paging != "" {
		document = f.spoilPage(document)
	}
	switch f.rule.XML {
	case XMLUnfinished:
		return document[:len(document)/2]
	case XMLBadChar:
		middle := len(document) / 2
		at := middle + bytes.IndexByte(document[middle:], '>') + 1
		return slices.Concat(document[:at], []byte{1}, document[at:])
	case XMLBadNesting:
		return swapEndTags(document)
	}
	return document
}

var (
	listedETag  = regexp.MustCompile(`<ETag>[^<]*</ETag>`)
	queriedETag = regexp.MustCompile(`(<key>[Ee][Tt]ag</key><value>)[^<]*</value>`)
	endTag      = regexp.MustCompile(`</[^>]*>`)
	pageRow     = regexp.MustCompile(`(?s)<(object|Contents|CommonPrefixes)>.*?</(?:object|Contents|CommonPrefixes)>|<PrefixGroups>[^<]*</PrefixGroups>`)
	keyCount    = regexp.MustCompile(`<KeyCount>\d*</KeyCount>`)
	truncated   = regexp.MustCompile(`<IsTruncated>[^<]*</IsTruncated>`)
)

func replaceETags(document []byte, etag string) []byte {
	text := html.EscapeString(etag)
	document = listedETag.ReplaceAllLiteral(document, []byte("<ETag>&quot;"+text+"&quot;</ETag>"))
	return queriedETag.ReplaceAllFunc(document, func(entry []byte) []byte {
		value := bytes.LastIndex(entry, []byte("<value>")) + len("<value>")
		return slices.Concat(entry[:value], []byte(text), []byte("</value>"))
	})
}

// swapEndTags exchanges the last two end tags. A document of one element gets
// an end tag too many.
func swapEndTags(document []byte) []byte {
	tags := endTag.FindAllIndex(document, -1)
	if len(tags) < 2 {
		return append(slices.Clip(document), "</Error>"...)
	}
	a, b := tags[len(tags)-2], tags[len(tags)-1]
	return slices.Concat(document[:a[0]], document[b[0]:b[1]], document[a[1]:b[0]], document[a[0]:a[1]], document[b[1]:])
}

// paging are the operations whose pages can be spoiled: the parameter that a
// page is asked for with, and the element that leads to the next.
var paging = map[string]struct{ param, next string }{
	"Query":         {"marker", "NextMarker"},
	"ListObjects":   {"marker", "NextMarker"},
	"ListObjectsV2": {"continuation-token", "NextContinuationToken"},
}

func (f *faultWriter) spoilPage(document []byte) []byte {
	names, ok := paging[f.c.Operation]
	if !ok || !truncated.Match(document) { // an error
		return document
	}
	sent := f.asked.Get(names.param)
	next := sent
	if f.rule.Paging == PagingSameMarker {
		if sent == "" {
			return document
		}
	} else {
		_, place := splitAgain(sent)
		next = againMarker(f.s.againMarkers.Add(1), place)
	}
	if f.rule.Paging == PagingEmptyPages {
		document = pageRow.ReplaceAllLiteral(document, nil)
		document = keyCount.ReplaceAllLiteral(document, []byte("<KeyCount>0</KeyCount>"))
	}
	if f.c.Operation == "ListObjects" && f.asked.Get("encoding-type") == "url" {
		next = percentEncode(next)
	}
	old := regexp.MustCompile(`<` + names.next + `>[^<]*</` + names.next + `>|<` + names.next + `/>`)
	document = old.ReplaceAllLiteral(document, nil)
	return truncated.ReplaceAllLiteral(document,
		[]byte("<"+names.next+">"+html.EscapeString(next)+"</"+names.next+"><IsTruncated>true</IsTruncated>"))
}

// again begins a marker that leads to the page it came with: a number that
// makes it new, "+", and the marker of that page, which may be empty.
const again = "ecstest/again="

func againMarker(n int64, place string) string {
	return again + strconv.FormatInt(n, 10) + "+" + place
}

// splitAgain returns the marker within a marker of againMarker; any other is
// returned as it is.
func splitAgain(marker string) (found bool, place string) {
	rest, ok := strings.CutPrefix(marker, again)
	number, place, plus := strings.Cut(rest, "+")
	if _, err := strconv.ParseUint(number, 10, 63); !ok || !plus || err != nil {
		return false, marker
	}
	return true, place
}

// withoutAgain returns the parameters that mean the same without the markers
// of PagingSamePage and PagingEmptyPages.
func withoutAgain(operation string, params url.Values) url.Values {
	name := paging[operation].param
	found, place := splitAgain(params.Get(name))
	if name == "" || !found {
		return params
	}
	params = maps.Clone(params)
	params.Del(name)
	if place != "" {
		params.Set(name, place)
	}
	return params
}

// pageOf returns the number of the page that a Query asks for; 0: not known.
func pageOf(params url.Values) int {
	marker := withoutAgain("Query", params).Get("marker")
	if marker == "" {
		return 1
	}
	c, err := parseMarker(marker)
	if err != nil {
		return 0
	}
	return c.page
}
