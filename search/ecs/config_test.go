package ecs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
	"github.com/ecsfs/ecsfs/search/ecstest"
)

// noCredentials removes every source of credentials and endpoints that the
// machine running the tests may have.
func noCredentials(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", ecs.EnvAccessKeyID, ecs.EnvSecretAccessKey} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, "credentials"))
	return home
}

func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantError fails unless err is of kind and says all of texts, on one line.
func wantError(t *testing.T, err error, kind search.Kind, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %v", kind)
	}
	if search.KindOf(err) != kind {
		t.Errorf("%v is %v, want %v", err, search.KindOf(err), kind)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q has more than one line", err)
	}
}

func TestConfigErrors(t *testing.T) {
	dir := t.TempDir()
	ok := ecs.Config{Endpoint: "https://ecs.example.com:9021", Credentials: demoKeys}
	tests := []struct {
		name   string
		change func(*ecs.Config)
		want   string
	}{
		{"no endpoint", func(c *ecs.Config) { c.Endpoint = "" }, "no endpoint given"},
		{"no scheme", func(c *ecs.Config) { c.Endpoint = "ecs.example.com:9021" }, "neither with http"},
		{"an address without a scheme", func(c *ecs.Config) { c.Endpoint = "127.0.0.1:9020" }, "neither with http"},
		{"no URL", func(c *ecs.Config) { c.Endpoint = "http://[::1" }, "no URL"},
		{"ftp", func(c *ecs.Config) { c.Endpoint = "ftp://host" }, "neither with http"},
		{"no host", func(c *ecs.Config) { c.Endpoint = "http:///x" }, "no host"},
		{"path", func(c *ecs.Config) { c.Endpoint = "http://host/bucket" }, "has a path"},
		{"query", func(c *ecs.Config) { c.Endpoint = "http://host/?x" }, "query"},
		{"fragment", func(c *ecs.Config) { c.Endpoint = "http://host#x" }, "fragment"},
		{"user", func(c *ecs.Config) { c.Endpoint = "http://id:topsecret@host" }, "user or password"},
		{"user, bad URL", func(c *ecs.Config) { c.Endpoint = "http://id:top%secret@host" }, "user or password"},
		{"addressing", func(c *ecs.Config) { c.Addressing = "dns" }, `"dns"`},
		{"virtual address", func(c *ecs.Config) { c.Addressing = ecs.VirtualHost; c.Endpoint = "http://127.0.0.1:9020" }, "127.0.0.1 is an address"},
		{"engine", func(c *ecs.Config) { c.Engine = "grep" }, `"grep" is none of auto, ecs, scan`},
		{"encoding", func(c *ecs.Config) { c.QueryEncoding = "base64" }, `"base64"`},
		{"page size", func(c *ecs.Config) { c.PageSize = 1001 }, "page size 1001"},
		{"negative", func(c *ecs.Config) { c.MaxPages = -1 }, "negative"},
		{"header injection", func(c *ecs.Config) { c.Namespace = "a\r\nx: y" }, "control character"},
		{"no bundle", func(c *ecs.Config) { c.CABundle = filepath.Join(dir, "missing") }, "no such file"},
		{"empty bundle", func(c *ecs.Config) { c.CABundle = write(t, filepath.Join(dir, "empty.pem"), "x", 0o600) }, "no PEM certificate"},
		{"bundle and transport", func(c *ecs.Config) { c.CABundle = "x"; c.Transport = http.DefaultTransport }, "transport of your own"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := ok
			tt.change(&cfg)
			_, err := ecs.New(t.Context(), cfg)
			wantError(t, err, search.KindInvalid, tt.want)
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q shows a secret", err)
			}
		})
	}
	if _, err := ecs.New(t.Context(), ok); err != nil {
		t.Error(err)
	}
}

