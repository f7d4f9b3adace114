package fs

import (
	"crypto/sha256"
	"encoding/binary"
	"syscall"

	gofuse "github.com/hanwen/go-fuse/v2/fs"

	"github.com/ecsfs/ecsfs/search"
)

// Inode numbers are hashes, so that they are the same in every run and on every
// machine that mounts the bucket, and no table of them is needed.
//
// The hash is SHA-256: keys are chosen by whoever may write to the bucket, and
// with a hash that can be steered (FNV, CRC) one object could take another's
// inode, and so its page cache. One 63-bit number is not enough for that either, as a
// pair of equal ones is found in 2^32 tries; Gen carries 64 further bits of the hash,
// and go-fuse takes two nodes for the same only when Mode, Ino and Gen agree.

// dirAttr returns the identity of the directory that component, as typed,
// names below parent. Each path as typed is a directory of its own.
func dirAttr(parent gofuse.StableAttr, component string) gofuse.StableAttr {
	var buf [hashBuffer]byte
	b := append(buf[:0], 'd')
	b = binary.BigEndian.AppendUint64(b, parent.Ino)
	b = binary.BigEndian.AppendUint64(b, parent.Gen)
	b = append(b, component...)
	return hashedAttr(syscall.S_IFDIR, b)
}

// fileAttr returns the identity of one version of one object's bytes: it is the
// same through every query, and another once the object is overwritten.
// The size is part of it, so that no two sizes told with one ETag make a file
// whose end is not where its size says. Where the store has no ETag, the time
// stands in for it, in whole seconds, as not every answer carries more.
func fileAttr(bucket string, o *search.Object) gofuse.StableAttr {
	var buf [hashBuffer]byte
	b := append(buf[:0], 'f')
	for _, s := range [...]string{bucket, o.Key, o.VersionID, o.ETag} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendVarint(b, o.Size)
	if o.ETag == "" {
		b = binary.AppendVarint(b, o.ModTime.Unix())
	}
	return hashedAttr(syscall.S_IFREG, b)
}

// hashBuffer is room for what most identities are hashed of: a listing makes one for each entry.
const hashBuffer = 320

// hashedAttr makes an identity of the hash of b. Ino is never 0 (go-fuse then
// picks one), never 1 (the mount's root), and below 1<<63, where the numbers that go-fuse
// picks itself begin.
func hashedAttr(mode uint32, b []byte) gofuse.StableAttr {
	sum := sha256.Sum256(b)
	ino := binary.BigEndian.Uint64(sum[:8]) &^ (1 << 63)
	if ino < 2 {
		ino += 2
	}
	return gofuse.StableAttr{Mode: mode, Ino: ino, Gen: binary.BigEndian.Uint64(sum[8:16])}
}
