package ecs_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// photos starts an emulator of ECS with a bucket "photos", and returns a client
// of it and what ends both. A program of yours calls ecs.New with the endpoint of
// its ECS.
func photos() (*ecs.Client, func()) {
	srv := ecstest.NewUnstartedServer()
	srv.PageSize = 2
	srv.Start()
	check(srv.CreateBucket("photos", "Size", "LastModified", "x-amz-meta-color;string", "x-amz-meta-year;integer"))
	for i, color := range []string{"red", "blue", "red", "green", "red"} {
		check(srv.PutObject("photos", fmt.Sprintf("cats/%d.jpg", i), []byte(strings.Repeat("miau ", i+1)), ecstest.PutOptions{
			ContentType:  "image/jpeg",
			Metadata:     map[string]string{"color": color, "year": fmt.Sprint(2020 + i)},
			LastModified: time.Date(2026, 5, 1+i, 12, 0, 0, 0, time.UTC),
		}))
	}
	client, err := ecs.New(context.Background(), ecs.Config{
		Endpoint:    srv.URL,
		Credentials: ecs.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey},
	})
	check(err)
	return client, func() {
		client.CloseIdleConnections()
		srv.Close()
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// From nothing to a search: a bucket whose index has two keys of your own, an
// object with metadata, and a loop over what is found.
func Example() {
	client, end := photos()
	defer end()
	ctx := context.Background()

	check(client.CreateBucket(ctx, "invoices",
		search.Key{Name: "Size"},
		search.Key{Name: "x-amz-meta-customer", Type: search.String},
		search.Key{Name: "x-amz-meta-amount", Type: search.Decimal}))
	pdf := "%PDF-1.7 ..."
	_, err := client.PutObject(ctx, "invoices", "2026/0001.pdf", strings.NewReader(pdf), int64(len(pdf)), ecs.PutOptions{
		ContentType: "application/pdf",
		Metadata:    map[string]string{"customer": "O'Hara & Sons", "amount": "1200.50"},
	})
	check(err)

	dear := search.And(search.Gt("amount", 1000), search.Eq("customer", "O'Hara & Sons"))
	for object, err := range client.Bucket("invoices").SearchFor(ctx, dear) {
		check(err)
		amount, _ := object.Metadata.Get("x-amz-meta-amount")
		fmt.Println(object.Key, object.Size, object.ContentType, amount)
	}
	// Output:
	// 2026/0001.pdf 12 application/pdf 1200.50
}

func ExampleNew() {
	client, err := ecs.New(context.Background(), ecs.Config{
		Endpoint:               "https://ecs.example.com:9021",
		Credentials:            ecs.Credentials{AccessKeyID: "me", SecretAccessKey: "secret"},
		Timeout:                10 * time.Second, // without a byte
		MaxRequests:            16,
		MaxPages:               100,
		PageSize:               500,
		OlderVersionsParameter: "include_older_version",
	})
	check(err)
	fmt.Println(client.Endpoint())

	_, err = ecs.New(context.Background(), ecs.Config{Endpoint: "ecs.example.com"})
	fmt.Println(err)
	// Output:
	// https://ecs.example.com:9021
	// configure: the endpoint ecs.example.com starts neither with http:// nor https:// (an endpoint looks like https://ecs.example.com:9021)
}

func ExampleFindEndpoint() {
	os.Setenv("AWS_ENDPOINT_URL_S3", "https://ecs.example.com:9021")
	defer os.Unsetenv("AWS_ENDPOINT_URL_S3")
	fmt.Println(ecs.FindEndpoint(context.Background(), "", ""))
	// Output: https://ecs.example.com:9021 AWS_ENDPOINT_URL_S3 <nil>
}

func ExampleClient_SystemKeys() {
	client, end := photos()
	defer end()
	keys, err := client.SystemKeys(context.Background())
	check(err)
	for _, key := range keys.Indexed {
		fmt.Println(key.Name, key.Type)
	}
	fmt.Println(len(keys.Attributes), "can be returned")
	// Output:
	// CreateTime datetime
	// LastModified datetime
	// ObjectName string
	// Owner string
	// Size integer
	// 13 can be returned
}

func ExampleClient_SearchKeys() {
	client, end := photos()
	defer end()
	keys, err := client.SearchKeys(context.Background(), "photos")
	check(err)
	fmt.Println(keys.Enabled)
	for _, key := range keys.Indexed {
		fmt.Println(key.Name, key.Type)
	}
	// Output:
	// true
	// LastModified datetime
	// Size integer
	// x-amz-meta-color string
	// x-amz-meta-year integer
}

// A search by hand, page by page. The request rides on an operation of the AWS SDK; see
// the example "riding on the SDK" for how that is done.
func ExampleClient_Query() {
	client, end := photos()
	defer end()
	in := ecs.QueryInput{
		Bucket:     "photos",
		Expression: "x-amz-meta-year>=2020 and x-amz-meta-color=='red'",
		Attributes: []string{"Etag"},
		Sorted:     "x-amz-meta-year",
		MaxKeys:    2,
	}
	for {
		page, err := client.Query(context.Background(), in)
		check(err)
		for _, match := range page.Matches {
			year, _ := match.User.Get("x-amz-meta-year")
			size, _ := match.System.Get("size")
			etag, _ := match.System.Get("etag")
			fmt.Println(match.Name, year, size, etag)
		}
		if page.NextMarker == "" {
			break
		}
		fmt.Println("next page")
		in.Marker = page.NextMarker
	}
	// Output:
	// cats/0.jpg 2020 5 2b04671daec01522a102f26aa1b618b0
	// cats/2.jpg 2022 15 7a263429beb5948d14fa51b0bddf86de
	// next page
	// cats/4.jpg 2024 25 4d564950f483c1dcd01723dfde611f2d
}

func ExampleClient_CreateBucket() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	check(client.CreateBucket(ctx, "music", search.Key{Name: "Size"}, search.Key{Name: "x-amz-meta-artist", Type: search.String}))
	fmt.Println(client.CreateBucket(ctx, "films", search.Key{Name: "director"}))
	fmt.Println(client.CreateBucket(ctx, "photos"))
	// Output:
	// create bucket films: "director" is neither a system key nor user metadata (user metadata is named with its prefix, as x-amz-meta-director)
	// create bucket photos: BucketAlreadyOwnedByYou: Your previous request to create the named bucket succeeded and you already own it. (search keys are set when a bucket is created: choose another name)
}