func TestFindEndpoint(t *testing.T) {
	home := noCredentials(t)
	find := func(explicit, profile string) string {
		t.Helper()
		endpoint, source, err := ecs.FindEndpoint(t.Context(), explicit, profile)
		if err != nil {
			t.Fatal(err)
		}
		return endpoint + " from " + source
	}
	_, _, err := ecs.FindEndpoint(t.Context(), "", "")
	wantError(t, err, search.KindInvalid, "no endpoint given", "--endpoint")

	write(t, filepath.Join(home, "config"), `
[default]
endpoint_url = http://default
[profile lab]
services = labs
endpoint_url = http://global
[services labs]
s3 =
  endpoint_url = http://lab
[profile plain]
endpoint_url = http://plain
`, 0o600)
	tests := []struct{ explicit, profile, want string }{
		{"", "", "http://default from profile default"},
		{"", "lab", "http://lab from profile lab"},
		{"", "plain", "http://plain from profile plain"},
		{"http://x", "lab", "http://x from --endpoint"},
	}
	for _, tt := range tests {
		if got := find(tt.explicit, tt.profile); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://any")
	if got := find("", "lab"); got != "http://any from AWS_ENDPOINT_URL" {
		t.Error(got)
	}
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://s3")
	if got := find("", "lab"); got != "http://s3 from AWS_ENDPOINT_URL_S3" {
		t.Error(got)
	}
}

// TestCredentialsPrecedence gives a different pair in every place and takes
// away the strongest one after the other. The server knows who signed.
func TestCredentialsPrecedence(t *testing.T) {
	home := noCredentials(t)
	pairs := map[string]string{}
	for _, id := range []string{"config", "file", "123@ecs", "aws-env", "profile", "default"} {
		pairs[id] = "secret-of-" + id
	}
	srv := startServer(t, func(s *ecstest.Server) { s.Credentials = pairs })
	write(t, filepath.Join(home, "credentials"), `
[default]
aws_access_key_id = default
aws_secret_access_key = secret-of-default
[lab]
aws_access_key_id = profile
aws_secret_access_key = secret-of-profile
`, 0o600)
	file := write(t, filepath.Join(home, "pair"), "file\nsecret-of-file\n", 0o400)
	t.Setenv(ecs.EnvAccessKeyID, "123@ecs")
	t.Setenv(ecs.EnvSecretAccessKey, "secret-of-123@ecs")
	t.Setenv("AWS_ACCESS_KEY_ID", "aws-env")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret-of-aws-env")

	signedBy := func(cfg func(*ecs.Config)) string {
		t.Helper()
		srv.ResetRequests()
		c := newStore(t, srv.URL, func(c *ecs.Config) { c.Credentials = ecs.Credentials{} }, cfg)
		if _, err := c.Buckets(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, id, _ := strings.Cut(srv.Requests()[0].Header.Get("Authorization"), "Credential=")
		id, _, _ = strings.Cut(id, "/")
		return id
	}
	all := func(c *ecs.Config) {
		c.Credentials = ecs.Credentials{AccessKeyID: "config", SecretAccessKey: "secret-of-config"}
		c.CredentialsFile, c.Profile = file, "lab"
	}
	none := func(*ecs.Config) {}
	steps := []struct {
		want string
		cfg  func(*ecs.Config)
		then func()
	}{
		{"config", all, nil},
		{"file", func(c *ecs.Config) { all(c); c.Credentials = ecs.Credentials{} }, nil},
		{"profile", func(c *ecs.Config) { c.Profile = "lab" }, nil},
		{"123@ecs", none, func() { t.Setenv(ecs.EnvAccessKeyID, ""); t.Setenv(ecs.EnvSecretAccessKey, "") }},
		{"aws-env", none, func() { t.Setenv("AWS_ACCESS_KEY_ID", ""); t.Setenv("AWS_SECRET_ACCESS_KEY", "") }},
		{"default", none, nil},
	}
	for _, step := range steps {
		if got := signedBy(step.cfg); got != step.want {
			t.Errorf("signed by %q, want %q", got, step.want)
		}
		if step.then != nil {
			step.then()
		}
	}
}

func TestNoCredentials(t *testing.T) {
	noCredentials(t)
	began := time.Now()
	_, err := ecs.New(t.Context(), ecs.Config{Endpoint: "http://127.0.0.1:1"})
	wantError(t, err, search.KindPermission, "no credentials found", ecs.EnvAccessKeyID, "--credentials-file")
	_, err = ecs.New(t.Context(), ecs.Config{Endpoint: "http://127.0.0.1:1", Profile: "nobody"})
	wantError(t, err, search.KindPermission, "nobody")
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	t.Setenv(ecs.EnvAccessKeyID, "half")
	_, err = ecs.New(t.Context(), ecs.Config{Endpoint: "http://127.0.0.1:1"})
	wantError(t, err, search.KindPermission, "secret access key is missing")
}

// TestInstanceRole finds credentials at an instance metadata service, and does
// not wait long for one that is silent.
func TestInstanceRole(t *testing.T) {
	noCredentials(t)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	silent := make(chan struct{})
	var talks atomic.Bool
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !talks.Load() {
			select {
			case <-silent:
			case <-r.Context().Done():
			}
			return
		}
		switch r.URL.Path {
		case "/latest/api/token":
			w.Header().Set("x-aws-ec2-metadata-token-ttl-seconds", "60")
			io.WriteString(w, "token")
		case "/latest/meta-data/iam/security-credentials/":
			io.WriteString(w, "role")
		default:
			fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":"role-id","SecretAccessKey":"role-secret","Token":"t","Expiration":%q}`,
				time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		}
	}))
	t.Cleanup(metadata.Close)
	t.Cleanup(func() { close(silent) })
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.URL)
	began := time.Now()
	_, err := ecs.New(t.Context(), ecs.Config{Endpoint: "http://127.0.0.1:1"})
	wantError(t, err, search.KindPermission, "no credentials found")
	if d := time.Since(began); d > 6*time.Second {
		t.Errorf("waited %v for a silent metadata service", d)
	}
	talks.Store(true)
	if _, err := ecs.New(t.Context(), ecs.Config{Endpoint: "http://127.0.0.1:1"}); err != nil {
		t.Errorf("with an instance role: %v", err)
	}
}

