package ecs

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"time"
)

// newTransport returns HTTP/1.1 with enough idle connections for every request
// allowed at once. HTTP/2 would put all of them behind one TCP window.
func newTransport(cfg Config) (*http.Transport, error) {
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12}
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
		ReadBufferSize:         32 << 10,
		Protocols:              protocols,
	}, nil
}
