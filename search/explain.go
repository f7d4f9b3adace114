package search

import "time"

// Explain says what d means at now: engine, expression to be sent, prefix,
// what is checked here and why. It is pure: nothing is sent.
func Explain(s Schema, d Dir, now time.Time, lifetime time.Duration) string {
	p, err := NewPlan(s, d.Listing(now, lifetime))
	if err != nil {
		return err.Error() + "\n"
	}
	return "sent: " + p.Wire + "\n"
}

// ExplainComponent says how name is read below d, or why it fails: position,
// nearest valid key or value, and where it leaves objects out.
func ExplainComponent(s Schema, d Dir, name string, now time.Time, lifetime time.Duration) string {
	if _, err := ParseComponent(name, s); err != nil {
		return err.Error() + "\n"
	}
	return name + "\n"
}

// ExplainObject says, condition by condition, why o is or is not in d: the
// value read, and true or false.
func ExplainObject(s Schema, d Dir, o *Object, now time.Time, lifetime time.Duration) string {
	return Evaluate(d.Listing(now, lifetime).Where, o).String() + "\n"
}
