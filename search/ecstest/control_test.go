package ecstest

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// control asks Control as a program of this machine does.
func control(t tester, h http.Handler, method, target, body string, change ...func(*http.Request)) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "127.0.0.1:9021", "127.0.0.1:5000"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// compact is a JSON answer without blanks.
func (a answer) compact(t tester) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	text, err := json.Marshal(v)
	ok(t, err)
	return string(text)
}

func TestControlRules(t *testing.T) {
	s, c := startServer(t)
	numbered(t, s, "b", 3)
	h := s.Control()
	if got := control(t, h, "GET", "/rules", "").must(t, 200).compact(t); got != "[]" {
		t.Errorf("no rules: %s", got)
	}
	if got := control(t, h, "POST", "/rules", `{"operations":["GetObject"],"status":503,"times":1}`).must(t, 201).compact(t); got != `{"id":"rule-1"}` {
		t.Errorf("added: %s", got)
	}
	if got := control(t, h, "POST", "/rules", ` {"id":"mine","delay":"1ms"} `).must(t, 201).compact(t); got != `{"id":"mine"}` {
		t.Errorf("added: %s", got)
	}
	c.get("/b/k001").must(t, 503)
	c.get("/b/k001").must(t, 200)
	want := `[{"hits":1,"matched":2,"rule":{"id":"rule-1","operations":["GetObject"],"status":503,"times":1}},` +
		`{"hits":2,"matched":2,"rule":{"delay":"1ms","id":"mine"}}]`
	if got := control(t, h, "GET", "/rules", "").must(t, 200).compact(t); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	control(t, h, "DELETE", "/rules/mine", "").must(t, 204)
	control(t, h, "DELETE", "/rules/mine", "").must(t, 404)
	want = `[{"hits":0,"matched":0,"rule":{"etag":"x","id":"rule-2"}},{"hits":0,"matched":0,"rule":{"id":"z","status":500}}]`
	if got := control(t, h, "PUT", "/rules", `[{"etag":"x"},{"id":"z","status":500}]`).must(t, 200).compact(t); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	c.get("/b/k001").must(t, 500)
	if got := control(t, h, "DELETE", "/rules", "").must(t, 204); got.body != "" || len(s.Rules()) != 0 {
		t.Errorf("%d rules are left, %s", len(s.Rules()), got.body)
	}
	control(t, h, "PUT", "/rules", `[]`).must(t, 200)
}

func TestControlRefuses(t *testing.T) {
	s := NewUnstartedServer()
	kept := Rule{ID: "kept", Status: 500}
	ok(t, s.SetRules(kept))
	h := s.Control()
	for _, tc := range []struct {
		method, target, body string
		status               int
		says                 string
	}{
		{"POST", "/rules", ``, 400, "not JSON"},
		{"POST", "/rules", `{`, 400, "not JSON: at byte 1"},
		{"POST", "/rules", `{"status":500}{}`, 400, "not JSON: at byte 15"},
		{"POST", "/rules", `{"status":500} x`, 400, "not JSON"},
		{"POST", "/rules", `[]`, 400, "rule: an object"},
		{"POST", "/rules", `null`, 400, "rule: an object"},
		{"POST", "/rules", `{}`, 400, "rule: the rule does nothing"},
		{"POST", "/rules", `{"statu":500}`, 400, `did you mean "status"?`},
		{"POST", "/rules", `{"drip":{"bytes":1,"evry":"1s"}}`, 400, `did you mean "every"?`},
		{"POST", "/rules", `{"delay":"1 week"}`, 400, `"1 week" is not a duration`},
		{"POST", "/rules", `{"operations":["Qery"],"status":500}`, 400, `did you mean "Query"?`},
		{"POST", "/rules", `{"id":"kept","status":500}`, 400, `"kept"`},
		{"POST", "/rules", `{"times":1e400,"status":500}`, 400, "times"},
		{"POST", "/rules", `{"probability":2,"status":500}`, 400, "probability: 2"},
		{"POST", "/rules", strings.Repeat("[", 100_000), 400, "not JSON"},
		{"POST", "/rules", `{"message":"` + strings.Repeat("x", maxControlBody) + `"}`, 413, "1048576"},
		{"PUT", "/rules", `{"status":500}`, 400, "a list"},
		{"PUT", "/rules", `null`, 400, "a list"},
		{"PUT", "/rules", `[null]`, 400, "rule 1: an object"},
		{"PUT", "/rules", `[{"status":500},{"status":1}]`, 400, "rule 2: status: 1"},
		{"PUT", "/rules", `[{"status":500},{"x":1}]`, 400, `rule 2: field: "x"`},
		{"PUT", "/rules", `[` + strings.Repeat(`0,`, 100_000) + `0]`, 400, "100001 rules"},
		{"DELETE", "/rules/none", ``, 404, `"none"`},
		{"DELETE", "/rules/%00%2F..", ``, 404, "no rule"},
		{"PATCH", "/rules", ``, 405, "PATCH is not known here; known are DELETE, GET, HEAD, POST, PUT"},
		{"GET", "/rules/kept", ``, 405, "DELETE"},
		{"POST", "/", ``, 405, "GET"},
		{"GET", "/rule", ``, 404, "GET / tells"},
		{"GET", "/requests?limit=0", ``, 400, "limit"},
		{"GET", "/requests?limit=1001", ``, 400, "limit"},
		{"GET", "/requests?limit=x", ``, 400, "limit"},
		{"PUT", "/maintenance", ``, 400, "not JSON"},
		{"PUT", "/maintenance", `{}`, 400, "on: it is missing"},
		{"PUT", "/maintenance", `{"on":"yes"}`, 400, "on: a JSON string"},
		{"PUT", "/maintenance", `{"onn":true}`, 400, `field: "onn" is not known; known are on`},
		{"PUT", "/maintenance", `null`, 400, "an object"},
	} {
		got := control(t, h, tc.method, tc.target, tc.body)
		var e struct{ Error string }
		ok(t, json.Unmarshal([]byte(got.body), &e))
		if got.status != tc.status || !strings.Contains(e.Error, tc.says) || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s %.60s: %d %s, want %d %s", tc.method, tc.target, tc.body, got.status, got.body, tc.status, tc.says)
		}
	}
	if diff := cmp.Diff([]RuleStatus{{Rule: kept}}, s.Rules()); diff != "" {
		t.Errorf("what is refused changed the rules:\n%s", diff)
	}
}

