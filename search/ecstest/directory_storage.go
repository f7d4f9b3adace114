package ecstest

import (
	"fmt"
	"slices"
	"strconv"
)

var _ storage = (*directory)(nil)

// discard removes what was staged for nothing.
func (d *directory) discard(c content) {
	for _, piece := range piecesOf(c) {
		if piece.unclaimed.CompareAndSwap(true, false) {
			d.unname(piece)
		}
	}
}

// commit makes c durable.
func (d *directory) commit(c *change) error {
	records, err := recordsOf(c)
	if err != nil {
		return &storageError{err}
	}
	named := namedBy(c.add)
	if c.part != nil {
		named = append(named, piecesOf(c.part.content)...)
	}
	for _, of := range named {
		if staged := of.staged.Load(); staged != nil {
			records = append(records, record{bytesTable, string(of.id[:]), *staged})
		}
	}
	sequence := d.sequence
	for _, o := range c.add {
		sequence = max(sequence, o.seq)
	}
	if c.upload != nil {
		sequence = max(sequence, c.upload.seq)
	}
	if sequence > d.sequence {
		records = append(records, record{formatTable, sequenceKey, strconv.AppendUint(nil, sequence, 10)})
	}
	d.mu.Lock()
	unnamed := d.unnamed
	d.mu.Unlock()
	err = d.write(slices.Concat(records, removals(unnamed)))
	if noRoom(err) && len(named) == 0 && c.upload == nil { // it may make room
		d.giveReserve()
		unnamed = unnamed[:min(len(unnamed), reserveRemovals)]
		err = d.write(slices.Concat(records, removals(unnamed)))
	}
	if err != nil {
		return &storageError{err}
	}
	d.sequence = sequence
	d.mu.Lock()
	d.unnamed = d.unnamed[len(unnamed):]
	d.mu.Unlock()
	for _, of := range named {
		if !of.unclaimed.CompareAndSwap(true, false) {
			d.name(of)
		}
		of.staged.Store(nil)
	}
	return nil
}

// removals are the records that remove small contents.
func removals(of []contentID) (records []record) {
	for _, id := range of {
		records = append(records, record{bytesTable, string(id[:]), nil})
	}
	return records
}

// name counts one more record or reader of a content.
func (d *directory) name(c *diskContent) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refs[c.id]++
}

// unname counts one less, and removes the bytes after the last. Those among the
// records go with the next commit, or the next start.
func (d *directory) unname(c *diskContent) {
	d.mu.Lock()
	d.refs[c.id]--
	gone := d.refs[c.id] == 0
	if gone {
		delete(d.refs, c.id)
		if c.inline() {
			d.unnamed = append(d.unnamed, c.id)
		}
	}
	d.mu.Unlock()
	if gone {
		c.unlink()
	}
}

// release lets go of the contents of what c removed.
func (d *directory) release(c *change) {
	unnamed := namedBy(c.remove)
	if c.replaced != nil {
		unnamed = append(unnamed, piecesOf(c.replaced.content)...)
	}
	for _, u := range c.end {
		for _, p := range u.parts {
			unnamed = append(unnamed, piecesOf(p.content)...)
		}
	}
	for _, of := range unnamed {
		d.unname(of)
	}
	if len(unnamed) > 0 {
		d.keepReserve()
	}
}

// namedBy returns the contents that the records of versions name, once for each
// time that they are named.
func namedBy(versions []*object) []*diskContent {
	var all []*diskContent
	for _, o := range versions {
		all = append(all, piecesOf(o.content)...)
	}
	return all
}

// piecesOf returns the contents that c is made of.
func piecesOf(c content) []*diskContent {
	switch c := c.(type) {
	case nil: // of a delete marker
		return nil
	case joined:
		var all []*diskContent
		for _, piece := range c {
			all = append(all, piecesOf(piece)...)
		}
		return all
	}
	return []*diskContent{c.(*diskContent)}
}

// load applies everything that is stored, and removes what a crash left behind.
// It runs before anything else, alone.
func (d *directory) load(apply func(*change)) error {
	err := d.read(apply)
	if err == nil {
		err = d.removeGarbage()
	}
	if err != nil {
		return fmt.Errorf("data directory %s: %w", d.path, err)
	}
	d.keepReserve()
	return nil
}

// read applies all records.
func (d *directory) read(apply func(*change)) error {
	uploads := map[string]*upload{} // by the keys of their records
	tables := []struct {
		name string
		read func(key string, value []byte) (*change, error)
	}{
		{formatTable, d.readSequence},
		{bucketsTable, func(name string, value []byte) (*change, error) {
			settings, err := decodeSettings(name, value)
			return &change{bucket: name, settings: settings}, err
		}},
		{versionsTable, func(key string, value []byte) (*change, error) {
			bucket, o, err := d.decodeVersion(key, value)
			return &change{bucket: bucket, add: []*object{o}}, err
		}},
		{uploadsTable, func(key string, value []byte) (*change, error) {
			bucket, u, err := decodeUpload(key, value)
			uploads[key] = u
			return &change{bucket: bucket, upload: u}, err
		}},
		{partsTable, func(key string, value []byte) (*change, error) {
			bucket, u, p, err := d.decodePart(key, value, uploads)
			return &change{bucket: bucket, upload: u, part: p}, err
		}},
	}
	for _, t := range tables {
		err := d.each(t.name, func(key string, value []byte) error {
			c, err := t.read(key, value)
			if err == nil {
				apply(c)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *directory) readSequence(key string, value []byte) (*change, error) {
	if key != sequenceKey {
		return &change{}, nil
	}
	var err error
	if d.sequence, err = strconv.ParseUint(string(value), 10, 64); err != nil {
		return nil, fmt.Errorf("the record of the last sequence number: %w", err)
	}
	return &change{seq: d.sequence}, nil
}
