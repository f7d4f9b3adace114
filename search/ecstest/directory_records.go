package ecstest

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// settingsRecord is a bucket in the buckets table.
type settingsRecord struct {
	Owner      string            `json:"owner"`
	Created    time.Time         `json:"created"`
	Versioning string            `json:"versioning,omitempty"`
	SearchKeys []searchKeyRecord `json:"search_keys,omitempty"`
}

type searchKeyRecord struct {
	Name    string `json:"name"`
	Written string `json:"written"`
	Type    string `json:"type"`
}

// versionRecord is a version in the versions table. What may be any bytes is
// []byte, since JSON would alter what is not UTF-8.
type versionRecord struct {
	Key      []byte         `json:"key"`
	Owner    string         `json:"owner"`
	Modified int64          `json:"modified"` // epoch milliseconds
	Null     bool           `json:"null,omitempty"`
	Marker   bool           `json:"marker,omitempty"`
	Headers  [][2][]byte    `json:"headers,omitempty"`
	Meta     [][2][]byte    `json:"meta,omitempty"`
	Parts    []int64        `json:"parts,omitempty"` // their sizes
	Content  *contentRecord `json:"content,omitempty"`
}

// contentRecord names bytes.
type contentRecord struct {
	Pieces   []pieceRecord   `json:"pieces"` // one after the other
	MD5      []byte          `json:"md5"`
	Checksum *checksumRecord `json:"checksum,omitempty"`
}

type pieceRecord struct {
	ID   []byte `json:"id"`
	Size int64  `json:"size"`
}

type checksumRecord struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value,omitempty"`
	Composite bool   `json:"composite,omitempty"`
}

// uploadRecord is an upload under way in the uploads table.
type uploadRecord struct {
	Key       []byte          `json:"key"`
	Owner     string          `json:"owner"`
	Initiated int64           `json:"initiated"` // epoch milliseconds
	Headers   [][2][]byte     `json:"headers,omitempty"`
	Meta      [][2][]byte     `json:"meta,omitempty"`
	Checksum  *checksumRecord `json:"checksum,omitempty"`
}

// partRecord is one part of an upload in the parts table.
type partRecord struct {
	Modified int64         `json:"modified"` // epoch milliseconds
	Content  contentRecord `json:"content"`
}

// numberedKey is the key of a record in a bucket: all of a bucket's are together, in
// the order of their numbers. No bucket's name has a NUL.
func numberedKey(bucket string, numbers ...uint64) string {
	key := []byte(bucket + "\x00")
	for _, n := range numbers {
		key = binary.BigEndian.AppendUint64(key, n)
	}
	return string(key)
}

// splitKey is the way back from numberedKey of n numbers.
func splitKey(key string, n int) (bucket string, numbers []uint64, err error) {
	at := len(key) - 8*n
	if at < 2 || key[at-1] != 0 {
		return "", nil, errors.New("the key of the record is malformed")
	}
	for i := range n {
		numbers = append(numbers, binary.BigEndian.Uint64([]byte(key[at+8*i:])))
	}
	return key[:at-1], numbers, nil
}

// recordsOf returns the records that c writes and removes.
func recordsOf(c *change) ([]record, error) {
	var records []record
	var failed error
	set := func(table, key string, v any) {
		value, err := json.Marshal(v)
		if err != nil {
			failed = err
		}
		records = append(records, record{table, key, value})
	}
	remove := func(table, key string) { records = append(records, record{table, key, nil}) }
	if c.settings != nil {
		set(bucketsTable, c.bucket, encodeSettings(c.settings))
	}
	for _, o := range c.remove {
		remove(versionsTable, numberedKey(c.bucket, o.seq))
	}
	for _, o := range c.add {
		set(versionsTable, numberedKey(c.bucket, o.seq), encodeVersion(o))
	}
	switch {
	case c.part != nil:
		set(partsTable, numberedKey(c.bucket, c.upload.seq, uint64(c.part.number)), partRecord{c.part.modified, encodeContent(c.part.content, c.part.md5[:], c.part.checksum)})
	case c.upload != nil:
		set(uploadsTable, numberedKey(c.bucket, c.upload.seq), encodeUpload(c.upload))
	}
	for _, u := range c.end {
		remove(uploadsTable, numberedKey(c.bucket, u.seq))
		for _, p := range u.parts {
			remove(partsTable, numberedKey(c.bucket, u.seq, uint64(p.number)))
		}
	}
	if c.drop {
		remove(bucketsTable, c.bucket)
	}
	return records, failed
}

var versioningNames = map[versioning]string{versioned: "enabled", versioningSuspended: "suspended"}

func encodeSettings(s *bucketSettings) settingsRecord {
	r := settingsRecord{Owner: s.owner, Created: s.created, Versioning: versioningNames[s.versioning]}
	for _, k := range s.keys {
		r.SearchKeys = append(r.SearchKeys, searchKeyRecord{k.name, k.written, k.typ.String()})
	}
	return r
}

func decodeSettings(name string, value []byte) (*bucketSettings, error) {
	fail := func(err error) (*bucketSettings, error) {
		return nil, fmt.Errorf("the record of bucket %q: %w", name, err)
	}
	var r settingsRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return fail(err)
	}
	s := &bucketSettings{name: name, owner: r.Owner, created: r.Created}
	for v, word := range versioningNames {
		if word == r.Versioning {
			s.versioning = v
		}
	}
	for _, k := range r.SearchKeys {
		typ, ok := parseDatatype(k.Type)
		if !ok {
			return fail(fmt.Errorf("%q is no datatype", k.Type))
		}
		s.keys = append(s.keys, searchKey{k.Name, k.Written, typ, findSysAttr(k.Name)})
	}
	return s, nil
}