func TestControlIsLocal(t *testing.T) {
	s := NewUnstartedServer()
	h := s.Control()
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	from := func(address string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = address } }
	origin := func(o string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Origin", o) } }
	for _, tc := range []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"an address", host("127.0.0.1:80"), 201},
		{"another one", host("127.8.9.10"), 201},
		{"IPv6", host("[::1]:80"), 201},
		{"IPv6 without a port", host("[::1]"), 201},
		{"a name", host("localhost:80"), 201},
		{"from IPv6", from("[::1]:80"), 201},
		{"from no network", from("pipe"), 201},
		{"no host", host(""), 403},
		{"a host that leads here", host("rebound.example:80"), 403},
		{"a host like an address", host("127.0.0.1.example"), 403},
		{"a host like a name", host("localhost.example"), 403},
		{"all addresses", host("0.0.0.0:80"), 403},
		{"another machine's address", host("192.0.2.1"), 403},
		{"from another machine", from("192.0.2.1:80"), 403},
		{"a web page", origin("http://example.com"), 403},
		{"a web page of this machine", origin("http://127.0.0.1:9021"), 403},
		{"a sandboxed web page", origin("null"), 403},
		{"an empty origin", origin(""), 403},
	} {
		ok(t, s.SetRules())
		got := control(t, h, "POST", "/rules", `{"status":500}`, tc.change)
		if got.status != tc.status || (len(s.Rules()) == 1) != (tc.status == 201) {
			t.Errorf("%s: %d %s, %d rules", tc.name, got.status, got.body, len(s.Rules()))
		}
	}
}

