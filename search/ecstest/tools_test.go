package ecstest_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// requireTool skips the test unless a tool of other hands is there. In
// ECSFS_REQUIRE_TOOLS are the names of those that must be, separated by blanks,
// or "1" for all: without one of them the test fails.
func requireTool(t *testing.T, name string, missing error) {
	t.Helper()
	if missing == nil {
		return
	}
	required := strings.Fields(os.Getenv("ECSFS_REQUIRE_TOOLS"))
	if slices.Contains(required, name) || slices.Contains(required, "1") {
		t.Fatalf("ECSFS_REQUIRE_TOOLS wants %s, which is not there: %v", name, missing)
	}
	t.Skipf("%s is no tool of this machine: %v", name, missing)
}
