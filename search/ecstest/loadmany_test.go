package ecstest

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestPutObjects: many at once are what one by one are, in every order of a
// query, with keys that come again and with versions.
func TestPutObjects(t *testing.T) {
	var objects []Object
	for i := range 3 * leastSorted {
		o := Object{Key: fmt.Sprintf("k/%d", i*7919%2500), Data: fmt.Append(nil, i), PutOptions: PutOptions{
			Metadata:     map[string]string{"n": fmt.Sprint(i % 97)},
			LastModified: time.UnixMilli(int64(i*31%1000) + 1e12)}}
		if i%3 == 0 {
			o.Metadata["color"] = "red"
		}
		if i%5 == 0 {
			o.Data, o.Generated = nil, &Generated{Seed: uint64(i), Size: int64(i)}
		}
		objects = append(objects, o)
	}
	for _, versions := range []bool{false, true} {
		t.Run(fmt.Sprintf("versions %t", versions), func(t *testing.T) {
			var answers [2]string
			for i := range answers {
				s, c := startServer(t, func(s *Server) {
					s.PageSize = 10_000
					s.Now = func() time.Time { return time.UnixMilli(1e12) }
				})
				ok(t, s.CreateBucket("b", "Size", "LastModified", "x-amz-meta-n;integer", "x-amz-meta-color;string"))
				ok(t, s.SetVersioning("b", versions))
				if i == 0 {
					ok(t, s.PutObjects("b", slices.Values(objects)))
				} else {
					for _, o := range objects {
						if o.Generated != nil {
							ok(t, s.PutGenerated("b", o.Key, *o.Generated, o.PutOptions))
						} else {
							ok(t, s.PutObject("b", o.Key, o.Data, o.PutOptions))
						}
					}
				}
				for _, target := range []string{
					"/b?versions",
					queryTarget("b", "x-amz-meta-n>=0"),
					queryTarget("b", "LastModified>=2001-01-01T00:00:00Z"),
					queryTarget("b", "Size>0", "include-older-versions", "true"),
					queryTarget("b", "x-amz-meta-color=='red' or x-amz-meta-n<5"),
				} {
					answers[i] += c.get(target).must(t, 200).body
				}
			}
			if answers[0] != answers[1] {
				t.Error("many at once answer otherwise than one by one")
			}
		})
	}
}

// TestPutObjectsError: what cannot be stored is said, and what came before it
// is there.
func TestPutObjectsError(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	bad := []Object{{Key: "a"}, {Key: "b", Generated: &Generated{Size: -1}}}
	if err := s.PutObjects("b", slices.Values(bad)); err == nil {
		t.Error("a negative size was taken")
	}
	c.do("HEAD", "/b/a", "").must(t, 200)
	if err := s.PutObjects("b", slices.Values([]Object{{Key: "c"}, {}})); err == nil {
		t.Error("an empty key was taken")
	}
	if err := s.PutObjects("none", slices.Values(bad[:1])); err == nil {
		t.Error("a bucket that is not there was taken")
	}
	ok(t, s.PutObjects("b", slices.Values([]Object(nil))))
}
