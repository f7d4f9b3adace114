package ecstest

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
)

const (
	metaPrefix    = "x-amz-meta-" // begins the name of user metadata
	maxSearchKeys = 30            // indexed keys of one bucket
)

// searchKey is one indexed key of a bucket.
type searchKey struct {
	name    string   // user keys in lower case, system keys in ECS's spelling
	written string   // as the bucket's creator spelled it
	typ     datatype // how it compares
	sys     *sysAttr // nil: user metadata
}

// parseSearchKeys reads the header x-emc-metadata-search:
// KEY[;DATATYPE][,KEY[;DATATYPE]]... Datatypes are taken in any case; a system
// key needs none, and a wrong one is refused; a user key needs one.
func (g *Traits) parseSearchKeys(header string) ([]searchKey, *apiError) {
	if header == "" {
		return nil, nil
	}
	var keys []searchKey
	for part := range strings.SplitSeq(header, ",") {
		k, err := g.parseSearchKey(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys, func(have searchKey) bool { return have.name == k.name }) {
			return nil, invalidArgument("x-emc-metadata-search: the key %s is there twice", k.name)
		}
		keys = append(keys, k)
	}
	if len(keys) > maxSearchKeys {
		return nil, invalidArgument("x-emc-metadata-search: %d keys, a bucket can index %d", len(keys), maxSearchKeys)
	}
	return keys, nil
}

func (g *Traits) parseSearchKey(part string) (searchKey, *apiError) {
	name, word, typed := strings.Cut(part, ";")
	k := searchKey{name: name, written: name, sys: findSysAttr(name)}
	if typed {
		var ok bool
		if k.typ, ok = parseDatatype(word); !ok {
			return k, invalidArgument("x-emc-metadata-search: %q is no datatype (string, integer, decimal, datetime)", word)
		}
	}
	if k.sys != nil {
		switch {
		case !slices.Contains(g.Indexable, k.sys.name):
			return k, invalidArgument("x-emc-metadata-search: the system key %s cannot be indexed", k.sys.name)
		case typed && k.typ != k.sys.typ:
			return k, invalidArgument("x-emc-metadata-search: the system key %s is of datatype %s, not %s",
				k.sys.name, k.sys.typ, k.typ)
		}
		k.name, k.typ = k.sys.name, k.sys.typ
		return k, nil
	}
	k.name = strings.ToLower(name)
	switch {
	case !strings.HasPrefix(k.name, metaPrefix) || len(k.name) == len(metaPrefix):
		return k, invalidArgument("x-emc-metadata-search: %q is neither a system key nor x-amz-meta-NAME", name)
	case strings.ContainsFunc(k.name, func(r rune) bool { return r > 0x7E || !isSelectorByte(byte(r)) }):
		return k, invalidArgument("x-emc-metadata-search: %q has characters that a query cannot name", name)
	case !typed:
		return k, invalidArgument("x-emc-metadata-search: the user key %s needs a datatype", name)
	}
	return k, nil
}

// spelling is the key's name in lower case, or as the bucket's creator wrote it.
func (k *searchKey) spelling(asWritten bool) string {
	if asWritten && k.sys == nil {
		return k.written
	}
	return k.name
}

// valueOf returns the object's value for the key. ok is false when the object
// lacks the key or the text is none of the key's datatype: then it is not in
// that index.
func (k *searchKey) valueOf(o *object) (v value, ok bool) {
	if k.sys == nil {
		text, ok := o.meta.get(k.name)
		if !ok {
			return value{}, false
		}
		return parseValue(k.typ, text)
	}
	switch k.sys.name {
	case "ObjectName":
		return value{s: o.key}, true
	case "Owner":
		return value{s: o.owner}, true
	case "Size":
		return value{n: o.size()}, true
	case "CreateTime", "LastModified":
		return value{n: o.modified}, true
	case "ReplicationStatus":
		return value{s: replicationStatus}, true
	}
	return value{}, false
}

// systemSearchKeys answers GET /?searchmetadata.
func (s *Server) systemSearchKeys(w http.ResponseWriter, _ *call) *apiError {
	x := newS3XML("MetadataSearchList")
	x.begin("IndexableKeys")
	for _, a := range s.shuffledAttrs(s.Generation.traits().Indexable) {
		s.keyElem(x, "Key", a.name, a.typ)
	}
	x.end()
	x.begin("OptionalAttributes")
	for _, a := range s.shuffledAttrs(s.Generation.traits().Optional) {
		s.keyElem(x, "Attribute", a.name, a.typ)
	}
	x.end()
	writeXML(w, http.StatusOK, x)
	return nil
}

// bucketSearchKeys answers GET /bucket?searchmetadata. The keys come in an
// order of the seed's making: clients must take them as a set. User keys are
// spelled as an expression must spell them. The optional attributes are told for
// the service only.
func (s *Server) bucketSearchKeys(w http.ResponseWriter, c *call) *apiError {
	var keys []searchKey
	err := s.data().view(c.Bucket, func(b *bucket) *apiError {
		switch {
		case b.search != nil:
			keys = slices.Clone(b.search.keys)
		case !s.ListWithoutSearch:
			return errSearchNotEnabled
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.random(c.Bucket).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	x := newS3XML("MetadataSearchList")
	x.bool("MetadataSearchEnabled", len(keys) > 0)
	x.begin("IndexableKeys")
	for _, k := range keys {
		s.keyElem(x, "Key", k.spelling(s.Generation.traits().ExactKeys), k.typ)
	}
	x.end()
	x.elem("OptionalAttributes", "")
	writeXML(w, http.StatusOK, x)
	return nil
}

// deleteSearchKeys answers DELETE /bucket?searchmetadata.
func (s *Server) deleteSearchKeys(w http.ResponseWriter, c *call) *apiError {
	disable := s.data().disableSearch
	if s.KeepSearchKeys {
		disable = s.hasSearch
	}
	if err := disable(c.Bucket); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// hasSearch fails as disabling a bucket's search would.
func (s *Server) hasSearch(bucketName string) *apiError {
	return s.data().view(bucketName, func(b *bucket) *apiError {
		if b.search == nil {
			return errSearchNotEnabled
		}
		return nil
	})
}

func (s *Server) keyElem(x *xmlWriter, elem, name string, typ datatype) {
	word := typ.String()
	if s.CapitalDatatypes {
		word = strings.ToUpper(word[:1]) + word[1:]
	}
	x.begin(elem)
	x.elem("Name", name)
	x.elem("Datatype", word)
	x.end()
}

func (s *Server) shuffledAttrs(names []string) []sysAttr {
	attrs := slices.DeleteFunc(slices.Clone(sysAttrs), func(a sysAttr) bool { return !slices.Contains(names, a.name) })
	s.random("").Shuffle(len(attrs), func(i, j int) { attrs[i], attrs[j] = attrs[j], attrs[i] })
	return attrs
}

// random returns a source that depends on the seed and topic alone.
func (s *Server) random(topic string) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(s.seed()), shuffle(s.seed(), topic)))
}
