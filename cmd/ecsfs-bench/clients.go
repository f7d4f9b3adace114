package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ecsfs/ecsfs/search/ecstest"
)

// kind is what sort of client one is.
type kind int

const (
	kindECSFS kind = iota
	kindRaw        // plain HTTP, no mount
	kindBare       // go-fuse over local files, no network
	kindLocal      // local files, no mount
	kindRival
)

// client is something that the jobs are run on.
type client struct {
	Name    string
	Kind    kind
	Program string // that must be there; empty: this one
	// Args are the arguments of Program, with {mount}, {cache}, {endpoint},
	// {bucket}, {passwd}, {memory} and {disk} replaced.
	Args []string
	// MainOnly says that one latency is enough.
	MainOnly bool
	// Note is what the client is, for the report.
	Note string
}

// clients is every client, in the order of the report. The settings of the rivals
// are their defaults, or what their documentation advises for many files or big ones.
var clients = []client{
	{Name: "ecsfs", Kind: kindECSFS, Note: "a query directory, all settings at their defaults",
		Args: []string{"mount", "--cache-dir", "{cache}", "{mount}"}},
	{Name: "raw", Kind: kindRaw, Note: "plain HTTP: pages one after the other, or 32 requests at once"},
	{Name: "raw-64", Kind: kindRaw, Note: "plain HTTP, 64 requests at once"},
	{Name: "raw-1", Kind: kindRaw, MainOnly: true, Note: "plain HTTP, one request at a time"},
	{Name: "raw-ahead", Kind: kindRaw, MainOnly: true, Note: "plain HTTP, the next page asked for when the marker is read"},
	{Name: "bare", Kind: kindBare, MainOnly: true, Note: "go-fuse over files in memory, no network", Args: []string{"fuse", "{memory}", "{mount}"}},
	{Name: "bare-disk", Kind: kindBare, MainOnly: true, Note: "go-fuse over files on the disk", Args: []string{"fuse", "{disk}", "{mount}"}},
	{Name: "bare-pass", Kind: kindBare, MainOnly: true, Note: "go-fuse over files in memory, with passthrough", Args: []string{"fuse", "--passthrough", "{memory}", "{mount}"}},
	{Name: "disk", Kind: kindLocal, MainOnly: true, Note: "plain files on the disk", Args: []string{"{disk}"}},
	{Name: "rclone", Kind: kindRival, Program: "rclone", Note: "defaults, but for comparing checksums",
		// Generated objects have an ETag that is not their MD5.
		Args: []string{"mount", "b:{bucket}", "{mount}", "--s3-endpoint", "{endpoint}", "--cache-dir", "{cache}", "--read-only", "--no-checksum"}},
	{Name: "rclone-tuned", Kind: kindRival, Program: "rclone", Note: "disk cache, no HEAD an object, names kept for an hour",
		Args: []string{"mount", "b:{bucket}", "{mount}", "--s3-endpoint", "{endpoint}", "--cache-dir", "{cache}", "--read-only",
			"--vfs-cache-mode", "full", "--vfs-read-ahead", "128M", "--buffer-size", "32M", "--dir-cache-time", "1h", "--attr-timeout", "1m",
			"--use-server-modtime", "--no-checksum", "--vfs-fast-fingerprint"}},
	{Name: "s3fs", Kind: kindRival, Program: "s3fs", Note: "defaults",
		Args: []string{"{bucket}", "{mount}", "-f", "-o", "url={endpoint}", "-o", "use_path_request_style", "-o", "passwd_file={passwd}"}},
	{Name: "s3fs-tuned", Kind: kindRival, Program: "s3fs", Note: "disk cache, kernel cache, 64 HEADs and 32 parts at once, names kept for an hour",
		Args: []string{"{bucket}", "{mount}", "-f", "-o", "url={endpoint}", "-o", "use_path_request_style", "-o", "passwd_file={passwd}",
			"-o", "use_cache={cache}", "-o", "multireq_max=64", "-o", "parallel_count=32", "-o", "kernel_cache", "-o", "max_stat_cache_size=300000",
			"-o", "stat_cache_expire=3600", "-o", "enable_noobj_cache", "-o", "listobjectsv2"}},
	{Name: "goofys", Kind: kindRival, Program: "goofys", Note: "names kept for an hour",
		Args: []string{"-f", "--endpoint", "{endpoint}", "--region", "us-east-1", "--stat-cache-ttl", "1h", "--type-cache-ttl", "1h",
			"-o", "ro", "{bucket}", "{mount}"}},
	{Name: "geesefs", Kind: kindRival, Program: "geesefs", Note: "4 GB of memory, 32 parts at once, names kept for an hour",
		Args: []string{"-f", "--endpoint", "{endpoint}", "--region", "us-east-1", "--memory-limit", "4000", "--entry-limit", "300000",
			"--stat-cache-ttl", "1h", "--max-parallel-parts", "32", "--max-flushers", "32", "{bucket}", "{mount}"}},
	{Name: "mount-s3", Kind: kindRival, Program: "mount-s3", Note: "names kept for an hour",
		Args: []string{"{bucket}", "{mount}", "--foreground", "--read-only", "--endpoint-url", "{endpoint}", "--force-path-style",
			"--region", "us-east-1", "--metadata-ttl", "3600"}},
}

