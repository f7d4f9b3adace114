package ecs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go/logging"

	"github.com/ecsfs/ecsfs/search"
)

// The environment variables of the pair that ECS issues. They have names of
// their own so that they can stand beside an AWS pair.
const (
	EnvAccessKeyID     = "ECSFS_ACCESS_KEY_ID"
	EnvSecretAccessKey = "ECSFS_SECRET_ACCESS_KEY"
)

const (
	// credentialsTimeout bounds the look-up in New; an SSO token may need a refresh.
	credentialsTimeout = 10 * time.Second
	// metadataTimeout bounds one request to an instance metadata service,
	// which answers within milliseconds where there is one.
	metadataTimeout = time.Second
	// maxCredentialsFile is far above any key pair, in bytes.
	maxCredentialsFile = 64 << 10
)

// Credentials is a key pair. Printing or logging it shows the id alone.
type Credentials struct {
	AccessKeyID     string // as issued; ECS ids may look like 123@ecstestdrive.emc.com
	SecretAccessKey string
	SessionToken    string // of temporary credentials; may be empty
}

// String returns the id alone.
func (c Credentials) String() string { return "credentials of " + c.AccessKeyID }

// Format prints the id alone, whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalText gives encoding/json and its like, loggers among them, the id alone.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue returns the id alone.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// findCredentials returns the provider that the package documentation's order
// of precedence gives, once it has produced a pair.
func findCredentials(ctx context.Context, cfg Config) (aws.CredentialsProvider, error) {
	pair, source, err := staticCredentials(cfg)
	switch {
	case err != nil:
		return nil, err
	case pair != Credentials{}:
		cfg.Logger.Debug("credentials found", "source", source, "key_id", pair.AccessKeyID)
		return credentials.NewStaticCredentialsProvider(pair.AccessKeyID, pair.SecretAccessKey, pair.SessionToken), nil
	}

	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	options := []func(*config.LoadOptions) error{
		config.WithRegion(cfg.Region),
		// What it tries and fails is no news beside the one error that says
		// what to do; its default is to write to stderr.
		config.WithLogger(logging.Nop{}),
	}
	if cfg.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(cfg.Profile))
	}
	awsConfig, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, credentialsError(cfg, err)
	}
	if aws.IsCredentialsProvider(awsConfig.Credentials, (*ec2rolecreds.Provider)(nil)) {
		awsConfig.Credentials = instanceRole(awsConfig)
	}
	value, err := awsConfig.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, credentialsError(cfg, err)
	}
	cfg.Logger.Debug("credentials found", "source", value.Source, "key_id", value.AccessKeyID)
	return awsConfig.Credentials, nil
}

// instanceRole asks the instance metadata service, but does not wait for one
// that is not there as patiently as the SDK does.
func instanceRole(awsConfig aws.Config) aws.CredentialsProvider {
	client := imds.NewFromConfig(awsConfig, func(o *imds.Options) {
		o.HTTPClient = &http.Client{Timeout: metadataTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
		o.Retryer = aws.NopRetryer{}
	})
	return aws.NewCredentialsCache(ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = client }))
}

func credentialsError(cfg Config, cause error) error {
	e := &search.Error{Op: "configure", Kind: search.KindPermission, Reason: "no credentials found", Err: cause,
		Hint: "set " + EnvAccessKeyID + " and " + EnvSecretAccessKey + ", or --credentials-file FILE, or a profile in ~/.aws/credentials"}
	if cfg.Profile != "" {
		e.Reason = fmt.Sprintf("no credentials found in profile %q: %v", cfg.Profile, cause)
	}
	return e
}

// staticCredentials returns the pair given to this program itself, and from
// where; the zero pair when there is none.
func staticCredentials(cfg Config) (pair Credentials, source string, err error) {
	switch {
	case cfg.Credentials != Credentials{}:
		pair, source = cfg.Credentials, "configuration"
	case cfg.CredentialsFile != "":
		pair, err = readCredentialsFile(cfg.CredentialsFile)
		source = "credentials file " + cfg.CredentialsFile
	case cfg.Profile != "":
		return Credentials{}, "", nil // a profile named explicitly wins over the environment
	default:
		pair = Credentials{AccessKeyID: os.Getenv(EnvAccessKeyID), SecretAccessKey: os.Getenv(EnvSecretAccessKey)}
		source = EnvAccessKeyID
	}
	if err != nil {
		return Credentials{}, "", err
	}
	if pair != (Credentials{}) {
		if why := pair.flaw(); why != "" {
			return Credentials{}, "", &search.Error{Op: "configure", Kind: search.KindPermission, Reason: source + ": " + why,
				Hint: "give both the access key id and the secret access key"}
		}
	}
	return pair, source, nil
}

