// Package search is the engine of ecsfs: the query language of paths, the
// planning of a query for a store, and the contract of a Store.
package search
