package ecstest

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// attributes is what the parameter of that name asks for beside the indexed
// keys.
type attributes struct {
	system  []*sysAttr
	allUser bool
	user    []string // in lower case
}

func (g *Traits) parseAttributes(param string) (attributes, *apiError) {
	var a attributes
	if param == "" {
		return a, nil
	}
	for name := range strings.SplitSeq(param, ",") {
		switch lower := strings.ToLower(name); {
		case name == "ALL":
			a.system, a.allUser = g.optional(), true
		case name == "ALL_SMD":
			a.system = g.optional()
		case name == "ALL_UMD":
			a.allUser = true
		case strings.HasPrefix(lower, metaPrefix) && len(lower) > len(metaPrefix):
			a.user = append(a.user, lower)
		default:
			attr := findSysAttr(name)
			if attr == nil || !slices.Contains(g.Optional, attr.name) {
				return a, invalidArgument("the parameter attributes names %q, which is no attribute", name)
			}
			a.system = append(a.system, attr)
		}
	}
	return a, nil
}

// matchWriter writes the rows of a query's answer. It serves one answer.
type matchWriter struct {
	*Server
	xml        *xmlWriter
	bucket     string
	versioning versioning  // of the bucket
	keys       []searchKey // of the bucket
	wanted     attributes
	encode     func(string) string
	partial    bool // leave out entries: Traits.PartialPrefixRows

	pcg    rand.PCG
	random *rand.Rand // of pcg, which each row seeds
	blocks [2]block   // kept for their memory
}

// block is one queryMds.
type block struct {
	kind    string // SYSMD or USERMD
	entries []entry
}

// entry is one datum of a row. spelled is what the answer calls key.
type entry struct{ key, spelled, text string }

// write writes one row: every indexed key that the object has a value for, and
// the attributes asked for. A system attribute that was asked for and that the
// object lacks is an empty text. A block without entries is left out. Blocks and
// entries are in an order that depends on the seed and the object alone.
func (w *matchWriter) write(o *object) {
	system := block{"SYSMD", w.blocks[0].entries[:0]}
	w.system(&system, o)
	user := block{"USERMD", w.blocks[1].entries[:0]}
	w.user(&user, o)
	w.blocks = [2]block{system, user}

	if w.random == nil {
		w.random = rand.New(&w.pcg)
	}
	w.pcg.Seed(uint64(w.seed()), tieOf(w.seed(), o.key, o.cursorVersion()))
	w.xml.begin("object")
	w.xml.elem("objectName", w.encode(o.key))
	w.xml.elem("objectId", o.id(w.bucket))
	if w.versioning == neverVersioned {
		w.xml.elem("versionId", unversionedID)
	} else {
		w.xml.elem("versionId", o.versionID())
	}
	first := w.random.IntN(2)
	w.writeBlock(w.blocks[first])
	w.writeBlock(w.blocks[1-first])
	w.xml.elem("indexKey", "")
	w.xml.end()
}

func (w *matchWriter) system(b *block, o *object) {
	for i, k := range w.keys {
		if k.sys != nil && o.in&(1<<i) != 0 {
			b.add(k.sys.alias, k.sys.alias, k.sys.text(w.Server, o))
		}
	}
	if !w.NoSearchAttributes {
		for _, a := range w.wanted.system {
			b.add(a.alias, a.alias, a.text(w.Server, o))
		}
	}
}

func (w *matchWriter) user(b *block, o *object) {
	asWritten := w.keyCase() == KeysAsWritten
	for i, k := range w.keys {
		if k.sys == nil && o.in&(1<<i) != 0 {
			b.add(k.name, k.spelling(asWritten), o.meta.text(k.name))
		}
	}
	if !w.NoSearchAttributes && (w.wanted.allUser || len(w.wanted.user) > 0) {
		for name, text := range o.meta.all() {
			if w.wanted.allUser || slices.Contains(w.wanted.user, name) {
				b.add(name, name, text)
			}
		}
	}
}

// add adds an entry unless its key is there.
func (b *block) add(key, spelled, text string) {
	if !slices.ContainsFunc(b.entries, func(e entry) bool { return e.key == key }) {
		b.entries = append(b.entries, entry{key, spelled, text})
	}
}

func (w *matchWriter) writeBlock(b block) {
	entries := b.entries
	if w.partial {
		entries = slices.DeleteFunc(entries, func(entry) bool { return w.random.IntN(2) == 0 })
	}
	if len(entries) == 0 {
		return
	}
	w.random.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
	w.xml.begin("queryMds")
	w.xml.elem("type", b.kind)
	w.xml.begin("mdMap")
	for _, e := range entries {
		w.xml.begin("entry")
		w.xml.elem("key", e.spelled)
		w.xml.elem("value", w.encode(e.text))
		w.xml.end()
	}
	w.xml.end()
	w.xml.end()
}
