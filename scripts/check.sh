#!/usr/bin/env bash
# Everything that must hold before a change lands. Installs what it needs
# itself (into a cache directory, nothing system-wide but Debian's fuse3, s3fs,
# rclone and some shells when run as root where apt-get exists), and says which step failed.
#
#   scripts/check.sh               all steps, under 30 minutes on 2 cores
#   scripts/check.sh --fast        format, vet, lint and the plain tests only
#   scripts/check.sh --fuzz 10m    the fuzz step alone, so long for each target
#   scripts/check.sh --long        the random tests alone, at length: about half an hour
set -euo pipefail
cd "$(dirname "$0")/.."

# Pinned, so that a linter's new opinion never breaks an old commit.
staticcheck_version=v0.8.2
versitygw_version=v1.8.0
# For a machine that has none of its own.
boto3_version=1.43.11
awscli_version=1.45.11

fuzz_time=10s
mode=all
while [ $# -gt 0 ]; do
  case $1 in
    --fast) mode=fast ;;
    --long) mode=long ;;
    --fuzz) mode=fuzz; fuzz_time=${2:?"--fuzz needs a duration, such as 10m"}; shift ;;
    -h|--help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "check.sh: unknown argument $1 (try --help)" >&2; exit 2 ;;
  esac
  shift
done

tools=${ECSFS_TOOLS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/ecsfs-tools}
mkdir -p "$tools"

step() { printf '\n== %s (%(%H:%M:%S)T)\n' "$*" -1; current=$*; }
trap 'status=$?; rm -rf "${logs:-}"; [ $status -eq 0 ] || printf "\ncheck.sh: FAILED in step: %s\n" "${current:-start}" >&2' EXIT

# need NAME PACKAGE VERSION: a Go program at a pinned version, built once.
need() {
  local path=$tools/$1-$3
  if [ ! -x "$path" ]; then
    GOBIN=$tools go install "$2@$3"
    mv "$tools/$1" "$path"
  fi
  printf '%s' "$path"
}

# fuzz_one DIR TARGET. Until Go 1.27 the end of the time itself can be reported
# as a failure, on a busy machine (golang/go#75804): that line alone, without an
# input, is no finding.
fuzz_one() {
  local out
  # -run '^$': the seeds ran with the tests already.
  # Minimising an input that is only new would take most of a short run.
  if out=$(go test -run '^$' -fuzz "^$2\$" -fuzztime "$fuzz_time" -fuzzminimizetime 20x "$1" </dev/null 2>&1); then
    grep -E '^fuzz: elapsed' <<<"$out" | tail -n 1
    return
  fi
  if grep -qx '    context deadline exceeded' <<<"$out" && ! grep -qE 'Failing input|panic|\.go:[0-9]' <<<"$out"; then
    echo "the time was over in the middle of an input, which go test calls a failure; none was found"
    return
  fi
  printf '%s\n' "$out"
  return 1
}

# Each target runs alone: go test -fuzz takes one package and one target.
fuzz() {
  local file dir target
  grep -rlE '^func Fuzz[A-Z]' --include='*_test.go' . | sort | while read -r file; do
    dir=$(dirname "$file")
    sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p' "$file" | while read -r target; do
      echo "-- $dir $target $fuzz_time"
      fuzz_one "$dir" "$target"
    done
  done
}

if [ "$mode" = fuzz ]; then step "fuzz $fuzz_time each"; fuzz; exit 0; fi

if [ "$mode" = long ]; then
  step "100,000 random listings: metadata search, scan and evaluation agree"
  go test -count 1 -timeout 30m -run '^TestEngines$' ./search/ecs -rapid.checks=10000
  step "3,000,000 names of arbitrary keys in every view"
  go test -count 1 -timeout 60m -run '^TestPropertyKeySets$' ./fs -names.keys=3000000
  step "100,000 random plans, orders and scans against their definition"
  go test -count 1 -timeout 30m -run '^Test(PlannedResults|ScanIsTheDefinition|ArrangeIsASort)$' ./search -rapid.checks=100000
  printf '\ncheck.sh: all passed\n'
  exit 0
fi

step "format"
unformatted=$(gofmt -l cmd fs search cache)
[ -z "$unformatted" ] || { echo "not gofmt-ed: $unformatted"; exit 1; }

step "modules are tidy and unaltered"
go mod tidy -diff
go mod verify

step "vet"
go vet ./...

step "staticcheck $staticcheck_version"
"$(need staticcheck honnef.co/go/tools/cmd/staticcheck $staticcheck_version)" ./...

