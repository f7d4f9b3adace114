package ecstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// jsonDuration is a duration in JSON: "1m30s".
type jsonDuration time.Duration

func (d jsonDuration) MarshalText() ([]byte, error) {
	return []byte(time.Duration(d).String()), nil
}

func (d *jsonDuration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%.60q is not a duration: write 250ms, 2s or 1m30s", text)
	}
	*d = jsonDuration(parsed)
	return nil
}

// ruleJSON is a Rule with other durations: its own fields hide those of
// plainRule.
type ruleJSON struct {
	plainRule
	Delay     jsonDuration `json:"delay,omitempty"`
	ClockSkew jsonDuration `json:"clock_skew,omitempty"`
}

type plainRule Rule // without its methods

// MarshalJSON writes the fields that are not zero.
func (r Rule) MarshalJSON() ([]byte, error) {
	return json.Marshal(ruleJSON{plainRule(r), jsonDuration(r.Delay), jsonDuration(r.ClockSkew)})
}

// UnmarshalJSON refuses fields that a Rule does not have, in any decoder. It
// does not check the values: SetRules and AddRule do.
func (r *Rule) UnmarshalJSON(data []byte) error {
	var j ruleJSON
	if err := decodeStrictly(data, &j, ruleFields); err != nil {
		return err
	}
	*r = Rule(j.plainRule)
	r.Delay, r.ClockSkew = time.Duration(j.Delay), time.Duration(j.ClockSkew)
	return nil
}

type dripJSON struct {
	Bytes int          `json:"bytes"`
	Every jsonDuration `json:"every"`
}

// MarshalJSON writes Every as text.
func (d Drip) MarshalJSON() ([]byte, error) {
	return json.Marshal(dripJSON{d.Bytes, jsonDuration(d.Every)})
}

// UnmarshalJSON refuses fields that a Drip does not have.
func (d *Drip) UnmarshalJSON(data []byte) error {
	var j dripJSON
	if err := decodeStrictly(data, &j, dripFields); err != nil {
		return err
	}
	*d = Drip{j.Bytes, time.Duration(j.Every)}
	return nil
}

// decodeStrictly is json.Unmarshal of an object that has fields alone, spelled
// as they are.
func decodeStrictly(data []byte, into any, fields []string) error {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil || object == nil {
		return errors.New("an object {...} is wanted")
	}
	for name := range object {
		if err := oneOf("field", name, fields); err != nil {
			return err
		}
	}
	err := json.Unmarshal(data, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		name := wrong.Field[strings.LastIndex(wrong.Field, ".")+1:]
		return fmt.Errorf("%s: a JSON %s does not fit here: %s is wanted", name, wrong.Value, jsonForm(wrong.Type))
	}
	return err
}

// jsonForm is how a value for t is written.
func jsonForm(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[jsonDuration]() {
		return "a duration as \"250ms\""
	}
	switch t.Kind() {
	case reflect.String:
		return "a \"text\""
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list [...]"
	case reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	}
	return "an object {...}"
}
