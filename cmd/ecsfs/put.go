package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/semaphore"

	"github.com/ecsfs/ecsfs/search"
)

// Bounds of --parallel.
const (
	defaultParallel = 8
	maxParallel     = 256
)

// putOptions say how files are uploaded.
type putOptions struct {
	Meta          []string // NAME=VALUE
	ContentType   string   // "": by the file's name
	Parallel      int
	DryRun, Quiet bool
}

func putCommand() *cli.Command {
	store, o := defaultStoreOptions(), putOptions{Parallel: defaultParallel}
	return &cli.Command{
		Name:      "put",
		Usage:     "upload files and directories, with metadata to search by",
		ArgsUsage: "[options] FILE... s3://BUCKET[/PREFIX]",
		Description: `Uploads every FILE to PREFIX/NAME, and the files of a directory to PREFIX/DIRECTORY/PATH. DIR/,
with a slash, "." and ".." stand for what is in the directory: PREFIX/PATH. PREFIX is always a
folder. "-" is standard input, uploaded to the very key s3://BUCKET/KEY when it has ended; what is
longer than 8 MiB waits in a file in $TMPDIR.

  ecsfs put red.png s3://photos/2026 --meta color=red --meta stars=5
  ecsfs put ~/Pictures/ s3://photos       (its files, without "Pictures/" before their keys)
  tar c logs | ecsfs put - s3://backup/logs.tar

An object that is there with the same size and ETag, and with what --meta and --content-type say,
is not uploaded again: run an interrupted upload once more and it goes on. A file that changes
meanwhile is not stored. Links that are named are followed; in directories, links are left out, as
are devices, pipes and sockets. An error stops no other file; the status is then 1.`,
		Flags: append([]cli.Flag{
			&cli.GenericFlag{Name: "meta", Value: &listValue{target: &o.Meta},
				Usage: "give every object the user metadata `NAME=VALUE`, as color=red; also several times"},
			&cli.StringFlag{Name: "content-type", Destination: &o.ContentType,
				Usage: "give every object the content type `TYPE`; else it is told from the file's name\nor first bytes"},
			&cli.GenericFlag{Name: "parallel", Value: &value[int]{&o.Parallel, parseParallel, ""}, DefaultText: strconv.Itoa(defaultParallel),
				EnvVars: []string{"ECSFS_PARALLEL"},
				Usage:   "upload `N` files at once"},
			&cli.BoolFlag{Name: "dry-run", Destination: &o.DryRun, Usage: "print what would be uploaded and skipped, and upload nothing"},
			&cli.BoolFlag{Name: "quiet", Destination: &o.Quiet, Usage: "print errors alone"},
		}, store.flags()...),
		Action: func(c *cli.Context) error {
			args, err := arguments(c, 1, -1, c.Command.ArgsUsage)
			if err != nil {
				return err
			}
			return put(c, &store, &o, args[:len(args)-1], args[len(args)-1])
		},
	}
}

// parseParallel reads a number of files to upload at once.
func parseParallel(text string) (int, error) {
	n, err := parseCount(text)
	if err != nil || n > maxParallel {
		return 0, fmt.Errorf("not a whole number from 1 to %d", maxParallel)
	}
	return n, nil
}

// put uploads files to the place that destination names.
func put(c *cli.Context, so *storeOptions, o *putOptions, files []string, destination string) error {
	bucket, key, ok := cutURI(destination)
	switch {
	case !ok || bucket == "":
		return fail(exitUsage, "%s: the last argument is where to: s3://BUCKET[/PREFIX]", destination)
	case len(files) == 0:
		return fail(exitUsage, "no file named: ecsfs put FILE... %s", destination)
	}
	u := &upload{c: c, bucket: bucket, memory: semaphore.NewWeighted(putMemory), contentType: o.ContentType, dryRun: o.DryRun, quiet: o.Quiet}
	var err error
	if u.meta, err = parseMeta(o.Meta); err != nil {
		return err
	}
	if o.ContentType != "" {
		if err := checkContentType(o.ContentType); err != nil {
			return err
		}
	}
	stdin := len(files) == 1 && files[0] == stdinName
	var from []source
	if stdin {
		if strings.HasSuffix(key, "/") || checkKey(key) != nil {
			return fail(exitUsage, "%s: standard input has no name, so this needs the object's: s3://%s/KEY", destination, bucket)
		}
	} else {
		if err := checkPrefix(files, key, destination); err != nil {
			return err
		}
		if key != "" && !strings.HasSuffix(key, "/") {
			key += "/"
		}
		if from, err = sources(files, key); err != nil {
			return err
		}
	}
	if u.client, err = connect(c.Context, so); err != nil {
		return err
	}
	if err := u.checkBucket(); err != nil {
		return err
	}
	if stdin {
		return u.putInput(os.Stdin, key)
	}
	return u.putAll(from, o.Parallel)
}

// checkPrefix refuses s3://BUCKET/x.txt for one file .txt: it was meant to be
// the object's name, and would be a folder's.
func checkPrefix(files []string, prefix, destination string) error {
	if len(files) > 1 || strings.HasSuffix(prefix, "/") {
		return nil
	}
	ending := extension(files[0])
	if ending == "" || !strings.EqualFold(ending, extension(prefix)) {
		return nil
	}
	if info, err := os.Stat(files[0]); err != nil || info.IsDir() {
		return nil
	}
	return fail(exitUsage, "%s names a folder, though it looks like a file: write %s/ when it is one; to name the object, ecsfs put - %s < %s",
		destination, destination, destination, shellQuote(files[0]))
}

// extension returns ".txt" of "dir/a.txt", and "" of "dir.d/.txt".
func extension(path string) string {
	name := path[strings.LastIndexByte(path, '/')+1:]
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return name[i:]
	}
	return ""
}

// checkBucket asks for the bucket, so that what is wrong with all files is told
// once, and tells of metadata that nobody will be able to search by.
func (u *upload) checkBucket() error {
	schema, err := u.client.SearchKeys(u.c.Context, u.bucket)
	switch search.KindOf(err) {
	case search.KindPermission:
		if errorCode(err) == accessDenied {
			return nil // who may write need not be allowed to read
		}
	case search.KindNotExist:
		return fail(exitNotExist, "bucket %s does not exist: ecsfs mb %s makes it", u.bucket, u.bucket)
	}
	if err != nil {
		return err
	}
	if u.quiet {
		return nil
	}
	for _, note := range unfindable(u.meta, schema) {
		fmt.Fprintln(u.c.App.ErrWriter, "ecsfs: note: "+note)
	}
	return nil
}

// print prints a result.
func (u *upload) print(line string) {
	if !u.quiet || u.dryRun {
		u.outMu.Lock()
		defer u.outMu.Unlock()
		fmt.Fprintln(u.c.App.Writer, line)
	}
}
