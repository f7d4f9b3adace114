package ecs_test

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// versionRows returns the rows of an answer, each given as "key version", or as "-key version" for
// a delete marker; "!" behind the version is the latest. A version's time is its id in seconds.
func versionRows(rows ...string) string {
	times := map[string]string{"null": "00", "0": "00", "1": "01", "2": "02", "3": "03", "7": "07", "9": "09"}
	var b strings.Builder
	for _, row := range rows {
		key, version, _ := strings.Cut(row, " ")
		version, latest := strings.CutSuffix(version, "!")
		if marker, ok := strings.CutPrefix(key, "-"); ok {
			fmt.Fprintf(&b, "<DeleteMarker><Key>%s</Key><VersionId>%s</VersionId></DeleteMarker>", marker, version)
			continue
		}
		fmt.Fprintf(&b, "<Version><Key>%s</Key><VersionId>%s</VersionId><IsLatest>%t</IsLatest><Size>1</Size><StorageClass>STANDARD</StorageClass>"+
			"<LastModified>2026-01-01T00:00:%sZ</LastModified></Version>", key, version, latest, times[version])
	}
	return b.String()
}

func versionsPage(inside string) string {
	return "<ListVersionsResult>" + inside + "</ListVersionsResult>"
}

// TestListVersionsAnswers is how servers differ in listings of versions.
func TestListVersionsAnswers(t *testing.T) {
	const never, suspended = "<VersioningConfiguration/>", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"
	next := func(key, version string) string {
		return more + "<NextKeyMarker>" + key + "</NextKeyMarker><NextVersionIdMarker>" + version + "</NextVersionIdMarker>"
	}
	notImplemented := "<Error><Code>NotImplemented</Code></Error>"
	tests := []struct {
		name    string
		answers map[string]string // by "versions", "list" or "versioning", and the markers
		want    string            // keys and versions
		asked   string            // of versioning: how often
		failure string            // of the error; empty: none is due
	}{
		{"never had versions", map[string]string{"versions": versionsPage(versionRows("a null!", "b null!")), "versioning": never}, "[a b]", "1", ""},
		{"version 0 is none", map[string]string{"versions": versionsPage(versionRows("a 0!")), "versioning": never}, "[a]", "1", ""},
		{"suspended", map[string]string{"versions": versionsPage(versionRows("a null!", "b null!")), "versioning": suspended}, "[a null b null]", "1", ""},
		{"a version beside it tells", map[string]string{"versions": versionsPage(versionRows("a null!", "b 1!"))}, "[a null b 1]", "0", ""},
		{"a delete marker beside it tells", map[string]string{"versions": versionsPage(versionRows("a null!", "-b 1!"))}, "[a null]", "0", ""},
		{"versioning is not told", map[string]string{"versions": versionsPage(versionRows("a null!", "b null")), "versioning": notImplemented}, "[a b null]", "1", ""},
		{"versioning is not known", map[string]string{"versions": versionsPage(versionRows("a null!", "b null")), "versioning": listPage("")}, "[a b null]", "1", ""},
		{"versioning may not be seen", map[string]string{"versions": versionsPage(versionRows("a null!")), "versioning": "<Error><Code>AccessDenied</Code></Error>"}, "[a]", "1", ""},
		{"delete markers fill a page", map[string]string{
			"versions":     versionsPage(next("b", "2") + versionRows("-a 3!", "-b 2!")),
			"versions b 2": versionsPage(versionRows("b 1", "c 9!"))}, "[b 1 c 9]", "0", ""},
		{"oldest first", map[string]string{"versions": versionsPage(strings.Join([]string{
			"<Version><Key>a</Key><VersionId>1</VersionId><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Version>",
			"<Version><Key>a</Key><VersionId>2</VersionId><Size>1</Size><LastModified>2026-01-01T00:00:01Z</LastModified></Version>"}, ""))}, "[a 2 a 1]", "0", ""},
		// U+10000 comes before U+E000 by UTF-16, and after it by bytes.
		{"versions on two pages of another order", map[string]string{
			"versions":          versionsPage(next("\ue000", "2") + versionRows("\U00010000 9!", "\ue000 3!", "\ue000 2")),
			"versions \ue000 2": versionsPage(versionRows("\ue000 1", "\uf000 7!"))},
			"[\U00010000 9 \ue000 3 \ue000 2 \ue000 1 \uf000 7]", "0", ""},
		{"encoded", map[string]string{
			"versions":         versionsPage(encoded + next("a%20b%2Fc", "2") + versionRows("a%20b%2Fc 2!")),
			"versions a b/c 2": versionsPage(encoded + versionRows("a%20b%2Fc 1"))}, "[a b/c 2 a b/c 1]", "0", ""},
		{"twice", map[string]string{"versions": versionsPage(next("a", "1") + versionRows("a 2!", "a 1")), "versions a 1": versionsPage(versionRows("a 1", "b 1!"))}, "[a 2 a 1 b 1]", "0", ""},
		{"no version marker", map[string]string{"versions": versionsPage(more + "<NextKeyMarker>a</NextKeyMarker>" + versionRows("a 1!")), "versions a": versionsPage(versionRows("b 1!"))}, "[a 1 b 1]", "0", ""},
		{"no marker", map[string]string{"versions": versionsPage(more + versionRows("a 1!"))}, "[]", "0", "more follows"},
		{"loop", map[string]string{"versions": versionsPage(next("a", "1") + versionRows("a 1!")), "versions a 1": versionsPage(next("a", "1") + versionRows("a 1!"))}, "[a 1]", "0", "marker of this page"},
		{"broken off", map[string]string{"versions": versionsPage(next("b", "1") + versionRows("a 1!", "b 1!")), "versions b 1": "<Error><Code>AccessDenied</Code></Error>"}, "[a 1 b 1]", "0", "AccessDenied"},
		{"not implemented", map[string]string{"versions": notImplemented, "list": listPage(contents("a", "b/c"))}, "[a b/c]", "0", ""},
		{"not known", map[string]string{"versions": listPage(contents("a")), "list": listPage(contents("a"))}, "[a]", "0", ""},
		{"something else", map[string]string{"versions": "<X/>"}, "[]", "0", "ListVersionsResult"},
		{"no bucket", map[string]string{"versions": "<Error><Code>NoSuchBucket</Code></Error>"}, "[]", "0", "NoSuchBucket"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked := 0
			url := newHandler(t, func(w http.ResponseWriter, r *http.Request) {
				q, what := r.URL.Query(), "list"
				switch {
				case q.Has("versioning"):
					what = "versioning"
					asked++
				case q.Has("versions"):
					what = strings.TrimSpace(strings.Join([]string{"versions", q.Get("key-marker"), q.Get("version-id-marker")}, " "))
					if q.Get("encoding-type") != "url" || q.Has("delimiter") || q.Has("marker") {
						t.Errorf("asked for %s", r.URL.RawQuery)
					}
				}
				answer, ok := tt.answers[what]
				if !ok {
					t.Errorf("asked for %q", what)
				}
				if strings.Contains(answer, "NotImplemented") {
					w.WriteHeader(http.StatusNotImplemented)
				}
				io.WriteString(w, answer)
			})
			got := []string{}
			var failed error
			for e, err := range newStore(t, url).List(t.Context(), "b", search.ListOptions{Recursive: true, Versions: true}) {
				if failed = err; err == nil {
					got = append(got, strings.TrimSpace(e.Key+" "+e.VersionID))
				}
			}
			if fmt.Sprint(got) != tt.want || fmt.Sprint(asked) != tt.asked {
				t.Errorf("%q, versioning asked for %d times, want %s and %s", got, asked, tt.want, tt.asked)
			}
			if tt.failure == "" && failed != nil || tt.failure != "" && (failed == nil || !strings.Contains(failed.Error(), tt.failure)) {
				t.Errorf("error %v, want one with %q", failed, tt.failure)
			}
		})
	}
}

