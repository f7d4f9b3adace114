package ecs

import (
	"bytes"
	"errors"
	"io"
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
	b, err := percentDecodeInPlace([]byte(s), plus)
	return string(b), err
}

// percentDecodeInPlace decodes b once, into its own memory.
func percentDecodeInPlace(b []byte, plus plusMeaning) ([]byte, error) {
	n := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case c == '+' && plus != plusIsPlus:
			c = ' '
		case c == '%':
			if i+2 >= len(b) {
				return nil, &badDocument{reason: errBadEscape.Error()}
			}
			high, low := hexDigit(b[i+1]), hexDigit(b[i+2])
			if high > 15 || low > 15 {
				return nil, &badDocument{reason: errBadEscape.Error()}
			}
			c = high<<4 | low
			i += 2
		}
		b[n] = c
		n++
	}
	return b[:n], nil
}

// hexDigit returns the value of a hexadecimal digit, or more than 15.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
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

// decodeList reads a <ListBucketResult>, or with versions a <ListVersionsResult>. early, when not nil, is
// called with the page as far as it is read when its first row begins, before which Amazon S3 and ECS say what follows.
func decodeList(r io.Reader, versions bool, early func(*listPage)) (listPage, error) {
	var page listPage
	var rows listRows
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
		case "Contents", "Version", "CommonPrefixes", "DeleteMarker":
			if early != nil {
				early(&page)
				early = nil
			}
		}
		switch name {
		case "Contents", "Version":
			row, err := w.listRow(&rows)
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

// listRows is memory to read the rows of a page with.
type listRows struct {
	texts   texts // of one row
	classes names
}

// listRow reads the rest of a <Contents> or <Version>. The texts of the row are one string.
func (w *walker) listRow(rows *listRows) (row listRow, err error) {
	var key, etag, version piece
	var size, modTime bool
	rows.texts = rows.texts[:0]
	err = w.children(func(name string) (err error) {
		switch name {
		case "Key":
			return rows.texts.read(w, &key)
		case "ETag":
			return rows.texts.read(w, &etag)
		case "VersionId":
			return rows.texts.read(w, &version)
		case "Size":
			text, err := w.raw()
			if row.size, size = readSize(bytes.TrimSpace(text)); !size && err == nil {
				err = badf("the size %q of an object", printable(shorten(string(text))))
			}
			return err
		case "LastModified":
			text, err := w.raw()
			if row.modTime, modTime = readTime(text); !modTime && err == nil {
				err = badf("the time %q of an object", printable(shorten(string(text))))
			}
			return err
		case "StorageClass":
			text, err := w.raw()
			row.class = rows.classes.intern(bytes.TrimSpace(text))
			return err
		case "IsLatest":
			row.latest, err = w.boolean()
			return err
		default:
			return w.skip()
		}
	})
	switch {
	case err != nil:
		return row, err
	case key.from == key.to:
		return row, badf("an object without a name")
	case !size:
		return row, badf("an object without a size")
	case !modTime:
		return row, badf("an object without a time")
	}
	text := string(rows.texts)
	row.key = text[key.from:key.to]
	row.etag = unquoteETag(text[etag.from:etag.to])
	row.version = strings.TrimSpace(text[version.from:version.to])
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
				err := w.children(func(name string) error {
					switch name {
					case "Name":
						return w.textInto(&bucket.Name)
					case "CreationDate":
						text, err := w.raw()
						bucket.Created, _ = readTime(text)
						return err
					default:
						return w.skip()
					}
				})
				page.buckets = append(page.buckets, bucket)
				return err
			})
		default:
			return w.skip()
		}
	})
	return page, err
}