// installed reports whether the client can be run.
func (c client) installed() bool {
	if c.Program == "" {
		return true
	}
	_, err := exec.LookPath(c.Program)
	return err == nil
}

// mounts reports whether the client is a process with a mount.
func (c client) mounts() bool { return c.Kind != kindRaw && c.Kind != kindLocal }

// dir returns the directory of a set below the client's root.
func (c client) dir(root string, d dataset) string {
	if c.Kind == kindECSFS {
		return filepath.Join(root, bucket, setKey+",eq,"+d.Name)
	}
	return filepath.Join(root, d.Name)
}

// file returns the path of the file of a binary set.
func (c client) file(root string, d dataset) string {
	if c.Kind == kindECSFS {
		return filepath.Join(c.dir(root, d), strings.ReplaceAll(d.key(0), "/", "%2F"))
	}
	return filepath.Join(root, d.key(0))
}

// places are the paths and addresses that a client is told.
type places struct {
	work     string // the directory of all below
	mount    string
	cache    string // of the client's own
	passwd   string // s3fs's file of the key pair
	memory   string // data sets as files on tmpfs
	disk     string // and on the disk
	ecsfs    string // the program
	self     string // this program
	endpoint string
	smoke    bool // nobody reads the figures
}

// command returns the command line of a client's process.
func (p places) command(c client) (name string, args []string) {
	fill := strings.NewReplacer("{mount}", p.mount, "{cache}", p.cache, "{endpoint}", p.endpoint, "{bucket}", bucket,
		"{passwd}", p.passwd, "{memory}", p.memory, "{disk}", p.disk)
	for _, a := range c.Args {
		args = append(args, fill.Replace(a))
	}
	switch c.Kind {
	case kindECSFS:
		return p.ecsfs, args
	case kindRival:
		return c.Program, args
	default:
		return p.self, args
	}
}

// environment returns what the clients find the store and its key pair by.
func (p places) environment() []string {
	id, secret := ecstest.DefaultAccessKeyID, ecstest.DefaultSecretAccessKey
	// What else is set for such clients would be measured with them, or stop them.
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "ECSFS_") || strings.HasPrefix(v, "RCLONE_")
	})
	return append(env,
		"ECSFS_ENDPOINT="+p.endpoint, "ECSFS_ACCESS_KEY_ID="+id, "ECSFS_SECRET_ACCESS_KEY="+secret,
		"AWS_ACCESS_KEY_ID="+id, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"RCLONE_CONFIG="+filepath.Join(p.work, "rclone.conf"), "RCLONE_CONFIG_B_TYPE=s3", "RCLONE_CONFIG_B_PROVIDER=Other",
		"RCLONE_CONFIG_B_ACCESS_KEY_ID="+id, "RCLONE_CONFIG_B_SECRET_ACCESS_KEY="+secret,
		"RCLONE_CONFIG_B_FORCE_PATH_STYLE=true", "RCLONE_CONFIG_B_REGION=us-east-1")
}

// selectClients returns the clients of these names that are installed, or all
// that are.
func selectClients(names []string) ([]client, error) {
	var chosen []client
	for _, c := range clients {
		if len(names) == 0 && c.installed() {
			chosen = append(chosen, c)
		}
	}
	for _, name := range names {
		found := false
		for _, c := range clients {
			if c.Name == name || strings.HasPrefix(c.Name, name+"-") && name == "raw" {
				found = true
				chosen = append(chosen, c)
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no client %q", name)
		}
	}
	return chosen, nil
}
