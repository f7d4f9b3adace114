package ecstest

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// signatureV2 is what a request says about its signature of version 2:
//
//	Authorization: AWS ID:BASE64(HMAC-SHA1(secret, string to sign))
//	?AWSAccessKeyId=ID&Expires=SECONDS&Signature=BASE64
//
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
type signatureV2 struct {
	accessKeyID string
	signature   string
	presigned   bool
	expires     string // seconds since 1970, of a presigned request
}

// parseV2 finds a signature of version 2. found is false when the request has
// none; then it may have one of version 4.
func parseV2(r *http.Request) (sig signatureV2, found bool, err *apiError) {
	for name, text := range rawParams(r.URL.RawQuery) {
		switch name {
		case "AWSAccessKeyId":
			sig.accessKeyID, sig.presigned = text.decoded(), true
		case "Signature":
			sig.signature = text.decoded()
		case "Expires":
			sig.expires = text.decoded()
		}
	}
	header := r.Header.Values("Authorization")
	switch {
	case sig.presigned && len(header) > 0:
		return sig, true, invalidArgument("Sign a request once: in the Authorization header or in the query, not in both.")
	case sig.presigned && (sig.signature == "" || sig.expires == ""):
		return sig, true, &apiError{status: http.StatusForbidden, code: "AccessDenied",
			message: "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters"}
	case sig.presigned:
		return sig, true, nil
	case len(header) != 1:
		return sig, false, nil
	}
	pair, isV2 := strings.CutPrefix(header[0], "AWS ")
	colon := strings.LastIndexByte(pair, ':')
	switch {
	case !isV2:
		return signatureV2{}, false, nil
	case colon < 1:
		return sig, true, invalidArgument("AWS authorization header is invalid.  Expected AwsAccessKeyId:signature")
	}
	return signatureV2{accessKeyID: strings.TrimSpace(pair[:colon]), signature: strings.TrimSpace(pair[colon+1:])}, true, nil
}

// authenticateV2 verifies a signature of version 2.
func (s *Server) authenticateV2(c *call, sig signatureV2) (sigv4.Verified, *apiError) {
	r := c.r
	var none sigv4.Verified
	secret, ok := s.secret(sig.accessKeyID)
	if !ok {
		return none, &apiError{status: http.StatusForbidden, code: sigv4.CodeInvalidAccessKeyID,
			message: "The access key ID does not exist."}
	}
	signedAt, err := timeV2(r, sig, s.nowFor(c))
	if err != nil {
		return none, err
	}
	payload := cmp.Or(r.Header.Get("X-Amz-Content-Sha256"), sigv4.UnsignedPayload)
	if strings.HasPrefix(payload, "STREAMING-") && payload != sigv4.StreamingUnsignedTrailer {
		return none, invalidArgument("%s needs a signature of version 4", payload)
	}
	candidates := s.stringsToSignV2(r, sig)
	if !slices.ContainsFunc(candidates, func(text string) bool {
		mac := hmac.New(sha1.New, []byte(secret))
		mac.Write([]byte(text))
		return hmac.Equal([]byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))), []byte(sig.signature))
	}) {
		return none, &apiError{http.StatusForbidden, sigv4.CodeSignatureDoesNotMatch,
			"The request signature we calculated does not match the signature you provided. Check your secret key and the string that you sign.",
			[][2]string{{"StringToSign", maskTokenV2(candidates[0])}}}
	}
	return sigv4.Verified{AccessKeyID: sig.accessKeyID, Service: "s3", Time: signedAt, PayloadHash: payload,
		PayloadAssumed: payload == sigv4.UnsignedPayload, Presigned: sig.presigned}, nil
}

// maxSkewV2 is how far a request's date may be from the server's clock.
const maxSkewV2 = 15 * time.Minute

// datesV2 are the forms of a Date header that ECS's clients send, beside those
// of HTTP: s3curl has +0000, the Java client a day without a leading zero and
// UTC for the zone.
var datesV2 = []string{"Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST", sigv4.TimeFormat}

// timeV2 checks the request's date, or when a presigned one expires. The time
// of signing is zero for the latter, which does not tell.
func timeV2(r *http.Request, sig signatureV2, now time.Time) (time.Time, *apiError) {
	denied := func(message string) (time.Time, *apiError) {
		return time.Time{}, &apiError{status: http.StatusForbidden, code: sigv4.CodeAccessDenied, message: message}
	}
	if sig.presigned {
		seconds, err := strconv.ParseInt(sig.expires, 10, 64)
		switch {
		case err != nil:
			return denied("Invalid date (should be seconds since epoch): " + sig.expires)
		case now.Unix() > seconds:
			return denied("The request has expired.")
		}
		return time.Time{}, nil
	}
	text := cmp.Or(r.Header.Get("X-Amz-Date"), r.Header.Get("Date"))
	at, err := http.ParseTime(text)
	for _, layout := range datesV2 {
		if err != nil {
			at, err = time.Parse(layout, text)
		}
	}
	switch {
	case err != nil:
		return denied("AWS authentication requires a valid Date or x-amz-date header")
	case now.Sub(at).Abs() > maxSkewV2:
		return time.Time{}, &apiError{status: http.StatusForbidden, code: sigv4.CodeRequestTimeTooSkewed,
			message: "The difference between the request time and the current time is too large."}
	}
	return at, nil
}

