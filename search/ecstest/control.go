package ecstest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// maxControlBody bounds what a control request can send.
const maxControlBody = 1 << 20

// Bounds of the rows of GET /requests.
const (
	defaultControlRequests = 100
	maxControlRequests     = 1000
)

// Control returns the handler that ControlListener serves: rules, counts and
// requests over HTTP, in JSON. GET / tells, as plain text, what there is.
//
//	GET    /rules            the rules, and what they have done: [{"rule":{...},"matched":N,"hits":N}, ...]
//	PUT    /rules            replace all by [{...}, ...], as SetRules
//	POST   /rules            add {...}, as AddRule: 201, {"id":"..."}
//	DELETE /rules            remove all
//	DELETE /rules/ID         remove one: 404 when there is none
//	GET    /requests?limit=N the last N requests (100; at most 1000), the oldest first
//	GET    /counts           how many requests of each operation: {"Query":N, ...}
//	DELETE /counts           forget requests and counts, as ResetRequests
//	GET    /maintenance      {"on":false}
//	PUT    /maintenance      {"on":true}, as SetMaintenance
//
// What cannot be is refused with {"error":"..."}: 400, 413 above 1 MiB, 404 and
// 405. Requests are shown without what signs them: no Authorization, no
// signature, no token, and of the other headers only those that the protocol
// has a use for.
//
// Nothing is signed here. So a request must come from this machine and name it
// (a loopback address or "localhost" in Host), and must not have an Origin, as
// what web pages send has: all else is 403.
func (s *Server) Control() http.Handler {
	mux := http.NewServeMux()
	for pattern, f := range map[string]func(*http.Request) (status int, answer any, err error){
		"GET /rules":         s.controlRules,
		"PUT /rules":         s.controlSetRules,
		"POST /rules":        s.controlAddRule,
		"DELETE /rules":      s.controlClearRules,
		"DELETE /rules/{id}": s.controlRemoveRule,
		"GET /requests":      s.controlRequests,
		"GET /counts":        s.controlCounts,
		"DELETE /counts":     s.controlResetCounts,
		"GET /maintenance":   s.controlMaintenance,
		"PUT /maintenance":   s.controlSetMaintenance,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
			status, answer, err := f(r)
			if err != nil {
				if status == 0 {
					status = http.StatusBadRequest
				}
				answer = controlError{err.Error()}
			}
			writeJSON(w, status, answer)
		})
	}
	mux.HandleFunc("GET /{$}", controlHelp)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err := checkLocal(r); err != nil {
			writeJSON(w, http.StatusForbidden, controlError{err.Error()})
			return
		}
		h, pattern := mux.Handler(r)
		if pattern == "" { // 404, 405, or a path to be cleaned
			refused := &discardedAnswer{header: http.Header{}}
			h.ServeHTTP(refused, r)
			if allow := refused.header.Get("Allow"); allow != "" {
				w.Header().Set("Allow", allow)
				writeJSON(w, http.StatusMethodNotAllowed, controlError{fmt.Sprintf("%s is not known here; known are %s", r.Method, allow)})
				return
			}
			writeJSON(w, http.StatusNotFound, controlError{"there is nothing of that name; GET / tells what there is"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

type controlError struct {
	Error string `json:"error"`
}

// writeJSON answers with a document; nil: without one.
func writeJSON(w http.ResponseWriter, status int, answer any) {
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a failed write is the client's doing: it went away
}

// checkLocal refuses what is not from this machine and meant for it: other
// machines, web pages, and names of other hosts that lead here.
func checkLocal(r *http.Request) error {
	if r.Header.Values("Origin") != nil {
		return errors.New("web pages may not control this server")
	}
	if host := hostOf(r.Host); host != "localhost" && !isLoopback(host) {
		return fmt.Errorf("the host %.100q is not this machine: use 127.0.0.1, [::1] or localhost", r.Host)
	}
	if from := hostOf(r.RemoteAddr); !isLoopback(from) {
		if _, err := netip.ParseAddr(from); err == nil {
			return errors.New("only this machine may control this server")
		}
	}
	return nil
}

// hostOf returns an address without its port and brackets.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return strings.TrimSuffix(strings.TrimPrefix(address, "["), "]")
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// readJSON reads a request's body, which is one document and nothing else.
func readJSON(r *http.Request, into any) (status int, err error) {
	data, err := io.ReadAll(r.Body)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the body has more than %d bytes", maxControlBody)
	}
	if err != nil {
		return http.StatusBadRequest, errors.New("the body could not be read")
	}
	err = json.Unmarshal(data, into)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return http.StatusBadRequest, fmt.Errorf("the body is not JSON: at byte %d: %s", syntax.Offset, syntax)
	}
	return http.StatusBadRequest, err
}

func (s *Server) controlRules(*http.Request) (int, any, error) {
	return http.StatusOK, s.Rules(), nil
}

func (s *Server) controlSetRules(r *http.Request) (int, any, error) {
	var texts []json.RawMessage
	if status, err := readJSON(r, &texts); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			err = errors.New("a list [{...}, ...] of rules is wanted; POST adds one")
		}
		return status, nil, err
	}
	if texts == nil {
		return 0, nil, errors.New("a list [{...}, ...] of rules is wanted; DELETE removes all")
	}
	if len(texts) > maxRules {
		return 0, nil, fmt.Errorf("%d rules: a server has at most %d", len(texts), maxRules)
	}
	rules := make([]Rule, len(texts))
	for i := range rules {
		if err := json.Unmarshal(texts[i], &rules[i]); err != nil {
			return 0, nil, fmt.Errorf("rule %d: %w", i+1, err)
		}
	}
	if err := s.SetRules(rules...); err != nil {
		return 0, nil, withoutPackage(err)
	}
	return http.StatusOK, s.Rules(), nil
}

