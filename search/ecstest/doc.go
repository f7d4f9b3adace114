// Package ecstest is a Dell EMC ECS (S3 with metadata search) for tests, demos
// and work offline, in the shape of net/http/httptest.
//
//	srv := ecstest.NewUnstartedServer()
//	srv.PageSize = 2                 // knobs
//	srv.Start()
//	defer srv.Close()
//	srv.CreateBucket("logs", "Size", "x-amz-meta-color;string")
//	srv.PutObject("logs", "a", data, ecstest.PutOptions{Metadata: map[string]string{"color": "red"}})
//	// ... any S3 client on srv.URL, with DefaultAccessKeyID and DefaultSecretAccessKey
//	srv.Count("Query")
//
// It shares no code with the client of this module but the verification of
// signatures: its own parser, comparisons and XML, so that a client's mistake
// does not become the server's.
//
// # Operations
//
//	ListBuckets           GET /
//	SystemSearchKeys      GET /?searchmetadata
//	DataNodes             GET /?endpoint
//	Ping                  GET /?ping          item=load-factor
//	CreateBucket          PUT /bucket         x-emc-metadata-search: KEY[;DATATYPE],...
//	HeadBucket            HEAD /bucket
//	DeleteBucket          DELETE /bucket
//	GetBucketLocation     GET /bucket?location
//	GetBucketVersioning   GET /bucket?versioning
//	PutBucketVersioning   PUT /bucket?versioning
//	ListObjects           GET /bucket         prefix delimiter marker max-keys encoding-type
//	ListObjectsV2         GET /bucket?list-type=2   likewise, with continuation-token start-after fetch-owner
//	ListObjectVersions    GET /bucket?versions  prefix delimiter key-marker version-id-marker max-keys encoding-type
//	ListMultipartUploads  GET /bucket?uploads   prefix delimiter key-marker upload-id-marker max-uploads encoding-type
//	GetBucketAcl          GET /bucket?acl
//	DeleteObjects         POST /bucket?delete   Content-MD5 or x-amz-checksum-*
//	SearchKeys            GET /bucket?searchmetadata
//	DeleteSearchKeys      DELETE /bucket?searchmetadata
//	Query                 GET /bucket?query=EXPR    attributes sorted max-keys marker prefix delimiter
//	                      encoding-type include-older-versions (or include-older-version, include_older_version)
//	PutObject             PUT /bucket/key     conditional headers, content headers, x-amz-meta-*
//	CopyObject            PUT /bucket/key     x-amz-copy-source, x-amz-metadata-directive
//	GetObject, HeadObject GET, HEAD /bucket/key     one range, conditional headers, response-*, versionId, partNumber
//	GetObjectAcl          GET /bucket/key?acl       versionId
//	DeleteObject          DELETE /bucket/key        versionId
//	CreateMultipartUpload POST /bucket/key?uploads  what PutObject takes, x-amz-checksum-algorithm, -type
//	UploadPart            PUT /bucket/key?partNumber=N&uploadId=ID
//	UploadPartCopy        PUT /bucket/key?partNumber=N&uploadId=ID   x-amz-copy-source, x-amz-copy-source-range
//	CompleteMultipartUpload POST /bucket/key?uploadId=ID   conditional headers, x-amz-mp-object-size
//	AbortMultipartUpload  DELETE /bucket/key?uploadId=ID
//	ListParts             GET /bucket/key?uploadId=ID      max-parts part-number-marker
//
// The names are those of [Request] and [Server.Count]; a request that is none
// of these is "Unknown". "/bucket" and "/bucket/" are the same. A query
// parameter that an operation does not know is 400 InvalidArgument and named;
// other subresources of S3 are 501 NotImplemented. Parameters are decoded once,
// parts end at "&" alone, and "+" is a plus sign.
//
// # Versions
//
// A bucket that never had versioning keeps one version of a key, which S3's
// calls name "null" and a query names "0"; both names are taken. With versioning
// every write is a version with an opaque id, and a delete without versionId
// makes a delete marker; suspended, both replace the null version. Deleting a
// version that is not there is no error. ListObjectVersions tells the place of
// its next page by an id even where S3 says "null": paging is exact whatever is
// written meanwhile.
//
// # Uploads
//
// The parts of a multipart upload have at least [Server.MinPartSize] bytes, but
// for the last; the object's ETag is the MD5 of the parts' MD5s and "-" and
// their number, and so is that of its copies. Deleting a bucket ends its uploads.
//
// x-amz-checksum-* of CRC32, CRC32C, CRC64NVME, SHA1 and SHA256 are verified, in
// a header or in the trailer of an aws-chunked body, kept, and told where
// x-amz-checksum-mode is ENABLED; those of an upload are made for each part and
// put together, COMPOSITE or FULL_OBJECT. Content-MD5 is verified. Access control
// lists say that the owner may do everything; they cannot be set.
//
// # Signatures
//
// Every request but Ping must be signed with Signature Version 4 or 2, in the
// header or in the query string (presigned). Any region and service are taken,
// and clocks may be off by 15 minutes: RequestTimeTooSkewed. A wrong signature is
// 403 SignatureDoesNotMatch and says what should have been signed: StringToSign,
// and CanonicalRequest for version 4.
//
// Version 4 may come with or without x-amz-content-sha256, and in the encoding
// of Java's URLEncoder, as ECS's Java client signs; bodies in aws-chunked form
// are decoded and checked.
//
// Version 2 covers the headers x-amz-* and x-emc-*, the path as it was sent, and
// S3's and ECS's subresources with their values decoded: query and searchmetadata
// among them (but see [Server.SignQuery]), attributes not beside query (but see
// [Server.SignAttributes]), no other parameter of a search. Below
// NAMESPACE.VirtualHost the resource may begin with the namespace or not; "/b"
// may be signed as "/b/", which botocore does, and "searchmetadata=" without its
// equals sign.
//
// Parameters of a presigned URL whose names begin with x-amz- count as headers.
//
// # Search
//
// The expression is
//
//	query     = ws expr ws
//	expr      = term *( 1*SP ("and" / "or") 1*SP term )   ; "and" binds tighter; any case
//	term      = condition / "(" ws expr ws ")"            ; at most 100 deep
//	condition = key ws ("==" / ">=" / "<=" / ">" / "<") ws argument
//	argument  = 'text' / "text" / bare                    ; no escape inside quotes
//
// A bucket's indexes are chosen when it is made: up to 30 keys, system keys
// (Size, LastModified, CreateTime, ObjectName, Owner) or user keys, whose names
// ignore case. Strings compare by UTF-16 code units and are quoted; integers
// have 64 bits; decimals ([+-]digits[.digits]) are exact; datetimes are
// yyyy-MM-ddTHH:mm:ssZ. System times have milliseconds: LastModified == to the
// second matches only an object of that very millisecond. An object that lacks
// a key, or whose text is none of the key's datatype, is not in that index: no
// condition on the key holds for it, and its rows do not show it.
//
// Rows have every indexed key of the object and what attributes asks for, a
// list of names or ALL, ALL_SMD, ALL_UMD; system keys under their aliases
// (size, mtime, ctype, etag ...), times in epoch milliseconds, user keys in
// lower case. NextMarker comes before the rows. Rows are current objects; with
// older versions asked for, all versions but delete markers, each a row. Writes
// are in the index at once, or IndexDelay later: what 100,000 later changes of
// the bucket wait behind is in it earlier.
//
// This is ECS 3.8 and ObjectScale 4. With [Server.Generation] the server is an
// older ECS; [Traits] is all that a generation changes. More fields of Server
// select what servers of one generation are known to do differently.
//
// The order is ascending by sorted, which must be in the expression, or by the
// expression's first key. With "or", prefix or delimiter ECS promises no order
// and there is none: Seed decides, as it does among equals, in lists of keys and
// in the metadata of a row. For one Seed the order is stable, and paging neither
// skips nor repeats a row that stays, whatever is written between two pages.
// Markers contain "+", "/" and "=" and belong to one query; any other is 400.
//
// # Where ECS is not documented
//
// This server decides: errors of a query are 400 InvalidArgument with a message
// that says what; creating a bucket again is 409; max-keys of a query above
// PageSize is PageSize, and 0 means the default; a quoted number or datetime is
// taken for what it says; "=", "!=" and "<>" are no operators; optional
// attributes without a value are returned empty; an Etag in a row has no
// quotes; a listing's marker below a common prefix stands for that prefix, as
// S3's does. Of what old releases do not know, "and" with "or" (2.2) is 400, and
// the parameters prefix, delimiter and encoding-type are ignored. Where prefix
// with encoding-type fails, that is 400. ReplicationStatus is "COMPLETED".
//
// # Faults
//
// A [Rule] says which requests go wrong, and how. A client's retries are tested
// by letting a request fail a number of times and counting what the client sent:
//
//	srv.SetRules(
//		// The second page of every search is refused twice.
//		ecstest.Rule{Operations: []string{"Query"}, Page: 2, Times: 2, Status: 503, Code: "SlowDown"},
//		// One object in ten is cut off after 100 bytes, the same requests in every run.
//		ecstest.Rule{Operations: []string{"GetObject"}, Probability: 0.1, Cut: ecstest.CutReset, CutAfter: new(int64(100))},
//		// A write is made, and its answer lost.
//		ecstest.Rule{Operations: []string{"PutObject"}, Times: 1, Execute: true, Cut: ecstest.CutClose},
//	)
//	// ... run the client, which must have every row, byte and object in the end
//	srv.Count("Query")      // what it cost: the pages, and 2
//	srv.Rules()             // how often each rule matched and hit
//	srv.Peak("GetObject")   // how many were in flight at once
//
// Rules change with [Server.SetRules], [Server.AddRule] and [Server.RemoveRule]
// while the server runs; a request keeps those that it began with. They meet
// every request, before its signature is looked at. What they do to an answer
// they do to that of an Intercept as well, in which a Cut ends by a panic with
// [net/http.ErrAbortHandler]; Answer is free of them. They are in this order:
// Latency and Delay; Barrier; Execute; a Cut before any byte, or else Status, or
// else the true answer; ETag, Paging and XML in a document; LengthOff, Chunked,
// Flip, and CutAfter and Drip as the body is sent.
//
// From outside the process the same is done over HTTP at a second loopback
// address, which is for this machine alone: see [Server.Control].
//
//	srv.ControlListener, _ = net.Listen("tcp", "127.0.0.1:0")
//	srv.Start()             // srv.ControlURL is that address
//
//	curl -X PUT $CONTROL/rules -d '[{"operations":["Query"],"page":2,"times":2,"status":503}]'
//	curl -X DELETE $CONTROL/counts
//	... run the client
//	curl $CONTROL/rules $CONTROL/counts
//
// Latency, Bandwidth and the waits of rules end when the client goes or the
// server is closed. They are in real time, not that of Now. In testing/synctest,
// with a Listener that is no socket, they take none.
//
// # Storage
//
// All is in memory, or in the directory [Server.Data]: names, metadata and
// small contents in a bbolt database, larger contents in files of their own. A
// change is answered when it is synced to the disk, and a crash leaves all of
// it or nothing. Uploads under way survive as well, and version ids are not
// given twice. A change that cannot be stored is 500 InternalError with the
// reason, and leaves everything as it was; deletions on a full disk have room all
// the same, in a file of 1 MiB that is kept for them. Names and metadata are in
// memory as well; starting takes some seconds for a million objects, and searches
// see everything then, whatever IndexDelay.
//
// [Server.PutObjects] loads many at a time. Objects of [Server.PutGenerated] have bytes that are computed where they are
// read, [Generated]: one of terabytes takes neither memory nor disk, and a client
// that read a wrong byte is found out without a copy to compare with.
//
// # Concurrency and bounds
//
// All methods may be called at any time from any goroutine. One lock covers the
// data and is never held while the network or a disk is written to; changes are
// made one after the other. An object has at most MaxObjectSize.
// [Server.Requests] keeps the last RecordLimit requests.
//
// A page is answered from ordered indexes. Its cost is that of the smallest
// range that the expression has on any one key, or of a walk in the query's
// order until the page is full, whichever is less, and at most about twice that;
// the walk goes past what is below a common prefix. Of a million objects with
// five keys, a page of 1,000 rows of a range of 1,000 takes 2 to 4 ms, one of
// 1,000 common prefixes of 1,000 objects each about 5 ms, and a write 0.03 ms on
// an idle machine of two cores; an object takes 510 bytes beside its own.
// go test -bench . measures it.
package ecstest
