package ecs

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"time"
)

// sessionHosts is how many hosts' TLS sessions are kept: with virtual-host addressing each bucket is one.
const sessionHosts = 256

// newTransport returns HTTP/1.1 with enough idle connections for every request
// allowed at once. HTTP/2 would put all of them behind one TCP window.
//
// A burst of requests opens many connections: only the first of them takes a whole TLS handshake, the others resume its
// session. A connection that the server ended while it was idle is net/http's to replace: a GET or HEAD is sent again at once
// on another, which counts neither as an attempt nor as a retry. Connections are not opened ahead of their use: that
// would spare the first burst one round trip, and cost the server idle connections of every mount that only lists.
func newTransport(cfg Config) (*http.Transport, error) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(sessionHosts)}
	if cfg.CABundle != "" {
		pem, err := os.ReadFile(cfg.CABundle)
		if err != nil {
			return nil, configError("CA bundle "+cfg.CABundle+": "+errText(err), "")
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, configError("CA bundle "+cfg.CABundle+": no PEM certificate in it", "")
		}
	}
	if cfg.InsecureSkipVerify {
		cfg.Logger.Warn("TLS CERTIFICATES ARE NOT VERIFIED: anyone on the way can read and change everything, the signature included",
			"endpoint", cfg.Endpoint, "instead", "--ca-bundle FILE")
		tlsConfig.InsecureSkipVerify = true
	}
	connectTimeout := min(10*time.Second, cfg.Timeout)
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    connectTimeout,
		MaxIdleConns:           2 * cfg.MaxRequests,
		MaxIdleConnsPerHost:    2 * cfg.MaxRequests, // two: a prefetched page beside each reader
		IdleConnTimeout:        60 * time.Second,
		DisableCompression:     true, // ranges and lengths are of the bytes as stored
		MaxResponseHeaderBytes: 256 << 10,
		// Long bodies go past it: between 4 and 256 KiB reads showed no difference in time or CPU.
		ReadBufferSize: 32 << 10,
		Protocols:      protocols,
	}, nil
}