func (s *Server) controlAddRule(r *http.Request) (int, any, error) {
	var rule Rule
	if status, err := readJSON(r, &rule); err != nil {
		return status, nil, fmt.Errorf("rule: %w", err)
	}
	id, err := s.AddRule(rule)
	if err != nil {
		return 0, nil, withoutPackage(err)
	}
	return http.StatusCreated, map[string]string{"id": id}, nil
}

// withoutPackage shortens an error of this package for its answer.
func withoutPackage(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "ecstest: "))
}

func (s *Server) controlClearRules(*http.Request) (int, any, error) {
	return http.StatusNoContent, nil, s.SetRules()
}

func (s *Server) controlRemoveRule(r *http.Request) (int, any, error) {
	if id := r.PathValue("id"); !s.RemoveRule(id) {
		return http.StatusNotFound, nil, fmt.Errorf("there is no rule %.100q", id)
	}
	return http.StatusNoContent, nil, nil
}

func (s *Server) controlCounts(*http.Request) (int, any, error) {
	counts := s.Counts()
	if counts == nil {
		counts = map[string]int{}
	}
	return http.StatusOK, counts, nil
}

func (s *Server) controlResetCounts(*http.Request) (int, any, error) {
	s.ResetRequests()
	return http.StatusNoContent, nil, nil
}

// maintenanceJSON is what GET and PUT of /maintenance say.
type maintenanceJSON struct {
	On bool `json:"on"`
}

func (s *Server) controlMaintenance(*http.Request) (int, any, error) {
	return http.StatusOK, maintenanceJSON{s.maintenance.Load()}, nil
}

func (s *Server) controlSetMaintenance(r *http.Request) (int, any, error) {
	var text json.RawMessage
	if status, err := readJSON(r, &text); err != nil {
		return status, nil, err
	}
	var sent struct {
		On *bool `json:"on"`
	}
	if err := decodeStrictly(text, &sent, []string{"on"}); err != nil {
		return 0, nil, err
	}
	if sent.On == nil {
		return 0, nil, errors.New(`on: it is missing; {"on":true} or {"on":false} is wanted`)
	}
	s.SetMaintenance(*sent.On)
	return http.StatusOK, maintenanceJSON{*sent.On}, nil
}

func (s *Server) controlRequests(r *http.Request) (int, any, error) {
	limit := defaultControlRequests
	if text := r.URL.Query().Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxControlRequests {
			return 0, nil, fmt.Errorf("limit: %.60q is not a number from 1 to %d", text, maxControlRequests)
		}
	}
	all := s.Requests()
	rows := make([]requestJSON, 0, limit)
	for _, req := range all[max(len(all)-limit, 0):] {
		rows = append(rows, publicRequest(req))
	}
	return http.StatusOK, rows, nil
}
