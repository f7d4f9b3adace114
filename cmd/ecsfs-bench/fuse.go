package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// fuseCommand mounts a folder through go-fuse with the mount options of ecsfs:
// what the way through the kernel and user space costs, without any network.
func fuseCommand() *cli.Command {
	return &cli.Command{
		Name:      "fuse",
		Usage:     "mount a local folder through go-fuse: the limit for every file system in Go",
		ArgsUsage: "DIR MOUNTPOINT",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "passthrough", Usage: "have the kernel read the files itself; root only"},
		},
		Action: func(c *cli.Context) error {
			root := &bareNode{
				LoopbackNode: &fs.LoopbackNode{RootData: &fs.LoopbackRoot{Path: c.Args().Get(0)}},
				passthrough:  c.Bool("passthrough"),
			}
			root.RootData.RootNode = root
			ttl := time.Minute
			server, err := fs.Mount(c.Args().Get(1), root, &fs.Options{
				AttrTimeout: &ttl, EntryTimeout: &ttl, NullPermissions: true,
				MountOptions: fuse.MountOptions{
					Name: "ecsfs-bench", FsName: c.Args().Get(0),
					DirectMountStrict: os.Geteuid() == 0, DirectMountFlags: unix.MS_RDONLY | unix.MS_NOSUID | unix.MS_NODEV,
					Options:  []string{"default_permissions"},
					MaxWrite: 1 << 20, MaxBackground: 128, DisableXAttrs: true, ExplicitDataCacheControl: true,
					DisableSplice: true,
				},
			})
			if err != nil {
				return err
			}
			if err := raiseReadAhead(c.Args().Get(1)); err != nil {
				return err
			}
			context.AfterFunc(c.Context, func() { _ = server.Unmount() }) // busy: whoever uses it ends it
			server.Wait()
			return nil
		},
	}
}

// bareNode is a file or folder of the mount.
type bareNode struct {
	*fs.LoopbackNode
	passthrough bool
}

// WrapChild makes what is below a bareNode as well.
func (n *bareNode) WrapChild(_ context.Context, ops fs.InodeEmbedder) fs.InodeEmbedder {
	return &bareNode{LoopbackNode: ops.(*fs.LoopbackNode), passthrough: n.passthrough}
}

// Open opens a file so that its pages stay in the kernel.
func (n *bareNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	if n.passthrough {
		return n.LoopbackNode.Open(ctx, flags)
	}
	f, err := os.Open(filepath.Join(n.RootData.Path, n.Path(n.Root())))
	if err != nil {
		return nil, 0, fs.ToErrno(err)
	}
	return &bareHandle{f}, fuse.FOPEN_KEEP_CACHE | fuse.FOPEN_NOFLUSH, 0
}

// bareHandle answers reads from user space, by a copy, as whoever has the bytes
// from a network must.
type bareHandle struct{ f *os.File }

func (h *bareHandle) Read(_ context.Context, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n, err := unix.Pread(int(h.f.Fd()), dest, off)
	if err != nil {
		return nil, fs.ToErrno(err)
	}
	return fuse.ReadResultData(dest[:n]), 0
}

func (h *bareHandle) Release(context.Context) syscall.Errno { return fs.ToErrno(h.f.Close()) }

// raiseReadAhead does what ecsfs does: reads of 1 MiB.
func raiseReadAhead(mountpoint string) error {
	var st unix.Stat_t
	if err := unix.Stat(mountpoint, &st); err != nil {
		return err
	}
	return os.WriteFile(fmt.Sprintf("/sys/class/bdi/%d:%d/read_ahead_kb", unix.Major(st.Dev), unix.Minor(st.Dev)), []byte("1024"), 0)
}
