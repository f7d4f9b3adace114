package ecs

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

const (
	// schemaLifetime is how long Query plans by a schema without asking again. The
	// keys of a bucket are set when it is created; they can only be disabled.
	schemaLifetime = 10 * time.Minute
	// maxKnownSchemas bounds the schemas kept; beyond it one is dropped at random.
	maxKnownSchemas = 1024
)

// Store is what a mount needs of the service: listings, queries, attributes
// and bytes, each whole over however many requests. It has no method that
// writes, and none that leads back to its Client, so that what is given a Store
// cannot write. It is safe for concurrent use.
type Store struct {
	client *Client

	// plus is what "+" means in percent-encoded listings of this server: a
	// plusMeaning, learnt from the first page that tells.
	plus atomic.Int32

	// rows is what is known of the rows under a prefix: rowsUnknown and so on.
	rows atomic.Int32

	// unsplit is set once a search that was split had to go on whole, and keeps others from it.
	unsplit atomic.Bool

	schemaMu sync.Mutex
	schemas  map[string]knownSchema // guarded by schemaMu; at most maxKnownSchemas
}

var _ search.Store = (*Store)(nil)

// Store returns the client's Store: the same one each time, which shares the
// client's connections, bounds and counters.
func (c *Client) Store() *Store { return c.store }

// knownSchema is an answer to Schema.
type knownSchema struct {
	listedKeys
	taken time.Time
}

// Schema asks which keys the bucket's index has, as Client.SearchKeys does, and says which
// engine answers its queries (Config.Engine). The answer is kept for Query. Under EngineScan a bucket
// whose search keys the caller may not read is as one without any. See search.Schemer.
func (s *Store) Schema(ctx context.Context, bucket string) (search.Schema, error) {
	listed, err := s.askSchema(ctx, bucket)
	return listed.schema, err
}

// schemaFor returns the kept schema, or asks.
func (s *Store) schemaFor(ctx context.Context, bucket string) (listedKeys, error) {
	if listed, ok := s.keptSchema(bucket); ok {
		return listed, nil
	}
	return s.askSchema(ctx, bucket)
}

func (s *Store) keptSchema(bucket string) (listedKeys, bool) {
	s.schemaMu.Lock()
	defer s.schemaMu.Unlock()
	known, ok := s.schemas[bucket]
	return known.listedKeys, ok && time.Since(known.taken) < schemaLifetime
}

func (s *Store) askSchema(ctx context.Context, bucket string) (listedKeys, error) {
	listed, err := s.client.searchKeys(ctx, bucket)
	if s.client.cfg.Engine == EngineScan && isDenied(err) {
		// Who may list a bucket can have it scanned, whatever else is refused.
		listed, err = listedKeys{schema: search.Schema{Bucket: bucket}}, nil
	}
	if err != nil {
		s.forgetSchema(bucket)
		return listedKeys{}, err
	}
	listed.schema.Engine, listed.schema.ScanMetadata = search.EngineSearch, s.client.cfg.ScanMetadata
	if mode := s.client.cfg.Engine; mode == EngineScan || mode == EngineAuto && !listed.schema.Enabled {
		listed.schema.Engine = search.EngineScan
	}
	s.keepSchema(listed)
	return listed, nil
}

func (s *Store) keepSchema(listed listedKeys) {
	s.schemaMu.Lock()
	defer s.schemaMu.Unlock()
	if _, ok := s.schemas[listed.schema.Bucket]; !ok && len(s.schemas) >= maxKnownSchemas {
		for bucket := range s.schemas {
			delete(s.schemas, bucket)
			break
		}
	}
	s.schemas[listed.schema.Bucket] = knownSchema{listed, time.Now()}
}

// forgetSchema is called when the store contradicts the kept schema.
func (s *Store) forgetSchema(bucket string) {
	s.schemaMu.Lock()
	defer s.schemaMu.Unlock()
	delete(s.schemas, bucket)
}
