package search

import (
	"strings"
)

// scanner reads the tokens of the infix form. Positions are byte offsets in
// the component as typed; %XX is decoded after a token was cut out.
type scanner struct {
	in  string
	pos int
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func (s *scanner) blanks() {
	for s.pos < len(s.in) && isBlank(s.in[s.pos]) {
		s.pos++
	}
}

func (s *scanner) end() bool { return s.pos >= len(s.in) }

// byte reads c if it stands next, after blanks.
func (s *scanner) byte(c byte) bool {
	s.blanks()
	if s.end() || s.in[s.pos] != c {
		return false
	}
	s.pos++
	return true
}

// keyLen returns how many bytes of s from its start are a key: letters,
// digits, "-", "_", "." and %XX.
func keyLen(s string) int {
	i := 0
	for i < len(s) {
		c := s[i]
		switch {
		case isAlnum(c) || c == '-' || c == '_' || c == '.':
			i++
		case isPercent(s, i):
			i += 3
		default:
			return i
		}
	}
	return i
}

// word reads "and", "or" or "not" in any case, if it stands next as a whole
// word: before a blank, a parenthesis or the end.
func (s *scanner) word(w string) bool {
	s.blanks()
	if !hasPrefixFold(s.in[s.pos:], w) {
		return false
	}
	if next := s.pos + len(w); next < len(s.in) && !isBlank(s.in[next]) && s.in[next] != '(' {
		return false
	}
	s.pos += len(w)
	return true
}

// symbolAt returns the comparison symbol at the start of s; empty when there is none.
func symbolAt(s string) string {
	if len(s) >= 2 && s[1] == '=' && strings.IndexByte("=!><", s[0]) >= 0 {
		return s[:2]
	}
	if s != "" && (s[0] == '<' || s[0] == '>') {
		return s[:1]
	}
	return ""
}

// symbol reads a comparison symbol.
func (s *scanner) symbol() string {
	s.blanks()
	sym := symbolAt(s.in[s.pos:])
	s.pos += len(sym)
	return sym
}

// value reads a value, quoted or bare, undecoded but with doubled quotes
// made single. ok is false when a quote is not closed or no value stands there.
func (s *scanner) value() (text string, ok bool) {
	s.blanks()
	if s.end() {
		return "", false
	}
	quote := s.in[s.pos]
	if quote != '\'' && quote != '"' {
		start := s.pos
		for !s.end() && !isBlank(s.in[s.pos]) && s.in[s.pos] != ')' {
			s.pos++
		}
		text = s.in[start:s.pos]
		return text, text != "" && strings.IndexByte("=<>", text[0]) < 0
	}
	var b strings.Builder
	for i := s.pos + 1; i < len(s.in); i++ {
		if s.in[i] == quote {
			if i+1 == len(s.in) || s.in[i+1] != quote {
				s.pos = i + 1
				return b.String(), true
			}
			i++
		}
		b.WriteByte(s.in[i])
	}
	return "", false
}

// token returns what stands at the position, for an error: a word, or one byte.
func (s *scanner) token() string {
	rest := s.in[min(s.pos, len(s.in)):]
	if n := keyLen(rest); n > 0 {
		return rest[:n]
	}
	if sym := symbolAt(rest); sym != "" {
		return sym
	}
	for i := range rest {
		if i > 0 {
			return rest[:i]
		}
	}
	return rest
}

// looksInfix reports whether a component is to be read in the infix form: it
// begins with "(", with "not" and a blank or "(", or with KEY [blanks] symbol. A text
// without any comparison symbol cannot be an expression, and is left to be a name:
// "(copy).txt", "not yet.doc".
func looksInfix(name string) bool {
	compares := false
	for i := range len(name) {
		compares = compares || symbolAt(name[i:]) != ""
	}
	switch {
	case !compares:
		return false
	case name[0] == '(':
		return true
	case hasPrefixFold(name, "not") && len(name) > 3 && (isBlank(name[3]) || name[3] == '('):
		return true
	}
	n := keyLen(name)
	s := scanner{in: name, pos: n}
	return n > 0 && s.symbol() != ""
}
