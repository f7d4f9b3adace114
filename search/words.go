package search

// Operator is one operator of the comma form, for who offers them.
type Operator struct {
	Word string // "gt"
	Help string // what it means, in words
	Args int    // how many values it takes: 0, 1, or -1 for a list
}

// Operators returns the operators that work on keys of this datatype, in the order of the help.
func Operators(of Datatype) []Operator {
	var all []Operator
	for i := range operators {
		if o := &operators[i]; o.types[of] {
			all = append(all, Operator{Word: o.word, Help: o.help, Args: o.args})
		}
	}
	return all
}

// DirectiveWord is one form of a directive, for who offers them.
type DirectiveWord struct {
	Word string // "sort", without the "@"
	Args string // how its arguments are written, ",KEY"; empty when it takes none
	Help string // what it is, in words
	Dir  bool   // it is a directory; else a file
}

// DirectiveWords returns the directives of the grammar, in the order of the help.
func DirectiveWords() []DirectiveWord {
	all := make([]DirectiveWord, len(directives))
	for i := range directives {
		d := &directives[i]
		_, modifies := Dir{}.Modify(Directive{Word: d.word})
		all[i] = DirectiveWord{Word: d.word, Args: d.args, Help: d.help, Dir: modifies || d.word == "by"}
	}
	return all
}
