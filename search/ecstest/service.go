package ecstest

import (
	"cmp"
	"net"
	"net/http"
	"strconv"
)

// pingName is the operation of GET /?ping, the only one without a signature.
const pingName = "Ping"

// endpoint answers GET /?endpoint: the data nodes that share the work, as
// addresses without ports, and the version.
func (s *Server) endpoint(w http.ResponseWriter, c *call) *apiError {
	nodes := s.DataNodes
	if len(nodes) == 0 {
		nodes = []string{ownAddress(c.r)}
	}
	x := newS3XML("ListDataNode")
	for _, n := range nodes {
		x.elem("DataNodes", n)
	}
	x.elem("VersionInfo", s.Generation.traits().VersionInfo)
	writeXML(w, http.StatusOK, x)
	return nil
}

// ownAddress is the address that a request came to, without the port.
func ownAddress(r *http.Request) string {
	address := r.Host
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		address = local.String()
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	return cmp.Or(address, "127.0.0.1")
}

// ping answers GET /?ping, which load balancers ask without a signature. It is
// 200 whatever it tells. ECS counts connections for the load factor, this server
// requests under way; the one that asks is among them.
func (s *Server) ping(w http.ResponseWriter, c *call) *apiError {
	x := newS3XML("PingList")
	x.begin("PingItem")
	x.elem("Name", "LOAD_FACTOR")
	x.elem("Value", strconv.FormatInt(s.underWay.Load(), 10))
	x.end()
	if c.Query.Get("item") != "load-factor" {
		status, text := "OFF", "Data Node is Available"
		if s.maintenance.Load() {
			status, text = "ON", "Data Node is in maintenance mode"
		}
		x.begin("PingItem")
		x.elem("Name", "MAINTENANCE_MODE")
		x.elem("Status", status)
		x.elem("Text", text)
		x.end()
	}
	writeXML(w, http.StatusOK, x)
	return nil
}

// SetMaintenance changes what GET /?ping tells clients: with on, to leave this
// node alone. All requests are served as before.
func (s *Server) SetMaintenance(on bool) { s.maintenance.Store(on) }
