package fs

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	gofuse "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/ecsfs/ecsfs/search"
)

// refreshNode is @refresh: whoever opens it to read what it says drops what is kept of the directory, here, in
// the store's cache and in the kernel. To look it up only tells what there is to drop.
//
// Dropped are the directory's listing, that of all below it, its menus, and the attributes of
// objects; not the bytes of objects, which are of one ETag, nor the listings of other directories.
type refreshNode struct {
	virtualNode
	in       *dirNode
	listings []keptListing
}

// keptListing is a listing that belongs to a directory.
type keptListing struct {
	what    string
	listing search.Listing
}

var _ gofuse.NodeOpener = (*refreshNode)(nil)

// refresh returns a new node that tells what is kept of n now.
func (n *dirNode) refresh(ctx context.Context, name string, schema search.Schema, out *fuse.EntryOut) *gofuse.Inode {
	now := n.fs.Now()
	r := &refreshNode{in: n, listings: n.keptListings(schema)}
	var text strings.Builder
	for _, k := range r.listings {
		s := n.fs.Store.Peek(k.listing)
		if s == nil {
			continue
		}
		rows, complete := s.Len()
		state := ""
		if !complete {
			state = " so far"
		}
		fmt.Fprintf(&text, "dropped %s: %s%s, %s old, of %s\n", k.what, search.Plural(rows, "row"), state,
			now.Sub(s.Taken()).Round(time.Second), stamp(s.Taken()))
		s.Close()
	}
	if text.Len() == 0 {
		text.WriteString("no listing was kept\n")
	}
	text.WriteString("the next use of this directory asks the store\n")
	r.virtualNode = virtualNode{node: node{fs: n.fs}, text: []byte(text.String()), rendered: now}
	return n.fs.rendering(ctx, &n.Inode, name, &r.virtualNode, r, out)
}

// keptListings returns the listings that are about n and what is below it, each once.
func (n *dirNode) keptListings(schema search.Schema) []keptListing {
	now := n.fs.Now()
	list := []keptListing{{"the listing", n.listing()}}
	if below := n.dir.Results(now, n.fs.TTL); below.ID() != list[0].listing.ID() {
		list = append(list, keptListing{"the list of all objects below", below})
	}
	for _, k := range search.SearchableKeys(schema) {
		list = append(list, keptListing{"the menu of " + printable(k.Short()), n.dir.Values(k, now, n.fs.TTL)})
	}
	return list
}

// Open drops it all, and waits until the kernel has. The waiting ends when the caller is interrupted;
// the dropping does not.
func (r *refreshNode) Open(ctx context.Context, flags uint32) (gofuse.FileHandle, uint32, syscall.Errno) {
	h, answer, errno := r.virtualNode.Open(ctx, flags)
	if errno != 0 {
		return h, answer, errno
	}
	for _, k := range r.listings {
		r.fs.Store.Drop(k.listing)
	}
	r.in.forgetRead()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.in.forgetEntries()
	}()
	select {
	case <-done:
		return h, answer, 0
	case <-ctx.Done():
		return nil, 0, syscall.EINTR
	}
}

// forgetRead makes lookups ask the store rather than the listings that are being read.
func (n *dirNode) forgetRead() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range n.handles {
		h.lastRead.Store(0)
	}
}

// forgetEntries makes the kernel look up again what it knows in n. It must be called with no lock
// held, and not by what the kernel waits for in n with n locked: the kernel waits for that first.
//
// Its own copy of the directory needs no call: it is of a snapshot, and the next opendir has another.
func (n *dirNode) forgetEntries() {
	for name, child := range n.Children() {
		switch child := child.Operations().(type) {
		case *fileNode:
			n.NotifyEntry(name) // that there was none is as well
		case *dirNode:
			child.doubt()
		}
	}
	for _, name := range n.fs.missed.take(n) {
		n.NotifyEntry(name)
	}
}

// doubt makes the kernel ask whether a folder is still there when it is used next. It is not
// dropped from the kernel's cache as a file is: a process may stand in it, and would then stand nowhere.
func (n *dirNode) doubt() {
	n.mu.Lock()
	read := len(n.handles) > 0
	n.mu.Unlock()
	if !n.dir.IsPlain() || read {
		return // a query is only parsed; and who reads a folder may be told no error
	}
	n.doubted.Store(true)
	n.NotifyContent(-1, 0) // the attributes alone
}

// missedNames remembers in which directories which names were not found, as the kernel does for
// the negative lifetime. The zero value is empty; it is safe for concurrent use.
type missedNames struct {
	names recent[missedName, struct{}]
}

type missedName struct {
	dir  gofuse.StableAttr
	name string
}

func (m *missedNames) add(dir *dirNode, name string) {
	m.names.add(missedName{dir.StableAttr(), name}, struct{}{})
}

// take returns the names missed in dir, and forgets them.
func (m *missedNames) take(dir *dirNode) []string {
	var names []string
	of := dir.StableAttr()
	m.names.deleteFunc(func(n missedName, _ struct{}) bool {
		if n.dir != of {
			return false
		}
		names = append(names, n.name)
		return true
	})
	return names
}
