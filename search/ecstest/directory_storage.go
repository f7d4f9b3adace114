package ecstest

import (
	"fmt"
	"strconv"
)

var _ storage = (*directory)(nil)

// discard removes what was staged for nothing.
func (d *directory) discard(c content) { c.(*diskContent).unlink() }

// commit makes c durable.
func (d *directory) commit(c *change) error {
	records, err := recordsOf(c)
	if err != nil {
		return fmt.Errorf("data directory %s: %w", d.path, err)
	}
	named := namedBy(c.add)
	if c.part != nil {
		named = append(named, c.part.content.(*diskContent))
	}
	for _, of := range named {
		if staged := of.staged.Load(); staged != nil {
			records = append(records, record{bytesTable, string(of.id[:]), *staged})
		}
	}
	d.mu.Lock()
	unnamed := d.unnamed
	d.mu.Unlock()
	for _, id := range unnamed {
		records = append(records, record{bytesTable, string(id[:]), nil})
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
	if err := d.write(records); err != nil {
		return err
	}
	d.sequence = sequence
	d.mu.Lock()
	d.unnamed = d.unnamed[len(unnamed):]
	for _, of := range named {
		d.refs[of.id]++
	}
	d.mu.Unlock()
	for _, of := range named {
		of.staged.Store(nil)
	}
	return nil
}

// release lets go of the contents of what c removed.
func (d *directory) release(c *change) {
	unnamed := namedBy(c.remove)
	if c.replaced != nil {
		unnamed = append(unnamed, c.replaced.content.(*diskContent))
	}
	for _, u := range c.end {
		for _, p := range u.parts {
			unnamed = append(unnamed, p.content.(*diskContent))
		}
	}
	for _, of := range unnamed {
		d.mu.Lock()
		d.refs[of.id]--
		gone := d.refs[of.id] == 0
		if gone {
			delete(d.refs, of.id)
			if of.inline() {
				d.unnamed = append(d.unnamed, of.id)
			}
		}
		d.mu.Unlock()
		if gone {
			of.unlink()
		}
	}
}

// namedBy returns the contents that the records of versions name, one for each
// record that names one.
func namedBy(versions []*object) []*diskContent {
	var all []*diskContent
	for _, o := range versions {
		if !o.marker {
			all = append(all, o.content.(*diskContent))
		}
	}
	return all
}

// load applies everything that is stored, and removes what a crash left behind.
// It runs before anything else, alone.
func (d *directory) load(apply func(*change)) error {
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
			return fmt.Errorf("data directory %s: %w", d.path, err)
		}
	}
	return d.removeGarbage()
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
