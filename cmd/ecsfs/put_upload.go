package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/semaphore"

	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
)

const (
	// putMemory is what the parts of all files under way may have, in bytes, but
	// for one file whose parts alone are larger. putMemoryLimit leaves room for
	// what the runtime has not collected yet.
	putMemory      = 192 << 20
	putMemoryLimit = 256 << 20
	// partsAtOnce is how many parts of one file are under way at once: files are
	// uploaded in parallel as well.
	partsAtOnce = 2
)

// upload is one run of "ecsfs put". What its workers share is safe for
// concurrent use.
type upload struct {
	c           *cli.Context
	client      *ecs.Client
	bucket      string
	meta        map[string]string // without x-amz-meta-
	contentType string            // "": by each file
	dryRun      bool
	quiet       bool

	memory   *semaphore.Weighted // of putMemory
	progress *progress
	outMu    sync.Mutex // guards writing to standard output

	uploaded, skipped, failed atomic.Int64
	unanswered                atomic.Int64 // files in a row for which the store gave no answer
}

// maxUnanswered is after how many files in a row without an answer, beyond those
// under way at once, the store is held to be gone, and the others are not tried.
const maxUnanswered = 20

// putAll uploads all files of from, so many at once, and tells how that went.
func (u *upload) putAll(from []source, parallel int) error {
	limitMemory(putMemoryLimit)
	u.progress = newProgress(u.c.App.ErrWriter, u.quiet || u.dryRun)
	ctx, giveUp := context.WithCancelCause(u.c.Context)
	defer giveUp(nil)
	work := make(chan localFile)
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for f := range work {
				u.putOne(ctx, f)
				if u.unanswered.Load() >= int64(maxUnanswered+parallel) {
					giveUp(errStoreGone)
				}
			}
		})
	}
	counting, stop := context.WithCancel(ctx)
	defer stop()
	var counter sync.WaitGroup
	if u.progress.shown() {
		counter.Go(func() { u.count(counting, from) })
	}
	leftOut := map[string]leftOutFiles{}
feed:
	for f := range localFiles(from) {
		if f.LeftOut != "" {
			l := leftOut[f.LeftOut]
			leftOut[f.LeftOut] = leftOutFiles{first: cmp.Or(l.first, f.Path), n: l.n + 1}
			continue
		}
		select {
		case work <- f:
		case <-ctx.Done():
			break feed
		}
	}
	close(work)
	workers.Wait()
	stop()
	counter.Wait()
	u.progress.end()
	return u.summary(ctx, leftOut)
}

// leftOutFiles are files that are not uploaded, for one reason.
type leftOutFiles struct {
	first string
	n     int
}

// count walks ahead of the upload, for the bar to know its length.
func (u *upload) count(ctx context.Context, from []source) {
	for f := range localFiles(from) {
		if ctx.Err() != nil {
			return
		}
		if f.LeftOut == "" && f.Err == nil {
			u.progress.found(f.Size)
		}
	}
}

// putOne uploads one file and counts what became of it.
func (u *upload) putOne(ctx context.Context, f localFile) {
	if ctx.Err() != nil {
		return
	}
	did, err := false, f.Err
	if err == nil {
		did, err = u.transfer(ctx, f)
	}
	if err != nil && ctx.Err() != nil {
		return // it was interrupted, and did not fail
	}
	if noAnswer(err) {
		u.unanswered.Add(1)
	} else if f.Err == nil {
		u.unanswered.Store(0)
	}
	switch {
	case err != nil:
		u.failed.Add(1)
		u.progress.println(errorLine("put", fmt.Errorf("%s: %s", printable(f.Path), reason(err))))
	case did:
		u.uploaded.Add(1)
	default:
		u.skipped.Add(1)
	}
}

// errStoreGone is why the rest of the files is not tried.
var errStoreGone = errors.New("gave up, since the store answered for none of many files in a row; the same command goes on from there")

// noAnswer reports whether err is that of a store that cannot be reached, or
// does not answer.
func noAnswer(err error) bool {
	e, ok := errors.AsType[*search.Error](err)
	if _, local := errors.AsType[*readError](err); local {
		return false
	}
	return ok && (e.Kind == search.KindIO || e.Kind == search.KindTimeout) && errorCode(err) == ""
}

