package ecstest

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// A PUT that expects 100-continue gets it, with a body or without: botocore
// reads a final answer in its place, and then its next request on that
// connection waits for ever.
func TestExpectContinue(t *testing.T) {
	s, c := startServer(t)
	ok(t, s.CreateBucket("b"))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	ok(t, err)
	defer conn.Close()
	ok(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	reader := bufio.NewReader(conn)
	for i, body := range []string{"", "x", "", ""} {
		r, err := http.NewRequestWithContext(t.Context(), "PUT", s.URL+"/b/k", nil)
		ok(t, err)
		ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
		fmt.Fprintf(conn, "PUT /b/k HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n", r.URL.Host, len(body))
		ok(t, r.Header.Write(conn))
		fmt.Fprint(conn, "\r\n")
		for _, want := range []int{http.StatusContinue, http.StatusOK} {
			resp, err := http.ReadResponse(reader, r)
			ok(t, err)
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Fatalf("request %d: %s, want %d", i, resp.Status, want)
			}
			if want == http.StatusContinue {
				fmt.Fprint(conn, body)
			}
		}
	}
	if got := s.Requests()[0]; got.Status != http.StatusOK {
		t.Errorf("recorded %d", got.Status)
	}
}