func ExampleClient_DisableSearch() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	check(client.DisableSearch(ctx, "photos"))
	keys, err := client.SearchKeys(ctx, "photos") // do not rely on it: ask
	fmt.Println(keys.Enabled, err)
	// Output: false <nil>
}

// The nodes of an ECS, by a plain request signed by package sigv4; see the example
// "plain signed request" for how that is done.
func ExampleClient_DataNodes() {
	client, end := photos()
	defer end()
	nodes, err := client.DataNodes(context.Background())
	check(err)
	fmt.Println(len(nodes.Endpoints), nodes.Version, nodes.AtLeast(3, 7), nodes.Endpoints[0] == client.Endpoint())
	// Output: 1 3.8.0.0.1.ecstest true true
}

func ExampleClient_Ping() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	nodes, err := client.DataNodes(ctx)
	check(err)
	for _, node := range nodes.Endpoints {
		health, err := client.Ping(ctx, node)
		check(err)
		fmt.Println(health.Maintenance, health.Status, health.Text, health.Latency < time.Minute)
	}
	// Output: false OFF Data Node is Available true
}

func ExampleClient_PingLoad() {
	client, end := photos()
	defer end()
	health, err := client.PingLoad(context.Background(), "")
	fmt.Println(health.LoadFactor, err)
	// Output: 1 <nil>
}

func ExampleClient_Presign() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	url, err := client.Presign(ctx, "photos", "cats/0.jpg", 15*time.Minute)
	check(err)
	fmt.Println(fetch(url)) // anybody can, without a key

	_, err = client.Presign(ctx, "photos", "cats/0.jpg", 30*24*time.Hour)
	fmt.Println(err)
	// Output:
	// 200 miau
	// presign photos/cats/0.jpg: a signed URL cannot live for 720h0m0s (give from 1s to 7 days (168h))
}

