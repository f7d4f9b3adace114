package fs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/ecsfs/ecsfs/search"
)

// roll is what a directory lists of one snapshot, each entry by a number: that of its row, or
// in a tree its position in the order of keys of all the tree. The numbers of a snapshot that still grows stay.
type roll struct {
	dir      search.Dir
	listing  search.Listing
	snapshot search.Snapshot
	tree     *treeIndex // of a tree, which is complete; else nil
}

// newRoll returns the roll of d in s; nil for a tree that is not complete.
func (f *filesystem) newRoll(d search.Dir, l search.Listing, s search.Snapshot) *roll {
	r := &roll{dir: d, listing: l, snapshot: s}
	if d.Tree && !d.IsPlain() {
		if _, complete := s.Len(); !complete {
			return nil
		}
		r.tree = f.indexes.get(l, s)
	}
	return r
}

// len returns how many numbers there are, and whether that is all.
func (r *roll) len() (n int, complete bool) {
	if r.tree != nil {
		return len(r.tree.byKey), true
	}
	return r.snapshot.Len()
}

// ended is a context that has ended: with it a snapshot's Row tells what is there and has the rest fetched, and does not wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// at returns the entry of this number. It does not wait: of one that is not there yet, it raises the demand.
func (r *roll) at(number int) (search.Entry, bool) {
	if r.tree != nil {
		number = int(r.tree.byKey[number])
	}
	e, err := r.snapshot.Row(ended, number)
	return e, err == nil
}

// number returns that of the object or version that ref is of.
func (r *roll) number(ref search.Ref) (int, bool) {
	if ref.Bucket != r.dir.Bucket {
		return 0, false
	}
	number, ok := 0, false
	if r.tree == nil {
		if number, ok = r.snapshot.Index(ref.Key); !r.dir.Versions {
			return number, ok
		}
	} else if number = (tree{r.snapshot, r.tree}).find(ref.Key); number < len(r.tree.byKey) {
		ok = true
	}
	for n, _ := r.len(); ok && number < n; number++ {
		e, there := r.at(number)
		if !there || e.Key != ref.Key {
			return 0, false
		}
		if !e.Folder && (!r.dir.Versions || e.VersionID == ref.VersionID) {
			return number, true
		}
	}
	return 0, false
}

// ref returns what e is opened as. There is none of a folder; nothing can be fetched of an empty object and of one without an ETag.
func (r *roll) ref(e *search.Entry) (_ search.Ref, ok bool) {
	ref := search.Ref{Bucket: r.dir.Bucket, Key: e.Key, ETag: e.ETag, Size: e.Size}
	if r.dir.Versions {
		ref.VersionID = e.VersionID
	}
	return ref, !e.Folder && e.Size > 0 && e.ETag != ""
}

// orderKind is an order in which programs open the files of a directory.
type orderKind int

const (
	// As listed: grep -r and find up to 10,000 entries, tar, os.walk. The only one of a snapshot that grows.
	orderListed orderKind = iota
	// By inode number: cp -r. GNU fts (grep -r, du, find) does so above 10,000 entries, of each ftsBatch of them.
	orderInode
	orderInodeBatch
	// By name, in bytes: what a shell makes of "*".
	orderName
	// By name as many locales have it: letters and digits without regard to case, then the rest.
	orderCollated
	orderKinds
)

const (
	// ftsBatch is how many entries GNU fts reads at a time: FTS_MAX_READDIR_ENTRIES in gnulib's fts.c.
	ftsBatch = 100_000
	// maxOrderRows is up to which size orders of a directory are made: while one is, it takes 24 bytes an entry.
	maxOrderRows = 1 << 20
)

// order numbers the files of a roll by position. The zero order is the one as listed, where numbers are positions.
// Any other is of a complete roll and takes 8 bytes a file, 12 in a tree or folder.
type order struct {
	kind orderKind
	// files are the numbers that are files of the directory itself, ascending; nil: all are. Of those,
	// at is by position the index, and position by index the position.
	files        []uint32
	at, position []uint32
}

// positionOf returns the position of a number; ok is false when it is none of the order.
func (o *order) positionOf(number int) (_ int, ok bool) {
	if o.at == nil {
		return number, true
	}
	if o.files != nil {
		if number, ok = slices.BinarySearch(o.files, uint32(number)); !ok {
			return 0, false
		}
	}
	if number >= len(o.position) {
		return 0, false
	}
	return int(o.position[number]), true
}

