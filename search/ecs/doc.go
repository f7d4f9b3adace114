// Package ecs is a client of Dell ECS and ObjectScale: of S3 as they serve it,
// and of their metadata search, for which the AWS SDK has no calls. On any other
// S3 server buckets are listed, read and written, and searched by listing them.
//
//	client, err := ecs.New(ctx, ecs.Config{Endpoint: "https://ecs.example.com:9021"})
//	for object, err := range client.Bucket("photos").Search(ctx, "size > 1M and color == 'red'") {
//		...
//	}
//
// There are three ways in:
//
//   - [Client] is the service: a method for each call, close to the wire.
//   - [Bucket], [Object] and [File] are resources: searches as loops, objects as
//     values, open objects as io.ReaderAt and io.ReadSeeker.
//   - [Store] is what a mount is given, a search.Store. It cannot write.
//
// All of them are safe for concurrent use and share the client's connections,
// bounds and counters ([Client.Stats]).
//
// # Calls
//
//	SystemKeys     GET /?searchmetadata             keys and attributes of the server
//	SearchKeys     GET /BUCKET?searchmetadata       keys that a bucket indexes
//	Query          GET /BUCKET?query=EXPRESSION     one page of a search
//	CreateBucket   PUT /BUCKET                      x-emc-metadata-search: KEY[;DATATYPE],...
//	DisableSearch  DELETE /BUCKET?searchmetadata    after SearchKeys
//	DataNodes      GET /?endpoint                   nodes and version
//	Ping           GET /?ping                       health of a node; unsigned
//	PingLoad       GET /?ping&item=load-factor      load of a node; unsigned
//	PutObject      PUT /BUCKET/KEY                  or an upload in parts
//	Presign        -                                a URL for an object, for a time
//	PresignQuery   -                                a URL for a page of a search
//
// and of a Store, which resources use too:
//
//	Buckets        GET /                            further pages by continuation-token
//	Schema         as SearchKeys, kept for ten minutes
//	List           GET /BUCKET                      ListObjects, version 1, encoding-type=url
//	               GET /BUCKET?versions             all versions; GET /BUCKET?versioning where these do not tell
//	Query          as Query, page after page, with HEAD for what rows lack; or as List, see Engines
//	Stat           HEAD /BUCKET/KEY
//	ReadRange      GET /BUCKET/KEY                  Range, and If-Match when the ETag is known;
//	               ReadRangeProgress tells of the bytes as they arrive
//
// Each request is signed with Signature Version 4, the namespace (x-emc-namespace)
// included, and carries no checksum beside the SHA-256 of its body: ECS knows no
// trailing ones. Every byte of a query string that RFC 3986 reserves is
// percent-encoded, a blank as %20 and never "+", in the canonical order of the
// signature, so that what is sent is what was signed. Keys are sent byte for
// byte: no cleaning of "//", "." or "..". A bucket is named without a slash behind it.
//
// A redirect is not followed but reported: the key id is shown to no host but
// the endpoint.
//
// The SDK of AWS is used where it helps, but has none of ECS's own calls. Two ways around that
// are here, each with an example. Searches and lists of search keys ride on
// ListObjects and ListBuckets: a step before signing replaces the query string,
// and the deserializer is replaced. DataNodes, Ping and DisableSearch are plain
// requests signed by package sigv4, over the same transport, with the same
// counting, deadlines, repetition and errors. So are Stat and ReadRange, the hot
// ones: a ranged GET of 4 KiB over loopback takes 31 µs and 74 allocations, of which net/http takes 23 µs
// and 63; with the SDK's GetObject it was 106 µs and 478 (BenchmarkGet).
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
// no error, log line or String. A signed URL is a secret too.
//
// # Search keys
//
// A bucket indexes up to 30 keys, chosen when it is created and never after:
// system keys, such as Size, and user metadata, x-amz-meta-NAME, of the
// datatypes string, integer, decimal and datetime. What an object has of them is
// indexed when it is written. [Client.SearchKeys] lists them, and
// [Client.SystemKeys] what the server offers.
//
// # Searches
//
// Client.Query sends an expression as it is and returns a page as it came. All
// else makes the expression from a predicate: a text ("size > 100 and color ==
// 'red'", search.Text), or a value of Go (search.And(search.Gt("Size", 100),
// search.Eq("color", "red"))), where nothing has to be quoted. search.NewPlan
// says what of it the server can compare, and what is checked here, row by row.
//
// Objects come once, however often the server names them; versions of one
// object, where they are asked for (include-older-versions=true), are told apart by their id, "null" being one of
// them. A row without a
// size, a time, an ETag or a key that the search needs is completed by one HEAD, eight at a
// time, from which size, time, ETag and user metadata are then all taken; it is
// left out when the object is gone, or does not satisfy the search any more. Once
// a HEAD has brought no ETag, ETags are not asked for again in that search.
//
// The request of the next page leaves as soon as the marker was read, while the
// rows of this page are still arriving or being consumed: one page ahead,
// cancelled when the caller breaks off. So it is with plain listings that say before their rows what
// follows, as S3's do of folders and, from the second page on, of versions; otherwise the request leaves when the
// page is read, and while it is consumed. Where a limit may end the search before, none leaves
// ahead, and max-keys is no more than the limit needs; where rows are dropped here, each page is eight times the
// one before. The server is asked to sort (sorted=KEY) where its order is defined: ascending, by a
// key of an expression without "or", and without prefix (a range of ObjectName takes its place
// where that is indexed). Equal values, and all other orders, are put in order here. A server
// whose first page is not in the order asked for is sorted here too; one that goes wrong later is an error.
//
// A wide search is split: its markers lead from page to page, so that a store far away is waited for once a page. Where no
// answer began within 50 ms, 16 pages came and more follow, and the first condition is on an integer or a time
// (no "or", order, limit, versions or prefix), the rest of its values is cut in two ranges, the second of which is asked for
// by a search of its own, with sorted=KEY; and so on for every 16 pages that came, up to four searches at once. The
// first search goes on up to the second's range, so a cut costs at most two requests more. Ranges are disjoint and together all
// values; where rows are not in their order, or a range is refused, the search goes on in one piece. It is as much one search at
// one time as its pages are: an object whose value changes meanwhile may be found at either, or at neither.
//
// # Engines
//
// Config.Engine says how the searches of a Store and of Bucket.Search are answered, and Schema.Engine
// what follows for a bucket: by its metadata search, or by a scan (search.Scan), which lists every object below the
// prefix and checks it here. A scan knows what a listing carries: name, size, time, ETag and storage class; with
// Config.ScanMetadata also content type and user metadata, by one HEAD for each object that the
// listing does not decide. EngineAuto scans only buckets without metadata search: a search that no indexed key bounds
// stays an error. Listings without a condition are never searched where a listing has what they need, its order's key included.
//
// # What servers disagree on
//
// Answers differ between generations of ECS (docs/compatibility.md has the
// table, with the test of each row). All of these are taken: elements of any
// namespace in any order, unknown ones skipped; none to many blocks of
// attributes; system keys by alias ("mtime") or by name; user keys and datatypes
// in any case; keys in any order; times as epoch milliseconds or RFC 3339; the
// version "0" or "null" for none; MaxKeys 0. The last page has no NextMarker, a
// blank one, "NO MORE PAGES" (before ECS 3.4) or "null" (a build of 2019). A
// marker that is that of the same page, and a page that is truncated without a
// marker, are errors.
//
// What a server cannot do is made up for, and the answer is the same:
//
//   - Names are checked against the prefix here. Servers before ECS 3.6 ignore it.
//   - ECS 3.6 leaves metadata out of the rows of a prefix (STORAGE-30513). What a
//     HEAD tells is asked for; otherwise the search does without prefix, at the
//     cost of more rows. Where rows would not show that they lack something, the server's
//     version is asked for first, once (DataNodes): before 3.7, or unknown, no
//     prefix is sent.
//   - ECS before 3.7.1 fails with a prefix and encoding-type (STORAGE-30527):
//     the search goes on without prefix.
//   - ECS 2.2 is said to take no expression with both "and" and "or". Any that
//     is refused as invalid is tried once more as one that has but one of them.
//   - Before ECS 3.3 keys are case-sensitive in expressions (STORAGE-18866): they
//     are sent as the server lists them.
//   - A server that has no versions (NotImplemented, MethodNotAllowed, a plain listing in
//     answer to ?versions) has its objects listed as they are.
//   - What a server answers where there is no metadata search is Enabled: false:
//     "Metadata search not enabled" in any spelling, MetadataSearchEnabled
//     false, NotImplemented, MethodNotAllowed, InvalidArgument, InvalidRequest, or
//     a plain listing.
//
// Two things nobody documents are left to you: which name the parameter of older
// versions has (Config.OlderVersionsParameter), and whether DisableSearch has an effect.
//
// # Keys that XML cannot carry
//
// XML 1.0 has no U+0001 and no bytes that are not UTF-8, and keys may have
// both. Plain listings are asked for percent-encoded (encoding-type=url) and decoded
// when the answer says that they are; what "+" stands for is found out, since
// servers differ. For searches, encoding-type came with ECS 3.2.2, and an answer
// does not say whether it is encoded: so with EncodeAuto it is sent only after a
// page was no XML because of such a character, or had a U+FFFD in a name, which
// servers write in its place. That page is asked for again; if the server then
// does not encode, U+FFFD is taken for what it says, and a page that is no XML is
// an error: a key is never lost silently.
//
// User metadata of a HEAD is taken as the header has it: no RFC 2047 decoding.
//
// # Bounds
//
// A document has at most 64 MiB, a text or tag 1 MiB, 16 levels, 100,000 rows
// or buckets, and 4,096 attributes of an object or data nodes; a document type
// is an error. A listing or search has at most Config.MaxPages pages. The body of an
// error, and of an answer that is short by its nature, is read up to 1 MiB; of a text in an
// error 1 KiB is kept. The schemas of at most 1,024 buckets are kept, for ten
// minutes, for searches only: SearchKeys and Schema always ask, and so does
// Bucket.Search before it refuses a condition. A File holds at most 8 MiB,
// PutObject at most 512 MiB, or two parts.
//
// At most Config.MaxRequests operations are under way; others wait, those that read ahead (search.WithReadAhead)
// behind all others: they never take the last quarter, nor more than a share that is lowered when the store
// has too much to do (503, 429), and when more at once only makes its answers come later. Each, with
// its retries, ends when no byte was received or sent for Config.Timeout, be it while
// connecting, waiting, reading or writing; slow is not dead as long as bytes
// move. A waiting operation ends when none of those before it makes progress.
//
// An attempt that failed on the network, with status 429, 500, 502, 503 or 504, with
// InternalError or SlowDown under any status, or whose answer broke off, is
// repeated, four attempts in all, with pauses of RetryDelay doubled each time; a
// ping is not. A body of ReadRange that breaks off is resumed at its byte, pinned
// to its ETag, as is one that is whole but less than was asked for; four of these in
// a row without 64 KiB between them are an error, and of a store without ETags four at all.
//
// # Errors
//
// Every error is a *search.Error, but io.EOF, fs.ErrClosed of a closed File, and
// those of ETagOf. search.KindOf tells its kind; errors.Is knows fs.ErrNotExist,
// fs.ErrPermission and fs.ErrInvalid.
//
//	KindNotExist     NoSuchBucket, NoSuchKey; a HEAD's 404; names that no bucket can have
//	KindPermission   AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed,
//	                 ExpiredToken and the like, 401, 403: the key id is named; no credentials
//	KindInvalid      a wrong Config or argument; any other 400 of a query or of CreateBucket;
//	                 a bucket to create that exists
//	KindUnsupported  no metadata search, with EngineECS; a query that nothing bounds, or on a key that
//	                 a scan cannot tell; 405, 501; no data nodes
//	KindChanged      another ETag or size than Ref has, a 412, or the object gone
//	KindTooLarge     more than MaxPages pages; more bytes than an object can have
//	KindTimeout      nothing from the store for Timeout, or the context's deadline
//	KindCanceled     the context
//	KindIO           everything else: network, TLS, 5xx after all attempts, unreadable answers
//
// The clock is not corrected silently, as the SDK would: it also decides what
// "newer than 7 days" means. RequestTimeTooSkewed tells how far it is off.
//
// # Sources
//
// What is known of ECS's own calls is public: the Dell "ECS Data Access Guide" and
// "ECS REST API" reference (2.2 to 3.8), and the clients that Dell publishes
// under github.com/EMCECS, whose tests tell releases apart: ecs-object-client-java,
// -go, -dotnet-new and -windows-cpp, objectscale-s3-client-python,
// spark-ecs-connector, smart-client-java, s3curl. docs/compatibility.md says of
// each fact which of them it is from, or that it is inferred.
package ecs