// flaw says what makes the pair unusable, without showing the secret.
func (c Credentials) flaw() string {
	unprintable := func(r rune) bool { return r <= ' ' || r == 0x7f }
	switch {
	case c.AccessKeyID == "":
		return "the access key id is missing"
	case c.SecretAccessKey == "":
		return "the secret access key is missing"
	case strings.ContainsFunc(c.AccessKeyID, unprintable), strings.ContainsFunc(c.SecretAccessKey, unprintable):
		return "the key pair holds a blank or control character"
	}
	return ""
}

// readCredentialsFile reads a pair from a file that nobody else can read or
// could have planted.
func readCredentialsFile(path string) (Credentials, error) {
	refuse := func(reason, hint string, cause error) (Credentials, error) {
		return Credentials{}, &search.Error{Op: "configure", Kind: search.KindPermission,
			Reason: "credentials file " + path + ": " + reason, Hint: hint, Err: cause}
	}
	// O_NONBLOCK: opening a FIFO must not wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return refuse(errText(err), "", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return refuse(errText(err), "", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.Mode().IsRegular():
		return refuse("not a regular file", "", nil)
	case info.Mode().Perm()&0o077 != 0:
		return refuse(fmt.Sprintf("others can use it (mode %#o)", info.Mode().Perm()), "chmod 600 "+path, nil)
	case !ok || (int(stat.Uid) != os.Geteuid() && stat.Uid != 0):
		return refuse("it belongs to another user", "", nil)
	case info.Size() > maxCredentialsFile:
		return refuse("too large for a key pair", "", nil)
	}
	pair, why := parseCredentials(io.LimitReader(f, maxCredentialsFile))
	if why != "" {
		return refuse(why, "two lines: id, then secret; or access_key_id=… and secret_access_key=…", nil)
	}
	return pair, nil
}

// parseCredentials reads the two forms of the file. It returns what is wrong
// in words that repeat nothing of the text.
func parseCredentials(r io.Reader) (pair Credentials, why string) {
	fields := map[string]*string{
		"access_key_id": &pair.AccessKeyID, "aws_access_key_id": &pair.AccessKeyID,
		"secret_access_key": &pair.SecretAccessKey, "aws_secret_access_key": &pair.SecretAccessKey,
		"session_token": &pair.SessionToken, "aws_session_token": &pair.SessionToken,
	}
	var lines []string
	named := 0
	for s := bufio.NewScanner(r); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' || line[0] == ';' || line[0] == '[' {
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok {
			if field := fields[strings.ToLower(strings.TrimSpace(name))]; field != nil {
				*field = strings.TrimSpace(value)
				named++
				continue
			}
		}
		lines = append(lines, line)
	}
	switch {
	case named > 0 && len(lines) > 0:
		return Credentials{}, "a line names none of access_key_id, secret_access_key, session_token"
	case named == 0 && len(lines) != 2:
		return Credentials{}, fmt.Sprintf("it has %s where two lines are expected", search.Plural(len(lines), "line"))
	case named == 0:
		pair = Credentials{AccessKeyID: lines[0], SecretAccessKey: lines[1]}
	}
	return pair, pair.flaw()
}

// errText drops the path that os errors repeat.
func errText(err error) string {
	parts := strings.Split(err.Error(), ": ")
	return parts[len(parts)-1]
}

// keyIDOf returns the access key id of an Authorization header of Signature
// Version 4. An id may itself hold "/": the scope's four parts come last.
func keyIDOf(h http.Header) string {
	_, rest, _ := strings.Cut(h.Get("Authorization"), "Credential=")
	id, _, _ := strings.Cut(rest, ",")
	for range 4 {
		i := strings.LastIndexByte(id, '/')
		if i < 0 {
			return ""
		}
		id = id[:i]
	}
	return id
}