// TestListVersionsRefuses asks for the versions of one level, which no listing has.
func TestListVersionsRefuses(t *testing.T) {
	_, err := listed(t, newStore(t, "http://127.0.0.1:1"), search.ListOptions{Versions: true})
	wantError(t, err, search.KindInvalid, "recursively")
}

// TestListVersionsOfBuckets lists the versions of random buckets, at random page sizes and
// limits, and holds them against what was put.
func TestListVersionsOfBuckets(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		srv := startServer(rt, func(s *ecstest.Server) { s.PageSize = rapid.SampledFrom([]int{1, 2, 3, 1000}).Draw(rt, "page") })
		all := drawBucket(rt, srv)
		s := newStore(rt, srv.URL, func(c *ecs.Config) { c.PageSize = rapid.SampledFrom([]int{0, 1, 2}).Draw(rt, "max-keys") })
		o := search.ListOptions{Recursive: true, Versions: true, Prefix: rapid.SampledFrom([]string{"", "a", "a/", "none"}).Draw(rt, "prefix"),
			Limit: rapid.IntRange(0, 4).Draw(rt, "limit")}
		text := func(key, etag string, size int64, at time.Time) string {
			return fmt.Sprintf("%s %s %d %s", key, etag, size, at.UTC().Format("05.000"))
		}
		var want, got []string
		for _, v := range slices.Backward(all) {
			if strings.HasPrefix(v.Key, o.Prefix) {
				want = append(want, text(v.Key, v.ETag, v.Size, v.ModTime))
			}
		}
		ids := make(map[string]bool)
		var before search.Entry
		for e, err := range s.List(rt.Context(), "b", o) {
			if err != nil {
				rt.Fatal(err)
			}
			if c := cmp.Or(strings.Compare(before.Key, e.Key), e.ModTime.Compare(before.ModTime)); c > 0 && o.Limit == 0 {
				rt.Fatalf("%q of %v comes behind %q of %v", e.Key, e.ModTime, before.Key, before.ModTime)
			}
			before = e
			if class, _ := e.Metadata.Get("StorageClass"); class != "STANDARD" || e.Partial != search.FromList {
				rt.Fatalf("%+v", e)
			}
			if id := e.Key + " " + e.VersionID; ids[id] {
				rt.Fatalf("%q comes twice", id)
			} else {
				ids[id] = true
			}
			// The id is good to ask by.
			head, err := s.Stat(rt.Context(), search.Ref{Bucket: "b", Key: e.Key, VersionID: e.VersionID, ETag: e.ETag})
			if err != nil || head.Size != e.Size || !head.ModTime.Equal(e.ModTime.Truncate(time.Second)) {
				rt.Fatalf("version %q of %q: %+v, %v", e.VersionID, e.Key, head, err)
			}
			got = append(got, text(e.Key, e.ETag, e.Size, e.ModTime))
		}
		slices.Sort(want)
		slices.Sort(got)
		if o.Limit == 0 && !slices.Equal(got, want) || len(got) != min(len(want), cmp.Or(o.Limit, len(want))) {
			rt.Fatalf("limit %d:\n got %q\nwant %q", o.Limit, got, want)
		}
	})
}
