package ecs

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/sigv4"
)

// Presign returns a URL by which anybody can get the object until expires is
// over: GET, signed in its query string by Signature Version 4. Nothing is sent, so that neither
// the object nor the right to read it need exist.
//
// THE URL IS A SECRET: who has it has the object. Write it to no log.
//
// expires is from 1 second to 7 days, rounded down to whole seconds; otherwise,
// KindInvalid. The URL of temporary credentials holds their session token, and ends with them.
//
// With Config.Namespace set it is KindUnsupported: the namespace is a header,
// and a URL has none, so a client of the URL would be served from another
// namespace. Leave Namespace empty where it is the one of the key's own user.
//
// Source: AWS, "Authenticating requests: using query parameters".
func (c *Client) Presign(ctx context.Context, bucket, key string, expires time.Duration) (string, error) {
	t := target{opPresign, bucket, key}
	if err := checkRef(t); err != nil {
		return "", err
	}
	return c.presign(ctx, t, c.url(bucket, key), expires)
}

// PresignQuery is Presign for one page of a search. Who has the URL sees the
// names and metadata of what is found, but not the objects.
func (c *Client) PresignQuery(ctx context.Context, in QueryInput, expires time.Duration) (string, error) {
	t := target{op: opPresign, bucket: in.Bucket}
	if err := in.check(t); err != nil {
		return "", err
	}
	u := c.url(in.Bucket, "")
	u.RawQuery = encodeParameters(in.parameters(c.cfg.OlderVersionsParameter))
	return c.presign(ctx, t, u, expires)
}

func (c *Client) presign(ctx context.Context, t target, u *url.URL, expires time.Duration) (string, error) {
	switch {
	case expires < time.Second || expires > sigv4.MaxExpiry:
		return "", t.fail(search.KindInvalid, "a signed URL cannot live for "+expires.String(), "give from 1s to 7 days (168h)")
	case c.cfg.Namespace != "":
		return "", t.fail(search.KindUnsupported, "a signed URL cannot name the namespace "+c.cfg.Namespace,
			"leave the namespace out: the store takes that of the key's user")
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	signer, err := c.signer(ctx)
	if err != nil {
		return "", c.failed(ctx, t, nil, err)
	}
	signed, err := signer.Presign(&http.Request{Method: http.MethodGet, URL: u}, expires.Truncate(time.Second), time.Now())
	return signed, c.failed(ctx, t, nil, err)
}
