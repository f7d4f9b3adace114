package ecstest

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"
)

// maxRules bounds the rules of a server.
const maxRules = 1000

// faultSet is the rules of a server.
type faultSet struct {
	mu    sync.Mutex // guards all below, and what the rules have counted
	rules []*ruleState
	made  int // ids made so far
}

// ruleState is a rule in use. rule is never changed.
type ruleState struct {
	rule          Rule
	matched, hits int
	random        *rand.Rand
	barrier       *barrier // of rule.Barrier, or nil
}

// SetRules replaces all rules; without any there are none. The error says which
// rule cannot be, and why; then nothing is changed. Requests under way keep the
// rules that they began with. Counts begin anew.
func (s *Server) SetRules(rules ...Rule) error {
	if len(rules) > maxRules {
		return fmt.Errorf("ecstest: %d rules: a server has at most %d", len(rules), maxRules)
	}
	seen := map[string]bool{}
	for i, r := range rules {
		if err := r.check(); err != nil {
			return fmt.Errorf("ecstest: rule %d: %w", i+1, err)
		}
		if r.ID != "" && seen[r.ID] {
			return fmt.Errorf("ecstest: rule %d: there is another one with the id %q", i+1, r.ID)
		}
		seen[r.ID] = true
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	for _, st := range s.faults.rules {
		st.barrier.open()
	}
	s.faults.rules = nil
	for _, r := range rules {
		r.ID = s.faults.name(r.ID, seen)
		s.faults.rules = append(s.faults.rules, newRuleState(r))
	}
	return nil
}

// AddRule adds a rule after the others and returns its id. The error says why
// the rule cannot be.
func (s *Server) AddRule(r Rule) (id string, err error) {
	if err := r.check(); err != nil {
		return "", fmt.Errorf("ecstest: rule: %w", err)
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	if len(s.faults.rules) >= maxRules {
		return "", fmt.Errorf("ecstest: rule: a server has at most %d", maxRules)
	}
	taken := map[string]bool{}
	for _, st := range s.faults.rules {
		taken[st.rule.ID] = true
	}
	if r.ID != "" && taken[r.ID] {
		return "", fmt.Errorf("ecstest: rule: there is another one with the id %q", r.ID)
	}
	r.ID = s.faults.name(r.ID, taken)
	s.faults.rules = append(s.faults.rules, newRuleState(r))
	return r.ID, nil
}

// RemoveRule removes a rule and tells whether there was one of that id.
func (s *Server) RemoveRule(id string) bool {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	before := len(s.faults.rules)
	s.faults.rules = slices.DeleteFunc(s.faults.rules, func(st *ruleState) bool {
		if st.rule.ID == id {
			st.barrier.open()
		}
		return st.rule.ID == id
	})
	return len(s.faults.rules) < before
}

// Rules returns the rules in their order, and what they have done.
func (s *Server) Rules() []RuleStatus {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	all := make([]RuleStatus, 0, len(s.faults.rules))
	for _, st := range s.faults.rules {
		all = append(all, RuleStatus{Rule: st.rule.clone(), Matched: st.matched, Hits: st.hits})
	}
	return all
}

func newRuleState(r Rule) *ruleState {
	r = r.clone()
	return &ruleState{rule: r, random: rand.New(rand.NewPCG(uint64(r.Seed), 0)), barrier: newBarrier(r.Barrier)}
}

// name returns id, or a new one that is not taken. The caller holds mu.
func (f *faultSet) name(id string, taken map[string]bool) string {
	for id == "" {
		f.made++
		if made := fmt.Sprintf("rule-%d", f.made); !taken[made] {
			id = made
		}
	}
	return id
}

// faults is what rules do to a request.
type faults struct {
	Rule              // the sum; it shares memory with the rules, which do not change
	ids      []string // of the rules; nil: none hits the request
	barriers []*barrier
}

// hit returns what the rules do to a request.
func (f *faultSet) hit(req *Request) (sum faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, st := range f.rules {
		if !st.rule.matches(req) {
			continue
		}
		st.matched++
		r := &st.rule
		if st.matched <= r.Skip || r.Times > 0 && st.hits >= r.Times ||
			r.Probability > 0 && r.Probability <= st.random.Float64() {
			continue
		}
		st.hits++
		sum.add(*r)
		sum.ids = append(sum.ids, r.ID)
		if st.barrier != nil {
			sum.barriers = append(sum.barriers, st.barrier)
		}
	}
	return sum
}

func (r *Rule) matches(req *Request) bool {
	switch {
	case len(r.Operations) > 0 && !slices.Contains(r.Operations, req.Operation),
		r.Method != "" && r.Method != req.Method,
		r.Bucket != "" && r.Bucket != req.Bucket,
		r.Key != "" && r.Key != req.Key,
		!strings.HasPrefix(req.Key, r.KeyPrefix),
		r.Page != 0 && (req.Operation != "Query" || r.Page != pageOf(req.Query)):
		return false
	case r.KeyGlob != "":
		ok, _ := path.Match(r.KeyGlob, req.Key) // check has seen that the pattern is good
		return ok && req.Key != ""
	}
	return true
}