// stringsToSignV2 are the texts that a client may have signed, the usual one
// first. They differ in what clients disagree on: whether a parameter that is
// sent as "name=" is signed so or as "name", whether a namespace in the host is
// signed, and whether /bucket is signed with a slash at its end, as botocore
// does, which sends none. All else is fixed: method, Content-MD5, Content-Type, date, the
// x-amz- and x-emc- headers, and the path as it was sent with the parameters of
// signsV2, decoded.
func (s *Server) stringsToSignV2(r *http.Request, sig signatureV2) []string {
	date := r.Header.Get("Date")
	switch {
	case sig.presigned:
		date = sig.expires
	case r.Header.Get("X-Amz-Date") != "":
		date = ""
	}
	fixed := map[string]string{} // what a presigned URL carries in place of a header
	if sig.presigned {
		for name, text := range rawParams(r.URL.RawQuery) {
			fixed[strings.ToLower(name)] = text.decoded()
		}
	}
	lines := []string{r.Method,
		cmp.Or(r.Header.Get("Content-Md5"), fixed["content-md5"]),
		cmp.Or(r.Header.Get("Content-Type"), fixed["content-type"]), date}
	lines = append(lines, headersV2(r.Header, fixed)...)
	head := strings.Join(lines, "\n") + "\n"

	full, short := s.parametersV2(r.URL.RawQuery)
	path := sentPath(r)
	bucketName, namespace, inHost := s.hostNames(r.Host)
	if inHost {
		path = "/" + bucketName + path
	}
	paths := []string{path}
	if namespace != "" {
		paths = []string{"/" + namespace + path, path}
	}
	if !inHost && !strings.Contains(path[1:], "/") {
		paths = append(paths, path+"/")
	}
	var all []string
	for _, path := range paths {
		all = append(all, head+path+full)
		if short != full {
			all = append(all, head+path+short)
		}
	}
	return all
}

// headersV2 are the lines of the signed headers; params may carry some of them
// too, by lower-case name.
func headersV2(h http.Header, params map[string]string) []string {
	signed := map[string]string{}
	for name, text := range params {
		if strings.HasPrefix(name, "x-amz-") {
			signed[name] = text
		}
	}
	for name, values := range h {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") && !strings.HasPrefix(lower, "x-emc-") {
			continue
		}
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.TrimSpace(v)
		}
		signed[lower] = strings.Join(trimmed, ",")
	}
	lines := make([]string, 0, len(signed))
	for name, text := range signed {
		lines = append(lines, name+":"+text)
	}
	slices.SortFunc(lines, func(a, b string) int {
		nameA, _, _ := strings.Cut(a, ":")
		nameB, _, _ := strings.Cut(b, ":")
		return cmp.Compare(nameA, nameB)
	})
	return lines
}

// subresourcesV2 are the parameters that are signed whatever the server: S3's,
// and ECS's own as its Java client and s3curl have them.
// https://github.com/EMCECS/ecs-object-client-java S3SignerV2,
// https://github.com/EMCECS/s3curl
var subresourcesV2 = map[string]bool{"accelerate": true, "acl": true, "analytics": true, "cors": true, "defaultObjectAcl": true,
	"delete": true, "encryption": true, "endpoint": true, "fanout": true, "fileaccess": true, "inventory": true,
	"isstaleallowed": true, "lifecycle": true, "location": true, "logging": true, "metrics": true, "notification": true,
	"object-lock": true, "partNumber": true, "policy": true, "replication": true, "requestPayment": true,
	"response-cache-control": true, "response-content-disposition": true, "response-content-encoding": true,
	"response-content-language": true, "response-content-type": true, "response-expires": true, "restore": true,
	"select": true, "select-type": true, "storageClass": true, "tagging": true, "torrent": true, "uploadId": true,
	"uploads": true, "versionId": true, "versioning": true, "versions": true, "website": true}

// parametersV2 are the signed parameters, sorted by name and decoded, behind a
// "?" if there are any: as they were sent, and without an "=" that nothing
// follows.
func (s *Server) parametersV2(rawQuery string) (full, short string) {
	type param struct {
		name string
		text rawText
	}
	var params []param
	isSearch := false
	for name, text := range rawParams(rawQuery) {
		params = append(params, param{name, text})
		isSearch = isSearch || name == "query"
	}
	params = slices.DeleteFunc(params, func(p param) bool {
		switch p.name {
		case "query", "searchmetadata":
			return !s.signsQuery()
		case "attributes":
			return isSearch && !s.SignAttributes
		}
		return !subresourcesV2[p.name]
	})
	slices.SortStableFunc(params, func(a, b param) int { return cmp.Compare(a.name, b.name) })
	before := "?"
	for _, p := range params {
		value := p.text.decoded()
		full += before + p.name
		short += before + p.name
		if p.text.equals {
			full += "=" + value
		}
		if value != "" {
			short += "=" + value
		}
		before = "&"
	}
	return full, short
}

// rawText is the value of a query parameter as it was sent.
type rawText struct {
	value  string
	equals bool // an "=" came before it
}

func (t rawText) decoded() string {
	if d, err := url.PathUnescape(t.value); err == nil {
		return d
	}
	return t.value
}

// rawParams yields the parameters of a query in the order in which they were
// sent, names decoded.
func rawParams(rawQuery string) func(yield func(string, rawText) bool) {
	return func(yield func(string, rawText) bool) {
		for part := range strings.SplitSeq(rawQuery, "&") {
			if part == "" {
				continue
			}
			rawName, rawValue, equals := strings.Cut(part, "=")
			if !yield(rawText{value: rawName}.decoded(), rawText{rawValue, equals}) {
				return
			}
		}
	}
}

// sentPath is the path of the request line, byte for byte. net/url would encode
// anew what is not encoded as it likes.
func sentPath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return cmp.Or(r.URL.EscapedPath(), "/")
}

// maskTokenV2 hides a session token in a string to sign.
func maskTokenV2(text string) string {
	const header = "\nx-amz-security-token:"
	before, after, found := strings.Cut(text, header)
	if !found {
		return text
	}
	_, rest, _ := strings.Cut(after, "\n")
	return before + header + "REDACTED\n" + rest
}
