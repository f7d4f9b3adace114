package fs

import (
	"log/slog"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// Store is what a mount shows: an object store whose listings and blocks are
// kept somewhere between the mount and the network.
type Store interface {
	search.Store
	search.Snapshotter
	search.Files
}

// DefaultMaxInodes is the default of Options.MaxInodes.
const DefaultMaxInodes = 100_000

// Options say what is mounted and how. Only Store is required.
type Options struct {
	Store Store

	// TTL is the age up to which a listing may be used: what is left of it is
	// how long the kernel keeps names and attributes. It must be the one that
	// Store keeps listings for. 0: the kernel keeps none.
	TTL time.Duration
	// NegativeTTL is how long the kernel believes that a name does not exist,
	// and for how long at most what was asked for one object alone.
	NegativeTTL time.Duration

	// UID and GID own every file. The zero value is root.
	UID, GID uint32
	// AllowOther lets users other than the one who mounts in. Who is not root
	// needs user_allow_other in /etc/fuse.conf for it.
	AllowOther bool

	// Xattr shows what the store knows of an object as extended attributes of its file: user.s3.key,
	// user.s3.etag, user.s3.version and user.meta.NAME. To list them, or to get one of the last two, costs a
	// HEAD for each file.
	Xattr bool

	// MaxInodes is how many inodes READDIRPLUS may make the kernel hold: above
	// it directories are listed by name alone and names are looked up when they
	// are used. 0 means DefaultMaxInodes.
	MaxInodes int

	// FsName is the first column of df and mount: the endpoint, without
	// anything secret. Empty: "ecsfs".
	FsName string

	// Stats and Running are what @stats shows beside the figures of the mount
	// itself. Either may be nil.
	Stats   func() []search.Counter
	Running func() []RunningListing

	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger gets errors and panics; nil discards them.
	Logger *slog.Logger
	// Debug logs every request of the kernel to Logger, at level debug.
	Debug bool
}

// withDefaults returns o with its defaults filled in.
func (o Options) withDefaults() Options {
	if o.MaxInodes <= 0 {
		o.MaxInodes = DefaultMaxInodes
	}
	if o.FsName == "" {
		o.FsName = fsType
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Stats == nil {
		o.Stats = func() []search.Counter { return nil }
	}
	if o.Running == nil {
		o.Running = func() []RunningListing { return nil }
	}
	return o
}
