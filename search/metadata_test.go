package search

import "testing"

// Two names that are not UTF-8 must stay two.
func TestCanonicalNameKeepsBytes(t *testing.T) {
	for name, want := range map[string]string{
		"X-Amz-Meta-Color":    "x-amz-meta-color",
		"x-amz-meta-\xffA":    "x-amz-meta-\xffa",
		"x-amz-meta-\xfeA":    "x-amz-meta-\xfea",
		"X-AMZ-META-ÄÖ":       "x-amz-meta-ÄÖ",
		"LastModified":        "LastModified",
		"x-amz-met":           "x-amz-met",
		"Content-Type\x00Odd": "Content-Type\x00Odd",
	} {
		if got := CanonicalName(name); got != want {
			t.Errorf("CanonicalName(%q) = %q, want %q", name, got, want)
		}
	}
}
