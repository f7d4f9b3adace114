package ecs

import "strings"

// instruction consumes a processing instruction or the declaration of XML.
func (w *walker) instruction() error {
	i, err := w.nameFrom(2)
	if err != nil {
		return err
	}
	n, err := w.find(i, "?>")
	if err != nil {
		return err
	}
	b := w.buf[w.pos : w.pos+n]
	w.pos += n + 2
	if string(b[2:i]) != "xml" {
		return nil
	}
	if v := declared("version", string(b[i:])); v != "" && v != "1.0" {
		return badf("version %q of XML", printable(shorten(v)))
	}
	if e := declared("encoding", string(b[i:])); e != "" && !strings.EqualFold(e, "utf-8") {
		return badf("encoding %q of XML", printable(shorten(e)))
	}
	return nil
}

// declared returns the value of a name in a declaration of XML, empty when it is not there.
func declared(name, s string) string {
	for {
		_, rest, _ := strings.Cut(s, name+"=")
		if rest == "" {
			return ""
		}
		if quote := rest[:1]; quote == `"` || quote == `'` {
			value, _, ok := strings.Cut(rest[1:], quote)
			if !ok {
				return ""
			}
			return value
		}
		s = rest[1:]
	}
}

// declaration consumes a comment. It reports whether a CDATA section is next instead; anything else is refused.
func (w *walker) declaration() (cdata bool, err error) {
	c, err := w.at(2)
	if err != nil {
		return false, err
	}
	switch c {
	case '[':
		return true, nil
	case '-':
	default:
		return false, badf("a document type")
	}
	if c, err = w.at(3); err != nil {
		return false, err
	}
	if c != '-' {
		return false, w.badAt("<!- begins no comment")
	}
	n, err := w.find(4, "--")
	if err != nil {
		return false, err
	}
	if c, err = w.at(n + 2); err != nil {
		return false, err
	}
	if c != '>' {
		return false, w.badAt("-- in a comment")
	}
	w.pos += n + 3
	return false, nil
}
