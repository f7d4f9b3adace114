// Package ecs is a client of Dell ECS and ObjectScale with their metadata
// search, and of any S3 server, where buckets are listed, read and written, and
// have no metadata search. It is the only package of this module that uses the
// AWS SDK.
//
//	endpoint, _, err := ecs.FindEndpoint(ctx, "", "")
//	client, err := ecs.New(ctx, ecs.Config{Endpoint: endpoint})
//	for object, err := range client.Store().Query(ctx, listing) { ... }
//
// # Requests
//
//	Buckets    GET /                         ListBuckets; further pages by continuation-token
//	Schema     GET /BUCKET?searchmetadata
//	List       GET /BUCKET                   ListObjects, version 1, with encoding-type=url
//	Query      GET /BUCKET?query=EXPRESSION  with attributes, prefix, marker, max-keys
//	Stat       HEAD /BUCKET/KEY
//	ReadRange  GET /BUCKET/KEY               with Range, and If-Match when the ETag is known
//
// These are all of a Store, the search.Store of a mount: it has no method that
// writes. Each request is signed
// with Signature Version 4, the namespace (x-emc-namespace) included, and
// carries no checksum: ECS knows no trailing ones. What the SDK has no operation for
// rides on its ListObjects: a step before signing replaces the query string, and
// the deserializer is replaced by the ones of this package, for ListObjects and
// ListBuckets as well. The expression and every other byte of a
// query string are percent-encoded, a blank as %20 and never "+", in the
// canonical order of the signature, so that what is sent is what was signed.
// Keys are sent byte for byte: no cleaning of "//", "." or "..".
//
// A redirect is not followed but reported: the key id is shown to no host but
// the endpoint.
//
// # Credentials
//
// The first of these that is there:
//
//  1. Config.Credentials
//  2. Config.CredentialsFile
//  3. Config.Profile, in ~/.aws/credentials and ~/.aws/config
//  4. ECSFS_ACCESS_KEY_ID and ECSFS_SECRET_ACCESS_KEY
//  5. the standard chain of the AWS SDK: AWS_ACCESS_KEY_ID and its companions,
//     AWS_PROFILE or the default profile (keys, roles, SSO, processes), web
//     identity, container and instance roles
//
// A credentials file is a regular file of this user or root that nobody else
// may touch (mode 0600 or 0400), of at most 64 KiB: two lines, the id and the
// secret; or lines access_key_id=ID, secret_access_key=SECRET and, for
// temporary ones, session_token=TOKEN, also with the names that start with
// aws_. Empty lines and those that start with "#", ";" or "[" do not count.
//
// New asks for the credentials once, for at most ten seconds, of which an
// instance metadata service that is not there gets about two. The secret is in
// no error, log line or String.
//
// # Queries
//
// A query is planned by search.NewPlan from the schema that Schema saw last. A
// plan's prefix and attributes go with the request; rows are checked again with
// Plan.Keep. Keys are yielded once, however often the store names them. A row
// without a size, a time, an ETag or an indexed key that Keep needs (ECS before
// 3.7 leaves metadata out when there is a prefix) is completed by one HEAD, eight
// at a time, from which size, time, ETag and user metadata are then all taken; it is left
// out when the object is gone, or does not satisfy the query any more. Once a
// HEAD has brought no ETag, ETags are not asked for again in that query.
//
// Answers differ between generations of ECS. All of these are taken: elements of any
// namespace in any order, unknown ones skipped; none to many blocks of
// attributes; system keys by alias ("mtime") or by name; user keys in any case;
// times as epoch milliseconds or RFC 3339; the version "0" or "null" for none.
// The last page has no NextMarker, a blank one, "NO MORE PAGES" (before ECS
// 3.4) or "null" (a build of 2019). A marker that is that of the same page, and
// a page that is truncated without a marker, are errors.
//
// The request of the next page leaves as soon as the marker was read, while the
// rows of this page are still arriving or being consumed: one page ahead,
// cancelled when the caller breaks off.
//
// # Keys that XML cannot carry
//
// XML 1.0 has no U+0001 and no bytes that are not UTF-8, and keys may have
// both. Plain listings are asked for percent-encoded (encoding-type=url) and decoded
// when the answer says that they are; what "+" stands for is found out, since
// servers differ. For queries, encoding-type came with ECS 3.2.2, an answer does not
// say whether it is encoded, and before 3.7.1 it did not go with a prefix:
// so with EncodeAuto it is sent only after a page was no XML because of such a
// character, or had a U+FFFD in a name, which servers write in its place. That
// page is asked for again; if the server then does not encode, U+FFFD is taken for what
// it says, and a page that is no XML is an error: a key is never lost silently.
//
// User metadata of a HEAD is taken as the header has it: no RFC 2047 decoding.
//
// # Bounds
//
// A document has at most 64 MiB, a text or tag 1 MiB, 16 levels, 100,000 rows
// or buckets, and 4,096 attributes of an object; a document type is an error. A listing has at most
// Config.MaxPages pages. An error's body is read up to 1 MiB. The schemas of
// at most 1,024 buckets are kept, for ten minutes, for Query only: Schema
// itself always asks.
//
// At most Config.MaxRequests operations are under way; others wait. Each, with
// its retries, ends when the store sent nothing for Config.Timeout, be it while
// connecting, waiting or reading; slow is not dead as long as bytes come. A
// waiting operation ends when none of those before it makes progress.
//
// An attempt that failed on the network, with status 500, 502, 503 or 504, with
// InternalError or SlowDown under any status, or whose answer broke off, is
// repeated, four attempts in all, with pauses of RetryDelay doubled each time. A body of
// ReadRange that breaks off is resumed at its byte, pinned to its ETag; four
// breaks in a row without 64 KiB between them are an error.
//
// # Errors
//
// Every error is a *search.Error, but io.EOF of ReadRange.
//
//	KindNotExist     NoSuchBucket, NoSuchKey; a HEAD's 404; names that no bucket can have
//	KindPermission   AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed,
//	                 ExpiredToken and the like, 401, 403: the key id is named; no credentials
//	KindInvalid      any other 400 of a query; a wrong Config
//	KindUnsupported  no metadata search; a query that nothing bounds; 405, 501
//	KindChanged      another ETag or size than Ref has, a 412, or the object gone
//	KindTooLarge     more than MaxPages pages
//	KindTimeout      nothing from the store for Timeout, or the context's deadline
//	KindCanceled     the context
//	KindIO           everything else: network, TLS, 5xx after all attempts, unreadable answers
//
// Schema maps "Metadata search not enabled" in any spelling, and what servers
// without metadata search answer (NotImplemented, MethodNotAllowed,
// InvalidArgument, InvalidRequest, or a plain listing), to Enabled: false.
//
// The clock is not corrected silently, as the SDK would: it also decides what
// "newer than 7 days" means. RequestTimeTooSkewed tells how far it is off.
package ecs