func ExampleClient_PresignQuery() {
	client, end := photos()
	defer end()
	url, err := client.PresignQuery(context.Background(), ecs.QueryInput{Bucket: "photos", Expression: "x-amz-meta-color=='blue'"}, time.Hour)
	check(err)
	answer := fetch(url)
	fmt.Println(strings.Contains(answer, "<objectName>cats/1.jpg</objectName>"), strings.Count(answer, "<objectName>"))
	// Output: true 1
}

func ExampleClient_PutObject() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	data := "wau"
	put, err := client.PutObject(ctx, "photos", "dogs/1.jpg", strings.NewReader(data), int64(len(data)), ecs.PutOptions{
		ContentType: "image/jpeg",
		Metadata:    map[string]string{"color": "brown", "year": "2026"},
		IfNoneMatch: true, // never overwrite
	})
	fmt.Println(put.ETag, err)
	_, err = client.PutObject(ctx, "photos", "dogs/1.jpg", strings.NewReader(data), int64(len(data)), ecs.PutOptions{IfNoneMatch: true})
	fmt.Println(search.KindOf(err))
	// Output:
	// 565048e16b8c72dbbe81902e20f223d3 <nil>
	// object changed
}

func ExamplePartSize() {
	fmt.Println(ecs.PartSize(1<<30, 0)>>20, "MiB of 1 GiB")
	fmt.Println(ecs.PartSize(1<<40, 0)>>20, "MiB of 1 TiB")
	// Output:
	// 8 MiB of 1 GiB
	// 105 MiB of 1 TiB
}

// Whether a file is on the store already, without reading the one on the store.
func ExampleETagOf() {
	client, end := photos()
	defer end()
	data := "miau miau "
	etag, err := ecs.ETagOf(strings.NewReader(data), int64(len(data)), 0)
	check(err)
	there, err := client.Bucket("photos").Object("cats/1.jpg").Stat(context.Background())
	check(err)
	fmt.Println(there.Size == int64(len(data)) && there.ETag == etag)
	// Output: true
}

func ExampleClient_Stats() {
	client, end := photos()
	defer end()
	for object, err := range client.Bucket("photos").Search(context.Background(), "size > 0") {
		check(err)
		_ = object
	}
	for _, counter := range client.Stats() {
		if strings.HasPrefix(counter.Name, "requests_") && counter.Value > 0 {
			fmt.Println(counter.Name, counter.Value)
		}
	}
	// Output:
	// requests_search_keys 1
	// requests_query 3
}

func ExampleClient_Store() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	var store search.Store = client.Store() // what a mount is given: it cannot write
	for entry, err := range store.List(ctx, "photos", search.ListOptions{}) {
		check(err)
		fmt.Println(entry.Key, entry.Folder)
	}
	p := make([]byte, 4)
	_, err := store.ReadRange(ctx, search.Ref{Bucket: "photos", Key: "cats/0.jpg"}, p, 0)
	fmt.Println(string(p), err)
	// Output:
	// cats/ true
	// miau <nil>
}

func ExampleBucket_Keys() {
	client, end := photos()
	defer end()
	keys, err := client.Bucket("photos").Keys(context.Background())
	check(err)
	year, known := keys.Resolve("year")
	fmt.Println(year.Name, year.Type, known)
	// Output: x-amz-meta-year integer true
}

func ExampleBucket_Search() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	bucket := client.Bucket("photos")
	n := 0
	for object, err := range bucket.Search(ctx, "size > 5 and color == 'red' and modified >= 2026-05-03", ecs.WithPrefix("cats/")) {
		check(err)
		n += int(object.Size)
	}
	fmt.Println(n, "bytes")

	for _, err := range bucket.Search(ctx, "colour == red") {
		fmt.Println(err)
	}
	// Output:
	// 40 bytes
	// parse photos: 'colour' is no key that is indexed in bucket photos; did you mean color?
}

func ExampleBucket_SearchFor() {
	client, end := photos()
	defer end()
	red := search.And(search.Gt("Size", 5), search.Eq("color", "red"), search.Not(search.In("year", 2022, 2023)))
	for object, err := range client.Bucket("photos").SearchFor(context.Background(), red) {
		check(err)
		fmt.Println(object.Key, object.LastModified)
	}
	// Output: cats/4.jpg 2026-05-05 12:00:00 +0000 UTC
}

