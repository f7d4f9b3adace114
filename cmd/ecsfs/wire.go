package main

import (
	"context"
	"errors"

	"github.com/ecsfs/ecsfs/cache"
	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
	"github.com/ecsfs/ecsfs/search/ecs"
)

// connect returns a client of the store that o names. Nothing is sent to it yet.
func connect(ctx context.Context, o *storeOptions) (*ecs.Client, error) {
	endpoint, _, err := ecs.FindEndpoint(ctx, o.Endpoint, o.Profile)
	if err != nil {
		return nil, fail(exitUsage, "no endpoint given: name the store with --endpoint, such as https://ecs.example.com:9021, or set ECSFS_ENDPOINT or AWS_ENDPOINT_URL")
	}
	addressing := ecs.Addressing(o.Addressing)
	if o.PathStyle && addressing == ecs.VirtualHost {
		return nil, fail(exitUsage, "--path-style and --addressing virtual exclude each other")
	}
	client, err := ecs.New(ctx, ecs.Config{
		Endpoint: endpoint, Region: o.Region, Profile: o.Profile, Namespace: o.Namespace, Addressing: addressing,
		CABundle: o.CABundle, InsecureSkipVerify: o.Insecure, CredentialsFile: o.CredentialsFile,
		MaxPages: o.MaxPages, Timeout: o.Timeout, MaxRequests: o.MaxRequests, Logger: o.logger(),
		Engine: ecs.EngineMode(o.Engine), ScanMetadata: o.ScanMetadata,
	})
	if err != nil {
		return nil, configError(err)
	}
	return client, nil
}

// configError words an error about the configuration for the command line:
// there a wrong value is a wrong command line, not a wrong query.
func configError(err error) error {
	e, ok := errors.AsType[*search.Error](err)
	if !ok {
		return err
	}
	code := codeOf(err)
	if e.Kind == search.KindInvalid {
		code = exitUsage
	}
	return fail(code, "%s", reason(err))
}

// accessDenied is the code of an error about what was asked, not about who asked.
const accessDenied = "AccessDenied"

// checkStore asks the store for its buckets, so that a wrong key pair, a dead
// endpoint or a clock that is off is told before anything is mounted. A user
// who may not list buckets but use some of them passes.
func checkStore(ctx context.Context, client *ecs.Client) error {
	_, err := client.Store().Buckets(ctx)
	if errorCode(err) == accessDenied {
		return nil
	}
	return err
}

// mountStore mounts client on dir: the one place where the layers are put
// together. ecs asks the store, cache keeps the answers, fs shows them. disk, which may be nil, is closed with the mount.
func mountStore(client *ecs.Client, dir string, so *storeOptions, mo *mountOptions, disk *cache.Disk) (*mounted, error) {
	logger := so.logger()
	// Half of the memory is for what is kept, half for what is under way and for
	// the garbage that the runtime collects late.
	limitMemory(mo.Memory)
	kept := cache.New(client.Store(), cache.Options{
		TTL: mo.TTL, NegativeTTL: mo.NegativeTTL, SchemaTTL: mo.SchemaTTL,
		MemoryBudget: mo.Memory / 2, Disk: disk, Logger: logger,
	})
	server, err := fs.Mount(dir, fs.Options{
		Store: kept, TTL: mo.TTL, NegativeTTL: mo.NegativeTTL,
		UID: mo.UID, GID: mo.GID, AllowOther: mo.AllowOther, Xattr: mo.Xattr, MaxInodes: mo.MaxInodes,
		FsName: client.Endpoint(), Logger: logger,
		Stats:   func() []search.Counter { return append(client.Stats(), kept.Stats()...) },
		Running: func() []fs.RunningListing { return running(kept) },
	})
	if err != nil {
		kept.Close()
		return nil, mountError(err)
	}
	return &mounted{server, kept}, nil
}

// running returns the listings under way as the mount shows them.
func running(kept *cache.Cache) []fs.RunningListing {
	var all []fs.RunningListing
	for _, l := range kept.Running() {
		all = append(all, fs.RunningListing{Listing: l.Listing, Pages: l.Pages, Rows: l.Rows, Started: l.Began})
	}
	return all
}
