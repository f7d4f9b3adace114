package ecstest

import (
	"fmt"
	"testing"
	"time"
)

const benchObjects = 20_000

func benchServer(b *testing.B) (*Server, *client) {
	s, c := directServer(b)
	ok(b, s.CreateBucket("b", "Size", "LastModified", "ObjectName", "x-amz-meta-n;integer", "x-amz-meta-color;string"))
	colors := []string{"red", "green", "blue", "black", "white", "grey", "pink", "cyan", "gold", "teal"}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range benchObjects {
		ok(b, s.PutObject("b", fmt.Sprintf("dir%02d/object-%06d", i%100, i), nil, PutOptions{
			LastModified: at.Add(time.Duration(i) * time.Minute),
			Metadata:     map[string]string{"n": fmt.Sprint(i), "color": colors[i%len(colors)]}}))
	}
	return s, c
}

// BenchmarkQueryPage is one page of up to 1,000 rows of 20,000 objects, signed,
// verified and rendered.
func BenchmarkQueryPage(b *testing.B) {
	_, c := benchServer(b)
	for _, q := range []struct{ name, target string }{
		{"all", queryTarget("b", "x-amz-meta-n>=0")},
		{"selective range", queryTarget("b", "x-amz-meta-n>=5000 and x-amz-meta-n<6000")},
		{"range and one in ten", queryTarget("b", "x-amz-meta-n>=0 and x-amz-meta-color=='red'")},
		{"or", queryTarget("b", "x-amz-meta-n<600 or x-amz-meta-n>19400")},
		{"prefix", queryTarget("b", "x-amz-meta-n>=0", "prefix", "dir07/")},
		{"prefix and delimiter", queryTarget("b", "x-amz-meta-n>=0", "prefix", "dir", "delimiter", "/")},
		{"nothing", queryTarget("b", "x-amz-meta-n<0 and x-amz-meta-color=='red'")},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				c.get(q.target).must(b, 200)
			}
		})
	}
}

func BenchmarkPutObject(b *testing.B) {
	s, _ := benchServer(b)
	i := 0
	for b.Loop() {
		ok(b, s.PutObject("b", fmt.Sprintf("new/%d", i%50_000), nil, PutOptions{
			Metadata: map[string]string{"n": fmt.Sprint(i), "color": "red"}}))
		i++
	}
}
