package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// meter is the emulator behind a latency that can be changed while it runs. It
// counts what clients ask of it. It is safe for concurrent use.
type meter struct {
	server  *ecstest.Server
	latency atomic.Int64 // nanoseconds, waited before each answer

	underWay, peak           atomic.Int64 // requests at once
	objectBytes, searchBytes atomic.Int64 // of bodies sent: of objects, and of all else
}

// readings is what a meter tells.
type readings struct {
	Requests    map[string]int `json:"requests"` // by operation, as ecstest names them
	ObjectBytes int64          `json:"object_bytes"`
	OtherBytes  int64          `json:"other_bytes"`
	Peak        int64          `json:"peak"` // most requests at once
}

func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := m.underWay.Add(1)
	for peak := m.peak.Load(); at > peak && !m.peak.CompareAndSwap(peak, at); {
		peak = m.peak.Load()
	}
	defer m.underWay.Add(-1)
	if d := time.Duration(m.latency.Load()); d > 0 {
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return
		}
	}
	bytes := &m.searchBytes
	if _, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); key != "" {
		bytes = &m.objectBytes
	}
	m.server.ServeHTTP(&meteredWriter{ResponseWriter: w, bytes: bytes}, r)
}

// meteredWriter counts the bytes of a body.
type meteredWriter struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (w *meteredWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.bytes.Add(int64(n))
	return n, err
}

func (w *meteredWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// reset forgets what was counted.
func (m *meter) reset() {
	m.server.ResetRequests()
	m.objectBytes.Store(0)
	m.searchBytes.Store(0)
	m.peak.Store(m.underWay.Load())
}

func (m *meter) read() readings {
	return readings{Requests: m.server.Counts(), ObjectBytes: m.objectBytes.Load(), OtherBytes: m.searchBytes.Load(), Peak: m.peak.Load()}
}

// control serves GET /readings, POST /reset and POST /latency?d=10ms.
func (m *meter) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readings", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(m.read()) // a failed write is the client's doing: it went away
	})
	mux.HandleFunc("POST /reset", func(w http.ResponseWriter, _ *http.Request) { m.reset() })
	mux.HandleFunc("POST /latency", func(w http.ResponseWriter, r *http.Request) {
		d, err := time.ParseDuration(r.URL.Query().Get("d"))
		if err != nil || d < 0 {
			http.Error(w, "d is no duration", http.StatusBadRequest)
			return
		}
		m.latency.Store(int64(d))
	})
	return mux
}
