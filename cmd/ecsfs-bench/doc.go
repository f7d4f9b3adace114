// Command ecsfs-bench measures ecsfs: beside plain HTTP with the same server,
// beside a bare go-fuse mount without any network, and beside other file systems
// for S3 that are installed. scripts/bench.sh builds and runs it, and
// docs/performance.md has what came of it.
package main