func ExampleWithOrder() {
	client, end := photos()
	defer end()
	for object, err := range client.Bucket("photos").Search(context.Background(), "color == red", ecs.WithOrder("-size"), ecs.WithLimit(2)) {
		check(err)
		fmt.Println(object.Key, object.Size)
	}
	// Output:
	// cats/4.jpg 25
	// cats/2.jpg 15
}

// On a server without metadata search, or where Config.Engine says so, all objects are listed
// and each is checked here, with one HEAD for metadata.
func ExampleConfig_scan() {
	srv := ecstest.NewUnstartedServer()
	srv.Start()
	defer srv.Close()
	check(srv.CreateBucket("plain"))
	for _, color := range []string{"red", "blue"} {
		check(srv.PutObject("plain", color+".txt", []byte("x"), ecstest.PutOptions{Metadata: map[string]string{"color": color}}))
	}
	client, err := ecs.New(context.Background(), ecs.Config{
		Endpoint:     srv.URL,
		Credentials:  ecs.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey},
		ScanMetadata: true,
	})
	check(err)
	defer client.CloseIdleConnections()
	for object, err := range client.Bucket("plain").Search(context.Background(), "meta.color == red") {
		check(err)
		fmt.Println(object.Key)
	}
	// Output: red.txt
}

func ExampleWithLimit() {
	client, end := photos()
	defer end()
	n := 0
	for _, err := range client.Bucket("photos").Search(context.Background(), "year >= 2000", ecs.WithLimit(3)) {
		check(err)
		n++
	}
	fmt.Println(n)
	// Output: 3
}

func ExampleWithOlderVersions() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	// In a bucket that keeps versions, each is an object of its own.
	for object, err := range client.Bucket("photos").Search(ctx, "color == blue", ecs.WithOlderVersions()) {
		check(err)
		fmt.Printf("%s version %q\n", object.Key, object.Version)
	}
	// Output: cats/1.jpg version ""
}

func ExampleObject_Stat() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	object, err := client.Bucket("photos").Object("cats/1.jpg").Stat(ctx)
	check(err)
	color, _ := object.Metadata.Get("x-amz-meta-color")
	fmt.Println(object.Size, object.ContentType, color)

	_, err = client.Bucket("photos").Object("cats/none.jpg").Stat(ctx)
	fmt.Println(errors.Is(err, fs.ErrNotExist), err)
	// Output:
	// 10 image/jpeg blue
	// true stat photos/cats/none.jpg: no such object
}

// What a search finds can be opened as it was found: no HEAD is sent, and if it
// is overwritten meanwhile, reading is an error and not a mix.
func ExampleObject_Open() {
	client, end := photos()
	defer end()
	ctx := context.Background()
	for object, err := range client.Bucket("photos").Search(ctx, "color == green") {
		check(err)
		file, err := object.Open(ctx)
		check(err)
		data, err := io.ReadAll(file)
		check(err)
		check(file.Close())
		fmt.Printf("%s %q\n", object.Key, data)
	}
	// Output: cats/3.jpg "miau miau miau miau "
}

// A File is an io.ReaderAt and an io.ReadSeeker: archive/zip, image.Decode,
// http.ServeContent and the like can use it.
func ExampleFile() {
	client, end := photos()
	defer end()
	file, err := client.Bucket("photos").Object("cats/4.jpg").Open(context.Background())
	check(err)
	defer file.Close()
	fmt.Println(file.Object().Key, file.Size())

	p := make([]byte, 4)
	_, err = file.ReadAt(p, 5)
	check(err)
	fmt.Printf("%q\n", p)

	_, err = file.Seek(-5, io.SeekEnd)
	check(err)
	rest, err := io.ReadAll(file)
	check(err)
	fmt.Printf("%q\n", rest)

	_, err = file.Seek(20, io.SeekStart)
	check(err)
	n, err := file.WriteTo(io.Discard)
	fmt.Println(n, err)
	// Output:
	// cats/4.jpg 25
	// "miau"
	// "miau "
	// 5 <nil>
}
