package ecstest

import (
	"cmp"
	"time"
)

// EndMarker is what a query's last page has for NextMarker. ECS has changed it
// more than once.
type EndMarker int

// The forms of the end.
const (
	EndOfGeneration EndMarker = iota // as the server's Generation
	EndAbsent                        // no element: ECS 3.4 and later
	EndNoMorePages                   // the text "NO MORE PAGES": ECS before 3.4
	EndNull                          // the text "null": a build of 2019
	EndEmpty                         // an empty element
)

func (s *Server) endMarker() EndMarker { return cmp.Or(s.EndMarker, s.Generation.traits().EndMarker) }

func (e EndMarker) write(x *xmlWriter) {
	switch e {
	case EndNoMorePages:
		x.elem("NextMarker", "NO MORE PAGES")
	case EndNull:
		x.elem("NextMarker", "null")
	case EndEmpty:
		x.elem("NextMarker", "")
	}
}

// KeyCase is how query results spell the names of indexed user keys.
type KeyCase int

// The spellings.
const (
	KeysOfGeneration KeyCase = iota // as the server's Generation
	LowerKeys                       // in lower case, as current ECS
	KeysAsWritten                   // as the bucket's creator wrote them, as ECS of old
)

func (s *Server) keyCase() KeyCase { return cmp.Or(s.KeyCase, s.Generation.traits().KeyCase) }

// Switch is a knob whose default is not the same for every server.
type Switch int

// The positions of a Switch.
const (
	ByDefault Switch = iota
	On
	Off
)

// signsQuery tells whether signatures of version 2 cover query and
// searchmetadata.
func (s *Server) signsQuery() bool {
	if s.SignQuery == ByDefault {
		return !s.Generation.traits().UnsignedQuery
	}
	return s.SignQuery == On
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// nowFor is the clock that a request sees.
func (s *Server) nowFor(c *call) time.Time { return s.now().Add(c.skew) }

func (s *Server) seed() int64 {
	if s.Seed != 0 {
		return s.Seed
	}
	return 1
}

func (s *Server) pageSize() int {
	if s.PageSize > 0 {
		return s.PageSize
	}
	return defaultPageSize
}

func (s *Server) namespace() string {
	if s.Namespace != "" {
		return s.Namespace
	}
	return "ecstest"
}

func (s *Server) maxObjectSize() int64 {
	if s.MaxObjectSize > 0 {
		return s.MaxObjectSize
	}
	return 1 << 30
}

func (s *Server) minPartSize() int64 {
	if s.MinPartSize > 0 {
		return s.MinPartSize
	}
	return defaultMinPartSize
}

func (s *Server) accessKeyID() string {
	if s.AccessKeyID != "" {
		return s.AccessKeyID
	}
	return DefaultAccessKeyID
}

// Open opens Data, or makes it, and reads what it has. Start does so as well,
// but panics where Open returns an error: the directory cannot be read or
// written, has other files, is of another version of this package, or is held
// by another server.
func (s *Server) Open() error {
	s.storeOnce.Do(func() {
		var in storage = memory{}
		if s.Data != "" {
			d, err := openDirectory(s.Data)
			if err != nil {
				s.storeErr = err
				return
			}
			in = d
		}
		if s.store, s.storeErr = newStore(s.seed(), in); s.storeErr != nil {
			_ = in.close() // the error to tell is the first
			return
		}
		s.store.lag.delay, s.store.lag.now = s.IndexDelay, s.now
	})
	return s.storeErr
}

// data returns the store, which the first call opens.
func (s *Server) data() *store {
	if err := s.Open(); err != nil {
		panic("ecstest: " + err.Error())
	}
	return s.store
}

// secret finds the secret of an access key ID.
func (s *Server) secret(id string) (string, bool) {
	if id == s.accessKeyID() {
		if s.SecretAccessKey != "" {
			return s.SecretAccessKey, true
		}
		return DefaultSecretAccessKey, true
	}
	secret, ok := s.Credentials[id]
	return secret, ok
}

func (s *Server) logf(format string, args ...any) {
	if s.Logf != nil {
		s.Logf(format, args...)
	}
}
