package cache

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/ecsfs/ecsfs/search"
)

// extras are the content types and metadata of rows. A row refers to one that it shares with others: the very
// same attributes, where rows that follow each other have those, as the storage class of a plain listing; else
// the names alone, and the record has the values.
type extras struct {
	list   []extra
	shapes map[string]int // those of list that rows have values of their own for, by shapeKey
	bytes  int64          // what all this takes

	// last is what the row before had, if it was not empty, and same what of list is the same as last; -1: nothing yet.
	last extra
	same int

	scratch []byte
}

// extra is a content type with metadata, or with names of which each row has values of its own.
type extra struct {
	contentType string
	metadata    search.Metadata
	names       []string
}

const (
	extraBytes = int64(unsafe.Sizeof(extra{}))
	// maxShapes bounds what is looked up in shapes. Where there are more of them, each row adds one to list.
	maxShapes = 256
	// shapeBytes is what an entry of shapes takes beside its text.
	shapeBytes = 48
)

// add returns the number in list of what o has: has is false where that is nothing; values says that the record must have
// the values of o's metadata.
func (x *extras) add(o *search.Object) (number int, has, values bool) {
	if o.Metadata.Len() == 0 {
		if o.ContentType == "" {
			return 0, false, false
		}
		return x.shape(o), true, false
	}
	if x.last.contentType != o.ContentType || !x.last.metadata.Equal(o.Metadata) {
		x.last = extra{contentType: o.ContentType, metadata: o.Metadata}
		x.same = -1
		return x.shape(o), true, true
	}
	if x.same < 0 {
		var pairs []string
		for name, value := range o.Metadata.All() {
			pairs = append(pairs, strings.Clone(name), strings.Clone(value))
		}
		m := search.MetadataOfPairs(pairs)
		x.same = x.append(extra{contentType: strings.Clone(o.ContentType), metadata: m})
		x.bytes += int64(len(o.ContentType)) + m.Bytes() + textExtra*int64(1+len(pairs))
	}
	return x.same, true, false
}

// end says that no row will be added.
func (x *extras) end() { x.last, x.same, x.shapes = extra{}, 0, nil }

func (x *extras) append(e extra) int {
	before := cap(x.list)
	x.list = append(x.list, e)
	x.bytes += int64(cap(x.list)-before) * extraBytes
	return len(x.list) - 1
}

// shape returns the number of o's content type and names.
func (x *extras) shape(o *search.Object) int {
	key := appendText(x.scratch[:0], o.ContentType)
	for name := range o.Metadata.All() {
		key = appendText(key, name)
	}
	x.scratch = key
	if number, ok := x.shapes[string(key)]; ok {
		return number
	}
	e := extra{contentType: strings.Clone(o.ContentType)}
	x.bytes += int64(len(key)) + textExtra
	for name := range o.Metadata.All() {
		e.names = append(e.names, strings.Clone(name))
	}
	e.names = slices.Clip(e.names)
	x.bytes += int64(len(e.names)) * (16 + textExtra)
	number := x.append(e)
	if len(x.shapes) < maxShapes {
		if x.shapes == nil {
			x.shapes = make(map[string]int)
		}
		x.shapes[string(key)] = number
		x.bytes += shapeBytes + int64(len(key))
	}
	return number
}

// with returns the metadata of e's names with the values in a record, whose texts are added to text, which must have
// room for them.
func (e *extra) with(values reader, text *strings.Builder) search.Metadata {
	pairs := make([]string, 0, 2*len(e.names))
	for _, name := range e.names {
		value := values.text()
		from := text.Len()
		text.Write(value)
		pairs = append(pairs, name, text.String()[from:])
	}
	return search.MetadataOfPairs(pairs)
}
