package main

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/ecsfs/ecsfs/search/ecs"
)

// inputInMemory is how much of standard input is kept in memory. What is longer
// goes into a file first, since S3 wants to know an object's size.
const inputInMemory = ecs.DefaultPartSize

// putInput uploads all that stdin gives.
func (u *upload) putInput(stdin io.Reader, key string) error {
	to := "s3://" + u.bucket + "/" + printable(key)
	if u.dryRun {
		u.print("upload  -  " + to)
		return nil
	}
	ctx := u.c.Context
	// A read that waits does not end with the context; whoever types Ctrl-C must
	// not have to type more.
	read := make(chan *input, 1)
	go func() { read <- readInput(stdin) }()
	var in *input
	select {
	case in = <-read:
	case <-ctx.Done():
		return ctx.Err()
	}
	if in.err != nil {
		return fail(exitFailure, "standard input: %w", pathCause(in.err))
	}
	defer in.Close()
	options := ecs.PutOptions{Metadata: u.meta, ContentType: u.contentType}
	if options.ContentType == "" {
		options.ContentType = contentType(key, in.head)
	}
	if err := u.store(ctx, key, in.body, in.size, options); err != nil {
		return err
	}
	u.print("uploaded to " + to)
	return nil
}

// input is all of standard input.
type input struct {
	head []byte // the first bytes, which tell a content type
	body io.Reader
	size int64
	file *os.File // behind body; nil: it is in memory
	err  error
}

// Close takes the file away.
func (in *input) Close() {
	if in.file != nil {
		in.file.Close() // it has no name any more
	}
}

// readInput reads r to its end.
func readInput(r io.Reader) *input {
	first, err := io.ReadAll(io.LimitReader(r, inputInMemory))
	in := &input{head: first, body: bytes.NewReader(first), size: int64(len(first)), err: err}
	if err != nil || len(first) < inputInMemory {
		return in
	}
	if in.file, in.err = os.CreateTemp("", "ecsfs-put-*"); in.err != nil {
		return in
	}
	_, writeErr := in.file.Write(first)
	rest, copyErr := io.Copy(in.file, r)
	_, seekErr := in.file.Seek(0, io.SeekStart)
	in.body, in.size = in.file, in.size+rest
	if in.err = errors.Join(os.Remove(in.file.Name()), writeErr, copyErr, seekErr); in.err != nil {
		in.Close()
	}
	return in
}
