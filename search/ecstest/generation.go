package ecstest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Generation names the releases of ECS that answer a metadata search alike. Its
// text is the first of them. The zero value is [ECS38].
type Generation string

// The generations. [Generation.Traits] tells them apart.
const (
	ECS22 Generation = "2.2"
	ECS30 Generation = "3.0"
	ECS33 Generation = "3.3" // from 3.2.2
	ECS34 Generation = "3.4"
	ECS36 Generation = "3.6"
	ECS37 Generation = "3.7" // from 3.7.1
	ECS38 Generation = "3.8" // and ObjectScale 4
)

// Traits is all that a [Generation] changes. What is known comes from Dell's
// public clients of ECS, below github.com/EMCECS: in ecs-object-client-java, the
// tests S3MetadataSearchTest and their history expect different answers of
// different releases, and S3Config says what to sign; the README of
// spark-ecs-connector is of the time of 2.2. What they leave open is decided
// here, and said so.
type Traits struct {
	// Since is the first release, as major, minor and patch.
	Since [3]int
	// VersionInfo is what GET /?endpoint tells.
	VersionInfo string
	// EndMarker is what a query's last page has for NextMarker.
	EndMarker EndMarker
	// KeyCase is how query results spell indexed user keys. The release of the
	// change is not known; it is taken to be that of ExactKeys.
	KeyCase KeyCase
	// ExactKeys: an expression and sorted must spell a user key as the bucket's
	// creator did (STORAGE-18866), so GET /bucket?searchmetadata tells that
	// spelling. That was so in 2017; when it ended is not known. Names of the
	// metadata of objects ignore case all the same: they are HTTP headers.
	ExactKeys bool
	// OneConnective: an expression cannot have both "and" and "or" (spark); it is
	// an InvalidArgument.
	OneConnective bool
	// UnsignedQuery: signatures of version 2 do not cover the parameters query
	// and searchmetadata.
	UnsignedQuery bool
	// IgnoredParams are parameters of a query that the release does not know:
	// prefix and delimiter came with 3.6.2, encoding-type with 3.2.2. That they
	// have no effect, not even that of an error, is decided here.
	IgnoredParams []string
	// PartialPrefixRows: under prefix, rows lack some of their entries
	// (STORAGE-30513, until 3.7). Which is decided here, by Seed.
	PartialPrefixRows bool
	// NoEncodedPrefix: prefix and encoding-type together fail (STORAGE-30527,
	// until 3.7.1). That it is an InvalidArgument is decided here.
	NoEncodedPrefix bool
	// Indexable are the system keys that a bucket can index.
	Indexable []string
	// Optional are the system attributes that a query can ask for.
	Optional []string
}

var (
	indexableKeys      = []string{"ObjectName", "Owner", "Size", "CreateTime", "LastModified"}
	optionalAttributes = append(slices.Clone(indexableKeys), "ContentType", "ContentEncoding", "Expiration", "Expires",
		"Retention", "Etag", "Namespace")
)

func with(names []string, more string) []string { return append(slices.Clone(names), more) }

// generations has every generation, the oldest first.
var generations = []struct {
	name Generation
	Traits
}{
	{ECS22, Traits{
		Since: [3]int{2, 2, 0}, VersionInfo: "2.2.0.0.1.ecstest",
		EndMarker: EndNoMorePages, KeyCase: KeysAsWritten, ExactKeys: true, OneConnective: true, UnsignedQuery: true,
		IgnoredParams: []string{"prefix", "delimiter", "encoding-type"},
		Indexable:     indexableKeys, Optional: optionalAttributes}},
	{ECS30, Traits{
		Since: [3]int{3, 0, 0}, VersionInfo: "3.0.0.0.1.ecstest",
		EndMarker: EndNoMorePages, KeyCase: KeysAsWritten, ExactKeys: true,
		IgnoredParams: []string{"prefix", "delimiter", "encoding-type"},
		Indexable:     indexableKeys, Optional: optionalAttributes}},
	{ECS33, Traits{
		Since: [3]int{3, 2, 2}, VersionInfo: "3.3.0.0.1.ecstest",
		EndMarker: EndNoMorePages, KeyCase: LowerKeys,
		IgnoredParams: []string{"prefix", "delimiter"},
		Indexable:     indexableKeys, Optional: optionalAttributes}},
	{ECS34, Traits{
		Since: [3]int{3, 4, 0}, VersionInfo: "3.4.0.0.1.ecstest",
		EndMarker: EndAbsent, KeyCase: LowerKeys,
		IgnoredParams: []string{"prefix", "delimiter"},
		Indexable:     indexableKeys, Optional: optionalAttributes}},
	{ECS36, Traits{
		Since: [3]int{3, 6, 0}, VersionInfo: "3.6.2.0.1.ecstest",
		EndMarker: EndAbsent, KeyCase: LowerKeys,
		PartialPrefixRows: true, NoEncodedPrefix: true,
		Indexable: indexableKeys, Optional: optionalAttributes}},
	{ECS37, Traits{
		Since: [3]int{3, 7, 0}, VersionInfo: "3.7.1.0.1.ecstest",
		EndMarker: EndAbsent, KeyCase: LowerKeys,
		Indexable: with(indexableKeys, "ReplicationStatus"), Optional: with(optionalAttributes, "ReplicationStatus")}},
	{ECS38, Traits{
		Since: [3]int{3, 8, 0}, VersionInfo: "3.8.0.0.1.ecstest",
		EndMarker: EndAbsent, KeyCase: LowerKeys,
		Indexable: indexableKeys, Optional: with(optionalAttributes, "ObjName")}},
}

// Generations returns all generations, the oldest first.
func Generations() []Generation {
	all := make([]Generation, len(generations))
	for i := range generations {
		all[i] = generations[i].name
	}
	return all
}

// ParseGeneration returns the generation of a release, given as 3.8, 3.6.2.1 or
// the like; ObjectScale counts on, as 4.0. The empty text is the default. An
// error says what there is.
func ParseGeneration(release string) (Generation, error) {
	if release == "" {
		return ECS38, nil
	}
	var version [3]int
	var err error
	parts := strings.Split(release, ".")
	for i, part := range parts {
		n, convErr := strconv.ParseUint(part, 10, 16)
		err = cmp.Or(err, convErr)
		if i < len(version) {
			version[i] = int(n)
		}
	}
	if err != nil || len(parts) < 2 {
		return "", fmt.Errorf("%q is no release of ECS: give one like 3.8 (there are %s; ObjectScale 4.x is as 3.8)",
			release, generationList())
	}
	for _, g := range slices.Backward(generations) {
		if slices.Compare(version[:], g.Since[:]) >= 0 {
			return g.name, nil
		}
	}
	return "", fmt.Errorf("ECS %s is too old: metadata search came with 2.2 (there are %s)", release, generationList())
}

func generationList() string {
	var names []string
	for _, g := range generations {
		names = append(names, string(g.name))
	}
	return strings.Join(names, ", ")
}

// Traits returns all that g changes; the caller must not write to its lists. It
// panics when g is none of [Generations].
func (g Generation) Traits() Traits { return *g.traits() }

func (g Generation) traits() *Traits {
	g = cmp.Or(g, ECS38)
	for i := range generations {
		if generations[i].name == g {
			return &generations[i].Traits
		}
	}
	panic(fmt.Sprintf("ecstest: unknown generation %q; ParseGeneration takes any release", string(g)))
}
