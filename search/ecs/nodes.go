package ecs

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// DataNodes are the nodes of an ECS that serve S3.
type DataNodes struct {
	// Endpoints are URLs of the nodes in the server's order, without
	// repetitions: its addresses with the scheme and port of Config.Endpoint,
	// as ECS tells addresses alone.
	Endpoints []string
	// Version is what the server says it is, "3.8.0.0.1". AtLeast compares it.
	Version string
}

// AtLeast reports whether the Version is major.minor or later, compared as
// numbers. A server that does not say what it is, is not.
func (d DataNodes) AtLeast(major, minor int) bool {
	var got [2]int
	parts := strings.SplitN(d.Version, ".", len(got)+1)
	if len(parts) < len(got) {
		return false
	}
	for i := range got {
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return false
		}
		got[i] = n
	}
	return slices.Compare(got[:], []int{major, minor}) >= 0
}

// DataNodes asks for the nodes of this ECS (GET /?endpoint, signed). At most
// 4,096 are taken; none is an error. A server that is no ECS is
// KindUnsupported.
//
// This is a plain request signed by package sigv4: no operation of the SDK is
// ridden. Source: EMCECS/smart-client-java, EcsHostListProvider.
func (c *Client) DataNodes(ctx context.Context) (DataNodes, error) {
	t := target{op: opDataNodes}
	var nodes DataNodes
	err := c.run(ctx, t, kindDataNodes, func(cl *call) error {
		u := c.url("", "")
		u.RawQuery = "endpoint="
		return c.send(cl, plainRequest{method: http.MethodGet, url: u}, document(func(r io.Reader) (err error) {
			nodes, err = decodeDataNodes(r, c.endpoint)
			if err == errOtherList {
				return t.fail(search.KindUnsupported, c.endpoint.Host+" lists no data nodes: it is no ECS", "")
			}
			return err
		}))
	})
	if err != nil {
		return DataNodes{}, err
	}
	return nodes, nil
}

// errOtherList is the answer of a server that took the request for a list of
// buckets.
var errOtherList = badf("a list of buckets where data nodes were expected")

// decodeDataNodes reads a <ListDataNode>.
func decodeDataNodes(r io.Reader, seed *url.URL) (DataNodes, error) {
	var nodes DataNodes
	w := newWalker(r)
	root, err := w.root()
	switch {
	case err != nil:
		return nodes, err
	case root == "ListAllMyBucketsResult":
		return nodes, errOtherList
	case root != "ListDataNode":
		return nodes, badf("<%s> where <ListDataNode> was expected", shorten(root))
	}
	seen := make(map[string]bool)
	err = w.children(func(name string) error {
		switch name {
		case "DataNodes":
			address, err := w.trimmed()
			if err != nil || address == "" || seen[address] {
				return err
			}
			if !isHost(address) {
				return badf("a data node %q that is no address", printable(shorten(address)))
			}
			if len(nodes.Endpoints) == maxEntries {
				return badf("more than %d data nodes", maxEntries)
			}
			seen[address] = true
			nodes.Endpoints = append(nodes.Endpoints, endpointOf(seed, address))
			return nil
		case "VersionInfo":
			version, err := w.trimmed()
			nodes.Version = printable(shorten(version))
			return err
		default:
			return w.skip()
		}
	})
	if err == nil && len(nodes.Endpoints) == 0 {
		err = badf("a list without data nodes")
	}
	return nodes, err
}

// isHost reports whether s is an address or a host name and nothing else.
func isHost(s string) bool {
	return isIPAddress(s) || len(s) <= 253 && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '.' || r == '-' || r == '_')
	}) < 0
}

// endpointOf returns the URL of a node with the scheme and port of seed.
func endpointOf(seed *url.URL, address string) string {
	u := url.URL{Scheme: seed.Scheme, Host: address}
	switch port := seed.Port(); {
	case port != "":
		u.Host = net.JoinHostPort(address, port)
	case strings.Contains(address, ":"):
		u.Host = "[" + address + "]"
	}
	return u.String()
}

// Health is what a node says about itself.
type Health struct {
	// LoadFactor is the number of connections that the node serves, -1 when it does not say.
	LoadFactor int
	// Maintenance is true when the node is in maintenance mode: send it nothing.
	Maintenance bool
	// Status is the node's word for its maintenance mode: "OFF", "ON" or
	// "UNKNOWN"; empty when it does not say. Text is its explanation.
	Status, Text string
	// Latency is the time from the request to the end of the answer,
	// connecting included: each ping has a connection of its own.
	Latency time.Duration
}

// Ping asks one node how it is (GET /?ping). endpoint is its URL, as DataNodes
// gives it; empty stands for Config.Endpoint.
//
// The request is not signed, so no credentials reach the node. It is sent once,
// on a connection of its own that is then closed, so that pings count neither
// as load nor as retries: a node that does not answer within Config.Timeout is an error.
//
// Source: ECS REST API, S3PingOperation_ping; EMCECS/smart-client-java, which
// sends x-emc-namespace with it, as old servers want one.
func (c *Client) Ping(ctx context.Context, endpoint string) (Health, error) {
	return c.ping(ctx, endpoint, "ping=")
}

// PingLoad is Ping for the load factor alone (GET /?ping&item=load-factor): it
// spares the node the look at its maintenance mode, and leaves Maintenance,
// Status and Text empty.
func (c *Client) PingLoad(ctx context.Context, endpoint string) (Health, error) {
	return c.ping(ctx, endpoint, "item=load-factor&ping=")
}

func (c *Client) ping(ctx context.Context, endpoint, query string) (Health, error) {
	t := target{op: opPing}
	node := c.endpoint
	if endpoint != "" {
		var err error
		if node, err = parseEndpoint(endpoint); err != nil {
			return Health{}, err
		}
	}
	var health Health
	err := c.run(ctx, t, kindPing, func(cl *call) error {
		cl.node = node
		u := *node
		u.Path, u.RawQuery = "/", query
		began := time.Now()
		err := c.send(cl, plainRequest{method: http.MethodGet, url: &u, unsigned: true, once: true,
			header: http.Header{headerNamespace: {"x"}}}, document(func(r io.Reader) (err error) {
			health, err = decodePing(r)
			return err
		}))
		health.Latency = time.Since(began)
		return err
	})
	if err != nil {
		return Health{}, err
	}
	return health, nil
}

// decodePing reads a <PingList>.
func decodePing(r io.Reader) (Health, error) {
	health := Health{LoadFactor: -1}
	w := newWalker(r)
	if err := w.rootNamed("PingList"); err != nil {
		return health, err
	}
	err := w.children(func(name string) error {
		if name != "PingItem" {
			return w.skip()
		}
		item := make(map[string]string, 4)
		err := w.children(func(name string) error {
			if !slices.Contains(pingFields, name) {
				return w.skip()
			}
			text, err := w.trimmed()
			item[name] = printable(shorten(text))
			return err
		})
		switch item["Name"] {
		case "LOAD_FACTOR":
			if n, err := strconv.Atoi(item["Value"]); err == nil && n >= 0 {
				health.LoadFactor = n
			}
		case "MAINTENANCE_MODE":
			health.Status, health.Text = item["Status"], item["Text"]
			health.Maintenance = strings.EqualFold(health.Status, "ON")
		}
		return err
	})
	return health, err
}

var pingFields = []string{"Name", "Value", "Status", "Text"}
