package ecstest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"
)

// markerMagic begins every marker. In base64 it is "+/+/", and the padding of
// encodeMarker makes every marker end in "=": a client that sends a marker back
// without percent-encoding it is to notice.
const markerMagic = "\xFB\xFF\xBF"

const markerTag = 12 // bytes of the checksum

var errMarker = errors.New("the marker is not one that this server gave for this query")

// encodeMarker makes an opaque marker of a cursor. binding is the text of the
// query it belongs to: another query does not accept it.
func encodeMarker(binding string, c cursor) string {
	body := binary.AppendVarint(nil, c.value.n)
	body = binary.AppendUvarint(body, uint64(c.page))
	for _, s := range []string{c.name, c.version, c.value.s} {
		body = binary.AppendUvarint(body, uint64(len(s)))
		body = append(body, s...)
	}
	raw := append([]byte(markerMagic), markerSum(binding, body)...)
	raw = append(raw, body...)
	if len(raw)%3 == 0 {
		raw = append(raw, 0)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func decodeMarker(binding, marker string) (*cursor, error) {
	c, err := parseMarker(marker)
	if err != nil || encodeMarker(binding, *c) != marker {
		return nil, errMarker
	}
	return c, nil
}

// parseMarker is decodeMarker without the proof that the marker is this
// server's.
func parseMarker(marker string) (*cursor, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(marker)
	if err != nil || len(raw) < len(markerMagic)+markerTag || !strings.HasPrefix(string(raw), markerMagic) {
		return nil, errMarker
	}
	body := raw[len(markerMagic)+markerTag:]
	c := &cursor{}
	n, read := binary.Varint(body)
	if read <= 0 {
		return nil, errMarker
	}
	c.value.n = n
	page, used := binary.Uvarint(body[read:])
	if used <= 0 || page > math.MaxInt32 {
		return nil, errMarker
	}
	c.page = int(page)
	read += used
	for _, s := range []*string{&c.name, &c.version, &c.value.s} {
		rest := body[read:]
		length, used := binary.Uvarint(rest)
		if used <= 0 || length > uint64(len(rest)-used) {
			return nil, errMarker
		}
		*s = string(rest[used:][:length])
		read += used + int(length)
	}
	return c, nil
}

func markerSum(binding string, body []byte) []byte {
	h := sha256.New()
	h.Write(binary.AppendUvarint(nil, uint64(len(binding))))
	h.Write([]byte(binding))
	h.Write(body)
	return h.Sum(nil)[:markerTag]
}
