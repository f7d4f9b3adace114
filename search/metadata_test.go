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
