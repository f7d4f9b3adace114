package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/ecsfs/ecsfs/cache"
)

// diskOptions say where a mount keeps what it read, for the next one.
type diskOptions struct {
	Dir  string // "": ecsfs in the user's cache directory
	Size int64  // bytes; 0: no disk cache; below 0: the default
}

func defaultDiskOptions() diskOptions { return diskOptions{Size: -1} }

// flags returns the flags that set o.
func (o *diskOptions) flags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "cache-dir", Destination: &o.Dir, DefaultText: "~/.cache/ecsfs",
			EnvVars: []string{"ECSFS_CACHE_DIR"},
			Usage:   "keep what was read in `DIR`, which only you may write to, for later mounts"},
		&cli.GenericFlag{Name: "cache-size", Value: &value[int64]{&o.Size, parseSizeOrNone, ""}, DefaultText: "4GiB or a tenth of the free space, the smaller",
			EnvVars: []string{"ECSFS_CACHE_SIZE"},
			Usage:   "use at most `SIZE` of the disk for it, such as 500MiB or 20G; 0: keep nothing on disk"},
	}
	setCategory(flags, limitCategory)
	return flags
}

// open opens the disk cache of the store at endpoint; nil when there is to be none. That the default directory cannot be used is no
// error: it was not asked for.
func (o *diskOptions) open(endpoint string, so *storeOptions) (*cache.Disk, error) {
	if o.Size == 0 {
		return nil, nil
	}
	logger := so.logger()
	dir := o.Dir
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			logger.Info("nothing is kept on disk: no --cache-dir, and no HOME", "err", err)
			return nil, nil
		}
		dir = filepath.Join(base, "ecsfs")
	}
	disk, err := cache.OpenDisk(cache.DiskOptions{
		Dir: dir, Size: max(o.Size, 0), Store: endpoint + "\n" + so.Namespace, Logger: logger,
	})
	switch {
	case err == nil:
		return disk, nil
	case errors.Is(err, cache.ErrDiskInUse):
		logger.Warn("nothing is kept on disk: another mount of this store uses the directory; give this one another --cache-dir, or --cache-size 0", "dir", dir)
		return nil, nil
	case o.Dir == "":
		logger.Info("nothing is kept on disk: give another --cache-dir, or --cache-size 0", "dir", dir, "err", err)
		return nil, nil
	}
	return nil, fail(exitUsage, "--cache-dir: %w", err)
}
