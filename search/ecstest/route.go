package ecstest

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search/sigv4"
)

// call is one request on its way through the server.
type call struct {
	Request
	r        *http.Request
	verified sigv4.Verified
	skew     time.Duration // of the server's clock, for this request
}

// operation is one call of the protocol.
type operation struct {
	name   string
	params []string // the query parameters it knows
	answer func(s *Server, w http.ResponseWriter, c *call) *apiError
}

var (
	listV1Params       = []string{"prefix", "delimiter", "marker", "max-keys", "encoding-type"}
	listV2Params       = []string{"list-type", "prefix", "delimiter", "continuation-token", "start-after", "max-keys", "encoding-type", "fetch-owner"}
	listVersionsParams = []string{"versions", "prefix", "delimiter", "key-marker", "version-id-marker", "max-keys", "encoding-type"}
	listUploadsParams  = []string{"uploads", "prefix", "delimiter", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"}
	listPartsParams    = []string{"uploadId", "max-parts", "part-number-marker"}
	partParams         = []string{"partNumber", "uploadId"}
	getParams          = []string{"versionId", "partNumber", "response-content-type", "response-content-encoding", "response-content-disposition", "response-content-language", "response-cache-control", "response-expires"}
	searchMetadata     = []string{"searchmetadata"}
)

// bucketGets are the operations of GET /bucket by the parameter that names
// them; without any it is ListObjects.
var bucketGets = []struct {
	param string
	op    operation
}{
	{"query", operation{"Query", queryParams, (*Server).query}},
	{"searchmetadata", operation{"SearchKeys", searchMetadata, (*Server).bucketSearchKeys}},
	{"location", operation{"GetBucketLocation", []string{"location"}, (*Server).bucketLocation}},
	{"versioning", operation{"GetBucketVersioning", []string{"versioning"}, (*Server).bucketVersioning}},
	{"versions", operation{"ListObjectVersions", listVersionsParams, (*Server).listVersions}},
	{"uploads", operation{"ListMultipartUploads", listUploadsParams, (*Server).listUploads}},
	{"acl", operation{"GetBucketAcl", []string{"acl"}, (*Server).bucketACL}},
	{"list-type", operation{"ListObjectsV2", listV2Params, (*Server).listObjectsV2}},
}

// anyParams are known to every operation: those of a presigned request, and
// the name of the operation that AWS SDKs (x-id) and ECS's Java client (Action)
// add.
var anyParams = []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
	"X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "x-id", "Action",
	"AWSAccessKeyId", "Expires", "Signature", "x-amz-security-token", "content-type", "content-md5"}

// unimplemented are subresources of S3 and ECS that this server knows of but
// does not serve.
var unimplemented = []string{"accelerate", "acl", "analytics", "attributes", "cors", "encryption",
	"inventory", "legal-hold", "lifecycle", "logging", "metrics", "notification", "object-lock", "ownershipControls",
	"policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment", "restore",
	"retention", "select", "tagging", "torrent", "website"}

// route finds the operation of a request.
func route(c *call) (operation, *apiError) {
	unknown := operation{name: "Unknown"}
	for _, p := range unimplemented {
		if c.Query.Has(p) && !(p == "attributes" && c.Query.Has("query")) && !(p == "acl" && c.Method == http.MethodGet) {
			return unknown, notImplemented(p)
		}
	}
	if op, ok := find(c); ok {
		return op, nil
	}
	return unknown, &apiError{status: http.StatusMethodNotAllowed, code: "MethodNotAllowed",
		message: "The specified method is not allowed against this resource."}
}

func find(c *call) (operation, bool) {
	has := c.Query.Has
	switch {
	case c.Bucket == "":
		switch {
		case c.Method == http.MethodGet && has("ping"):
			return operation{pingName, []string{"ping", "item"}, (*Server).ping}, true
		case c.Method == http.MethodGet && has("endpoint"):
			return operation{"DataNodes", []string{"endpoint"}, (*Server).endpoint}, true
		case c.Method == http.MethodGet && has("searchmetadata"):
			return operation{"SystemSearchKeys", searchMetadata, (*Server).systemSearchKeys}, true
		case c.Method == http.MethodGet:
			return operation{"ListBuckets", nil, (*Server).listBuckets}, true
		}
	case c.Key == "":
		switch c.Method {
		case http.MethodGet:
			for _, get := range bucketGets {
				if has(get.param) {
					return get.op, true
				}
			}
			return operation{"ListObjects", listV1Params, (*Server).listObjects}, true
		case http.MethodPut:
			if has("versioning") {
				return operation{"PutBucketVersioning", []string{"versioning"}, (*Server).putBucketVersioning}, true
			}
			return operation{"CreateBucket", nil, (*Server).createBucket}, true
		case http.MethodHead:
			return operation{"HeadBucket", nil, (*Server).headBucket}, true
		case http.MethodDelete:
			if has("searchmetadata") {
				return operation{"DeleteSearchKeys", searchMetadata, (*Server).deleteSearchKeys}, true
			}
			return operation{"DeleteBucket", nil, (*Server).deleteBucket}, true
		case http.MethodPost:
			if has("delete") {
				return operation{"DeleteObjects", []string{"delete"}, (*Server).deleteObjects}, true
			}
		}
	default:
		return findObject(c)
	}
	return operation{}, false
}

