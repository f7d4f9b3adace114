#!/usr/bin/env bash
# Measures ecsfs beside the limits of the wire and of the kernel, and beside the
# other file systems for S3 that are installed (rclone, s3fs, goofys, geesefs,
# mount-s3), all on this machine. Needs root and /dev/fuse. What a run has
# measured is not measured again when it is started with the same --out.
#
#   scripts/bench.sh                    all jobs at 10, 0 and 100 ms a request, about 25 minutes
#   scripts/bench.sh --smoke            does everything work? under two minutes
#   scripts/bench.sh --docs             write the tables and plots of docs/performance.md as well
#   scripts/bench.sh --latency 10ms --jobs cat,ls-l --clients ecsfs,raw,bare --runs 5 --out DIR
set -euo pipefail
cd "$(dirname "$0")/.."

out='' docs='' smoke='' args=()
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=${2:?"--out needs a directory"}; shift ;;
    --docs) docs=1 ;;
    --smoke) smoke=1 ;;
    --latency|--jobs|--clients|--runs|--limit|--rival-limit|--budget|--scratch|--memory)
      args+=("$1" "${2:?"$1 needs a value"}"); shift ;;
    -h|--help) sed -n '2,11s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "bench.sh: unknown argument $1 (try --help)" >&2; exit 2 ;;
  esac
  shift
done

[ "$(id -u)" = 0 ] || { echo "bench.sh: root is needed, to empty the kernel's caches between jobs" >&2; exit 1; }
[ -e /dev/fuse ] || { echo "bench.sh: there is no /dev/fuse here" >&2; exit 1; }

bin=$(mktemp -d)
[ -n "$out" ] || { if [ -n "$smoke" ]; then out=$bin/out; else out=bench-results; fi; }
mkdir -p "$out"
# The program ends what it started; this is for when it was killed itself.
pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; wait
  for m in "$out"/work-*/mount; do [ ! -d "$m" ] || umount -l "$m" 2>/dev/null || true; done
  rm -rf "$out"/work-* "$bin"' EXIT
trap 'exit 130' INT TERM HUP

go build -o "$bin/ecsfs" ./cmd/ecsfs
go build -o "$bin/ecsfs-bench" ./cmd/ecsfs-bench

if [ -n "$smoke" ]; then
  # Without the rivals: what they do is no reason to stop a change of ours.
  args=(--smoke --latency 2ms --runs 1 --clients ecsfs,raw,bare,bare-disk,bare-pass,disk "${args[@]}")
fi
"$bin/ecsfs-bench" run --ecsfs "$bin/ecsfs" --out "$out" "${args[@]}" &
pid=$!
wait "$pid"
pid=''
"$bin/ecsfs-bench" report ${smoke:+--check} ${docs:+--docs docs} "$out/results.jsonl" | tee "$out/report.txt"
