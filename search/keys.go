package search

import (
	"slices"
	"strings"
)

// Native names of the keys that an Object carries in fields of its own, and
// of the key that is derived from its name.
const (
	keySize         = "Size"
	keyLastModified = "LastModified"
	keyObjectName   = "ObjectName"
	keyEtag         = "Etag"
	keyContentType  = "ContentType"
	keyBase         = "base"

	// keyStorageClass is what every S3 listing carries (ListObjectsV2, Amazon S3 API
	// reference); rows have it in their Metadata. No index has it.
	keyStorageClass = "StorageClass"
)

// systemKey is a system key that this package knows by itself.
type systemKey struct {
	name  string
	typ   Datatype
	alias []string // short names; the first is the one printed
	// optional: not every object has it.
	optional bool
	// listed: known only in a bucket whose schema names it, because not every
	// server generation has it; StorageClass, with EngineScan.
	listed bool
}

// systemKeys are the system metadata of ECS ("ECS system metadata and
// optional attributes", Data Access Guide), and the derived key.
var systemKeys = [...]systemKey{
	{name: keySize, typ: Integer, alias: []string{"size"}},
	{name: keyLastModified, typ: Datetime, alias: []string{"mtime", "modified"}},
	{name: "CreateTime", typ: Datetime, alias: []string{"created"}},
	{name: keyObjectName, typ: String, alias: []string{"name"}},
	{name: keyBase, typ: String, alias: []string{"base"}},
	{name: "Owner", typ: String, alias: []string{"owner"}},
	{name: keyContentType, typ: String},
	{name: "ContentEncoding", typ: String, optional: true},
	{name: keyEtag, typ: String},
	{name: "Expiration", typ: Datetime, optional: true},
	{name: "Expires", typ: Datetime, optional: true},
	{name: "Retention", typ: Integer, optional: true},
	{name: "Namespace", typ: String},
	{name: "ReplicationStatus", typ: String, optional: true, listed: true},
	{name: "ObjName", typ: String, listed: true},
	{name: keyStorageClass, typ: String, optional: true, listed: true},
}

// systemNamed finds the row whose alias or native name is name, in any case.
func systemNamed(name string) *systemKey {
	for i := range systemKeys {
		for _, a := range systemKeys[i].alias {
			if strings.EqualFold(a, name) {
				return &systemKeys[i]
			}
		}
	}
	for i := range systemKeys {
		if strings.EqualFold(systemKeys[i].name, name) {
			return &systemKeys[i]
		}
	}
	return nil
}

// optional reports whether some objects may not have k.
func (k Key) optional() bool {
	sys := systemNamed(k.Name)
	return k.User() || sys == nil || sys.optional
}

// Short returns the shortest name to type for k that Resolve reads as k
// again: "size", "color"; "meta.size" for user metadata that a system key
// hides, and "meta.color" when color is not indexed and so needs to be forced.
func (k Key) Short() string {
	if !k.User() {
		sys := systemNamed(k.Name)
		switch {
		case sys == nil || sys.name != k.Name:
			return "sys." + strings.ToLower(k.Name)
		case len(sys.alias) > 0:
			return sys.alias[0]
		}
		return strings.ToLower(k.Name)
	}
	name := k.Name[len(MetaPrefix):]
	if !k.Indexed || systemNamed(name) != nil || hasPrefixFold(name, "meta.") ||
		hasPrefixFold(name, "sys.") || hasPrefixFold(name, MetaPrefix) {
		return "meta." + name
	}
	return name
}

// Resolve returns the key that a typed name means in this bucket, and whether
// it is a known one: indexed, a system attribute that a store can return, derived, or
// user metadata written with "meta." or with its native prefix. The order is alias,
// native system name, user key; "sys." and "meta." force one. Names compare
// without regard to case. A name that cannot be part of an HTTP header's name is
// never known.
func (s Schema) Resolve(name string) (Key, bool) {
	if rest, ok := cutPrefixFold(name, "meta."); ok {
		return s.userKey(rest), isToken(rest)
	}
	if rest, ok := cutPrefixFold(name, MetaPrefix); ok {
		return s.userKey(rest), isToken(rest)
	}
	forced := false
	if rest, ok := cutPrefixFold(name, "sys."); ok {
		name, forced = rest, true
	}
	if sys := systemNamed(name); sys != nil {
		indexed, listed := s.names(sys.name)
		if listed || !sys.listed || s.Engine == EngineScan && sys.name == keyStorageClass {
			return Key{Name: sys.name, Type: sys.typ, Indexed: indexed && sys.name != keyBase}, true
		}
	}
	user := s.userKey(name)
	if !forced && user.Indexed {
		return user, isToken(name)
	}
	for _, list := range [][]Key{s.Indexed, s.Attributes} {
		for _, k := range list {
			if !k.User() && strings.EqualFold(k.Name, name) && isToken(name) {
				indexed, _ := s.names(k.Name)
				return Key{Name: k.Name, Type: k.Type, Indexed: indexed}, true
			}
		}
	}
	if forced {
		return Key{Name: name}, false
	}
	return user, false
}

// userKey returns the user key of this name without prefix: as the index has
// it, else a string.
func (s Schema) userKey(name string) Key {
	native := CanonicalName(MetaPrefix + name)
	for _, k := range s.Indexed {
		if CanonicalName(k.Name) == native {
			return Key{Name: native, Type: k.Type, Indexed: s.Enabled}
		}
	}
	return Key{Name: native}
}

// names tells whether the schema has the system key among its indexed keys,
// and whether it has it at all.
func (s Schema) names(native string) (indexed, listed bool) {
	is := func(k Key) bool { return strings.EqualFold(k.Name, native) }
	indexed = s.Enabled && slices.ContainsFunc(s.Indexed, is)
	return indexed, indexed || slices.ContainsFunc(s.Attributes, is)
}

// returns reports whether a query can return the key's value beside the
// indexed ones. A server that does not list its attributes may have any.
func (s Schema) returns(k Key) bool {
	if k.Indexed || k.User() || k.Name == keyBase || k.Name == keyObjectName || len(s.Attributes) == 0 {
		return true
	}
	_, listed := s.names(k.Name)
	return listed
}

// isToken reports whether name can be (the end of) an HTTP header's name
// (RFC 9110, section 5.6.2). Others cannot be metadata, and a name with a comma in it
// must never be taken for a key.
func isToken(name string) bool {
	if name == "" || len(name) > 255 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !isAlnum(c) && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return true
}

// isSelector reports whether a native name can stand in the store's expression
// as it is. A schema is input from outside: a name with a blank or an operator in it
// would change the meaning of the expression.
func isSelector(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isAlnum(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return name != "" && len(name) <= 255+len(MetaPrefix)
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if hasPrefixFold(s, prefix) {
		return s[len(prefix):], true
	}
	return s, false
}
