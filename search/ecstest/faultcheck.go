package ecstest

import (
	"cmp"
	"fmt"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a rule's fields.
const (
	maxRuleText    = 4096
	maxRuleFlips   = 1000
	maxRuleBarrier = 10_000
	maxRuleDelay   = 24 * time.Hour
	maxRuleSkew    = 100 * 365 * 24 * time.Hour
	maxPadding     = 1 << 40 // of LengthOff, either way
)

// operationNames are the operations that a rule can name.
var operationNames = []string{
	"ListBuckets", "SystemSearchKeys", "DataNodes", pingName,
	"CreateBucket", "HeadBucket", "DeleteBucket", "GetBucketLocation", "GetBucketAcl", "GetBucketVersioning",
	"PutBucketVersioning", "SearchKeys", "DeleteSearchKeys", "Query",
	"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads", "DeleteObjects",
	"PutObject", "CopyObject", "GetObject", "HeadObject", "DeleteObject", "GetObjectAcl",
	"CreateMultipartUpload", "UploadPart", "UploadPartCopy", "ListParts", "CompleteMultipartUpload", "AbortMultipartUpload",
	"Unknown",
}

// check says what is wrong with a rule. Every message begins with the field's
// name in JSON.
func (r Rule) check() error {
	checks := []func() error{r.checkMatch, r.checkChoice, r.checkAnswer, r.checkBody, r.checkTogether}
	for _, c := range checks {
		if err := c(); err != nil {
			return err
		}
	}
	return nil
}

func (r Rule) checkMatch() error {
	for _, text := range []struct{ field, text string }{
		{"id", r.ID}, {"bucket", r.Bucket}, {"key", r.Key}, {"key_prefix", r.KeyPrefix}, {"key_glob", r.KeyGlob},
		{"code", r.Code}, {"message", r.Message}, {"etag", r.ETag},
	} {
		if len(text.text) > maxRuleText || !utf8.ValidString(text.text) {
			return fmt.Errorf("%s: at most %d bytes of UTF-8", text.field, maxRuleText)
		}
	}
	if strings.ContainsFunc(r.ID, func(c rune) bool { return c <= ' ' || c > '~' || c == '/' }) || r.ID == "." || r.ID == ".." {
		return fmt.Errorf("id: %q is not made of ASCII without blanks and \"/\"", r.ID)
	}
	if len(r.Operations) > len(operationNames) {
		return fmt.Errorf("operations: %d of them; there are %d", len(r.Operations), len(operationNames))
	}
	for _, name := range r.Operations {
		if err := oneOf("operations", name, operationNames); err != nil {
			return err
		}
	}
	if r.Method != strings.ToUpper(r.Method) || strings.ContainsFunc(r.Method, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("method: %q is not a method in upper case", r.Method)
	}
	if count(r.Key != "", r.KeyPrefix != "", r.KeyGlob != "") > 1 {
		return fmt.Errorf("key, key_prefix, key_glob: more than one of them is given")
	}
	if _, err := path.Match(r.KeyGlob, ""); err != nil {
		return fmt.Errorf("key_glob: %q is not a pattern", r.KeyGlob)
	}
	if r.Page < 0 {
		return fmt.Errorf("page: %d; pages are counted from 1", r.Page)
	}
	if r.Page > 0 && len(r.Operations) > 0 && !slices.Contains(r.Operations, "Query") {
		return fmt.Errorf("page: only Query has pages, and operations does not name it")
	}
	return nil
}

func (r Rule) checkChoice() error {
	switch {
	case r.Skip < 0:
		return fmt.Errorf("skip: %d is below 0", r.Skip)
	case r.Times < 0:
		return fmt.Errorf("times: %d is below 0", r.Times)
	case !(r.Probability >= 0 && r.Probability <= 1): // NaN too
		return fmt.Errorf("probability: %v is not between 0 and 1", r.Probability)
	}
	return nil
}

func (r Rule) checkAnswer() error {
	switch {
	case r.Delay < 0 || r.Delay > maxRuleDelay:
		return fmt.Errorf("delay: %v is not between 0 and %v", r.Delay, maxRuleDelay)
	case r.Barrier < 0 || r.Barrier > maxRuleBarrier:
		return fmt.Errorf("barrier: %d is not between 0 and %d", r.Barrier, maxRuleBarrier)
	case r.ClockSkew.Abs() > maxRuleSkew:
		return fmt.Errorf("clock_skew: %v is more than %v", r.ClockSkew, maxRuleSkew)
	case r.Status != 0 && r.Status != http.StatusOK && (r.Status < 400 || r.Status > 599):
		return fmt.Errorf("status: %d is neither 200 nor between 400 and 599", r.Status)
	case r.Status == 0 && r.Code+r.Message != "":
		return fmt.Errorf("code, message: given without a status")
	case r.RetryAfter < 0 || r.RetryAfter > 0 && r.Status == 0:
		return fmt.Errorf("retry_after: seconds from 0, with a status")
	}
	if err := oneOf("cut", string(r.Cut), []string{"", string(CutClose), string(CutReset), string(CutStall)}); err != nil {
		return err
	}
	switch {
	case r.CutAfter != nil && r.Cut == "":
		return fmt.Errorf("cut_after: given without cut")
	case r.CutAfter != nil && *r.CutAfter < 0:
		return fmt.Errorf("cut_after: %d is below 0", *r.CutAfter)
	}
	return nil
}

func (r Rule) checkBody() error {
	if r.Drip != nil && (r.Drip.Bytes < 1 || r.Drip.Every <= 0 || r.Drip.Every > maxRuleDelay) {
		return fmt.Errorf("drip: bytes is at least 1, every is above 0 and at most %v", maxRuleDelay)
	}
	if r.LengthOff > maxPadding || r.LengthOff < -maxPadding {
		return fmt.Errorf("length_off: %d is more than %d", r.LengthOff, int64(maxPadding))
	}
	if len(r.Flip) > maxRuleFlips || slices.ContainsFunc(r.Flip, func(i int64) bool { return i < 0 }) {
		return fmt.Errorf("flip: at most %d offsets from 0", maxRuleFlips)
	}
	if strings.ContainsFunc(r.ETag, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' }) {
		return fmt.Errorf("etag: %q is not made of ASCII without blanks and quotes", r.ETag)
	}
	err := oneOf("xml", string(r.XML), []string{"", string(XMLUnfinished), string(XMLBadChar), string(XMLBadNesting)})
	if err == nil {
		err = oneOf("paging", string(r.Paging), []string{"", string(PagingSameMarker), string(PagingSamePage), string(PagingEmptyPages)})
	}
	return err
}

// checkTogether finds actions of which one leaves no room for the other.
func (r Rule) checkTogether() error {
	atOnce := r.Cut != "" && r.CutAfter == nil
	changes := r.Drip != nil || r.Chunked || r.LengthOff != 0 || len(r.Flip) > 0 || r.ETag != "" || r.XML != "" || r.Paging != ""
	switch {
	case r.Delay == 0 && r.Barrier == 0 && r.ClockSkew == 0 && r.Status == 0 && r.Cut == "" && !changes:
		return fmt.Errorf("the rule does nothing: it needs an action, such as delay, status or cut")
	case atOnce && (r.Status != 0 || r.ClockSkew != 0 || changes):
		return fmt.Errorf("cut: without cut_after there is no answer, so delay, barrier and execute alone go with it")
	case r.Status != 0 && (r.ETag != "" || r.Paging != "" || r.ClockSkew != 0):
		return fmt.Errorf("status: etag, paging and clock_skew change a true answer, and there is none")
	case r.Execute && r.Status == 0 && !atOnce:
		return fmt.Errorf("execute: given without a status or a cut that has no cut_after")
	case r.Chunked && r.LengthOff != 0:
		return fmt.Errorf("length_off: an answer in chunks states no length")
	}
	return nil
}

// oneOf refuses a name that is none of names, and says which it may have meant.
func oneOf(field, name string, names []string) error {
	if slices.Contains(names, name) {
		return nil
	}
	if near := nearest(name, names); near != "" {
		return fmt.Errorf("%s: %.60q is not known; did you mean %q?", field, name, near)
	}
	known := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	return fmt.Errorf("%s: %.60q is not known; known are %s", field, name, strings.Join(known, ", "))
}

// nearest returns the name that takes the fewest changes of a letter to reach,
// case aside; empty when that is more than a third of it.
func nearest(name string, names []string) string {
	if len(name) > 60 {
		return ""
	}
	distance := func(n string) int { return editDistance(strings.ToLower(name), strings.ToLower(n)) }
	best := slices.MinFunc(names, func(a, b string) int { return cmp.Compare(distance(a), distance(b)) })
	if distance(best)*3 > len(best) {
		return ""
	}
	return best
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

func count(conditions ...bool) int {
	n := 0
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// ruleFields and dripFields are the names of fields in JSON.
var ruleFields, dripFields = jsonNames(reflect.TypeFor[Rule]()), jsonNames(reflect.TypeFor[Drip]())

func jsonNames(t reflect.Type) []string {
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