func encodeVersion(o *object) versionRecord {
	r := versionRecord{Key: []byte(o.key), Owner: o.owner, Modified: o.modified, Null: o.null, Marker: o.marker,
		Headers: encodeFields(o.headers), Meta: encodeFields(o.meta), Parts: o.parts()}
	if !o.marker {
		of := encodeContent(o.content, o.md5[:], o.checksum())
		r.Content = &of
	}
	return r
}

// decodeVersion reads a version's record, and counts it as one that names its
// content.
func (d *directory) decodeVersion(key string, value []byte) (bucket string, o *object, err error) {
	fail := func(err error) (string, *object, error) {
		return "", nil, fmt.Errorf("the record of version %q: %w", key, err)
	}
	bucket, numbers, err := splitKey(key, 1)
	if err != nil {
		return fail(err)
	}
	var r versionRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return fail(err)
	}
	o = newObject(string(r.Key), r.Owner, time.UnixMilli(r.Modified))
	o.seq, o.null, o.marker = numbers[0], r.Null, r.Marker
	o.headers, o.meta = decodeFields(r.Headers), decodeFields(r.Meta)
	if r.Marker {
		return bucket, o, nil
	}
	if r.Content == nil {
		return fail(errors.New("it names no content"))
	}
	sum, err := d.decodeContent(*r.Content, &o.content, o.md5[:])
	if err != nil {
		return fail(err)
	}
	if r.Parts != nil || sum != (checksum{}) {
		o.details = &details{r.Parts, sum}
	}
	return bucket, o, nil
}

func encodeUpload(u *upload) uploadRecord {
	return uploadRecord{[]byte(u.key), u.owner, u.initiated, encodeFields(u.headers), encodeFields(u.meta), encodeChecksum(u.checksum)}
}

func decodeUpload(key string, value []byte) (bucket string, u *upload, err error) {
	bucket, numbers, err := splitKey(key, 1)
	var r uploadRecord
	if err == nil {
		err = json.Unmarshal(value, &r)
	}
	if err != nil {
		return "", nil, fmt.Errorf("the record of upload %q: %w", key, err)
	}
	return bucket, &upload{seq: numbers[0], key: string(r.Key), owner: r.Owner, initiated: r.Initiated,
		headers: decodeFields(r.Headers), meta: decodeFields(r.Meta), checksum: decodeChecksum(r.Checksum)}, nil
}

// decodePart reads the record of a part, whose upload is among uploads.
func (d *directory) decodePart(key string, value []byte, uploads map[string]*upload) (bucket string, u *upload, p *part, err error) {
	fail := func(err error) (string, *upload, *part, error) {
		return "", nil, nil, fmt.Errorf("the record of part %q: %w", key, err)
	}
	bucket, numbers, err := splitKey(key, 2)
	if err != nil {
		return fail(err)
	}
	if u = uploads[numberedKey(bucket, numbers[0])]; u == nil {
		return fail(errors.New("it is of no upload"))
	}
	var r partRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return fail(err)
	}
	p = &part{number: int(numbers[1]), modified: r.Modified}
	if p.checksum, err = d.decodeContent(r.Content, &p.content, p.md5[:]); err != nil {
		return fail(err)
	}
	return bucket, u, p, nil
}

func encodeContent(c content, sum []byte, check checksum) contentRecord {
	r := contentRecord{MD5: sum, Checksum: encodeChecksum(check)}
	for _, piece := range piecesOf(c) {
		r.Pieces = append(r.Pieces, pieceRecord{piece.id[:], piece.length})
	}
	return r
}

// decodeContent sets what a record names, and counts it.
func (d *directory) decodeContent(r contentRecord, to *content, sum []byte) (checksum, error) {
	malformed := errors.New("what it says of its content is malformed")
	if copy(sum, r.MD5) != len(r.MD5) || len(r.MD5) != len(sum) {
		return checksum{}, malformed
	}
	pieces := make(joined, len(r.Pieces))
	for i, p := range r.Pieces {
		if len(p.ID) != len(contentID{}) || p.Size < 0 {
			return checksum{}, malformed
		}
		of := &diskContent{dir: d, id: contentID(p.ID), length: p.Size}
		d.refs[of.id]++
		pieces[i] = of
	}
	*to = pieces
	if len(pieces) == 1 {
		*to = pieces[0]
	}
	return decodeChecksum(r.Checksum), nil
}

func encodeChecksum(c checksum) *checksumRecord {
	if c == (checksum{}) {
		return nil
	}
	return &checksumRecord{c.algorithm, c.value, c.composite}
}

func decodeChecksum(r *checksumRecord) checksum {
	if r == nil {
		return checksum{}
	}
	return checksum{r.Algorithm, r.Value, r.Composite}
}

func encodeFields(f fields) [][2][]byte {
	var out [][2][]byte
	for name, text := range f.all() {
		out = append(out, [2][]byte{[]byte(name), []byte(text)})
	}
	return out
}

func decodeFields(list [][2][]byte) fields {
	var f fields
	for _, e := range list {
		f.set(string(e[0]), string(e[1]))
	}
	return f
}
