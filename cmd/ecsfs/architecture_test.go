package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/ecsfs/ecsfs"

// Third-party modules by what they are for.
const (
	awsSDK = "github.com/aws/"
	goFuse = "github.com/hanwen/go-fuse/"
	golru  = "github.com/hashicorp/golang-lru/"
	urfave = "github.com/urfave/cli/"
)

// forbidden says which packages must not be reached, directly or through
// others, and why: a change that breaks a rule is stopped with the reason.
var forbidden = []struct{ pkg, dep, why string }{
	{"search", module + "/cache", "the engine knows no cache"},
	{"search", module + "/fs", "the engine knows no file system"},
	{"search", module + "/search/", "the contract depends on no implementation"},
	{"search", awsSDK, "only search/ecs speaks to the SDK"},
	{"search", goFuse, "only fs speaks to the kernel"},
	{"search/ecs", module + "/cache", "caching decorates a Store from outside"},
	{"search/ecs", module + "/fs", "a client of the store knows no file system"},
	{"search/ecs", goFuse, "only fs speaks to the kernel"},
	{"search/ecs", module + "/search/ecstest", "the program must not carry its test server into the client"},
	{"search/sigv4", module, "signing stands on the standard library alone"},
	{"search/sigv4", "github.com/", "signing stands on the standard library alone"},
	{"search/sigv4", "golang.org/", "signing stands on the standard library alone"},
	{"search/ecstest", awsSDK, "the emulator must not share the client's code: its mistakes would cancel out"},
	{"search/ecstest", module + "/search/ecs", "the emulator must not share the client's code: its mistakes would cancel out"},
	{"search/ecstest", "=" + module + "/search", "the emulator must not share the client's parser: its mistakes would cancel out"},
	{"search/ecstest", module + "/fs", "the emulator is a server"},
	{"search/ecstest", module + "/cache", "the emulator is a server"},
	{"search/storetest", awsSDK, "the suite knows the contract alone"},
	{"search/storetest", module + "/search/ec", "the suite knows the contract alone"},
	{"search/storetest", module + "/cache", "the suite knows the contract alone"},
	{"cache", module + "/fs", "the cache decorates a Store, whoever reads it"},
	{"cache", module + "/search/", "the cache decorates any Store"},
	{"cache", awsSDK, "the cache decorates any Store"},
	{"cache", goFuse, "only fs speaks to the kernel"},
	{"fs", module + "/cache", "the tree takes any Store that keeps snapshots"},
	{"fs", module + "/search/", "the tree takes any Store"},
	{"fs", awsSDK, "the tree takes any Store"},
	{"fs", golru, "caching belongs to package cache"},
	{"fs", urfave, "flags belong to the command"},
}

type listedPackage struct {
	ImportPath   string
	Deps         []string
	Doc          string
	Dir          string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Standard     bool
	Imports      []string
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Deps,Doc,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []listedPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestArchitectureArrows holds the direction of dependencies.
func TestArchitectureArrows(t *testing.T) {
	packages := map[string]listedPackage{}
	for _, p := range listPackages(t) {
		packages[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")] = p
	}
	for _, rule := range forbidden {
		p, ok := packages[rule.pkg]
		if !ok {
			t.Errorf("rule for %s: no such package", rule.pkg)
			continue
		}
		for _, dep := range p.Deps {
			if exact, ok := strings.CutPrefix(rule.dep, "="); dep == exact && ok ||
				!ok && strings.HasPrefix(dep, rule.dep) {
				t.Errorf("%s depends on %s: %s", rule.pkg, dep, rule.why)
			}
		}
	}
	for name, p := range packages {
		for _, dep := range p.Imports {
			if strings.HasPrefix(dep, awsSDK) && name != "search/ecs" {
				t.Errorf("%s imports %s: only search/ecs speaks to the SDK", name, dep)
			}
			if strings.HasPrefix(dep, goFuse) && name != "fs" && name != "cmd/ecsfs-bench" {
				t.Errorf("%s imports %s: only fs speaks to the kernel", name, dep)
			}
		}
	}
}

// TestArchitecturePackages holds what every package owes its reader: a place
// under one of four directories, a doc, and files that can be read in one go.
func TestArchitecturePackages(t *testing.T) {
	for _, p := range listPackages(t) {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		switch top, _, _ := strings.Cut(name, "/"); top {
		case "cmd", "fs", "search", "cache":
		default:
			t.Errorf("%s: Go packages stand under cmd, fs, search and cache alone", name)
		}
		if p.Doc == "" {
			t.Errorf("%s has no package doc", name)
		}
		for _, file := range append(append(p.GoFiles, p.TestGoFiles...), p.XTestGoFiles...) {
			text, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if lines := bytes.Count(text, []byte("\n")); lines > 500 {
				t.Errorf("%s/%s has %d lines, over 500: split it by subject", name, file, lines)
			}
		}
	}
}