// findObject finds the operations of /bucket/key.
func findObject(c *call) (operation, bool) {
	has := c.Query.Has
	switch c.Method {
	case http.MethodGet:
		switch {
		case has("uploadId"):
			return operation{"ListParts", listPartsParams, (*Server).listParts}, true
		case has("acl"):
			return operation{"GetObjectAcl", []string{"acl", "versionId"}, (*Server).objectACL}, true
		}
		return operation{"GetObject", getParams, (*Server).getObject}, true
	case http.MethodHead:
		return operation{"HeadObject", getParams, (*Server).getObject}, true
	case http.MethodPut:
		switch copies := c.Header.Get("X-Amz-Copy-Source") != ""; {
		case has("uploadId") && copies:
			return operation{"UploadPartCopy", partParams, (*Server).uploadPartCopy}, true
		case has("uploadId"):
			return operation{"UploadPart", partParams, (*Server).uploadPart}, true
		case copies:
			return operation{"CopyObject", nil, (*Server).copyObject}, true
		}
		return operation{"PutObject", nil, (*Server).putObject}, true
	case http.MethodPost:
		switch {
		case has("uploads"):
			return operation{"CreateMultipartUpload", []string{"uploads"}, (*Server).createUpload}, true
		case has("uploadId"):
			return operation{"CompleteMultipartUpload", []string{"uploadId"}, (*Server).completeUpload}, true
		}
	case http.MethodDelete:
		if has("uploadId") {
			return operation{"AbortMultipartUpload", []string{"uploadId"}, (*Server).abortUpload}, true
		}
		return operation{"DeleteObject", []string{"versionId"}, (*Server).deleteObject}, true
	}
	return operation{}, false
}

// checkParams refuses what the operation does not know, so that a client's
// misspelling shows.
func checkParams(op operation, params url.Values) *apiError {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if !slices.Contains(op.params, name) && !slices.Contains(anyParams, name) {
			return invalidArgument("unknown query parameter %q of %s", name, op.name)
		}
		if len(params[name]) > 1 {
			return invalidArgument("the query parameter %q is there %d times", name, len(params[name]))
		}
	}
	return nil
}

// resource returns the bucket and the key that a request names, in its path or,
// below VirtualHost, in its host. "/bucket" and "/bucket/" are the same.
func (s *Server) resource(r *http.Request) (bucketName, key string, err *apiError) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	bucketName, _, ok := s.hostNames(r.Host)
	if !ok {
		bucketName, path, _ = strings.Cut(path, "/")
	}
	decodedBucket, bucketErr := url.PathUnescape(bucketName)
	key, keyErr := url.PathUnescape(path)
	if bucketErr != nil || keyErr != nil {
		return "", "", badRequest("InvalidURI", "Couldn't parse the specified URI.")
	}
	return decodedBucket, key, nil
}

// hostNames returns the bucket and the namespace that a host below VirtualHost
// names: BUCKET.VirtualHost or BUCKET.Namespace.VirtualHost. ok is false when it
// names no bucket: the path does.
func (s *Server) hostNames(host string) (bucketName, namespace string, ok bool) {
	if s.VirtualHost == "" {
		return "", "", false
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	below, ok := cutSuffixFold(host, "."+s.VirtualHost)
	if !ok {
		return "", "", false
	}
	if strings.EqualFold(below, s.namespace()) {
		return "", s.namespace(), false
	}
	if name, ok := cutSuffixFold(below, "."+s.namespace()); ok {
		return name, s.namespace(), true
	}
	return below, "", true // upper case is accepted in names
}

// cutSuffixFold is strings.CutSuffix that ignores case.
func cutSuffixFold(s, suffix string) (before string, found bool) {
	n := len(s) - len(suffix)
	if n < 0 || !strings.EqualFold(s[n:], suffix) {
		return s, false
	}
	return s[:n], true
}