// What signs a request is not told, in whatever way it came.
func TestControlHidesSecrets(t *testing.T) {
	s, c := startServer(t)
	numbered(t, s, "b", 3)
	c.signer.Credentials.SessionToken = "the-session-token"
	var secrets []string
	hide := func(r *http.Request) {
		secrets = append(secrets, r.Header.Values("Authorization")...)
		for _, name := range []string{"X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token", "Signature", "AWSAccessKeyId"} {
			secrets = append(secrets, r.URL.Query()[name]...)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/b/k001", nil)
	ok(t, err)
	r.Header.Set("X-Amz-Server-Side-Encryption-Customer-Key", "the-customer-key")
	r.Header.Set("Cookie", "the-cookie")
	ok(t, c.signer.Sign(r, sigv4.UnsignedPayload, time.Now()))
	hide(r)
	c.send(r)
	r, err = http.NewRequestWithContext(t.Context(), "GET", s.URL+queryTarget("b", "Size>=0"), nil)
	ok(t, err)
	signed, err := c.signer.Presign(r, 1234*time.Second, time.Now())
	ok(t, err)
	r, err = http.NewRequestWithContext(t.Context(), "GET", signed, nil)
	ok(t, err)
	hide(r)
	c.send(r)
	date := time.Now().UTC().Format(http.TimeFormat)
	r, err = http.NewRequestWithContext(t.Context(), "GET", s.URL+"/b/k001", nil)
	ok(t, err)
	r.Header.Set("Date", date)
	r.Header.Set("Authorization", "AWS "+DefaultAccessKeyID+":"+signV2(DefaultSecretAccessKey, "GET\n\n\n"+date+"\n/b/k001"))
	hide(r)
	c.send(r).must(t, 200)
	expires := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	r, err = http.NewRequestWithContext(t.Context(), "GET", s.URL+"/b/k001?AWSAccessKeyId="+DefaultAccessKeyID+"&Expires="+expires+
		"&Signature="+sigv4.Escape(signV2(DefaultSecretAccessKey, "GET\n\n\n"+expires+"\n/b/k001")), nil)
	ok(t, err)
	hide(r)
	c.send(r).must(t, 200)

	got := control(t, s.Control(), "GET", "/requests", "").must(t, 200).body
	for _, secret := range append(secrets, "the-session-token", "the-customer-key", "the-cookie", DefaultSecretAccessKey, "ignature=") {
		if strings.Contains(got, secret) {
			t.Errorf("%q is told", secret)
		}
	}
	if len(secrets) != 7 || strings.Count(got, `"key": "k001"`) != 3 || !strings.Contains(got, `"query": "Size>=0"`) {
		t.Errorf("%d secrets in\n%s", len(secrets), got)
	}
}

func TestControlRequests(t *testing.T) {
	s, c := startServer(t, func(s *Server) { s.Now = func() time.Time { return v2Now } })
	numbered(t, s, "b", 3)
	h := s.Control()
	if got := control(t, h, "GET", "/requests", "").must(t, 200).compact(t) + control(t, h, "GET", "/counts", "").compact(t); got != "[]{}" {
		t.Errorf("nothing was asked: %s", got)
	}
	for range 120 {
		c.get("/b/k002", "Range", "bytes=1-1").must(t, 206)
	}
	c.get(queryTarget("b", "Size>5", "max-keys", "7")).must(t, 200)
	var rows []map[string]any
	for target, want := range map[string]int{"/requests": 100, "/requests?limit=2": 2, "/requests?limit=1000": 121} {
		ok(t, json.Unmarshal([]byte(control(t, h, "GET", target, "").must(t, 200).body), &rows))
		if len(rows) != want {
			t.Errorf("%s: %d rows, want %d", target, len(rows), want)
		}
	}
	ok(t, json.Unmarshal([]byte(control(t, h, "GET", "/requests?limit=2", "").body), &rows))
	at := v2Now.Format(time.RFC3339)
	get, query := rows[0], rows[1]
	if headers := get["headers"].(map[string]any); headers["Range"] != "bytes=1-1" || headers["X-Amz-Content-Sha256"] != "UNSIGNED-PAYLOAD" {
		t.Errorf("headers: %v", headers)
	}
	delete(get, "headers")
	delete(query, "headers")
	if diff := cmp.Diff(map[string]any{"method": "GET", "operation": "GetObject", "bucket": "b", "key": "k002",
		"start": at, "end": at, "status": 206.0, "sent": 1.0}, get); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"query": "Size>5", "max-keys": "7"}, query["query"]); diff != "" {
		t.Error(diff)
	}
	if got := control(t, h, "GET", "/counts", "").must(t, 200).compact(t); got != `{"GetObject":120,"Query":1}` {
		t.Errorf("counts: %s", got)
	}
	control(t, h, "DELETE", "/counts", "").must(t, 204)
	if got := control(t, h, "GET", "/counts", "").must(t, 200).compact(t); got != "{}" || s.Count("Query") != 0 {
		t.Errorf("counts: %s", got)
	}
}

func TestControlMaintenance(t *testing.T) {
	s, c := startServer(t)
	h := s.Control()
	for _, on := range []string{"true", "false"} {
		want := `{"on":` + on + `}`
		if got := control(t, h, "PUT", "/maintenance", want).must(t, 200).compact(t); got != want {
			t.Errorf("got %s", got)
		}
		if got := control(t, h, "GET", "/maintenance", "").must(t, 200).compact(t); got != want {
			t.Errorf("got %s", got)
		}
		status := c.get("/?ping").must(t, 200).xml(t).texts("PingItem/Status")
		if (status[0] == "ON") != (on == "true") {
			t.Errorf("%s: the node says %s", on, status)
		}
	}
}

