package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ecsfs/ecsfs/fs"
	"github.com/ecsfs/ecsfs/search"
)

// place is what a path below a mountpoint means: a directory, or a virtual file
// or a menu in it.
type place struct {
	Schema search.Schema
	Dir    search.Dir
	// File is the directive that the path ends in, where that is no directory of
	// results: a virtual file, or the menu "by". Its Word is empty: none.
	File search.Directive
	// Menu is the key of a menu, "@by/KEY"; else it has no name.
	Menu search.Key
	// Components are those below the bucket, as typed.
	Components []string
	// Doubts are why components that look like queries are read as folders.
	Doubts []string
}

// badComponent is a component that cannot be read where it stands.
type badComponent struct {
	At   place // what stands before it
	Name string
	Err  error
}

func (e *badComponent) Error() string { return e.Err.Error() }
func (e *badComponent) Unwrap() error { return e.Err }

// walk reads BUCKET[/FOLDER...][/QUERY...], as a mount would, with or without
// s3:// or the mountpoint of an ecsfs mount before it. It asks the store
// for the bucket's schema only. A component that cannot be read is a *badComponent.
func walk(ctx context.Context, store search.Schemer, path string) (place, error) {
	path, _ = cutPrefixFold(path, uriScheme)
	if strings.HasPrefix(path, "/") {
		all, _ := mounts() // where they cannot be read, the path has none before it
		path = path[len(ecsfsMount(path, all)):]
	}
	bucket, rest, _ := strings.Cut(strings.Trim(path, "/"), "/")
	if bucket == "" {
		return place{}, fail(exitUsage, "no bucket named: the path is BUCKET[/FOLDER...][/QUERY...]")
	}
	schema, err := store.Schema(ctx, bucket)
	if err != nil {
		return place{}, err
	}
	p := place{Schema: schema, Dir: search.Dir{Bucket: bucket}}
	for name := range strings.SplitSeq(rest, "/") {
		if name == "" {
			continue
		}
		if p, err = p.enter(name, false); err != nil {
			return place{}, err
		}
	}
	return p, nil
}

// walkQuery reads BUCKET[/FOLDER...][/QUERY...] and the components after it, all
// of which must be queries or directives.
func walkQuery(ctx context.Context, store search.Schemer, path string, components []string) (place, error) {
	p, err := walk(ctx, store, path)
	for _, name := range components {
		if err != nil {
			break
		}
		// "@by/KEY" and "@by/KEY/LINK" are one word to who types them. Elsewhere a "/" is part of a
		// value: in a path it would end the component, here it cannot.
		if key, isMenu := strings.CutPrefix(name, "@by/"); isMenu {
			if p, err = p.enter("@by", true); err != nil {
				break
			}
			link := ""
			if name, link, _ = strings.Cut(key, "/"); link != "" {
				if p, err = p.enter(name, true); err != nil {
					break
				}
				name = link
			}
			if name == "" {
				continue
			}
		}
		p, err = p.enter(strings.ReplaceAll(name, "/", "%2F"), true)
	}
	return p, explained(err)
}

// enter returns the place of one more component. Where it must be a query or a
// directive, a name is an error.
func (p place) enter(name string, mustBeQuery bool) (place, error) {
	bad := func(err error) (place, error) { return place{}, &badComponent{p, name, err} }
	if p.File.Word != "" {
		return p.enterMenu(name)
	}
	c, err := search.ParseComponent(name, p.Schema)
	if err != nil {
		return bad(err)
	}
	next := p
	next.Components = append(p.Components[:len(p.Components):len(p.Components)], name)
	dir, isDir := p.Dir.Enter(c)
	switch {
	case c.Kind == search.ComponentDirective && !isDir:
		if c.Directive.Word == "by" {
			if err := search.CheckMenus(p.Schema, p.Dir.Order); err != nil {
				return bad(err)
			}
		}
		next.File = c.Directive
	case c.Kind == search.ComponentLiteral && (mustBeQuery || !isDir):
		if c.Doubt != "" {
			return bad(fail(exitQuery, "%q is no query: %s", name, c.Doubt))
		}
		return bad(fail(exitQuery, "%q is no query: a query is KEY,OP,VALUE, such as size,gt,100M; 'ecsfs searchkeys %s' lists the keys", name, p.Dir.Bucket))
	default:
		next.Dir = dir
		if c.Doubt != "" {
			next.Doubts = append(p.Doubts[:len(p.Doubts):len(p.Doubts)], fmt.Sprintf("%s is read as a folder: %s", name, c.Doubt))
		}
	}
	return next, nil
}

// enterMenu returns the place of a component behind a virtual file or a menu:
// the key of a menu, or one of its links, which is where that leads.
func (p place) enterMenu(name string) (place, error) {
	bad := func(format string, args ...any) (place, error) {
		return place{}, &badComponent{p, name, fail(exitQuery, format, args...)}
	}
	file := p.Components[len(p.Components)-1]
	switch {
	case p.File.Word != "by":
		return bad("%s is a file: nothing goes behind it", file)
	case p.Menu.Name != "":
		item, known, ok := fs.DecodeMenuItem(p.Menu, name)
		switch {
		case strings.HasPrefix(name, "@"):
			return bad("a menu has links alone: %s stands before @by, or behind a link", name)
		case !ok || !known:
			return bad("@by/%s has no link of which the name %q alone tells where it leads", file, name)
		}
		to := place{Schema: p.Schema, Dir: search.Dir{Bucket: p.Dir.Bucket}}
		var err error
		for _, component := range item.Path(p.Schema, p.Menu, p.typed()) {
			if to, err = to.enter(component, false); err != nil {
				return place{}, err
			}
		}
		return to, nil
	}
	key, err := search.MenuKey(p.Schema, fs.DecodeSegment(name).Text)
	if err != nil {
		return bad("%w", err) // no file is missing: the query is wrong
	}
	p.Components = append(p.Components[:len(p.Components):len(p.Components)], name)
	p.Menu = key
	return p, nil
}

// typed returns the components before "@by" and the key of the menu that p is.
func (p place) typed() []string { return p.Components[:len(p.Components)-2] }

// explained adds to an error about a component where in it the fault is.
func explained(err error) error {
	bad, ok := errors.AsType[*badComponent](err)
	if !ok {
		return err
	}
	syntax, ok := errors.AsType[*search.SyntaxError](err)
	if !ok || syntax.Nearest == "" || strings.Contains(err.Error(), syntax.Nearest) {
		return err
	}
	return fail(codeOf(bad.Err), "%w: did you mean %s?", bad.Err, syntax.Nearest)
}
