package ecs

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ecsfs/ecsfs/search"
)

// Bucket is a bucket as a resource: searches and objects without requests by
// hand. It is a name and a client, costs nothing, and is safe for concurrent use.
type Bucket struct {
	client *Client
	name   string
}

// Bucket returns the bucket of this name. Nothing is asked: whether it exists
// shows when it is used.
func (c *Client) Bucket(name string) *Bucket { return &Bucket{c, name} }

// Name returns the bucket's name.
func (b *Bucket) Name() string { return b.name }

// Keys asks which keys can be searched for. See Client.SearchKeys.
func (b *Bucket) Keys(ctx context.Context) (search.Schema, error) {
	return b.client.SearchKeys(ctx, b.name)
}

// SearchOption narrows or widens a search.
type SearchOption func(*searchOptions)

type searchOptions struct {
	prefix, order string
	older         bool
	limit         int
}

// WithPrefix searches only objects whose key begins with prefix. Servers that
// do not know it (ECS before 3.6) return the others too, which are dropped here.
func WithPrefix(prefix string) SearchOption { return func(o *searchOptions) { o.prefix = prefix } }

// WithOlderVersions searches all versions of objects in buckets that keep
// them: one Object each, told apart by Version, and each matched by its own metadata. See Config.OlderVersionsParameter.
func WithOlderVersions() SearchOption { return func(o *searchOptions) { o.older = true } }

// WithOrder yields objects by the value of key, such as "size", and of "-size" the greatest first;
// those of equal value by their key; those without one last. Where the server cannot sort
// so, nothing is yielded before everything was read. With WithLimit no more is kept than is yielded.
func WithOrder(key string) SearchOption { return func(o *searchOptions) { o.order = key } }

// WithLimit ends the search after the first n objects, which without WithOrder are any of those
// that match; 0 is no limit. No more is asked of the server than they need.
func WithLimit(n int) SearchOption { return func(o *searchOptions) { o.limit = n } }

// Search yields the objects of which text is true, such as
//
//	size > 100M and (color == 'red' or modified > 2026-05)
//
// in the language of search.Text. Values from elsewhere are better given to
// SearchFor, where nothing has to be quoted.
//
// Objects come in no promised order but that of WithOrder, each once, whole: what a server leaves
// out of a row is asked for, and what it cannot compare is checked here (see
// "Searches" in the package documentation). At most one error is yielded, as
// the last element, with the zero Object; what came before it is then an
// incomplete result. Breaking out of the loop ends the requests.
//
// Errors: KindInvalid for a text that is no condition on this bucket's keys,
// with the place and the nearest thing meant; KindUnsupported where the bucket's engine cannot
// answer it (see "Engines" in the package documentation), such as a search that no indexed key
// bounds; KindTooLarge after Config.MaxPages pages.
func (b *Bucket) Search(ctx context.Context, text string, options ...SearchOption) iter.Seq2[Object, error] {
	return b.SearchFor(ctx, search.Text(text), options...)
}

// SearchFor is Search for a predicate made in Go:
//
//	search.And(search.Gt("Size", 100), search.Eq("color", "red"))
func (b *Bucket) SearchFor(ctx context.Context, p search.Predicate, options ...SearchOption) iter.Seq2[Object, error] {
	var o searchOptions
	for _, option := range options {
		option(&o)
	}
	return func(yield func(Object, error) bool) {
		l, err := b.listing(ctx, p, o)
		if err != nil {
			yield(Object{}, err)
			return
		}
		for found, err := range b.client.store.Query(ctx, l) {
			if err != nil {
				yield(Object{}, err)
				return
			}
			if !yield(b.object(found), nil) {
				return
			}
		}
	}
}

// listing applies p and o to the bucket's keys. What those that are kept do not allow
// is held against those of this moment: the bucket may have been made anew.
func (b *Bucket) listing(ctx context.Context, p search.Predicate, o searchOptions) (search.Listing, error) {
	if keys, ok := b.client.store.keptSchema(b.name); ok {
		if l, err := b.apply(p, o, keys.schema); err == nil {
			return l, nil
		}
	}
	keys, err := b.client.store.askSchema(ctx, b.name)
	if err != nil {
		return search.Listing{}, err
	}
	return b.apply(p, o, keys.schema)
}

func (b *Bucket) apply(p search.Predicate, o searchOptions, s search.Schema) (search.Listing, error) {
	if s.Engine == search.EngineSearch && !s.Enabled {
		return search.Listing{}, errNoSearch(target{op: opQuery, bucket: b.name})
	}
	if o.limit < 0 {
		return search.Listing{}, target{op: opQuery, bucket: b.name}.fail(search.KindInvalid, fmt.Sprintf("a limit of %d objects", o.limit), "")
	}
	where, err := p(s)
	if err != nil {
		return search.Listing{}, err
	}
	l := search.Listing{Bucket: b.name, Prefix: o.prefix, Where: search.Normalize(search.Bind(where, time.Now())), Versions: o.older, Limit: o.limit}
	l.Recursive = l.Where == nil
	if o.order != "" {
		// As it is typed in a path, with the same words where it is wrong.
		c, err := search.ParseComponent("@sort,"+o.order, s)
		if err != nil {
			return search.Listing{}, err
		}
		l.Order = c.Directive.Order
	}
	return l, nil
}

func errNoSearch(t target) error {
	return t.fail(search.KindUnsupported, "the bucket has no metadata search", "it is set up when a bucket is created, with the keys to index")
}

// Object is an object, or one version of it: as Bucket.Object names it, with
// nothing but Bucket and Key, or as a search or Stat found it. Objects are
// values; a copy is another reference to the same object of the store.
type Object struct {
	Bucket string
	Key    string // any bytes

	Size int64 // in bytes
	// LastModified is in milliseconds where a search found it, in seconds where Stat did.
	LastModified time.Time
	ETag         string // without quotes; empty when the store has none
	Version      string // empty: the current one, in a bucket without versions
	ContentType  string // empty when not told
	// Metadata has user metadata as "x-amz-meta-color", in lower case, and
	// system keys by their names ("Owner"): from a search, those that the
	// bucket indexes and those that the search names; from Stat, all user metadata.
	Metadata search.Metadata

	client *Client
}

// Object returns the object of this key. Nothing is asked: whether it exists
// shows when it is used.
func (b *Bucket) Object(key string) Object {
	return Object{Bucket: b.name, Key: key, client: b.client}
}

func (b *Bucket) object(o search.Object) Object {
	return Object{Bucket: b.name, Key: o.Key, Size: o.Size, LastModified: o.ModTime, ETag: o.ETag, Version: o.VersionID,
		ContentType: o.ContentType, Metadata: o.Metadata, client: b.client}
}

// Stat asks for the object's attributes as they are now (HEAD), of o.Version
// if that is set. One that is gone is KindNotExist.
func (o Object) Stat(ctx context.Context) (Object, error) {
	if o.client == nil {
		return Object{}, o.target(opStat).fail(search.KindInvalid, "an object that no bucket gave", "use Bucket.Object")
	}
	now, err := o.client.store.Stat(ctx, search.Ref{Bucket: o.Bucket, Key: o.Key, VersionID: o.Version})
	if err != nil {
		return Object{}, err
	}
	found := (&Bucket{o.client, o.Bucket}).object(now)
	if o.Version != "" {
		found.Version = o.Version
	}
	return found, nil
}

func (o Object) target(op string) target { return target{op, o.Bucket, o.Key} }