// Every example of the help works, and every route is in it.
func TestControlHelp(t *testing.T) {
	s := NewUnstartedServer()
	h := s.Control()
	got := control(t, h, "GET", "/", "").must(t, 200)
	if !strings.HasPrefix(got.header.Get("Content-Type"), "text/plain") {
		t.Errorf("type %s", got.header.Get("Content-Type"))
	}
	for _, m := range regexp.MustCompile(`curl -X POST http://127\.0\.0\.1:9021(/\S+) -d '([^']*)'`).FindAllStringSubmatch(got.body, -1) {
		control(t, h, "POST", m[1], m[2]).must(t, 201)
	}
	if n := len(s.Rules()); n != 3 {
		t.Errorf("%d rules, want those of 3 examples", n)
	}
	for _, m := range regexp.MustCompile(`(?m)^  (GET|DELETE) +(/\S*)`).FindAllStringSubmatch(got.body, -1) {
		if got := control(t, h, m[1], strings.Replace(m[2], "ID", "rule-1", 1), ""); got.status != 200 && got.status != 204 && m[2] != "/rules/ID" {
			t.Errorf("%s: %d %s", m[0], got.status, got.body)
		}
	}
	for _, name := range append(append([]string{}, ruleFields...), operationNames...) {
		if !regexp.MustCompile(`\b`+name+`\b`).MatchString(got.body) && name != "id" {
			t.Errorf("%s is not in the help", name)
		}
	}
}

// Start serves Control at a second address, over plain HTTP, and Close ends it.
func TestControlListener(t *testing.T) {
	for _, start := range []func(*Server){(*Server).Start, (*Server).StartTLS} {
		s := NewUnstartedServer()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ok(t, err)
		s.ControlListener = l
		start(s)
		client := &http.Client{Transport: &http.Transport{}}
		resp, err := client.Post(s.ControlURL+"/rules", "", strings.NewReader(`{"status":500}`))
		ok(t, err)
		body, err := io.ReadAll(resp.Body)
		ok(t, err)
		resp.Body.Close()
		if resp.StatusCode != 201 || len(s.Rules()) != 1 || s.ControlURL != "http://"+l.Addr().String() {
			t.Errorf("%s: %d %s", s.ControlURL, resp.StatusCode, body)
		}
		if len(s.Counts()) != 0 {
			t.Errorf("control is counted: %v", s.Counts())
		}
		idle, err := net.Dial("tcp", l.Addr().String()) // says nothing
		ok(t, err)
		s.Close()
		idle.Close()
		client.CloseIdleConnections()
		if _, err := client.Get(s.ControlURL); err == nil {
			t.Error("it still answers")
		}
	}
}

// A control request that never ends does not keep Close waiting for ever.
func TestCloseLeavesControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, data := newPipes(), newPipes()
		s := NewUnstartedServer()
		s.Listener, s.ControlListener = data, p
		s.Start()
		conn, err := p.dial(t.Context(), "", "")
		ok(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, "PUT /rules HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n[")
		ok(t, err)
		synctest.Wait()
		took(t, "Close", closeGrace, s.Close)
	})
}

// Rules change over HTTP while requests run.
func TestControlWhileRunning(t *testing.T) {
	s, c := startServer(t)
	numbered(t, s, "b", 3)
	h := s.Control()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 30 {
				c.get("/b/k001")
				id := control(t, h, "POST", "/rules", `{"status":503,"probability":0.5}`).must(t, 201).body
				control(t, h, "GET", "/rules", "").must(t, 200)
				control(t, h, "GET", "/requests", "").must(t, 200)
				var added struct{ ID string }
				ok(t, json.Unmarshal([]byte(id), &added))
				control(t, h, "DELETE", "/rules/"+added.ID, "").must(t, 204)
			}
		})
	}
	wg.Wait()
	if n := len(s.Rules()); n != 0 {
		t.Errorf("%d rules are left", n)
	}
}

// FuzzControl: no request makes it panic, and what it refuses it says in JSON.
func FuzzControl(f *testing.F) {
	f.Add("POST", "/rules", `{"status":500}`, "localhost")
	f.Add("PUT", "/rules", `[{"operations":["Query"],"paging":"same-page"}]`, "[::1]:80")
	f.Add("DELETE", "/rules/rule-1", "", "127.0.0.1")
	f.Add("GET", "/requests?limit=5", "", "example.com")
	f.Add("PUT", "/maintenance", `{"on":true}`, "[")
	s := NewUnstartedServer()
	h := s.Control()
	f.Fuzz(func(t *testing.T, method, target, body, host string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://localhost"+target, strings.NewReader(body))
		if err != nil {
			return
		}
		r.Host, r.RemoteAddr = host, "127.0.0.1:1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var e controlError
		if w.Code >= 400 && (json.Unmarshal(w.Body.Bytes(), &e) != nil || e.Error == "") {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if len(s.Rules()) > maxRules/2 {
			ok(t, s.SetRules())
		}
	})
}
