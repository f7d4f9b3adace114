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
//	reserve      room for deletions on a full disk
//
// Order makes it crash-safe: bytes are durable under their name before a
// record names them, and go only after the record that named them has gone. What a
// crash leaves behind is bytes that no record names; removeGarbage removes them.
//
// All methods are safe for concurrent use.
type directory struct {
	path string
	db   *bolt.DB

	// Of load, commit and release alone.
	sequence uint64 // the last one stored
	reserved bool   // the reserve is there

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
	fail := func(err error) (*directory, error) { return nil, fmt.Errorf("data directory %s: %w", path, err) }
	if err := makeDirectory(path); err != nil {
		return fail(err)
	}
	db, err := bolt.Open(filepath.Join(path, recordsFile), 0o600, &bolt.Options{Timeout: lockWait, FreelistType: bolt.FreelistMapType})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fail(errors.New("another process holds it: end that, or take another directory"))
	case err != nil:
		return fail(fmt.Errorf("%s cannot be opened (%w): bring it back from a copy, or take an empty directory", recordsFile, err))
	}
	d := &directory{path: path, db: db, refs: map[contentID]int{}}
	err = d.checkFormat()
	for _, dir := range []string{filepath.Join(path, "blobs"), path, filepath.Dir(path)} {
		if err == nil {
			err = syncDir(dir) // which have new names, that of the records among them
		}
	}
	if err != nil {
		db.Close()
		return fail(err)
	}
	return d, nil
}

// makeDirectory makes what a data directory has beside its records, as far as it
// is not there: of a copy of one, directories without files may have been left out.
func makeDirectory(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(path, recordsFile)); errors.Is(err, fs.ErrNotExist) {
		if err := checkUnused(path); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	for i := range 256 {
		if err := os.MkdirAll(filepath.Join(path, "blobs", fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// checkUnused refuses a directory that is in use for something else.
func checkUnused(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		// What an attempt that was cut short has made is taken over, as is what a
		// server that starts at the same moment has made.
		if name := e.Name(); name != "blobs" && name != "tmp" && name != "lost+found" && name != recordsFile {
			return fmt.Errorf("it has other files (%q) and no %s: take an empty directory", name, recordsFile)
		}
	}
	return nil
}

// checkFormat writes the format into new records and checks it in others.
func (d *directory) checkFormat() error {
	var have string
	err := d.each(formatTable, func(key string, value []byte) error {
		if key == formatTable {
			have = string(value)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case have == "":
		// Also after a crash between the making of the file and this.
		return d.write([]record{{formatTable, formatTable, []byte(directoryFormat)}})
	case have != directoryFormat:
		return fmt.Errorf("its format is %q, and this program reads %q", have, directoryFormat)
	}
	return nil
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
	return d.db.Update(func(tx *bolt.Tx) error {
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
	tmp := filepath.Join(d.path, "tmp")
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	err := filepath.WalkDir(filepath.Join(d.path, "blobs"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if id, ok := parseContentID(e.Name()); ok && d.refs[id] > 0 {
			return nil
		}
		return os.Remove(path)
	})
	if err != nil {
		return err
	}
	// Small contents go with the next commit: a full disk has no room for one now.
	return d.db.View(func(tx *bolt.Tx) error {
		t := tx.Bucket([]byte(bytesTable))
		if t == nil {
			return nil
		}
		return t.ForEach(func(key, _ []byte) error {
			if id := contentID(key); d.refs[id] == 0 {
				d.unnamed = append(d.unnamed, id)
			}
			return nil
		})
	})
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
