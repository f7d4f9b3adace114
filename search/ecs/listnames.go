package ecs

import (
	"context"
	"strings"
)

// texts calls f for every percent-encoded text of the page.
func (p *listPage) texts(f func(*string)) {
	for i := range p.objects {
		f(&p.objects[i].key)
	}
	for i := range p.prefixes {
		f(&p.prefixes[i])
	}
	f(&p.next)
}

// decode replaces the percent-encoded texts of the page.
func (l *listing) decode(ctx context.Context, page *listPage) error {
	plus, err := l.plusMeaning(ctx, page)
	if err != nil {
		return err
	}
	page.texts(func(s *string) {
		decoded, e := percentDecode(*s, plus)
		if e != nil {
			err = e
			return
		}
		*s = decoded
	})
	return err
}

// plusMeaning finds out what "+" is on this page. A page that has %20 writes
// blanks so, one that has %2B does not write plus as "+". Where neither is
// there, and no earlier page told, the store is asked once for a key that
// begins with the name read the one way.
func (l *listing) plusMeaning(ctx context.Context, page *listPage) (plusMeaning, error) {
	var withPlus string
	blank, plus := false, false
	page.texts(func(s *string) {
		if withPlus == "" && strings.Contains(*s, "+") {
			withPlus = *s
		}
		blank = blank || strings.Contains(*s, "%20")
		plus = plus || strings.Contains(*s, "%2B") || strings.Contains(*s, "%2b")
	})
	meaning := plusMeaning(l.store.plus.Load())
	switch {
	case withPlus == "":
		return plusIsBlank, nil // there is none to read
	case blank:
		meaning = plusIsPlus
	case plus:
		meaning = plusIsBlank
	case meaning == plusUnknown:
		name, err := percentDecode(withPlus, plusIsBlank)
		if err != nil {
			return plusUnknown, err
		}
		probe, err := l.page(ctx, pageRequest{prefix: name, maxKeys: 1}, nil)
		if err != nil {
			return plusUnknown, err
		}
		meaning = plusIsPlus
		if len(probe.objects)+len(probe.prefixes) > 0 {
			meaning = plusIsBlank
		}
	}
	l.store.plus.Store(int32(meaning))
	return meaning, nil
}
