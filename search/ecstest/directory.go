package ecstest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	recordsFile     = "records.db" // below a data directory
	directoryFormat = "1"          // of what is in it; another one is refused
	lockWait        = time.Second  // for another process that holds the directory
)

// The tables of records.db.
const (
	formatTable   = "format"   // one record of the same key, one of sequenceKey
	bucketsTable  = "buckets"  // settings, by bucket
	versionsTable = "versions" // by bucket and sequence number
	uploadsTable  = "uploads"  // likewise
	partsTable    = "parts"    // by bucket, the upload's sequence number and the part's
	bytesTable    = "bytes"    // the bytes of small contents, by id
)

// sequenceKey is the record of the last sequence number given: version ids are
// not used again, whatever was removed.
const sequenceKey = "sequence"

// directory is a data directory: records in tables, each change of them atomic
// and durable, and the bytes they name.
//
//	records.db   tables of records, a bbolt database; its lock is the directory's
//	blobs/XX/ID  the bytes of one content that is larger than inlineSize
//	tmp/ID       the same while it is written
//
// Order makes it crash-safe: bytes are durable under their name before a
// record names them, and go only after the record that named them has gone. What a
// crash leaves behind is bytes that no record names; removeGarbage removes them.
//
// All methods are safe for concurrent use.
type directory struct {
	path string
	db   *bolt.DB

	sequence uint64 // the last one stored; of load and commit alone

	mu sync.Mutex // guards all below
	// refs counts the records that name a content, as copies share theirs, and
	// those who read it.
	refs map[contentID]int
	// unnamed are small contents that the next commit removes.
	unnamed []contentID
}

// openDirectory opens the data directory at path, or makes it. A directory that has
// other files, or that another process holds, is refused.
func openDirectory(path string) (*directory, error) {
	made, err := prepareDirectory(path)
	if err != nil {
		return nil, err
	}
	db, err := bolt.Open(filepath.Join(path, recordsFile), 0o600, &bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("data directory %s: another process holds it: end that, or take another directory", path)
	case err != nil:
		return nil, fmt.Errorf("data directory %s: %s cannot be opened: %w", path, recordsFile, err)
	}
	d := &directory{path: path, db: db, refs: map[contentID]int{}}
	if err := d.checkFormat(made); err != nil {
		db.Close()
		return nil, err
	}
	return d, nil
}

// prepareDirectory makes what a data directory has beside its records. made
// tells that there were none.
func prepareDirectory(path string) (made bool, err error) {
	fail := func(err error) (bool, error) { return false, fmt.Errorf("data directory %s: %w", path, err) }
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fail(err)
	}
	if _, err := os.Lstat(filepath.Join(path, recordsFile)); err == nil {
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fail(err)
	}
	for _, e := range entries {
		// What an attempt that was cut short has made is taken over.
		if name := e.Name(); name != "blobs" && name != "tmp" && name != "lost+found" {
			return fail(fmt.Errorf("it has other files (%q) and no %s: take an empty directory", name, recordsFile))
		}
	}
	blobs := filepath.Join(path, "blobs")
	for _, dir := range []string{blobs, filepath.Join(path, "tmp")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fail(err)
		}
	}
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(blobs, fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return fail(err)
		}
	}
	for _, dir := range []string{blobs, path, filepath.Dir(path)} {
		if err := syncDir(dir); err != nil {
			return fail(err)
		}
	}
	return true, nil
}

// checkFormat writes the format into new records and checks it in others.
func (d *directory) checkFormat(made bool) error {
	return d.db.Update(func(tx *bolt.Tx) error {
		t, err := tx.CreateBucketIfNotExists([]byte(formatTable))
		if err != nil {
			return fmt.Errorf("data directory %s: %w", d.path, err)
		}
		switch have := t.Get([]byte(formatTable)); {
		case have == nil:
			// Also after a crash between the making of the file and this.
			return t.Put([]byte(formatTable), []byte(directoryFormat))
		case string(have) != directoryFormat || made:
			return fmt.Errorf("data directory %s: its format is %q, and this program reads %q", d.path, have, directoryFormat)
		}
		return nil
	})
}

// close ends the use of the directory.
func (d *directory) close() error { return d.db.Close() }

// record is one row of a table. A nil value removes the row.
type record struct {
	table, key string
	value      []byte
}

// write makes records durable, all of them or none.
func (d *directory) write(records []record) error {
	err := d.db.Update(func(tx *bolt.Tx) error {
		for _, r := range records {
			t, err := tx.CreateBucketIfNotExists([]byte(r.table))
			if err != nil {
				return err
			}
			if r.value == nil {
				err = t.Delete([]byte(r.key))
			} else {
				err = t.Put([]byte(r.key), r.value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("data directory %s: %w", d.path, err)
	}
	return nil
}

// each calls f for every row of a table in the order of its keys. key and
// value are f's to keep.
func (d *directory) each(table string, f func(key string, value []byte) error) error {
	return d.db.View(func(tx *bolt.Tx) error {
		t := tx.Bucket([]byte(table))
		if t == nil {
			return nil
		}
		return t.ForEach(func(key, value []byte) error { return f(string(key), append([]byte(nil), value...)) })
	})
}

// removeGarbage removes the bytes that no record names, left behind by a crash.
// Nothing must be staged meanwhile.
func (d *directory) removeGarbage() error {
	err := os.RemoveAll(filepath.Join(d.path, "tmp"))
	if err == nil {
		err = os.Mkdir(filepath.Join(d.path, "tmp"), 0o700)
	}
	if err != nil {
		return fmt.Errorf("data directory %s: %w", d.path, err)
	}
	err = filepath.WalkDir(filepath.Join(d.path, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if id, ok := parseContentID(e.Name()); ok && d.refs[id] > 0 {
			return nil
		}
		return os.Remove(path)
	})
	if err == nil {
		err = d.removeUnnamedBytes()
	}
	if err != nil {
		return fmt.Errorf("data directory %s: %w", d.path, err)
	}
	return nil
}

// removeUnnamedBytes is removeGarbage of small contents.
func (d *directory) removeUnnamedBytes() error {
	var unnamed []record
	err := d.db.View(func(tx *bolt.Tx) error {
		t := tx.Bucket([]byte(bytesTable))
		if t == nil {
			return nil
		}
		return t.ForEach(func(key, _ []byte) error {
			if len(key) != len(contentID{}) || d.refs[contentID(key)] == 0 {
				unnamed = append(unnamed, record{bytesTable, string(key), nil})
			}
			return nil
		})
	})
	if err != nil || len(unnamed) == 0 {
		return err
	}
	return d.write(unnamed)
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
