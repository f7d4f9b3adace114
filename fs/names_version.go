package fs

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// The names of versions, in a directory that shows all versions of its objects: the name of the object
// with the version's ID before the extension.
//
//	scan%~vID.dcm         the version ID of scan.dcm; what is not a letter, a digit, "-" or "_" in ID is %XX
//	BEGIN%~VHASH.dcm      one whose name would be longer than 255 bytes: HASH is of the object's text, NUL and ID
//	scan.dcm              an object of a bucket that never had versions
//
// BEGIN is the beginning of the object's name, up to shortPrefixLen bytes; of a name that is not longer
// than that, all of it but the extension.

// EncodeFlatVersion returns the name, in the flat view, of the version id of the object whose key relative to
// the directory's prefix is rel; EncodeFlat(rel) when id is empty. What EncodeFlat promises of names holds.
// Names of different versions are different, but for shortened ones that begin alike and agree in 64 bits of
// SHA-256; neither rel with a NUL and id may make another's. id has no NUL.
func EncodeFlatVersion(rel, id string) string {
	if id == "" {
		return EncodeFlat(rel)
	}
	return encodeVersion(rel, id)
}

// EncodeSegmentVersion is EncodeFlatVersion for a view that shows folders. The name is no folder's.
func EncodeSegmentVersion(seg, id string) string {
	if id == "" {
		return EncodeSegment(seg)
	}
	return encodeVersion(segmentText(seg), id)
}

const (
	versionMark      = mark + "v"
	shortVersionMark = mark + "V"
)

func encodeVersion(text, id string) string {
	out, cut := appendEncoded(nil, text)
	ext := extension(text) // its bytes stand for themselves in the name
	head := out[:len(out)-len(ext)]
	if name := string(head) + versionMark + encodeID(id) + ext; len(name) <= maxNameLen {
		return name
	}
	return string(head[:min(len(head), cut)]) + shortVersionMark + hashOf(versionText(text, id)) + ext
}

// versionText is what the name of a version stands for, and what the hash in a shortened one is of.
func versionText(text, id string) string { return text + "\x00" + id }

// cutVersionText is the reverse of versionText.
func cutVersionText(s string) (text, id string) {
	i := strings.LastIndexByte(s, 0)
	return s[:i], s[i+1:]
}

// hashOf returns the hash that a shortened name has of what it stands for.
func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:hashLen/2])
}

// encodeID encodes a version's ID so that it has no "." and nothing that a query has.
func encodeID(id string) string {
	var out []byte
	for i := range len(id) {
		if c := id[i]; isAlnum(c) || c == '-' || c == '_' {
			out = append(out, c)
		} else {
			out = appendEscaped(out, id[i:i+1])
		}
	}
	return string(out)
}

// decodeVersion reads a name of a version: what stands before "%~", and what follows "%~".
func decodeVersion(head, tail string) DecodedName {
	id, ext := tail[1:], ""
	if i := strings.IndexByte(id, '.'); i >= 0 {
		id, ext = id[:i], id[i:]
	}
	d := DecodedName{Text: decodePercent(head) + ext, Version: decodePercent(id), Versioned: true}
	switch {
	case ext != "" && !isExtension(ext):
	case tail[0] == 'v' && id != "" && encodeID(d.Version) == id:
		return d
	case tail[0] == 'V' && isHash(id) && len(head) <= shortPrefixLen:
		d.Version, d.Hash = "", id
		// What is cut keeps more than this.
		if d.Whole = len(head) <= shortPrefixLen-maxUnitLen; !d.Whole {
			d.Text = decodePercent(head)
		}
		return d
	}
	return DecodedName{Reserved: true}
}

// ResultName returns the name in d of an object, or with a version's ID of that version, where d shows versions.
// text is its key relative to d; in a view with folders the last segment of that. There twin says that
// there is a folder of this name, which keeps it. What EncodeFlat promises of names holds.
func ResultName(d search.Dir, text, version string, twin bool) string {
	return namingOf(d).object(text, version, twin)
}

// naming is how one directory names what is in it.
type naming struct {
	flat     bool // by the whole key below it; else by its segments
	versions bool // each version by a name of its own
}

func namingOf(d search.Dir) naming { return naming{flat: d.IsFlat(), versions: d.Versions} }

// object returns the name of the object, or version of one, with this text; with twin, where there is a folder
// of the same text.
func (n naming) object(text, version string, twin bool) string {
	switch {
	case n.flat && n.versions:
		return EncodeFlatVersion(text, version)
	case n.flat:
		return EncodeFlat(text)
	case n.versions && version != "":
		return EncodeSegmentVersion(text, version)
	case twin:
		return EncodeTwin(text)
	}
	return EncodeSegment(text)
}

// decode reads name. canonical is false when it is the name of nothing in the directory, whatever
// keys there are; of a shortened name it tells only that it may be one.
func (n naming) decode(name string) (d DecodedName, canonical bool) {
	if n.flat {
		d, canonical = DecodeFlat(name), CanonicalFlat(name)
	} else {
		d, canonical = DecodeSegment(name), CanonicalSegment(name)
	}
	switch {
	case !d.Versioned:
	case !n.versions, !n.flat && strings.Contains(d.Text, "/"):
		canonical = false
	default:
		canonical = d.Hash != "" || n.object(d.Text, d.Version, false) == name
	}
	return d, canonical
}
