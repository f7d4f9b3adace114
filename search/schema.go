package search

import "strings"

// Datatype is how the store compares a key's values.
type Datatype uint8

// The datatypes of an index.
const (
	String   Datatype = iota // by UTF-16 code units, case-sensitive
	Integer                  // signed 64 bit
	Decimal                  // exact, "." as the decimal point, no exponent
	Datetime                 // yyyy-MM-ddTHH:mm:ssZ; system times carry milliseconds
)

var datatypeNames = [...]string{"string", "integer", "decimal", "datetime"}

// String returns the store's word for d, in lower case.
func (d Datatype) String() string { return datatypeNames[d] }

// ParseDatatype reads the store's word in any case.
func ParseDatatype(s string) (Datatype, bool) {
	for i, n := range datatypeNames {
		if strings.EqualFold(n, s) {
			return Datatype(i), true
		}
	}
	return String, false
}

// MetaPrefix begins the native name of every user key.
const MetaPrefix = "x-amz-meta-"

// Key is a metadata key that a predicate can name. Keys are comparable.
type Key struct {
	// Name is the native name: a system key in the store's spelling ("Size"),
	// a user key in lower case with MetaPrefix, or "base", which is derived.
	Name string
	Type Datatype
	// Indexed is true when the bucket's index has the key, so that the store
	// can compare it; otherwise its value is returned and compared here.
	Indexed bool
}

// User reports whether k is user metadata.
func (k Key) User() bool { return strings.HasPrefix(k.Name, MetaPrefix) }

// Engine is how queries in a bucket are answered.
type Engine uint8

// The engines.
const (
	// EngineSearch: by the store's metadata search, on the bucket's index.
	EngineSearch Engine = iota
	// EngineScan: by listing every object below the prefix and checking each here. It knows what
	// a listing carries (name, size, time, ETag, storage class), and with Schema.ScanMetadata what one HEAD an object tells.
	EngineScan
)

// Schema tells what can be searched in one bucket. It is immutable.
type Schema struct {
	Bucket string
	// Enabled is false when the bucket has no metadata search.
	Enabled bool
	// Indexed lists the indexed keys, ordered by name.
	Indexed []Key
	// Attributes lists the system keys that a query can return beside the
	// indexed ones, as the store names them, ordered by name; empty when the
	// store does not say.
	Attributes []Key
	// Engine answers the queries. With EngineSearch and not Enabled there are none.
	Engine Engine
	// ScanMetadata lets EngineScan ask for the metadata of each object (one HEAD each) where
	// a query names a key that a listing does not carry.
	ScanMetadata bool
}

// CheckEngine says, in an error of the operation op, why no query of the bucket can be answered: KindUnsupported where
// it has no metadata search and its engine is that alone.
func (s Schema) CheckEngine(op string) error {
	if s.Engine != EngineSearch || s.Enabled {
		return nil
	}
	return &Error{Op: op, Bucket: s.Bucket, Kind: KindUnsupported, Reason: "bucket has no metadata search",
		Hint: "it is set up when a bucket is created; --engine scan lists every object and checks each here"}
}
