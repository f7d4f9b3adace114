package ecs

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/smithy-go"

	"github.com/ecsfs/ecsfs/search"
)

// ECS 3.6 learnt prefix, and has two faults with it, by the comments of the
// tests of EMCECS/ecs-object-client-java: before 3.7 rows lack some of their
// metadata (STORAGE-30513), and before 3.7.1 a prefix with encoding-type fails
// (STORAGE-30527). Servers before 3.6 ignore it. What a row lacks is mended by
// one HEAD where a HEAD tells it. Otherwise the query does without prefix: names
// are always checked here, so the answer is the same, at the cost of more rows.
var (
	errPartialRows   = errors.New("the rows of a prefix lack metadata")
	errEncodedPrefix = errors.New("prefix and encoding-type do not go together")
)

// wholeSince is the first release whose rows are whole under a prefix.
var wholeSince = [2]int{3, 7}

// What is known of the rows that a server gives under a prefix.
const (
	rowsUnknown int32 = iota
	rowsWhole
	rowsPartial
)

// choosePrefix decides whether the plan's prefix is sent. It must not be where
// rows that are not whole would not show it, and the answer depends on it: a key that an
// object may rightly lack. Which server it is, is asked for once (GET
// /?endpoint), for the first such query; one that does not say is taken for old.
func (q *querying) choosePrefix(ctx context.Context) error {
	sure, others := q.plan.Keys()
	for _, k := range sure {
		switch {
		case k.User():
			q.sureUser = append(q.sureUser, k.Name)
		case !toldByHead(k):
			q.sureSystem = append(q.sureSystem, k.Name)
		}
	}
	q.byType = slices.ContainsFunc(others, func(k search.Key) bool { return k.Name == "ContentType" })
	if q.plan.Prefix == "" || !slices.ContainsFunc(others, func(k search.Key) bool { return !toldByHead(k) }) {
		return nil
	}
	rows := q.store.rows.Load()
	if rows == rowsUnknown {
		nodes, err := q.store.client.DataNodes(ctx)
		if ctx.Err() != nil {
			return err
		}
		rows = rowsPartial
		if nodes.AtLeast(wholeSince[0], wholeSince[1]) {
			rows = rowsWhole
		}
		// A failure that passes says nothing about the server.
		if k := search.KindOf(err); err == nil || k != search.KindIO && k != search.KindTimeout {
			q.store.rows.Store(rows)
		}
	}
	if rows == rowsPartial {
		q.plan = q.plan.Unprefixed()
	}
	return nil
}

// toldByHead reports whether a HEAD, which completes a row, tells the system
// key as exactly as a row does.
func toldByHead(k search.Key) bool {
	switch k.Name {
	case "Size", "ObjectName", "base", "Etag", "ContentType":
		return true
	}
	return false
}

// faultOf returns the fault that a page of a query with a prefix shows, else err.
func (q *querying) faultOf(page queryPage, err error, encoded bool) error {
	if q.plan.Prefix == "" {
		return err
	}
	if _, told := errors.AsType[smithy.APIError](err); told && encoded && search.KindOf(err) == search.KindInvalid {
		return errEncodedPrefix
	}
	if err == nil && page.partial {
		return errPartialRows
	}
	return err
}

// adapt changes the query so that the server can answer it after it failed
// with err, and reports whether it did. Each change is made once.
func (q *querying) adapt(err error) bool {
	_, told := errors.AsType[smithy.APIError](err)
	switch {
	case errors.Is(err, errUnsplit):
		q.whole = true
		q.store.unsplit.Store(true)
		return true
	case errors.Is(err, errPartialRows):
		q.store.rows.Store(rowsPartial)
		q.plan = q.plan.Unprefixed()
		return true
	case errors.Is(err, errEncodedPrefix):
		q.plan = q.plan.Unprefixed()
		q.encoded.Store(true)
		return true
	case told && search.KindOf(err) == search.KindInvalid && !q.unmixed:
		q.unmixed = true
		plan, another := q.plan.Unmixed()
		q.plan = plan
		return another
	}
	return false
}
