// Package fs is the mount: it shows a [Store] as a read-only file system in
// which a path is a metadata query. It knows go-fuse and package search, and
// nothing of a protocol or of how answers are kept.
//
// # Model
//
// A directory is a [search.Dir]: a bucket, a prefix, a predicate. Without a
// predicate it lists one level of folders and objects; with one it lists the
// objects below the prefix that satisfy it, all directly in the directory, by
// their key relative to the prefix. What a component means is decided by
// [search.ParseComponent] with the bucket's schema: a predicate narrows, a
// directive is a virtual file, anything else is the name of a folder or an
// object, as names.go encodes them.
//
// Query directories and virtual files are looked up and never listed: a walk
// over any one directory ends, and meets each result once.
//
// # Nodes
//
// Each path as typed is a directory node of its own, numbered by a hash of its
// parent's number and the component: a directory inode with two parents
// breaks the kernel's dentry cache (ELOOP, a shell that finds itself elsewhere). A file
// node is one version of one object, numbered by a hash of bucket, key and
// ETag: an object reached through many queries is one inode with one page
// cache, and an overwritten object is another inode. With the key alone, an
// old open file would read the new object's bytes from that page cache.
//
// Inode numbers are the same in every mount. Directories have nlink 1, the
// sign for "cannot be told from nlink how many directories are in it".
//
// # Requests
//
//	lookup of a query name, a directive   none beyond the kept schema
//	lookup of a result, listing at hand   none
//	lookup of a result, no listing        one HEAD, evaluated here; where a HEAD
//	                                      cannot decide (owner, a fraction of a second), the listing
//	lookup of a folder or object          the same, and one LIST of a single key beside the HEAD
//	opendir and readdir                   the pages of one listing; none while one is kept
//	open                                  the first block, unless it is kept
//	read                                  the blocks read, unless they are kept
//	stat, statfs, readlink, xattr         none
//
// OPEN asks for the first block so that an object which changed since it was
// listed is noticed before a byte of it was served: OPEN then returns ESTALE,
// the kernel walks the path again asking anew for each name (LOOKUP_REVAL),
// and opens the inode it finds then. The READ that follows OPEN costs nothing.
// Once a byte was served, a change is ESTALE for the reader, never another version's bytes.
//
// # Listings
//
// An opendir reads a [search.Snapshot], streamed while its pages arrive, with
// attributes for READDIRPLUS from its rows. A listing that fails before its
// first row fails at opendir. One that breaks later ends with the entry
// %~INCOMPLETE, which has attributes but whose open gives the errno, and then
// with that errno: shells and os.walk swallow an error in mid-listing, and
// must not take a part for the whole.
//
// Above Options.MaxInodes live inodes, entries are listed by name alone; the
// kernel looks up those that are used.
//
// # What the kernel keeps
//
// Names and attributes for what is left of the lifetime of the listing they
// came from; what was asked for one object alone, for NegativeTTL. Pages of a
// file for as long as its inode lives, as they are of one ETag. A copy of a
// directory below 100,000 entries, for the snapshot that filled it and no
// other. Virtual files for no time: each lookup renders anew, with an exact size.
//
// Times of files are whole seconds, the most that a HEAD tells: a row's
// milliseconds would make one file look modified.
//
// # Errors
//
// One function (errno.go) turns an error into an errno, by its [search.Kind],
// logs its cause once and records it for @errors:
//
//	KindNotExist ENOENT     KindInvalid EINVAL       KindUnsupported EOPNOTSUPP
//	KindPermission EACCES   KindTooLarge EFBIG       KindChanged ESTALE
//	KindTimeout ETIMEDOUT   KindCanceled EINTR       KindIO EIO
//
// Writing is EROFS: the kernel's mount is read-only, and there is no code for it here.
// A panic in a handler is one EIO, a stack in the log, and a mount that goes on.
//
// # Interrupts
//
// The context of every handler ends when the kernel interrupts the request;
// all waiting obeys it and returns EINTR at once, while a request to the store
// that others wait for goes on. A handler never waits for the kernel.
//
// # Deadlocks
//
// The process that serves a mount must not touch it: a page fault, stat or
// open of its own could wait for itself. Mount and Unmount look at /proc and
// at the mountpoint's parent only. No lock is held while the Store is called;
// dirNode.mu is held while the kernel drops its copy of that directory, which
// calls nothing back.
//
// # Concurrency
//
// Everything here is safe for concurrent use except a directory handle, which
// go-fuse calls from one goroutine at a time.
package fs
