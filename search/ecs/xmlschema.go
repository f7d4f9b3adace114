package ecs

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// systemTypes are the datatypes of the system keys (ECS Data Access Guide,
// "Metadata search"), for answers that leave them out.
var systemTypes = map[string]search.Datatype{
	"Size": search.Integer, "Retention": search.Integer,
	"CreateTime": search.Datetime, "LastModified": search.Datetime, "Expiration": search.Datetime, "Expires": search.Datetime,
}

// decodeSchema reads a <MetadataSearchList>. A list of the bucket, or of
// buckets, is the answer of a plain S3 server that does not know the parameter:
// no search.
func decodeSchema(r io.Reader, bucket string) (listedKeys, error) {
	none := listedKeys{schema: search.Schema{Bucket: bucket}}
	listed := listedKeys{none.schema, make(map[string]string)}
	w := newWalker(r)
	root, err := w.root()
	switch {
	case err != nil:
		return none, err
	case root == "ListBucketResult", root == "ListAllMyBucketsResult":
		return none, nil
	case root != "MetadataSearchList":
		return none, badf("<%s> where <MetadataSearchList> was expected", shorten(root))
	}
	enabled := true // an answer that lists keys and does not say
	err = w.children(func(name string) (err error) {
		switch name {
		case "MetadataSearchEnabled":
			enabled, err = w.boolean()
			return err
		case "IndexableKeys":
			listed.schema.Indexed, err = w.searchKeys("Key", listed.spelled)
			return err
		case "OptionalAttributes":
			listed.schema.Attributes, err = w.searchKeys("Attribute", nil)
			return err
		default:
			return w.skip()
		}
	})
	if err != nil || !enabled || len(listed.schema.Indexed) == 0 {
		return none, err
	}
	listed.schema.Enabled = true
	return listed, nil
}

// searchKeys reads a list of keys, ordered by name and without duplicates. A
// key whose datatype is unknown is left out: nothing could be compared to it.
// spelled, not nil for indexed keys, gets those that are written otherwise.
func (w *walker) searchKeys(element string, spelled map[string]string) ([]search.Key, error) {
	var keys []search.Key
	err := w.children(func(name string) error {
		if name != element {
			return w.skip()
		}
		if len(keys) == maxEntries {
			return badf("more than %d keys", maxEntries)
		}
		var key, datatype string
		err := w.children(func(name string) (err error) {
			switch name {
			case "Name":
				key, err = w.trimmed()
			case "Datatype":
				datatype, err = w.trimmed()
			default:
				err = w.skip()
			}
			return err
		})
		if err != nil || key == "" {
			return err
		}
		written := key
		if key = nativeName(key); key != written && spelled != nil && strings.HasPrefix(key, search.MetaPrefix) {
			spelled[key] = written
		}
		t, known := search.ParseDatatype(datatype)
		if datatype == "" {
			t, known = systemTypes[key], true
		}
		if known {
			keys = append(keys, search.Key{Name: key, Type: t, Indexed: spelled != nil})
		}
		return nil
	})
	slices.SortFunc(keys, func(a, b search.Key) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Type, b.Type))
	})
	return slices.CompactFunc(keys, func(a, b search.Key) bool { return a.Name == b.Name }), err
}

// nativeName gives user keys in lower case and system keys in the spelling of
// the documentation, whatever the server's.
func nativeName(key string) string {
	if key = search.CanonicalName(key); strings.HasPrefix(key, search.MetaPrefix) {
		return key
	}
	if native, ok := systemNames[strings.ToLower(key)]; ok {
		return native
	}
	return key
}
