package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// maxIndexKeys is how many keys ECS indexes in one bucket (Data Access Guide,
// "Metadata search").
const maxIndexKeys = 30

// indexableKeys are the system keys that ECS can index; of these
// ReplicationStatus in ECS 3.7 alone, which the store decides.
var indexableKeys = []string{"Size", "LastModified", "CreateTime", "ObjectName", "Owner", "ReplicationStatus"}

// parseIndex reads the values of --index: SYSTEMKEY or NAME:DATATYPE,
// separated by commas. The keys are in the order given.
func parseIndex(lists []string) ([]search.Key, error) {
	var keys []search.Key
	for _, list := range lists {
		for word := range strings.SplitSeq(list, ",") {
			word = strings.TrimSpace(word)
			if word == "" {
				return nil, fail(exitUsage, "--index %s: a key is missing, as in Size,LastModified,color:string", shellQuote(list))
			}
			key, err := parseIndexKey(word)
			if err != nil {
				return nil, fail(exitUsage, "--index %s: %w", shellQuote(word), err)
			}
			if slices.ContainsFunc(keys, func(k search.Key) bool { return k.Name == key.Name }) {
				return nil, fail(exitUsage, "--index %s: %s is named twice", shellQuote(word), key.Name)
			}
			keys = append(keys, key)
		}
	}
	if len(keys) > maxIndexKeys {
		return nil, fail(exitUsage, "--index: %d keys, and ECS indexes at most %d in one bucket", len(keys), maxIndexKeys)
	}
	return keys, nil
}

// parseIndexKey reads one key. Names mean what they mean in a query: first a
// system key, unless written meta.NAME or x-amz-meta-NAME.
func parseIndexKey(word string) (search.Key, error) {
	name, datatype, typed := strings.Cut(word, ":")
	switch {
	case strings.Contains(name, ";"):
		return search.Key{}, fmt.Errorf("the datatype follows a colon: %s", strings.Replace(word, ";", ":", 1))
	case strings.Contains(name, "="):
		return search.Key{}, fmt.Errorf("a key has no value here: NAME:DATATYPE")
	}
	key, _ := search.Schema{}.Resolve(name)
	if replicationStatus := indexableKeys[len(indexableKeys)-1]; strings.EqualFold(name, replicationStatus) {
		key = search.Key{Name: replicationStatus} // it is a string
	}
	bare := strings.TrimPrefix(key.Name, search.MetaPrefix)
	if err := checkMetaName(bare); err != nil {
		return search.Key{}, err
	}
	if !key.User() && !slices.Contains(indexableKeys, key.Name) {
		return search.Key{}, notIndexable(key, name)
	}
	if !typed {
		if key.User() {
			return search.Key{}, fmt.Errorf("it needs its datatype, such as %s:string (or %s)", name, strings.Join(datatypes[1:], ", "))
		}
		key.Indexed = true
		return key, nil
	}
	want, ok := search.ParseDatatype(datatype)
	switch {
	case !ok:
		return search.Key{}, noDatatype(datatype)
	case !key.User() && want != key.Type:
		return search.Key{}, fmt.Errorf("%s is a system key of datatype %s; user metadata of that name is meta.%s:%s", key.Name, key.Type, name, want)
	}
	key.Type, key.Indexed = want, true
	return key, nil
}

// datatypes are the words for datatypes.
var datatypes = []string{search.String.String(), search.Integer.String(), search.Decimal.String(), search.Datetime.String()}

// noDatatype says that word is none, with the one that is probably meant.
func noDatatype(word string) error {
	words := map[string]search.Datatype{"int": search.Integer, "number": search.Integer, "long": search.Integer, "float": search.Decimal,
		"double": search.Decimal, "date": search.Datetime, "time": search.Datetime, "timestamp": search.Datetime, "text": search.String}
	near := nearest(strings.ToLower(word), datatypes)
	if d, ok := words[strings.ToLower(word)]; ok {
		near = d.String()
	}
	hint := ""
	if near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("%q is no datatype: %s%s", word, strings.Join(datatypes, ", "), hint)
}

// notIndexable says why the system key, which was typed as name, cannot be indexed.
func notIndexable(key search.Key, name string) error {
	why := fmt.Sprintf("ECS can return %s, not index it", key.Name)
	if key.Name == "base" {
		why = "base is the last part of an object's name, which ObjectName has"
	}
	return fmt.Errorf("%s; it indexes Size, LastModified, CreateTime, ObjectName and Owner, and user metadata: meta.%s:%s",
		why, strings.ToLower(strings.TrimPrefix(name, "sys.")), key.Type)
}

// maxMetaName bounds the name of a key of user metadata, without its prefix.
const maxMetaName = 255

// checkMetaName refuses a name, without x-amz-meta-, that a header could not
// carry or a query could not name.
func checkMetaName(name string) error {
	for _, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
		default:
			return fmt.Errorf("a key's name has letters, digits, -, _ and . alone, and %q is none", r)
		}
	}
	switch {
	case name == "":
		return fmt.Errorf("the key has no name")
	case len(name) > maxMetaName:
		return fmt.Errorf("a key's name has at most %d characters", maxMetaName)
	}
	return nil
}
