// Package fs is the mount: it shows a search.Store as a read-only file system
// in which a path is a metadata query and its results are files.
//
//	s, err := fs.Mount("/mnt/ecs", fs.Options{Store: store, TTL: time.Minute})
//	...
//	s.Wait()
//
// This page is the specification of the mount. It stands on go-fuse and on
// package search, and knows neither the network nor how answers are kept.
//
// # Model
//
//	/                                   buckets; looked up only: @help @stats @errors
//	/BUCKET[/folder...]/                folders and objects, as a plain listing has them
//	/BUCKET[/folder...]/QUERY/          the objects below that folder that match
//	/BUCKET[/folder...]/QUERY/QUERY/    both must hold
//
// A directory is a search.Dir: bucket, prefix, predicate, modifiers and view. A component is
// read by search.ParseComponent against the bucket's schema: a predicate narrows, a directive
// ("@word") changes the view, joins a modifier, or is a virtual file or a menu; anything else is a folder or an
// object. There are three kinds of directory:
//
//	folder   no predicate and no modifier: one level of a plain listing
//	flat     results, each directly in the directory under its whole key relative to the prefix
//	tree     results in their folders, with @tree: Dir.Below is the folder that is shown
//
// @sort orders what readdir gives, @limit takes the first so many, @versions shows each version of a result, matched by
// its own metadata: the store carries them out (search.Querier), and here nothing is sorted, cut or
// filtered. Without a predicate they are about every object below the prefix. They apply after all
// predicates, wherever they are typed; so does @tree, which changes nothing on a folder.
//
// # Names
//
// Every name of a result is a reversible function of its key (names.go), and of its version where versions are
// shown (names_version.go: "scan%~vID.dcm"). Each has exactly one name in a directory. Another spelling
// of it, as "%41" for "A", does not exist; but "Smith,in,London" typed where Smith is no key is read as
// "Smith%2Cin,London", the name that it is listed by. Where a name is both an object and a folder, the folder has
// it and the object is "a%~", which always resolves. An empty segment is "%2F"; a zero-byte marker "folder/"
// is that folder alone, one with content is also "folder/%2F". No name reads as a query or directive, whatever
// the bucket indexes, and none as an option.
//
// Query directories and virtual files are looked up, never listed, so that
// find, grep -r, du and tar end. Names that desktops look for everywhere (.git,
// .Trash-1000, ._x, desktop.ini ...) are answered without a request: they exist
// where a listing has them.
//
// # Nodes
//
// A directory node (dirNode) is one path as typed: its inode number is a hash
// of its parent's and the component. Two paths that mean the same query are two
// nodes and share one kept listing. With one node for both, the kernel sees a directory
// with two parents: ELOOP, and a shell that finds itself elsewhere.
//
// A file node (fileNode) is one version of one object: a hash of bucket, key
// and ETag, and of the version ID where it was named with one, by which its bytes are then asked for. Seen
// through many queries it is one inode and shares one page cache; once
// overwritten it is another inode. So whatever the kernel keeps about an
// inode stays true. Its time is the store's in whole seconds, since a HEAD has no more and
// both must agree.
//
// A virtual file (virtualNode) is one rendering, made by its lookup: its size
// is exact, its inode is new each time by generation, and its number stays (cp compares
// numbers between stat and open). Reading it shows one moment.
//
// nodeTable counts the live nodes. Above Options.MaxInodes a listing gives the
// kernel names without attributes, and it looks up what it uses.
//
// # Listings
//
// opendir takes the kept snapshot of the directory's listing, or begins one,
// and waits for the first row: what fails from the start fails there. Entries
// are handed out as rows come, with attributes from the rows (READDIRPLUS), in an order
// that depends on the rows alone, so that offsets can be sought: a flat directory in that of its listing.
// The one exception is the root, whose opendir asks nothing, as df opens the mountpoint: it fails at the first readdir.
//
// A listing that breaks after entries were handed out ends with the entry
// %~INCOMPLETE, which can be stated and whose open gives the error, and then with the
// error itself. Shell globs and Python's glob swallow the error and see the entry;
// ls, find and os.listdir report the error; os.walk calls its onerror and yields nothing
// of that directory.
//
// All folders of one tree share one listing, and an index of its rows by key (treeIndex). What stands
// in a folder is known when the last row is, so the first entry waits for that. Entries come in the
// order of their keys; in a sorted tree a folder stands where its first result does. A walk over F
// folders and N results costs the listing's pages and O((F+N) log N) time. The listing of the tree read last is held open for its
// lifetime (heldTree), so that this is so for one larger than the cache too. With a lifetime of 0 each
// folder searches anew.
//
// # Menus
//
// "@by" below any directory of a bucket lists the keys that have a menu (search.MenuKeys), each as a directory
// by its short name; any spelling of a key that resolves is found. "@by/KEY" lists one symlink for each value, or range of
// values, that the results have (search.Values). Links, so that what walks a menu ends; who follows them
// finds a flat directory or a tree of results behind each, and it ends as well. What a link leads to has results.
//
// A link is named as its label, encoded as a key is (menu_names.go). The empty string is "%~empty", what is
// behind the last of 200 values "%~more", values too long for a component of a path "BEGIN%~" where they begin alike.
// It leads out of the menu and of all that was typed since the folder, and types it again (search.MenuItem.Path):
//
//	size,gt,1/@by/color/blue     ../../../size,gt,1/color,eq,blue
//	size,gt,1/@by/size/1M..10M   ../../../size,ge,1M/size,lt,10M
//
// without the comma components on KEY that its own imply; any other stays, so that it is never wider than the
// directory it was found in. What the menu is of are all results, whatever order and limit; the
// link has these again.
//
// A menu is a listing like any other: kept, shared, streamed as its searches are answered, and ended by
// %~INCOMPLETE when it breaks. A link that is looked up without one is asked for by one search for a single result; also
// ranges and times that the menu does not show are found so, as "@by/size/3M..7M". In a menu there are
// @errors, @help, @searchkeys and @explain, and no other directive or query.
//
// # Virtual files
//
// @errors, @explain, @help, @meta, @searchkeys and @stats are rendered by their lookup (virtualNode, above).
// Where the schema cannot be had, @errors, @meta and @refresh are there all the same.
//
// @manifest.jsonl and @manifest.csv (manifest.go) show one snapshot of Dir.Results: the directory's own
// listing where that is of results, else every object below the folder. A lookup opens it and waits for
// the row manifestAwaited, as a directory's opendir waits for the first:
//
//	complete   the size is exact; read through the kernel's pages, so that mmap works too. One inode as long
//	           as the snapshot is this, whose length is found once, by rendering all of it
//	growing    size 0, attributes valid for no time, direct I/O: a READ gives what is there, waits when
//	           that is nothing, and is at the end when the listing is complete
//	broken     one byte more than there are rows for: reading it is the error that broke the listing. What
//	           fails before the first row, or has failed within the negative lifetime, fails in the lookup
//
// No text is kept (manifestText): a mark every 1024 rows says where in it a row begins, and a READ renders
// from the mark before its offset, or goes on where one ended. What the lookup took is held for the open
// (heldSnapshots: four, for five seconds), the open file holds its own. A node with a size whose snapshot is
// gone at open is ESTALE, and is looked up anew.
//
// @refresh tells at lookup what is kept of the directory, and drops it when it is opened (refresh.go): the listing,
// that of all below, the menus, and the attributes of objects in the store's cache; and in the kernel the entries of
// files and the names that were not found. A folder's entry stays, as a process may stand in it: its
// next GETATTR is answered ESTALE, upon which the kernel looks it up anew. The kernel's copy of
// the directory is of the snapshot dropped, and the next opendir has another.
//
// With Options.Xattr files, and nothing else, have user.s3.key, user.s3.etag, user.s3.version and
// user.meta.NAME (xattr.go).
//
// # Lookups
//
// The name of a query is parsed, against the cached schema, and nothing else. A
// name of a folder or object is answered by the kept listing of its directory when
// that tells, or by one that is being read at this moment, else asked for: HEAD of the key and one LIST of one entry below it,
// at once; the folder wins. A result of a query is asked for by HEAD and checked against the
// predicate; where a HEAD cannot tell, the listing is awaited. In a tree, one search for one result below the folder goes
// beside it. A version is asked for by its ID; that an object has none is asked of a listing of its versions. A name below
// @limit is told by the listing alone, which is read as far as that needs. A shortened name is found by
// one LIST (of versions, if it is one) of what begins as it does. A bucket that the bucket list does not
// name is asked for by itself.
//
// # Reading ahead
//
// Within a file the store reads ahead (search.File). Across files the mount does (readahead.go): whoever opens the files
// of a directory one after another finds the next ones fetched (search.Files.Prefetch). Only an OPEN counts: who looks
// up, lists or stats causes no request. An open belongs to a stream, which is one snapshot of a listing, an order, a
// direction and a position, where it is near that position; several threads or processes may be one. What belongs
// to none is remembered (trail), until the last opens make a stream: two neighbours, or three in one direction.
//
//	as listed       grep -r and find of up to 10,000 entries, tar, os.walk; in a tree through all its folders
//	by inode        cp -r; above 10,000 entries grep -r and find, by 100,000
//	by name         a shell's "*", by bytes or without regard to case and punctuation
//	downwards       ls -r, and walkers that take entries from a stack
//
// All but the first need a complete listing, and are made when three opens do not fit the first. What is fetched is
// what a rule names that has held for the files passed last, three of four: all; those with one suffix (cat *.txt); every k-th. Where
// none has, nothing is fetched. Of each file the first MiB is fetched, or as much as of the last ones was read.
//
// A stream has 4 files ahead, twice as many after each one that is used, up to 256 and twice as many as were opened, and
// half as many when one was passed over.
// All have one credit (readAhead.credit): what is fetched takes from it and is given back when it is opened, with
// a quarter more. So not more than a fifth of what is fetched is for nothing in the long run. The store has the last
// word: what it refuses is tried again at the next open or close. A stream ends with its directory, 30 seconds
// after its last open, or when 128 opens in its directory went elsewhere; what is under way for it is given up. Who has
// opened all files of a directory has, for a while, those of the next one fetched from the first open on (habit).
//
// # Kernel caching
//
//	entries, attributes   what is left of the listing's lifetime; TTL for queries, whose
//	                      names are only parsed; the smaller of TTL and NegativeTTL for what was asked for alone
//	ENOENT                NegativeTTL
//	virtual files         entries never; pages of a complete manifest while its snapshot is the last
//	pages of a file       kept over opens: the inode is of one ETag
//	directories           the kernel's own copy, below 100,000 entries, of one snapshot at a time:
//	                      emptied before another fills it, unused while two are open
//	xattrs                never; without Options.Xattr the kernel is told once that there are none
//
// # Errors
//
// Every error becomes an errno in one place (errnoMapper), which records the
// reason for @errors and the log. ENOENT is recorded only of a name that looks like a
// query and is none.
//
//	ENOENT      no such bucket, folder, object or key
//	EINVAL      a query with a bad value, operator or arity; an unknown key in an infix one
//	EOPNOTSUPP  a valid query that this bucket or engine cannot answer
//	EACCES      the store refused
//	EFBIG       more pages than allowed
//	EIO         the store failed after retries, or gave fewer bytes than it has; a bug (a panic)
//	ETIMEDOUT   no progress from the store
//	EINTR       the caller was interrupted
//	ESTALE      the object changed after it was opened
//	EROFS       any write: the kernel's mount is read-only, and there is no code for one
//
// An object that changed after it was listed is noticed at open, which makes
// sure of the first block: OPEN answers ESTALE, the kernel walks the path again and
// asks anew for its last name, and opens what that is now; nobody sees it, and @errors does not have it. Only an object that
// changes while it is open is ESTALE to the program that reads it. A read gives exactly the
// bytes that stat promised, or an error.
//
// # Interrupts
//
// All waiting is for the store and ends with the request's context, which ends
// with an INTERRUPT of the kernel: the answer is EINTR at once. Go programs are
// interrupted at random, by the runtime's own signals, and retry: the store goes on with
// what others wait for. No answer to a READDIR that has entries ends with an
// error, since go-fuse would keep that for the next.
//
// # Deadlocks
//
// The process that serves a mount must not touch it: a goroutine in such a
// system call may hold what the answer needs. So nothing here looks at the mountpoint
// after the mount but Mount itself, once, through go-fuse; what is known of mounts is read from /proc.
// Tests drive their mounts from other processes.
//
// No lock is held across a call to the store. dirNode.mu is held while the
// kernel is told to drop a directory's pages, which it does without asking back. To drop an entry it waits
// for the lookups and readdirs that it has under way in that directory: @refresh asks for that on a goroutine
// of its own, with no lock held. Lock order: go-fuse's own, then dirNode.mu, then one of nodeTable.mu, recent.mu,
// treeIndexes.mu and heldTree.mu. readAhead.mu is taken with none of these held, and openMode.mu. menuNode.mu, heldSnapshots.mu and manifestHandle.mu are taken with none of these held,
// manifestText.mu with manifestHandle.mu at most.
//
// # Promises
//
//   - A listing is one search at one time, complete or known not to be.
//   - An open file is one version of one object to its last byte, or an error.
//   - The size that stat gives is the number of bytes that read gives, else ESTALE or EIO.
//   - ls -l of N results costs the pages they stand on and no HEAD; again within
//     the lifetime it costs nothing.
//   - A lookup of a query's name costs no request beyond the cached schema.
//   - Every key, or version of one, is reachable by exactly one name in a directory.
//   - find, grep -r, du, tar and cp -r over one directory end and touch each result once.
//   - Nothing is ever written to the store.
//   - A panic costs one operation.
//
// What differs from POSIX: two names of one object are one inode with link
// count 1; a directory has link count 1, size 0 and a fixed time; statfs knows no sizes.
package fs
