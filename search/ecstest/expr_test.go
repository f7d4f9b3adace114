package ecstest

import (
	"fmt"
	"strings"
	"testing"
)

// dump shows a parsed expression fully parenthesised.
func dump(e expr) string {
	switch e := e.(type) {
	case *condition:
		q := ""
		if e.quoted {
			q = "'"
		}
		return e.selector + opTexts[e.op] + q + e.argument + q
	case *junction:
		word := " and "
		if e.or {
			word = " or "
		}
		var terms []string
		for _, t := range e.terms {
			terms = append(terms, dump(t))
		}
		return "(" + strings.Join(terms, word) + ")"
	}
	return fmt.Sprintf("%T", e)
}

func TestParseExpr(t *testing.T) {
	for _, tc := range []struct{ fact, in, want string }{
		{"the five operators", "a==1 and b>2 and c<3 and d>=4 and e<=5", "(a==1 and b>2 and c<3 and d>=4 and e<=5)"},
		{"blanks around an operator", "LastModified > 2018-03-01T11:22:00Z", "LastModified>2018-03-01T11:22:00Z"},
		{"blanks at both ends", "  Size>1  ", "Size>1"},
		{"blanks within parentheses", "( Size>1 and ( a=='x' ) )", "(Size>1 and a=='x')"},
		{"single quotes", "x-amz-meta-a=='it is'", "x-amz-meta-a=='it is'"},
		{"double quotes hold single ones", `a=="it's"`, "a=='it's'"},
		{"single quotes hold double ones and operators", `a=='"x" and b==(1)'`, `a=='"x" and b==(1)'`},
		{"no escape in quotes", `a=='\' and b==''`, `(a=='\' and b=='')`},
		{"the empty text", "(k<='') or (k>='')", "(k<='' or k>='')"},
		{"and binds tighter", "a==1 or b==2 and c==3", "(a==1 or (b==2 and c==3))"},
		{"and binds tighter, before or", "a==1 and b==2 or c==3", "((a==1 and b==2) or c==3)"},
		{"parentheses win", "(a==1 or b==2) and c==3", "((a==1 or b==2) and c==3)"},
		{"connectives in any case", "a==1 AND b==2 Or c==3", "((a==1 and b==2) or c==3)"},
		{"negative numbers", "x-amz-meta-n>-5", "x-amz-meta-n>-5"},
		{"keys with dots and underscores", "x-amz-meta-a_b.c==1", "x-amz-meta-a_b.c==1"},
		{"a key that begins like a connective", "order==1 and android==2", "(order==1 and android==2)"},
		{"text that is no ASCII", "a=='größer \U0001F600'", "a=='größer \U0001F600'"},
		{"a tab is no blank: it belongs to the argument", "a==1\tand\tb==2", "a==1\tand\tb==2"},
		{"the greatest depth", strings.Repeat("(", 100) + "a==1" + strings.Repeat(")", 100), "a==1"},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			e, err := parseExpr(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := dump(e); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestParseExprErrors(t *testing.T) {
	for _, tc := range []struct{ fact, in, want string }{
		{"nothing", "", `at the end: expected a key or "("`},
		{"a single = is no operator", "a='v'", `at offset 1 ("='v'"): expected one of ==`},
		{"!= is no operator", "a!=1", `at offset 1 ("!=1"): expected one of ==`},
		{"<> is no operator", "a<>1", `at offset 1 ("<>1"): unknown operator`},
		{"=== is no operator", "a===1", "unknown operator"},
		{"no argument", "a==", "expected an argument"},
		{"a parenthesis is no argument", "a==)", "expected an argument"},
		{"an open quote", "a=='x", "the quote is not closed"},
		{"text after a quote", "a=='x'y", `expected "and", "or" or the end`},
		{"no blank before and", "(a==1)and b==2", `expected "and", "or" or the end`},
		{"no blank after and", "a==1 and(b==2)", `expected "and", "or" or the end`},
		{"a dangling and", "a==1 and", `expected "and", "or" or the end`},
		{"not is no word", "not a==1", "expected one of =="},
		{"an open parenthesis", "(a==1", `expected ")"`},
		{"a closed one too many", "a==1)", `expected "and", "or" or the end`},
		{"a plus sign is no blank", "a==1+and+b==2 or", `expected "and", "or" or the end`},
		{"too deep", strings.Repeat("(", 101) + "a==1" + strings.Repeat(")", 101), "more than 100 nested"},
	} {
		t.Run(tc.fact, func(t *testing.T) {
			e, err := parseExpr(tc.in)
			if err == nil {
				t.Fatalf("got %s, want an error", dump(e))
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, want %q in it", err, tc.want)
			}
		})
	}
}

// FuzzQueryParser: no text makes the parser panic, no tree is deeper than its
// bound, and what it read, written out again in full, is read as the same.
func FuzzQueryParser(f *testing.F) {
	for _, seed := range []string{"", "a==1", "(a=='x' or b>=2) and c<\"y\"", "a==1 AND (b==2 OR c==3)", "((((", "a=='", "a<>1",
		"x-amz-meta-a==' \x00\xff'", "a == 1  and  b == 2", strings.Repeat("(", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseExpr(text)
		if err != nil {
			return
		}
		if d := depth(e); d > 2*maxDepth+2 {
			t.Fatalf("depth %d", d)
		}
		// dump writes a quoted argument with "'", so one that has it cannot be read back.
		if strings.Contains(text, "'") && strings.Contains(text, `"`) || depth(e) > maxDepth/2 {
			return
		}
		full := dump(e)
		if strings.Contains(text, `"`) {
			full = strings.ReplaceAll(full, "'", `"`)
		}
		again, err := parseExpr(full)
		if err != nil {
			t.Fatalf("%q, read as %s: %v", text, full, err)
		}
		if got := dump(again); got != dump(e) {
			t.Fatalf("%q: %s, then %s", text, dump(e), got)
		}
	})
}

func depth(e expr) int {
	j, ok := e.(*junction)
	if !ok {
		return 0
	}
	deepest := 0
	for _, t := range j.terms {
		deepest = max(deepest, depth(t))
	}
	return deepest + 1
}
