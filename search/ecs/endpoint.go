package ecs

import (
	"cmp"
	"context"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyauth "github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// FindEndpoint returns the endpoint URL and where it was found: explicit when
// not empty, then AWS_ENDPOINT_URL_S3, then AWS_ENDPOINT_URL, then the
// profile's services section and endpoint_url. It returns a KindInvalid error
// when there is none: nothing is ever sent to a default provider.
func FindEndpoint(ctx context.Context, explicit, profile string) (endpoint, source string, err error) {
	if explicit != "" {
		return explicit, "--endpoint", nil
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		if v := os.Getenv(name); v != "" {
			return v, name, nil
		}
	}
	profile = cmp.Or(profile, os.Getenv("AWS_PROFILE"), "default")
	shared, err := config.LoadSharedConfigProfile(ctx, profile, func(o *config.LoadSharedConfigOptions) {
		if f := os.Getenv("AWS_CONFIG_FILE"); f != "" {
			o.ConfigFiles = []string{f}
		}
		if f := os.Getenv("AWS_SHARED_CREDENTIALS_FILE"); f != "" {
			o.CredentialsFiles = []string{f}
		}
	})
	// A profile that cannot be read is reported where its credentials are needed.
	if err == nil {
		if v := shared.Services.ServiceValues["s3"]["endpoint_url"]; v != "" {
			return v, "profile " + profile, nil
		}
		if shared.BaseEndpoint != "" {
			return shared.BaseEndpoint, "profile " + profile, nil
		}
	}
	return "", "", errNoEndpoint()
}

func errNoEndpoint() error {
	return configError("no endpoint given", "name the store, as --endpoint https://ecs.example.com:9021 or AWS_ENDPOINT_URL_S3")
}

// parseEndpoint accepts scheme, host and port, and nothing else.
func parseEndpoint(s string) (*url.URL, error) {
	const example = "an endpoint looks like https://ecs.example.com:9021"
	if s == "" {
		return nil, errNoEndpoint()
	}
	u, err := url.Parse(s)
	switch {
	case strings.Contains(s, "@") && (err != nil || u.User != nil):
		// Neither the text nor the parser's error is repeated: both may hold a secret.
		return nil, configError("the endpoint holds a user or password", "credentials go to the environment or a file")
	case err != nil && strings.Contains(s, "://"):
		return nil, configError("the endpoint is no URL: "+err.Error(), example)
	case err != nil || u.Scheme != "http" && u.Scheme != "https":
		return nil, configError("the endpoint "+s+" starts neither with http:// nor https://", example)
	case u.Hostname() == "":
		return nil, configError("the endpoint "+s+" names no host", example)
	case u.Path != "" && u.Path != "/":
		return nil, configError("the endpoint "+s+" has a path", "name the bucket in the path of the mount, not in the endpoint")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, configError("the endpoint "+s+" has a query or fragment", example)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func isIPAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// endpointResolver is the SDK's endpoint rule book reduced to the one endpoint
// that was configured: no bucket name, region or ARN can lead elsewhere.
type endpointResolver struct {
	base    url.URL
	virtual bool
	region  string
}

// ResolveEndpoint returns the URL that stands before the key.
func (r *endpointResolver) ResolveEndpoint(_ context.Context, p s3.EndpointParameters) (smithyendpoints.Endpoint, error) {
	u, path := r.locate(aws.ToString(p.Bucket))
	u.Path = path
	e := smithyendpoints.Endpoint{URI: *u}
	var signer smithy.Properties
	smithyhttp.SetSigV4SigningName(&signer, "s3")
	smithyhttp.SetSigV4SigningRegion(&signer, r.region)
	// S3 signs the path as it is sent; other services escape it once more.
	smithyhttp.SetDisableDoubleEncoding(&signer, true)
	smithyauth.SetAuthOptions(&e.Properties, []*smithyauth.Option{{SchemeID: smithyauth.SchemeIDSigV4, SignerProperties: signer}})
	return e, nil
}

// locate returns the URL of the service and the path that name bucket; empty
// stands for none.
func (r *endpointResolver) locate(bucket string) (u *url.URL, path string) {
	u = &url.URL{Scheme: r.base.Scheme, Host: r.base.Host}
	switch {
	case bucket == "":
	case r.virtual && isHostLabel(bucket, u.Scheme == "https"):
		u.Host = bucket + "." + u.Host
	default:
		path = "/" + bucket
	}
	return u, path
}

// isHostLabel reports whether bucket can stand in front of a host name.
func isHostLabel(bucket string, tls bool) bool {
	for label := range strings.SplitSeq(bucket, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return len(bucket) <= 63 && (!tls || !strings.Contains(bucket, ".")) &&
		strings.Trim(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" && !isIPAddress(bucket)
}

// validBucket reports whether any S3 server could have a bucket of this name.
// ECS takes upper case and "_" too. It keeps names such as ".." out of URLs.
func validBucket(name string) bool {
	if name == "" || len(name) > 255 || name == "." || name == ".." {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
