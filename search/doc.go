// Package search is the engine of ecsfs: the query language of paths, the
// planning of a query for a store, and the contract of a [Store].
//
// It knows no network, no FUSE and no cache. Everything in it that is not an
// interface is pure: the same arguments give the same answer, and nothing is
// kept. All of it is safe for concurrent use.
//
// # From a path to objects
//
// A directory is a [Dir]: a bucket, a key prefix, a predicate and modifiers. Each
// component of a path is read by [ParseComponent] against the bucket's
// [Schema]. A literal extends the prefix; a predicate narrows the directory, so
// that directories within one another are joined by AND; a directive is a view or a
// modifier ("@sort,size"), or a file or menu, which is the caller's to make. [Dir.Enter] does all
// that leads to a directory. [Dir.Listing] binds ages to a
// time and names what is to be listed; [NewPlan] says how a store can answer
// it; [Plan.Keep] drops the rows that the store could not tell apart, and [Plan.Arrange]
// puts the rest in order and cuts it. [Scan] is all of it where nothing can be searched.
//
// # Components
//
// A component is tried as these, in this order:
//
//	directive = "@" word *( "," arg )       ; words of a fixed list; any other "@x" is a literal
//	comma     = key "," op *( "," arg )     ; size,gt,100M    color,in,red,blue
//	infix     = and *( "or" and )           ; size>100M       (a==1 or b==2) and not c==3
//	and       = not *( "and" not )
//	not       = [ "not" ] ( "(" infix ")" / key symbol value )
//	literal   = any other name
//
// The comma form needs no quotes in any shell. Its operators are words in lower
// case: eq ne gt ge lt le in prefix suffix contains glob newer older exists
// missing. "GT" is no operator, so that fewer names of files are queries. Its
// arguments are split at "," (and, for in, at "..") before %XX is decoded, so
// %2C is a comma in a value. prefix, suffix, contains and glob work on strings,
// newer and older on times.
//
// The infix form is tried if a component begins with "(", with "not" and a
// blank or "(", or with a key, blanks or none, and a symbol (== != > >= < <=).
// It must hold a symbol somewhere, as no expression is without: "(copy).txt" is
// a name. "and", "or" and "not" are words in any case; a value is in single or
// double quotes, doubled within to stand for one, or ends at a blank or ")".
// %XX is decoded after the tokens are cut.
//
// A single "=" is never an operator: "year=2024" is a folder.
//
// In the comma form an unknown key, or a word that is no operator, makes the
// component a literal: a folder "Smith,in,London" must be reachable.
// [Component.Doubt] then says what it may have been meant for. In the infix
// form an unknown key is an error, as is every bad value, and a wrong number of
// values, in both. Errors are KindInvalid and wrap a [SyntaxError] with
// position, token and the nearest valid thing.
//
// # Predicates in Go
//
// A program that has no path states a [Predicate]: And(Gt("Size", 100),
// Eq("color", "red")), where values need no quoting, or Text("size > 100 and
// color == 'red'"). Applied to a schema it is the expression that the path
// components would be.
//
// # Keys
//
// [Schema.Resolve] reads a typed name as an alias (size, mtime or modified,
// created, name, base, owner), else as a system key's native name in any case,
// else as user metadata: color is x-amz-meta-color. "sys." and "meta." force
// one. A key is known if it is indexed, if it is a system attribute that a
// store can return, if it is base (the part of the object's key behind its last
// "/"), or if it is written as meta.NAME or by its native name. The schema
// gives the datatype of indexed user keys; other user keys are strings, and
// system keys have the types that ECS documents.
//
// # Values
//
// Integers have 64 bits; more is an error. Integers and decimals may end in a
// size unit: k K M G T P and KiB, MiB ... are powers of 1024, kB MB ... of
// 1000, B is one. A fraction of an integer is rounded down. Decimals are exact.
//
// A time is RFC 3339 or the front part of it, the clock with or without colons,
// in UTC unless an offset is given: 2024, 2024-05, 2024-05-01, 2024-05-01T12,
// 2024-05-01T1230Z. It stands for the interval of that length; a full time for
// its second, a fraction for its tenth, hundredth or thousandth. eq is within
// the interval, gt from its end on, ge from its start on, lt before its start,
// le before its end. today and yesterday are intervals as well. now and ages
// (30m 12h 7d 2w 3mo 1y; months and years by the calendar) are instants. A
// range A..B goes from the start of A until the end of B.
//
// Strings are bytes, compared as they are. Their order is that of UTF-16 code
// units, as in ECS.
//
// The value of an object counts only if it is of the key's datatype: an integer
// is [+-]digits within 64 bits, a decimal [+-]digits[.digits] of at most 256
// bytes, a datetime of user metadata exactly yyyy-MM-ddTHH:mm:ssZ. Otherwise
// the object is as one without the key.
//
// # Truth
//
// An object without the key satisfies no condition on it except missing, and
// neither does it satisfy the opposite. "not" turns every condition to its
// opposite (De Morgan), so "not color==red" is "color!=red" and leaves out what
// has no color. [Evaluate] is the definition: every other part of the program,
// and every Store, agrees with it. It has a third value, Unknown, for objects
// whose source does not carry the key.
//
// # Normal form
//
// [Normalize] makes equal what differs in order, repetition, nesting or
// spelling alone: flattened, ordered, without duplicates; no Negation; in
// as a Disjunction; newer and older as gt and lt; times as half-open bounds. Its print,
// [Expr.String] and [Components], is made of path components which, read again,
// give the same normal form. A [Listing.ID] is built from it, so that two
// spellings share one listing.
//
// # What is sent
//
// ECS compares with == > >= < <=, joins with "and" and "or", and knows nothing
// else. [NewPlan] sends the strongest such expression that is true of every
// object asked for, and puts in [Plan.Check] whatever it could not say:
//
//	ne                  (k<'v' or k>'v')
//	exists              k>='' and the like: the least value of the type
//	prefix Foo          k>='Foo' and k<'Fop', always checked again
//	glob Foo*           as prefix, checked
//	suffix, contains    k>='', checked
//	base                a range of ObjectName, if that is indexed; checked
//	missing             nothing; checked
//	keys not indexed    nothing; asked for with attributes=, checked
//	fractions of time   the enclosing whole seconds, checked
//
// A string with a single quote is sent in double quotes. One with both kinds,
// or with bytes that are not UTF-8 or that XML cannot carry, is sent up to that
// place as a range, and checked: what can be answered is never refused.
//
// An expression has at most 64 comparisons and 4 KiB; what goes beyond is sent
// as a range if it has one, and checked. A query that nothing sent would bound
// is KindUnsupported: of an "or", every part must be bounded. The rows of a
// prefix are always checked against it, as old servers ignore it. For a
// server that does not take both connectives in one expression, [Plan.Unmixed]
// sends less and checks everything; for one that does not know prefix, [Plan.Unprefixed] sends a range
// of ObjectName in its place, if that is indexed.
//
// # Order and limit
//
// Modifiers do not change which objects match. They apply behind all predicates, first the order and then
// the limit. The store is asked to sort ("sorted") where its order is defined: ascending, by a key of
// the expression, without "or", and without the prefix parameter, for which a range of ObjectName
// is sent if that is indexed. It then sends the first rows alone where there is a limit. Rows of equal value are put
// in order here in any case. Otherwise all rows are read and sorted here, of which only some 2N are held at once
// for a limit N. All objects, without a predicate, are listed; ordered by a key that
// no listing carries they are searched for by an indexed key that every object has. [Order] and
// [Plan.Arrange] say it exactly.
//
// # Menus
//
// [Values] lists what values the results of a query have for a key, and the components that ask for each:
// strings one by one, numbers in half-open ranges, times in units, as fit the data. Where the store sorts by
// the key that takes one search a value (a skip scan: the least value behind the last), else one pass over all
// results. A [MenuItem] knows the path that it stands for ([MenuItem.Path]).
//
// # Engines
//
// Schema.Engine says how a bucket's queries are answered. EngineSearch sends an expression to the store's index.
// EngineScan works on any S3: it lists every object below the folder, or below a longer prefix that the
// conditions on name imply, and evaluates the predicate here. It knows size, mtime, name, base,
// etag and storageclass, which a listing carries; with Schema.ScanMetadata also contenttype and
// metadata, by one HEAD for each object that its row in the listing does not decide. Any other known key
// is KindUnsupported. [Plan].Cost says which of these a query is, and [Explain] what it costs in requests.
//
// A [Store] is what a mount needs of an object store, in small interfaces with
// their contracts written on them: [BucketLister], [Schemer], [Lister],
// [Querier], [Statter], [RangeReader]. None has a method that writes. Every
// error is an [Error], whose [Kind] tells a caller what to do about it. A
// [Snapshotter] keeps listings for many readers.
package search
