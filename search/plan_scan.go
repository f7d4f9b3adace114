package search

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// listed reports whether a listing carries the value of k.
func (k Key) listed() bool {
	switch k.Name {
	case keySize, keyLastModified, keyObjectName, keyBase, keyEtag, keyStorageClass:
		return true
	}
	return false
}

// headed reports whether a HEAD carries the value of k.
func (k Key) headed() bool { return k.User() || k.Name == keyContentType }

// scanned reports whether EngineScan can tell the value of k here.
func (s Schema) scanned(k Key) bool { return k.listed() || s.ScanMetadata && k.headed() }

// planScan plans a listing of every object that where Listing.Where may be true of.
func (s Schema) planScan(p *Plan) error {
	l := p.Listing
	keys := keysOf(l.Where)
	if !l.Order.IsZero() && !slices.Contains(keys, l.Order.Key) {
		keys = append(keys, l.Order.Key)
	}
	for _, k := range keys {
		if !s.scanned(k) {
			return p.refuse(KindUnsupported, s.untold(k), s.scanHint(k))
		}
		p.Heads = p.Heads || !k.listed()
	}
	prefix, possible := meet(l.Prefix, l.Where)
	if !possible {
		p.None = true
		return nil
	}
	p.Engine, p.Prefix, p.Check = EngineScan, prefix, l.Where
	for _, k := range keys {
		if !k.listed() {
			p.Notes = append(p.Notes, "asked for by HEAD: "+k.Short())
		}
	}
	for _, k := range required(l.Where) {
		if k.optional() {
			p.Notes = append(p.Notes, leftOut(k))
		}
	}
	slices.Sort(p.Notes)
	switch {
	case p.Heads:
		p.Cost = CostScanHeads
	case !l.Order.IsZero():
		p.Cost = CostScanSorted
	case l.Where != nil:
		p.Cost = CostScan
	default:
		p.Cost, p.MaxKeys = CostList, l.Limit
	}
	if !l.Order.IsZero() {
		p.sortedHere = "a listing comes in the order of names"
	}
	return nil
}

// untold says why a scan cannot tell the value of k.
func (s Schema) untold(k Key) string {
	switch {
	case k.headed():
		return fmt.Sprintf("a listing does not carry %s, only name, size, mtime, etag and storageclass", k.Short())
	case s.Engine == EngineScan && s.Enabled:
		return fmt.Sprintf("only a metadata search tells %s, and --engine scan does without", k.Short())
	case s.Enabled:
		return fmt.Sprintf("a listing does not carry %s, and no key that every object has is indexed", k.Short())
	}
	return fmt.Sprintf("only a metadata search tells %s, and this bucket has none", k.Short())
}

// scanHint says what to do about it.
func (s Schema) scanHint(k Key) string {
	switch {
	case k.headed() && s.Engine == EngineScan:
		return "--scan-metadata asks for it, with one more request for each object"
	case k.headed():
		return "--engine scan --scan-metadata asks for it, with one more request for each object"
	case s.Engine == EngineScan && s.Enabled:
		return "--engine ecs"
	}
	return "@searchkeys lists the keys that can be asked for"
}

// keysOf returns the keys of e's conditions, each once.
func keysOf(e Expr) []Key {
	var keys []Key
	conditions(e, func(c Cond) {
		if !slices.Contains(keys, c.Key) {
			keys = append(keys, c.Key)
		}
	})
	return keys
}

// meet returns the longest prefix known of the keys that begin with prefix and of whose object e, in normal
// form, can be true; possible is false when there are none.
func meet(prefix string, e Expr) (_ string, possible bool) {
	implied, possible := impliedPrefix(e)
	if !possible {
		return "", false
	}
	return longer(prefix, implied)
}

// longer returns the prefix that keys have that have both.
func longer(a, b string) (_ string, possible bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	return a, strings.HasPrefix(a, b)
}

// impliedPrefix returns a prefix of all keys of whose object e can be true.
func impliedPrefix(e Expr) (prefix string, possible bool) {
	switch e := e.(type) {
	case Conjunction:
		for _, x := range e {
			implied, ok := impliedPrefix(x)
			if prefix, possible = longer(prefix, implied); !ok || !possible {
				return "", false
			}
		}
		return longer(prefix, betweenBounds(e))
	case Disjunction:
		for _, x := range e {
			implied, ok := impliedPrefix(x)
			switch {
			case !ok:
			case !possible:
				prefix, possible = implied, true
			default:
				prefix = commonPrefix(prefix, implied)
			}
		}
		return prefix, possible
	case Cond:
		if e.Key.Name != keyObjectName {
			break
		}
		switch e.Op {
		case OpEq, OpPrefix:
			return e.Value.text, true
		case OpGlob:
			prefix, _ = globPrefix(e.Value.text)
			return prefix, true
		}
	}
	return "", true
}

// betweenBounds returns the prefix of all keys between the bounds of ObjectName in e: what
// lies between two texts begins as both do.
func betweenBounds(e Conjunction) string {
	var low, high []string
	for _, x := range e {
		c, ok := x.(Cond)
		if !ok || c.Key.Name != keyObjectName {
			continue
		}
		switch c.Op {
		case OpGt, OpGe:
			low = append(low, c.Value.text)
		case OpLt, OpLe:
			high = append(high, c.Value.text)
		}
	}
	longest := ""
	for _, a := range low {
		for _, b := range high {
			// Bytes that are no UTF-8 have their place in the order as U+FFFD.
			common := commonPrefix(a, b)
			if i := strings.IndexRune(common, utf8.RuneError); i >= 0 {
				common = common[:i]
			}
			if len(common) > len(longest) {
				longest = common
			}
		}
	}
	return longest
}

// commonPrefix returns what a and b both begin with, in whole characters.
func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	for n > 0 && n < len(b) && !utf8.RuneStart(b[n]) {
		n--
	}
	return a[:n]
}
