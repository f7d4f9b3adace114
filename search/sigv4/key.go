package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
	"time"
)

// SigningKey derives the key that signs for one UTC day, region and service.
func SigningKey(secret string, at time.Time, region, service string) [sha256.Size]byte {
	key := []byte("AWS4" + secret)
	for _, step := range []string{at.UTC().Format(dayFormat), region, service, terminator} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(step))
		key = h.Sum(nil)
	}
	return [sha256.Size]byte(key)
}

// Signature is the lower-case hexadecimal HMAC-SHA256 of a string to sign.
func Signature(key [sha256.Size]byte, stringToSign string) string {
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte(stringToSign))
	return hex.EncodeToString(h.Sum(nil))
}

// signingKey is a derived key with HMACs already keyed, which are dearer to
// make than to use.
type signingKey struct {
	key  [sha256.Size]byte
	macs sync.Pool // of hash.Hash
}

// appendSum appends the HMAC of msg to b.
func (k *signingKey) appendSum(b, msg []byte) []byte {
	h, ok := k.macs.Get().(hash.Hash)
	if ok {
		h.Reset()
	} else {
		h = hmac.New(sha256.New, k.key[:])
	}
	h.Write(msg)
	b = h.Sum(b)
	k.macs.Put(h)
	return b
}

// keyCache keeps derived keys. Its zero value is empty.
type keyCache struct {
	mu   sync.RWMutex
	keys map[keyID]*signingKey // guarded by mu; at most maxKeys
}

const maxKeys = 64

type keyID struct {
	secret          string
	day             int // as the number yyyymmdd
	region, service string
}

// get returns the key for one UTC day, region and service, derived on first
// use. A full cache is emptied: a live process needs a handful of keys and one
// more a day, so only a stream of made-up regions fills it.
func (c *keyCache) get(secret string, at time.Time, region, service string) *signingKey {
	y, m, d := at.UTC().Date()
	id := keyID{secret: secret, day: y*10000 + int(m)*100 + d, region: region, service: service}
	c.mu.RLock()
	k := c.keys[id]
	c.mu.RUnlock()
	if k != nil {
		return k
	}
	k = &signingKey{key: SigningKey(secret, at, region, service)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = make(map[keyID]*signingKey)
	} else if len(c.keys) >= maxKeys {
		clear(c.keys)
	}
	c.keys[id] = k
	return k
}
