package search

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

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

func TestMetadataEqual(t *testing.T) {
	a := NewMetadata(map[string]string{"Owner": "o", "X-Amz-Meta-A": "1"})
	tests := []struct {
		other map[string]string
		want  bool
	}{
		{map[string]string{"x-amz-meta-a": "1", "Owner": "o"}, true},
		{map[string]string{"x-amz-meta-a": "2", "Owner": "o"}, false},
		{map[string]string{"x-amz-meta-b": "1", "Owner": "o"}, false},
		{map[string]string{"Owner": "o"}, false},
		{nil, false},
	}
	for _, tt := range tests {
		if got := a.Equal(NewMetadata(tt.other)); got != tt.want {
			t.Errorf("%v equals %v: %t", a, tt.other, got)
		}
	}
	if !(Metadata{}).Equal(NewMetadata(nil)) {
		t.Error("nothing does not equal nothing")
	}
}

// TestMetadataOfPairs compares it with what NewMetadata makes of a map, for which the last of a name counts too.
func TestMetadataOfPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := rapid.SliceOfN(rapid.SampledFrom([]string{"Owner", "Size", "x-amz-meta-a", "x-amz-meta-b", ""}), 0, 40).Draw(t, "pairs")
		pairs = pairs[:len(pairs)/2*2]
		m := make(map[string]string)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		if want, got := NewMetadata(m), MetadataOfPairs(slices.Clone(pairs)); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", pairs, got, want)
		}
	})
}

func TestCreated(t *testing.T) {
	want := time.Date(2026, 11, 23, 7, 0, 0, 123e6, time.UTC)
	for text, known := range map[string]bool{"1795417200123": true, "2026-11-23T07:00:00.123Z": true, "": false, "yesterday": false, "2026": true} {
		o := Object{Metadata: NewMetadata(map[string]string{"CreateTime": text})}
		if got, ok := o.Created(); ok != known || known && len(text) > 4 && !got.Equal(want) {
			t.Errorf("%q is %v, %t", text, got, ok)
		}
	}
	if got, ok := (&Object{}).Created(); ok {
		t.Errorf("an object that does not tell was created %v", got)
	}
}
