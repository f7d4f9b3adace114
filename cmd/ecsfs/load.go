package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// loadData returns the files of the folder from, or the demo data when from is "".
func loadData(errw io.Writer, from string, now time.Time) ([]demoBucket, error) {
	if from == "" {
		return demoData(now), nil
	}
	bucket, err := loadFolder(errw, from)
	if err != nil {
		return nil, err
	}
	return []demoBucket{bucket}, nil
}

// fill puts buckets into server.
func fill(server *ecstest.Server, buckets []demoBucket) error {
	for _, b := range buckets {
		if err := server.CreateBucket(b.Name, b.SearchKeys...); err != nil {
			return fmt.Errorf("bucket %s: %w", b.Name, err)
		}
		if b.Versioned {
			if err := server.SetVersioning(b.Name, true); err != nil {
				return fmt.Errorf("bucket %s: %w", b.Name, err)
			}
		}
		for _, o := range b.Objects {
			err := server.PutObject(b.Name, o.Key, o.Body, ecstest.PutOptions{
				Metadata: o.Metadata, ContentType: o.ContentType, LastModified: o.Modified,
			})
			if err != nil {
				return fmt.Errorf("object %q: %w", o.Key, err)
			}
		}
	}
	return nil
}

// randomSecret returns a secret access key that nobody can guess.
func randomSecret() string { return rand.Text() }

// countObjects returns the number of objects in all buckets, without older versions.
func countObjects(buckets []demoBucket) int {
	n := 0
	for _, b := range buckets {
		for i := range b.Objects {
			if i == 0 || b.Objects[i].Key != b.Objects[i-1].Key {
				n++
			}
		}
	}
	return n
}