func TestCredentialsFile(t *testing.T) {
	noCredentials(t)
	dir := t.TempDir()
	tests := []struct {
		name, text string
		mode       os.FileMode
		want       string // empty: accepted
	}{
		{"two lines", "id\nsec=ret/+\n", 0o600, ""},
		{"read only", "id\nsecret", 0o400, ""},
		{"blanks", "\n  id  \n# comment\n\tsecret \r\n\n", 0o600, ""},
		{"named", "access_key_id=id\nsecret_access_key = sec=ret\n", 0o600, ""},
		{"AWS names", "[default]\naws_access_key_id = id\naws_secret_access_key = secret\naws_session_token = t\n", 0o600, ""},
		{"group", "id\nsecret", 0o640, "others can use it (mode 0640)"},
		{"others", "id\nsecret", 0o604, "chmod 600"},
		{"one line", "id\n", 0o600, "it has 1 line where two lines are expected"},
		{"three lines", "id\nsecret\nmore", 0o600, "3 lines where two"},
		{"mixed", "access_key_id=id\nsecret", 0o600, "names none of"},
		{"no secret", "access_key_id=id\n", 0o600, "secret access key is missing"},
		{"blank within", "id\nsec ret\n", 0o600, "blank or control"},
		{"empty", "", 0o600, "0 lines"},
		{"huge", strings.Repeat("x", 70<<10), 0o600, "too large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, filepath.Join(dir, "f"), tt.text, tt.mode)
			_, err := ecs.New(t.Context(), ecs.Config{Endpoint: "http://h", CredentialsFile: path})
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
			} else {
				wantError(t, err, search.KindPermission, tt.want, path)
				for _, secret := range []string{"sec ret", "secret\n", "more"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%q repeats the file", err)
					}
				}
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		})
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "not a regular file", fifo: "not a regular file", filepath.Join(dir, "missing"): "no such file"} {
		_, err := ecs.New(t.Context(), ecs.Config{Endpoint: "http://h", CredentialsFile: path})
		wantError(t, err, search.KindPermission, want)
	}
}

// TestSecretsStayInside looks for the secret in everything that is printed.
func TestSecretsStayInside(t *testing.T) {
	var log bytes.Buffer
	pair := ecs.Credentials{AccessKeyID: "id", SecretAccessKey: "topsecret", SessionToken: "toptoken"}
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	srv := startServer(t)
	c := newStore(t, srv.URL, func(c *ecs.Config) { c.Credentials, c.Logger = pair, logger })
	_, err := c.Buckets(t.Context())
	wantError(t, err, search.KindPermission, "key id id")
	logger.Info("config", "credentials", pair, "pointer", &pair)
	cfg := ecs.Config{Endpoint: srv.URL, Credentials: pair}
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "whole", cfg)
	encoded, err2 := json.Marshal(pair)
	if err2 != nil {
		t.Error(err2)
	}
	for _, text := range []string{log.String(), err.Error(), string(encoded), fmt.Sprintf("%v %+v %#v %s %x %d %v", pair, cfg, cfg, pair, pair, pair, &cfg)} {
		if strings.Contains(text, "topsecret") || strings.Contains(text, "toptoken") {
			t.Errorf("shows a secret: %s", text)
		}
	}
	if !strings.Contains(log.String(), "GET") {
		t.Errorf("requests are not logged: %s", log.String())
	}
}

func TestInsecureWarns(t *testing.T) {
	srv := ecstest.NewUnstartedServer()
	srv.StartTLS()
	t.Cleanup(srv.Close)
	var log bytes.Buffer
	c, err := ecs.New(t.Context(), ecs.Config{Endpoint: srv.URL, Credentials: demoKeys, InsecureSkipVerify: true,
		Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	if _, err := c.Store().Buckets(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "NOT VERIFIED") {
		t.Errorf("no warning: %s", log.String())
	}
}