// transfer uploads a file, unless it is there already; uploaded tells which.
// With dryRun it uploads nothing.
func (u *upload) transfer(ctx context.Context, f localFile) (uploaded bool, err error) {
	file, err := openUpload(f.Path, u.progress.add)
	if err != nil {
		return false, err
	}
	defer file.Close()
	defer func() { u.progress.finishFile(f.Size - file.reached.Load()) }()

	options := ecs.PutOptions{Metadata: u.meta, ContentType: u.contentType}
	if options.ContentType == "" {
		head, err := file.Head()
		if err != nil {
			return false, err
		}
		options.ContentType = contentType(f.Path, head)
	}
	same, err := u.isThere(ctx, f.Key, file)
	if err != nil {
		return false, err
	}
	verb := "upload"
	if same {
		verb = "skip"
	}
	if u.dryRun {
		u.print(fmt.Sprintf("%-6s  %s  s3://%s/%s", verb, printable(f.Path), u.bucket, printable(f.Key)))
	}
	if same || u.dryRun {
		return !same, nil
	}
	err = u.store(ctx, f.Key, file.Body(), file.Size(), options)
	if err != nil && file.Changed() != nil {
		return false, errFileChanged
	}
	return true, err
}

// store uploads what body gives. It waits while the uploads under way hold all
// the memory that there is for them.
func (u *upload) store(ctx context.Context, key string, body io.Reader, size int64, options ecs.PutOptions) error {
	options.Concurrency = partsAtOnce
	part := ecs.PartSize(size, 0)
	memory := part // of a file that is no part's length as well
	if size >= part {
		memory *= partsAtOnce + 1
	}
	memory = min(memory, putMemory)
	if err := u.memory.Acquire(ctx, memory); err != nil {
		return err
	}
	defer u.memory.Release(memory)
	_, err := u.client.PutObject(ctx, u.bucket, key, body, size, options)
	return err
}

// isThere reports whether the object is what uploading file would make it: the
// same bytes, as ETag tells, and no other metadata than was asked for.
func (u *upload) isThere(ctx context.Context, key string, file *uploadFile) (bool, error) {
	object, err := u.client.Store().Stat(ctx, search.Ref{Bucket: u.bucket, Key: key})
	switch kind := search.KindOf(err); {
	case err == nil:
	case kind == search.KindNotExist, kind == search.KindPermission:
		return false, nil // who may write need not be allowed to read
	default:
		return false, err
	}
	if object.Size != file.Size() || u.contentType != "" && u.contentType != object.ContentType {
		return false, nil
	}
	for name, value := range u.meta {
		if has, ok := object.Metadata.Get(search.MetaPrefix + name); !ok || has != value {
			return false, nil
		}
	}
	etag, err := file.ETag(ctx)
	return etag == object.ETag, err
}

// summary tells what became of the files.
func (u *upload) summary(ctx context.Context, leftOut map[string]leftOutFiles) error {
	for _, why := range sortedKeys(leftOut) {
		if u.quiet {
			break
		}
		l := leftOut[why]
		more := ""
		if l.n > 1 {
			more = ", …"
		}
		fmt.Fprintf(u.c.App.ErrWriter, "ecsfs: %s left out: %s (%s%s)\n", search.Plural(l.n, "file"), why, printable(l.first), more)
	}
	verb := "uploaded"
	if u.dryRun {
		verb = "to upload"
	}
	line := fmt.Sprintf("%d %s, %d skipped (same ETag), %d failed", u.uploaded.Load(), verb, u.skipped.Load(), u.failed.Load())
	if err := u.c.Context.Err(); err != nil {
		fmt.Fprintf(u.c.App.ErrWriter, "ecsfs: interrupted: %s; the same command goes on from there\n", line)
		return err
	}
	u.print(line)
	if errors.Is(context.Cause(ctx), errStoreGone) {
		return fail(exitFailure, "%w", errStoreGone)
	}
	if u.failed.Load() > 0 {
		return toldStatus(exitFailure)
	}
	return nil
}
