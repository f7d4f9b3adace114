package sigv4

import (
	"fmt"
	"log/slog"
)

// Credentials are an access key. SessionToken is empty for a long-term key.
//
// Printed with any verb that package fmt has for a struct, logged or marshalled,
// they show the access key ID alone.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// String is the access key ID and the word REDACTED.
func (c Credentials) String() string {
	return "sigv4.Credentials{" + c.AccessKeyID + " REDACTED}"
}

// GoString serves %#v; it says what String says.
func (c Credentials) GoString() string { return c.String() }

// Format serves every verb of package fmt, those that would print fields too.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(c.String())) }

// LogValue serves log/slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText serves encoding/json and encoding/xml. There is no way back.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
