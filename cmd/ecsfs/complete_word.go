package main

import (
	"os"
	"strings"
)

// typedWord is a word of a command line, as far as it is typed.
type typedWord struct {
	// text is what the shell makes of it: without quotes, ~ and $NAME replaced.
	text string
	// literal is text with ~ and $NAME as they stand.
	literal string
	// quote is the quote that is open at the end: ' or ", or 0.
	quote byte
	// opaque: after text stands what only the shell can tell, as a pattern or $(...).
	opaque bool
}

// commandWords reads line, which a user of shell ("bash", "zsh" or "fish") is typing, and returns the
// words of its last command; the last word, which may be empty, is the one being typed. A target of
// a redirection counts as a word.
func commandWords(line, shell string) []typedWord {
	var words []typedWord
	var text, literal strings.Builder
	w, start := typedWord{}, true // start: at the first byte of a word
	end := func() typedWord {
		done := w
		done.text, done.literal = text.String(), literal.String()
		w, start = typedWord{}, true
		text.Reset()
		literal.Reset()
		return done
	}
	add := func(s string) {
		if !w.opaque {
			text.WriteString(s)
			literal.WriteString(s)
		}
	}
	for i := 0; i < len(line); i++ {
		c, more := line[i], i+1 < len(line)
		first := start
		start = false
		switch {
		case w.quote == '\'' && c == '\'', w.quote == '"' && c == '"':
			w.quote = 0
		case c == '\\' && escapes(w.quote, line[i+1:], shell):
			i++
			if !more {
				w.opaque = true // what is appended would lose its meaning
			} else if line[i] != '\n' {
				add(line[i : i+1])
			}
		case w.quote == '\'':
			add(line[i : i+1])
		case c == '$':
			name, n := variableName(line[i+1:])
			value, known := os.LookupEnv(name)
			if n == 0 || !known {
				w.opaque = true
				continue
			}
			if !w.opaque {
				text.WriteString(value)
				literal.WriteString(line[i : i+1+n])
			}
			i += n
		case c == '`':
			w.opaque = true
		case w.quote == '"':
			add(line[i : i+1])
		case c == '\'' || c == '"':
			w.quote = c
		case strings.IndexByte(" \t<>", c) >= 0, c == '&' && (more && line[i+1] == '>' || line[max(i-1, 0)] == '>'):
			if !first {
				words = append(words, end())
			}
			start = true
		case strings.IndexByte("\n;&|()", c) >= 0:
			end()
			words = nil
		case strings.IndexByte("*?[{", c) >= 0:
			w.opaque = true
		case c == '~' && first:
			home := os.Getenv("HOME")
			if home == "" || more && line[i+1] != '/' {
				w.opaque = true // another user's
				continue
			}
			text.WriteString(home)
			literal.WriteByte(c)
		default:
			add(line[i : i+1])
		}
	}
	return append(words, end())
}

// escapes reports whether a backslash before rest takes the meaning of the next byte, within quote.
func escapes(quote byte, rest, shell string) bool {
	switch quote {
	case 0:
		return true
	case '"':
		return rest != "" && strings.IndexByte("$`\"\\\n", rest[0]) >= 0
	default:
		return shell == "fish" && rest != "" && (rest[0] == '\'' || rest[0] == '\\')
	}
}

// variableName reads NAME or {NAME}, which stood after a "$". n is its length, 0 when it is neither.
func variableName(s string) (name string, n int) {
	braced := strings.HasPrefix(s, "{")
	if braced {
		s = s[1:]
	}
	for n < len(s) && (s[n] == '_' || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z' || n > 0 && '0' <= s[n] && s[n] <= '9') {
		n++
	}
	name = s[:n]
	if !braced || n == 0 {
		return name, n
	}
	if n == len(s) || s[n] != '}' {
		return "", 0
	}
	return name, n + 2
}

// pathPart drops what stands before the path in "--option=PATH", "NAME=PATH" (dd, make, env) and
// the paths before the last in "NAME=PATH:PATH". Other words with a "=" are folders, as year=2024.
func (w *typedWord) pathPart() {
	name, value, ok := strings.Cut(w.text, "=")
	assigned := ok && value != "" && strings.IndexByte("/~.", value[0]) >= 0 && !strings.ContainsAny(name, "/.,")
	if !ok || !assigned && !strings.HasPrefix(name, "-") {
		return
	}
	if i := strings.LastIndex(value, ":/"); i >= 0 {
		value = value[i+1:]
	}
	if home := os.Getenv("HOME"); home != "" && strings.HasPrefix(value, "~/") {
		value = home + value[1:]
	}
	w.text = value
}

// shellSuffix returns s as it is typed to go on with the word in this shell. With end, the word
// is then complete: its quote is closed and a blank follows.
func (w *typedWord) shellSuffix(s string, end bool) string {
	var b strings.Builder
	for i, c := range []byte(s) {
		switch {
		case w.quote == '\'' && c == '\'':
			b.WriteString(`'\'`)
		case w.quote == '"' && strings.IndexByte("$`\"\\", c) >= 0,
			w.quote == 0 && strings.IndexByte(" \t\n!\"$&'()*;<>?[\\]^`{|}", c) >= 0,
			w.quote == 0 && i == 0 && strings.IndexByte("#=~", c) >= 0: // where they may begin a word
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	if end {
		if w.quote != 0 {
			b.WriteByte(w.quote)
		}
		b.WriteByte(' ')
	}
	return b.String()
}
