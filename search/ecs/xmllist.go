package ecs

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// plusMeaning is what "+" stands for in percent-encoded text. Amazon S3 and
// MinIO write a blank as "+", as HTML forms do; encoders made for paths write
// it as %20 and leave "+" alone.
type plusMeaning int32

const (
	plusUnknown plusMeaning = iota
	plusIsBlank
	plusIsPlus
)

var errBadEscape = errors.New("% without two hexadecimal digits")

// percentDecode decodes s once.
func percentDecode(s string, plus plusMeaning) (string, error) {
	if !strings.ContainsAny(s, "%+") {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+' && plus != plusIsPlus:
			b = append(b, ' ')
		case c == '%':
			if i+2 >= len(s) {
				return "", &badDocument{reason: errBadEscape.Error()}
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", &badDocument{reason: errBadEscape.Error()}
			}
			b = append(b, byte(v))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b), nil
}

// listPage is one page of a plain listing, as sent.
type listPage struct {
	objects   []listRow
	prefixes  []string
	next      string // NextMarker, which may be missing although truncated is true; of versions NextKeyMarker
	truncated bool
	encoded   bool // names and next are percent-encoded
	bucket    string

	nextVersion string // of versions: NextVersionIdMarker
	markers     bool   // of versions: a delete marker is on the page
}

type listRow struct {
	key, etag, class string
	size             int64
	modTime          time.Time

	version string // as sent
	latest  bool
}

// errNoVersions is the cause of an error of a server that answers a request for versions with
// a plain listing.
var errNoVersions = &badDocument{reason: "a plain listing where one of versions was expected"}

// decodeList reads a <ListBucketResult>, or with versions a <ListVersionsResult>.
func decodeList(r io.Reader, versions bool) (listPage, error) {
	var page listPage
	w := newWalker(r)
	root, err := w.root()
	switch {
	case err != nil:
		return page, err
	case versions && root == "ListBucketResult":
		return page, errNoVersions
	case versions && root != "ListVersionsResult":
		return page, badf("<%s> where <ListVersionsResult> was expected", shorten(root))
	case !versions && root != "ListBucketResult":
		return page, badf("<%s> where <ListBucketResult> was expected", shorten(root))
	}
	err = w.children(func(name string) (err error) {
		if len(page.objects)+len(page.prefixes) > maxRows {
			return badf("more than %d entries", maxRows)
		}
		switch name {
		case "Contents", "Version":
			row, err := w.listRow()
			page.objects = append(page.objects, row)
			return err
		case "CommonPrefixes":
			return w.children(func(name string) error {
				if name != "Prefix" {
					return w.skip()
				}
				prefix, err := w.text()
				page.prefixes = append(page.prefixes, prefix)
				return err
			})
		case "DeleteMarker":
			page.markers = true
			return w.skip()
		case "NextKeyMarker":
			return w.textInto(&page.next)
		case "NextVersionIdMarker":
			page.nextVersion, err = w.trimmed()
			return err
		case "NextMarker":
			if err = w.textInto(&page.next); isEndMarker(page.next) {
				page.next = ""
			}
			return err
		case "IsTruncated":
			page.truncated, err = w.boolean()
			return err
		case "EncodingType":
			encoding, err := w.trimmed()
			page.encoded = strings.EqualFold(encoding, "url")
			return err
		case "Name":
			return w.textInto(&page.bucket)
		default:
			return w.skip()
		}
	})
	return page, err
}

// listRow reads the rest of a <Contents>.
func (w *walker) listRow() (listRow, error) {
	var row listRow
	var size, modTime string
	err := w.children(func(name string) (err error) {
		switch name {
		case "Key":
			return w.textInto(&row.key)
		case "ETag":
			return w.textInto(&row.etag)
		case "Size":
			return w.textInto(&size)
		case "LastModified":
			return w.textInto(&modTime)
		case "StorageClass":
			row.class, err = w.trimmed()
			return err
		case "VersionId":
			row.version, err = w.trimmed()
			return err
		case "IsLatest":
			row.latest, err = w.boolean()
			return err
		default:
			return w.skip()
		}
	})
	if err != nil {
		return row, err
	}
	row.etag = unquoteETag(row.etag)
	if row.key == "" {
		return row, badf("an object without a name")
	}
	if row.size, err = strconv.ParseInt(strings.TrimSpace(size), 10, 64); err != nil || row.size < 0 {
		return row, badf("the size %q of an object", printable(shorten(size)))
	}
	var ok bool
	if row.modTime, ok = parseTime(modTime); !ok {
		return row, badf("the time %q of an object", printable(shorten(modTime)))
	}
	return row, nil
}

// bucketPage is an answer of ListBuckets.
type bucketPage struct {
	buckets []search.Bucket
	next    string // ContinuationToken
}

// decodeBuckets reads a <ListAllMyBucketsResult>.
func decodeBuckets(r io.Reader) (bucketPage, error) {
	var page bucketPage
	w := newWalker(r)
	if err := w.rootNamed("ListAllMyBucketsResult"); err != nil {
		return page, err
	}
	err := w.children(func(name string) error {
		switch name {
		case "ContinuationToken":
			return w.textInto(&page.next)
		case "Buckets":
			return w.children(func(name string) error {
				if name != "Bucket" {
					return w.skip()
				}
				if len(page.buckets) == maxRows {
					return badf("more than %d buckets", maxRows)
				}
				var bucket search.Bucket
				var created string
				err := w.children(func(name string) error {
					switch name {
					case "Name":
						return w.textInto(&bucket.Name)
					case "CreationDate":
						return w.textInto(&created)
					default:
						return w.skip()
					}
				})
				if created, ok := parseTime(created); ok {
					bucket.Created = created
				}
				page.buckets = append(page.buckets, bucket)
				return err
			})
		default:
			return w.skip()
		}
	})
	return page, err
}