// numberAt returns the number at a position below len.
func (o *order) numberAt(position int) int {
	if o.at == nil {
		return position
	}
	i := o.at[position]
	if o.files != nil {
		return int(o.files[i])
	}
	return int(i)
}

// len returns how many positions there are, and whether that is all.
func (o *order) len(r *roll) (n int, complete bool) {
	if o.at == nil {
		return r.len()
	}
	return len(o.at), true
}

func (o *order) bytes() int { return 4 * (len(o.files) + len(o.at) + len(o.position)) }

// makeOrders returns the orders of r, which is complete, that differ from that of its numbers.
func makeOrders(r *roll) []*order {
	n, _ := r.len()
	if n > maxOrderRows {
		return nil
	}
	base := r.dir.Prefix + r.dir.Below
	files, names := make([]uint32, 0, n), make([]string, 0, n)
	inodes := make([]uint64, 0, n)
	for number := range n {
		e, ok := r.at(number)
		if !ok || e.Folder || !strings.HasPrefix(e.Key, base) {
			continue
		}
		name := e.Key[len(base):]
		if !r.dir.IsFlat() && strings.Contains(name, "/") {
			continue
		}
		o := e.Object
		if !r.dir.Versions {
			o.VersionID = ""
		}
		files, names, inodes = append(files, uint32(number)), append(names, name), append(inodes, fileAttr(r.dir.Bucket, &o).Ino)
	}
	if len(files) == n {
		files = nil
	}
	var made []*order
	add := func(kind orderKind, compare func(a, b uint32) int) {
		o := &order{kind: kind, files: files, at: make([]uint32, len(names)), position: make([]uint32, len(names))}
		for i := range o.at {
			o.at[i] = uint32(i)
		}
		if files == nil && slices.IsSortedFunc(o.at, compare) {
			return // as listed
		}
		slices.SortStableFunc(o.at, compare)
		for position, i := range o.at {
			o.position[i] = uint32(position)
		}
		for _, other := range made {
			if slices.Equal(other.at, o.at) {
				return
			}
		}
		made = append(made, o)
	}
	add(orderInode, func(a, b uint32) int { return cmp.Compare(inodes[a], inodes[b]) })
	if len(names) > ftsBatch {
		add(orderInodeBatch, func(a, b uint32) int {
			return cmp.Or(cmp.Compare(a/ftsBatch, b/ftsBatch), cmp.Compare(inodes[a], inodes[b]))
		})
	}
	if files != nil || r.tree != nil && r.tree.least != nil {
		add(orderListed, func(a, b uint32) int { return cmp.Compare(r.listed(files, a), r.listed(files, b)) })
	}
	add(orderName, func(a, b uint32) int { return compareNames(names[a], names[b]) })
	add(orderCollated, func(a, b uint32) int {
		return cmp.Or(compareCollated(names[a], names[b]), compareNames(names[a], names[b]))
	})
	return made
}

// listed returns by what the file at an index of files, as in order, stands in its directory.
func (r *roll) listed(files []uint32, i uint32) uint32 {
	if files != nil {
		i = files[i]
	}
	if r.tree != nil {
		i = r.tree.byKey[i]
	}
	return i
}

// compareNames compares two texts as the names that stand for them, of which it knows no more than that "/" is "%2F".
func compareNames(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := nameByte(a[i]), nameByte(b[i]); x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

func nameByte(c byte) byte {
	if c == '/' {
		return '%'
	}
	return c
}

// compareCollated compares letters and digits alone, of ASCII without regard to case.
func compareCollated(a, b string) int {
	i, j := 0, 0
	for {
		for i < len(a) && collated(a[i]) == 0 {
			i++
		}
		for j < len(b) && collated(b[j]) == 0 {
			j++
		}
		if i == len(a) || j == len(b) {
			return cmp.Compare(len(a)-i, len(b)-j)
		}
		if x, y := collated(a[i]), collated(b[j]); x != y {
			return cmp.Compare(x, y)
		}
		i++
		j++
	}
}

// collated returns what c counts as: 0 for nothing.
func collated(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A' + 'a'
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c >= 0x80:
		return c
	}
	return 0
}