step "shell scripts parse"
for script in scripts/*.sh .ci/run cmd/ecsfs/completion/*.bash; do bash -n "$script"; done

# A mount test that cannot mount, or a test of a real server without that
# server, is a failure here and a visible skip elsewhere.
export ECSFS_REQUIRE_MOUNT=1
# The names of tools that are there, see search/ecstest/tools_test.go.
export ECSFS_REQUIRE_TOOLS=${ECSFS_REQUIRE_TOOLS:-}

if [ "$mode" = all ]; then
  step "versitygw $versitygw_version, a real S3 server to test against"
  ECSFS_VERSITYGW=$(need versitygw github.com/versity/versitygw/cmd/versitygw $versitygw_version)
  export ECSFS_VERSITYGW ECSFS_REQUIRE_SERVERS=1
  # Programs that the tests use if they are there: fuse3 to mount as an ordinary
  # user, the others to prove the emulator against S3 clients of other hands.
  # What can be installed is; what then is there must not be skipped.
  packages=()
  command -v fusermount3 >/dev/null || packages+=(fuse3)
  command -v s3fs >/dev/null || packages+=(s3fs)
  command -v rclone >/dev/null || packages+=(rclone)
  # The shells that paths are typed in, and that complete them.
  for shell in zsh fish tcsh ksh; do command -v $shell >/dev/null || packages+=($shell); done
  [ -e /usr/share/bash-completion/bash_completion ] || packages+=(bash-completion)
  command -v rsync >/dev/null || packages+=(rsync)
  command -v sqlite3 >/dev/null || packages+=(sqlite3)
  if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    step "${packages[*]}, by apt-get"
    apt-get update -qq || true
    for package in "${packages[@]}"; do
      apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
        echo "$package could not be installed: its tests are left out"
    done
  fi
  if ! python3 -c 'import boto3' 2>/dev/null || ! aws --version >/dev/null 2>&1; then
    step "boto3 $boto3_version and aws $awscli_version, in a Python environment of their own"
    python=$tools/python-boto3-$boto3_version-awscli-$awscli_version
    if [ -x "$python/bin/aws" ] || { python3 -m venv "$python" &&
      "$python/bin/pip" install -q "boto3==$boto3_version" "awscli==$awscli_version"; }; then
      PATH=$python/bin:$PATH
    else
      rm -rf "$python"
      echo "they could not be installed: their tests are left out"
    fi
  fi
  step "tools of other hands"
  python3 -c 'import boto3' 2>/dev/null && ECSFS_REQUIRE_TOOLS+=" boto3"
  aws --version >/dev/null 2>&1 && ECSFS_REQUIRE_TOOLS+=" aws"
  command -v rclone >/dev/null && ECSFS_REQUIRE_TOOLS+=" rclone"
  for tool in awk cp du duckdb find grep ls python3 rsync sqlite3 tar; do
    command -v $tool >/dev/null && ECSFS_REQUIRE_TOOLS+=" $tool"
  done
  command -v s3fs >/dev/null && [ -e /dev/fuse ] && ECSFS_REQUIRE_TOOLS+=" s3fs"
  for shell in bash dash zsh fish tcsh ksh; do command -v $shell >/dev/null && ECSFS_REQUIRE_TOOLS+=" $shell"; done
  [ -e /usr/share/bash-completion/bash_completion ] && ECSFS_REQUIRE_TOOLS+=" bash-completion"
  echo "required:${ECSFS_REQUIRE_TOOLS:- none}"
fi

# tests NAME ARGS...: go test with its skips shown. (grep -a: tests log names of any bytes.) A skip of a mount or of a
# server is a failure, which ECSFS_REQUIRE_* should have made it already.
tests() {
  local log=$logs/$1.log; shift
  if ! go test -v "$@" >"$log" 2>&1; then
    grep -avE '^ *(=== (RUN|PAUSE|CONT|NAME)|--- PASS)' "$log" | tail -n 400
    return 1
  fi
  grep -aE '^(ok|\?)[[:space:]]' "$log"
  # The reason of a skip stands in the lines before it.
  local skips
  if skips=$(grep -aE -B2 '^ *--- SKIP' "$log" | grep -aE '_test\.go:[0-9]+:|--- SKIP'); then
    echo "skipped, with the reasons:"
    echo "$skips"
    # Without --fast the real server is there.
    local needed=mount
    [ "$mode" != all ] || needed='mount|server to test against'
    if grep '_test\.go:' <<<"$skips" | grep -qiE "$needed"; then
      echo "a test of a mount or of a real server was skipped"
      return 1
    fi
  fi
}
logs=$(mktemp -d)

step "go test ./..."
# -count 1: a cached pass says nothing about the mount of this kernel.
# -timeout: a hanging mount must end the run, with stacks.
tests plain -count 1 -timeout 15m ./...

[ "$mode" = all ] || exit 0

step "go test -race"
# -short has the property tests run a fifth of their random cases: the race
# detector needs the paths, not the repetitions.
tests race -race -short -count 1 -timeout 20m ./...

step "1,000 random data sets, 50 predicates on each"
tests random -count 1 -timeout 10m -run '^TestStore$/^Random$' ./search/ecs -rapid.checks=1000

step "10,000 random listings: metadata search, scan and evaluation agree"
tests engines -count 1 -timeout 10m -run '^TestEngines$' ./search/ecs -rapid.checks=1000

step "fuzz, $fuzz_time each"
fuzz

step "benchmarks run"
go test -run '^$' -bench . -benchtime 1x -timeout 10m ./...

if [ "$(id -u)" = 0 ]; then
  step "the comparison with the wire and the kernel runs"
  bash scripts/bench.sh --smoke
fi

step "nothing is left mounted"
if grep -E ' fuse\.ecsfs(-bench)? ' /proc/self/mountinfo; then echo "left mounted"; exit 1; fi

printf '\ncheck.sh: all passed\n'
