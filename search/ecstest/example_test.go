package ecstest_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
	"github.com/ecsfs/ecsfs/search/sigv4"
)

// A server with two objects answers a search, sent without any SDK.
func Example() {
	srv := ecstest.NewUnstartedServer()
	srv.PageSize = 100
	srv.Start()
	defer srv.Close()

	if err := srv.CreateBucket("logs", "Size", "x-amz-meta-color;string"); err != nil {
		fmt.Println(err)
	}
	for key, color := range map[string]string{"a.log": "red", "b.log": "blue"} {
		err := srv.PutObject("logs", key, []byte("one line\n"), ecstest.PutOptions{
			ContentType: "text/plain",
			Metadata:    map[string]string{"color": color},
		})
		if err != nil {
			fmt.Println(err)
		}
	}

	signer := sigv4.Signer{
		Credentials: sigv4.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey},
		Region:      "us-east-1", Service: "s3",
	}
	query := sigv4.Escape("(Size>5 and x-amz-meta-color=='red')")
	r, err := http.NewRequest(http.MethodGet, srv.URL+"/logs?query="+query+"&attributes=ContentType", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := signer.Sign(r, sigv4.EmptyPayloadHash, time.Now()); err != nil {
		fmt.Println(err)
		return
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		fmt.Println(err)
		return
	}

	fmt.Println(resp.Status)
	fmt.Println(regexp.MustCompile(`<objectName>.*?</objectName>`).FindString(string(body)))
	entries := regexp.MustCompile(`<entry>.*?</entry>`).FindAllString(string(body), -1)
	slices.Sort(entries) // they come in any order
	for _, entry := range entries {
		fmt.Println(entry)
	}
	fmt.Println("searches:", srv.Count("Query"))
	// Output:
	// 200 OK
	// <objectName>a.log</objectName>
	// <entry><key>ctype</key><value>text/plain</value></entry>
	// <entry><key>size</key><value>9</value></entry>
	// <entry><key>x-amz-meta-color</key><value>red</value></entry>
	// searches: 1
}

// A search that is refused twice on its way: a client that retries has all rows
// at the price of two requests.
func ExampleServer_SetRules() {
	srv := ecstest.NewUnstartedServer()
	srv.Start()
	defer srv.Close()
	if err := srv.CreateBucket("logs", "Size"); err != nil {
		fmt.Println(err)
	}
	if err := srv.SetRules(ecstest.Rule{
		Operations: []string{"Query"}, Times: 2, Status: 503, Code: "SlowDown", RetryAfter: 1,
	}); err != nil {
		fmt.Println(err)
	}

	// The client to be tested.
	signer := sigv4.Signer{
		Credentials: sigv4.Credentials{AccessKeyID: ecstest.DefaultAccessKeyID, SecretAccessKey: ecstest.DefaultSecretAccessKey},
		Region:      "us-east-1", Service: "s3",
	}
	defer http.DefaultClient.CloseIdleConnections()
	for range 5 {
		r, err := http.NewRequest(http.MethodGet, srv.URL+"/logs?query="+sigv4.Escape("Size>5"), nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := signer.Sign(r, sigv4.EmptyPayloadHash, time.Now()); err != nil {
			fmt.Println(err)
			return
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
		if resp.StatusCode == http.StatusOK {
			break
		}
	}

	fmt.Println("searches:", srv.Count("Query"))
	for _, status := range srv.Rules() {
		fmt.Printf("%s: %d matched, %d hit\n", status.Rule.ID, status.Matched, status.Hits)
	}
	// Output:
	// 503 Service Unavailable
	// 503 Service Unavailable
	// 200 OK
	// searches: 3
	// rule-1: 3 matched, 2 hit
}
